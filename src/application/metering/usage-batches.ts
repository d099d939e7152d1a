/** Reads one partition of the log `resource-usage` in batches: usage records, and what could not be read. */
import { decodeBlock } from '../../domain/counting/block.ts';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { DeadLetterReport } from '../../domain/metering/dead-letter.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { decodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import type { UsageStep } from '../../ports/rating-book.ts';
import { type FailureReporter, failureReport } from './failure-report.ts';
import { blockMark } from './log-consumer.ts';

export interface UsageBatchSource extends FailureReporter {
  readonly log: Pick<EventLog, 'read'>;
  /** About how much of the log one batch takes, bytes. */
  readonly stepBytesMax: number;
}

export interface UsageBatch {
  readonly step: Omit<UsageStep, 'epoch'>;
}

const QUEUE = 'resource-usage.dlq';

/** The blocks of `[from.nextOffset, end)`, batch after batch. Throws as EventLog.read. */
export async function* readUsageBatches(
  source: UsageBatchSource,
  from: Checkpoint,
  end: number,
): AsyncGenerator<UsageBatch, void, void> {
  let checkpoint = from;
  while (checkpoint.nextOffset < end) {
    const { log, partition, stepBytesMax } = source;
    const blocks = await log.read(partition, checkpoint.nextOffset, stepBytesMax);
    if (blocks.length === 0) return;
    const step = stepOf(source, checkpoint, blocks);
    checkpoint = step.checkpoint;
    yield { step };
  }
}

function stepOf(
  source: UsageBatchSource,
  from: Checkpoint,
  blocks: readonly LoggedBlock[],
): UsageBatch['step'] {
  const records: UsageRecord[] = [];
  const deadLetters: DeadLetterReport[] = [];
  let { nextOffset, logTime, lastBlockCrc } = from;
  for (const logged of blocks) {
    nextOffset = logged.offset + 1;
    lastBlockCrc = blockMark(logged.bytes);
    try {
      const block = decodeBlock(logged.bytes);
      logTime = Math.max(logTime, block.blockTime);
      if (block.kind === 'time-mark') continue;
      if (block.kind !== 'usage') {
        throw new ApuraError('block_invalid', `It holds ${block.kind}: this is a log of usage.`);
      }
      records.push(...decodeUsageRecords(block.payload));
    } catch (error) {
      if (!(error instanceof ApuraError)) throw error;
      const at = { ...logged, index: null, tenant: null };
      deadLetters.push(failureReport(source, QUEUE, at, error));
    }
  }
  return {
    partition: source.partition,
    from: from.nextOffset,
    checkpoint: { nextOffset, logTime, windowStartOffset: nextOffset, lastBlockCrc },
    records,
    deadLetters,
  };
}
