/** What keeps the archive up with one log: of pulses, or of votes. */
import type { ArchiveDecoder } from '../../application/archive/archive-decoder.ts';
import { ArchiveFollower } from '../../application/archive/archive-follower.ts';
import { ArchiveWorker } from '../../application/archive/archive-worker.ts';
import type { Archive } from '../../ports/archive.ts';
import type { LogDescription } from '../../ports/event-log.ts';
import type { ConsumerSources } from '../../telemetry/metering-metrics.ts';
import type { LogPlace } from '../engines.ts';
import { runUntilStopped } from '../event-loop.ts';
import { sleep } from '../sleep.ts';
import { openPatiently, type RoleContext } from './process.ts';
import { watchConsumer } from './watch-consumer.ts';

export interface ArchivedLog {
  readonly place: LogPlace;
  /** As metrics call it. */
  readonly name: string;
  /** What of it is archived. */
  readonly decode: ArchiveDecoder;
  /** About how much of the log one step takes. */
  readonly stepBytesMax: number;
}

export interface ArchivePart extends AsyncDisposable {
  readonly description: LogDescription;
  readonly consumer: ConsumerSources;
  /** Null while all is well. */
  readonly trouble: string | null;
  /** Brings up to date where `consumer` says that the log ends. @throws ApuraError as the log. */
  lookAtEnds(): Promise<void>;
}

const PAUSE_MS = 1_000;

/** @param fail told where it has ended by itself. */
export async function startArchivePart(
  context: RoleContext,
  role: string,
  archive: Archive,
  { place, name, decode, stepBytesMax }: ArchivedLog,
  fail: (error: Error) => void,
): Promise<ArchivePart> {
  const { engines, logger } = context;
  const { logId } = place.settings;
  await using cleanup = new AsyncDisposableStack();
  const log = cleanup.use(await openPatiently(context, 'log', () => engines.log(place)));
  const ownership = cleanup.use(
    await openPatiently(context, 'group', () => engines.ownership(place, role)),
  );
  const positions = new Map<number, number>();
  const ends = new Map<number, number>();
  const worker = new ArchiveWorker({
    log,
    ownership,
    follower: (partition) => new ArchiveFollower({ log, archive, partition, decode, stepBytesMax }),
    stepBytesMax,
    pauseMs: PAUSE_MS,
    sleep,
    onPosition: (partition, nextOffset) => {
      positions.set(partition, nextOffset);
    },
    onTrouble: (partition, err) => logger.warn({ err, logId, partition }, 'trouble, going on'),
    onHalted: (partition, err) => logger.fatal({ err, logId, partition }, 'a partition has halted'),
  });
  const progress = {
    get behind() {
      return [...ownership.owned].map((partition) => ({
        partition,
        end: ends.get(partition) ?? 0,
        next: positions.get(partition) ?? null,
      }));
    },
    get halted() {
      return worker.halted;
    },
  };
  const watch = cleanup.use(watchConsumer(context, log, ownership, progress));
  cleanup.defer(runUntilStopped((signal) => worker.run(signal), fail));
  const resources = cleanup.move();
  return {
    description: log.description,
    consumer: {
      log: name,
      behind: () => progress.behind,
      halted: () => worker.halted.size,
    },
    get trouble() {
      return watch.trouble;
    },
    async lookAtEnds() {
      for (const partition of ownership.owned) {
        ends.set(partition, (await log.bounds(partition)).end);
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
