/** The tally thread: counts what the log holds and tells the main thread the newest counts. */
import { openSqliteLiveTally } from '../adapters/sqlite/live-tally.ts';
import { TallyCollector } from '../application/counting/step-collectors.ts';
import { TallyView } from '../application/counting/tally-view.ts';
import { followLog, type StoreThreadSettings } from '../compose/store-thread.ts';
import { runThread, tell } from '../compose/thread-entry.ts';
import type { CountsPosition } from '../domain/voting/shown-results.ts';
import type { TallyFrame } from '../ports/live-feed.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';

/** What the thread tells after every round that changed something, and once a second anyway. */
export interface TallyTold extends CountsPosition {
  readonly frames: readonly TallyFrame[];
  /** The longest time from acceptance to count since the last time it told, ms. */
  readonly lagMs: number;
  /** Events that came to the verdict `expired` since the last time it told: each is an alarm. */
  readonly expired: number;
}

const STEP_BYTES_MAX = 4 << 20;
/** A vote is seen after half of this on average; each round costs a transaction of a few rows. */
const ROUND_MS = 50;
const HEARTBEAT_MS = 1_000;

await runThread<StoreThreadSettings>(async (settings) => {
  const { partitions } = settings;
  const tally = openSqliteLiveTally({ path: settings.storePath, logId: settings.logId });
  const view = new TallyView();
  const positions = new SharedOffsets(settings.positions);
  const ends = new SharedOffsets(settings.ends);
  // What was published before the last stop lies below these ends: until they are reached, what is
  // counted here may be less than somebody has seen already.
  const startEnds = Array.from({ length: partitions }, (_, partition) => ends.get(partition + 1));
  for (let partition = 0; partition < partitions; partition += 1) {
    view.load(partition, await tally.read(partition));
  }
  let stale = true;
  let lagMs = 0;
  let expired = 0;
  let toldAt = 0;
  let toldVersion = -1;

  const round = (): void => {
    const asOf = Date.now();
    const isBehind = stale && startEnds.some((end, partition) => positions.get(partition) < end);
    const becameFresh = stale && !isBehind;
    stale = isBehind;
    if (view.version === toldVersion && !becameFresh && asOf - toldAt < HEARTBEAT_MS) return;
    const frames =
      toldVersion < 0 || becameFresh ? view.wholeFrames(asOf, stale) : view.takeFrames(asOf, stale);
    toldAt = asOf;
    toldVersion = view.version;
    tell({ frames, lagMs, expired, asOf, version: view.version, stale } satisfies TallyTold);
    lagMs = 0;
    expired = 0;
  };

  // Told before the doors open: reading the window again may take long, and a total that had been
  // seen must not be 0 meanwhile.
  round();
  return followLog({
    settings,
    store: tally,
    collector: () => new TallyCollector(),
    stepBytesMax: STEP_BYTES_MAX,
    roundMs: ROUND_MS,
    onApplied: ({ step }) => {
      const { acceptedFrom } = step;
      const lag = acceptedFrom === null ? 0 : Math.max(0, Date.now() - acceptedFrom);
      lagMs = Math.max(lagMs, lag);
      for (const books of step.books) expired += books.expired;
      view.apply(step, lag);
    },
    onRound: round,
  });
});
