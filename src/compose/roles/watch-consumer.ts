/** What keeps a consumer of one of metering's logs from being ready, and the words for it. */
import type { ConsumeJob } from '../../application/metering/consume-job.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { repeat } from '../event-loop.ts';
import type { RoleContext } from './process.ts';
import { ProgressWatch } from './progress-watch.ts';

export interface ConsumerWatch extends AsyncDisposable {
  /** Null while all is well. */
  readonly trouble: string | null;
}

const LOOK_MS = 1_000;

export function watchConsumer<Commit extends { readonly outcome: CommitOutcome }>(
  { clock, logger }: Pick<RoleContext, 'clock' | 'logger'>,
  log: EventLog,
  ownership: PartitionOwnership,
  job: Pick<ConsumeJob<Commit>, 'behind' | 'halted'>,
): ConsumerWatch {
  const { logId } = log.description;
  const watch = new ProgressWatch({
    log,
    clock,
    owned: () => ownership.owned,
    onStill: ({ partition, next, end, stillMs }) =>
      logger.warn(
        { logId, partition, next, end, seconds: Math.round(stillMs / 1_000) },
        'partition_stands_still',
      ),
  });
  const stopLooking = repeat(
    LOOK_MS,
    () =>
      watch.saw(
        job.behind.flatMap(({ partition, next }) =>
          next === null ? [] : [[partition, next] as const],
        ),
      ),
    (err) => logger.warn({ err }, 'progress can not be told'),
  );
  const stopWatching = watch.start((err) =>
    logger.warn({ err }, 'the log does not say where it ends'),
  );
  return {
    get trouble() {
      const troubles = [
        ...(ownership.trouble === null ? [] : [ownership.trouble]),
        ...[...job.halted].map(([partition, { message }]) => `Partition ${partition}: ${message}`),
        ...watch.still.map(({ partition }) => `Partition ${partition} does not move.`),
      ];
      return troubles.length === 0 ? null : troubles.join(' ');
    },
    async [Symbol.asyncDispose]() {
      await stopLooking();
      await stopWatching();
    },
  };
}
