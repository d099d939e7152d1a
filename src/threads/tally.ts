/** The tally thread: counts what the log holds and tells the main thread the newest counts. */
import { openSqliteLiveTally } from '../adapters/sqlite/live-tally.ts';
import { ShownTally } from '../application/counting/shown-tally.ts';
import { TallyCollector } from '../application/counting/step-collectors.ts';
import { followLog, type StoreThreadSettings } from '../compose/store-thread.ts';
import { runThread, tell, tellTrouble } from '../compose/thread-entry.ts';
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
  const positions = new SharedOffsets(settings.positions);
  const ends = new SharedOffsets(settings.ends);
  // What was published before the last stop lies below these ends: until they are reached, what is
  // counted here may be less than somebody has seen already.
  const startEnds = Array.from({ length: partitions }, (_, partition) => ends.get(partition + 1));
  const shown = new ShownTally(partitions);
  let isReading = false;
  let lagMs = 0;
  let expired = 0;
  let toldAt = 0;
  let told: CountsPosition | null = null;

  /** Reads the partitions of which a step was missed: one that was applied though its commit threw. */
  const readAdrift = async (): Promise<void> => {
    if (isReading || shown.adrift.length === 0) return;
    isReading = true;
    try {
      for (const partition of shown.adrift) shown.load(partition, await tally.read(partition));
    } finally {
      isReading = false;
    }
    round();
  };

  const round = (): void => {
    for (let partition = 0; partition < partitions; partition += 1) {
      const at = shown.nextOffset(partition);
      if (at !== null && at < positions.get(partition)) shown.markAdrift(partition);
    }
    readAdrift().catch(tellTrouble);
    const isBehind = startEnds.some((end, partition) => positions.get(partition) < end);
    const { frames, position } = shown.take(Date.now(), isBehind);
    const isMoved = position.version !== told?.version || position.stale !== told.stale;
    if (!isMoved && frames.length === 0 && Date.now() - toldAt < HEARTBEAT_MS) return;
    told = position;
    toldAt = Date.now();
    tell({ frames, lagMs, expired, ...position } satisfies TallyTold);
    lagMs = 0;
    expired = 0;
  };

  // Told before the doors open: reading the window again may take long, and a total that had been
  // seen must not be 0 meanwhile.
  await readAdrift();
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
      const { partition, from, checkpoint, counts } = step;
      shown.apply({ partition, from, nextOffset: checkpoint.nextOffset, counts }, lag);
    },
    onRound: round,
  });
});
