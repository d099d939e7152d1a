/** Usage through the broker: records go into the log `resource-usage`, from which rating takes them. */
import type { BlockWriter } from '../../domain/counting/block.ts';
import { encodeUsageBlock } from '../../domain/counting/block.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { encodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';

export interface LogUsageTransportDeps {
  /** The log `resource-usage`. */
  readonly log: Pick<EventLog, 'append' | 'description'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Random, new with every start: names this writer in its blocks. */
  readonly writerId: bigint;
}

/**
 * All records of one partition of pulses go into one partition of usage: not that their order mattered,
 * but a window that changes often then is not spread over all of them.
 */
export function logUsageTransport({
  log,
  clock,
  writerId,
}: LogUsageTransportDeps): Pick<UsageTransport, 'send'> {
  const { partitions } = log.description;
  let sequence = 0;
  const source = (): BlockWriter => {
    sequence += 1;
    return { writerId, sequence };
  };
  return {
    async send(records) {
      const byPartition = Map.groupBy(
        records,
        (record: UsageRecord) => record.partition % partitions,
      );
      await log.append(
        [...byPartition].map(([partition, group]) => ({
          partition,
          bytes: encodeUsageBlock(
            partition,
            clock.now(),
            source(),
            group.length,
            encodeUsageRecords(group),
          ),
        })),
        { offsets: 'unneeded' },
      );
    },
  };
}
