/**
 * Reads one partition of the log `resource-consumption` in batches: pulses decoded and added up, acts, and
 * what could not be read. A batch is all that a ledger needs for one step, and says nothing of the
 * broker that it came from.
 */
import { type Block, decodeBlock, type PulseBlock } from '../../domain/counting/block.ts';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { DeadLetterReport } from '../../domain/metering/dead-letter.ts';
import { decodePulseAct } from '../../domain/metering/pulse-act.ts';
import { decodePulses, type PulseBlockAt } from '../../domain/metering/pulse-columns.ts';
import { foldUsage } from '../../domain/metering/usage-fold.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import type { PulseAct, PulseStep } from '../../ports/pulse-ledger.ts';
import { type FailureReporter, failureReport } from './failure-report.ts';
import { blockMark } from './log-consumer.ts';

export interface PulseBatchSource extends FailureReporter {
  readonly log: Pick<EventLog, 'read'>;
  /** About how much of the log one batch takes, bytes: bounds a step's memory and its commit. */
  readonly stepBytesMax: number;
}

export interface PulseBatch {
  readonly step: Omit<PulseStep, 'epoch'>;
  /** How much of the log the batch covers, bytes. */
  readonly bytes: number;
}

const QUEUE = 'resource-consumption.dlq';

/** The blocks of `[from.nextOffset, end)`, batch after batch. Throws as EventLog.read. */
export async function* readPulseBatches(
  source: PulseBatchSource,
  from: Checkpoint,
  end: number,
): AsyncGenerator<PulseBatch, void, void> {
  let checkpoint = from;
  while (checkpoint.nextOffset < end) {
    const { log, partition, stepBytesMax } = source;
    const blocks = await log.read(partition, checkpoint.nextOffset, stepBytesMax);
    // The end was seen, so that the blocks are there; a leader that is new may not give them yet.
    if (blocks.length === 0) return;
    const batch = batchOf(source, checkpoint, blocks);
    checkpoint = batch.step.checkpoint;
    yield batch;
  }
}

function batchOf(
  source: PulseBatchSource,
  from: Checkpoint,
  blocks: readonly LoggedBlock[],
): PulseBatch {
  const { partition } = source;
  const pulses: PulseBlockAt[] = [];
  const acts: PulseAct[] = [];
  const deadLetters: DeadLetterReport[] = [];
  let { nextOffset, logTime } = from;
  let bytes = 0;
  for (const logged of blocks) {
    const { offset } = logged;
    bytes += logged.bytes.length;
    nextOffset = offset + 1;
    try {
      const block = sealedHere(logged, partition);
      logTime = Math.max(logTime, block.blockTime);
      if (block.kind === 'pulses') pulses.push({ offset, block });
      if (block.kind === 'control') acts.push({ ...decodePulseAct(block.payload), offset });
    } catch (error) {
      if (!(error instanceof ApuraError)) throw error;
      const at = { ...logged, index: null, tenant: null };
      deadLetters.push(failureReport(source, QUEUE, at, error));
    }
  }
  const last = blocks.at(-1);
  const lastBlockCrc = last === undefined ? from.lastBlockCrc : blockMark(last.bytes);
  const { columns, failures } = decodePulses(pulses);
  deadLetters.push(...failures.map((failure) => failureReport(source, QUEUE, failure, failure)));
  return {
    bytes,
    step: {
      partition,
      from: from.nextOffset,
      // The ledger remembers every key: no window has to be read again.
      checkpoint: { nextOffset, logTime, windowStartOffset: nextOffset, lastBlockCrc },
      pulses: columns,
      totals: foldUsage(columns),
      acts,
      deadLetters,
    },
  };
}

/** @throws ApuraError `block_invalid`: no block, sealed for another partition, or of no use here. */
function sealedHere(
  logged: LoggedBlock,
  partition: number,
): Exclude<Block, { kind: 'events' | 'usage' }> | PulseBlock {
  const block = decodeBlock(logged.bytes);
  if (block.partition !== partition) {
    throw new ApuraError('block_invalid', `It was sealed for partition ${block.partition}.`);
  }
  if (block.kind === 'events' || block.kind === 'usage') {
    throw new ApuraError('block_invalid', `It holds ${block.kind}: this is a log of pulses.`);
  }
  return block;
}
