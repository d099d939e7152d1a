/** A log as the use cases of metering see it. */
import type { EventLog } from '../../ports/event-log.ts';
import type { MeteringLog } from './use-cases.ts';

export function logParts(log: EventLog): MeteringLog {
  const { logId, partitions } = log.description;
  return {
    logId,
    partitions,
    end: async (partition) => (await log.bounds(partition)).end,
    append: (partition, bytes) => log.append([{ partition, bytes }]),
  };
}
