/**
 * Reads the log `resource-consumption` for an audit, part after part: what each holds that is a pulse, an
 * act, or neither. Nothing that a worker has left has a say in it.
 */
import { type Block, decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import { decodePulseAct, type PulseActRecord } from '../../domain/metering/pulse-act.ts';
import {
  decodePulses,
  type PulseBlockAt,
  type PulseColumns,
} from '../../domain/metering/pulse-columns.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { blockMark } from './log-consumer.ts';

/** Bytes in the log that are no pulse and no act: a ledger keeps them as a dead letter. */
export interface UnreadableBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface LoggedAct extends PulseActRecord {
  readonly offset: number;
}

/** Some blocks one behind the other. */
export interface PulseLogPart {
  /** The next part's first offset. */
  readonly nextOffset: number;
  /** As a checkpoint remembers the last block of the part. */
  readonly lastBlockCrc: number;
  readonly pulses: PulseColumns;
  /** In log order. */
  readonly acts: readonly LoggedAct[];
  readonly unreadable: readonly UnreadableBytes[];
}

const READ_BYTES = 2 << 20;

/**
 * The blocks of `[from, to)` of a partition.
 *
 * @throws ApuraError `log_rewound`: the log ends before `to`. Otherwise as EventLog.read.
 */
export async function* readPulseLog(
  log: Pick<EventLog, 'read'>,
  partition: number,
  from: number,
  to: number,
): AsyncGenerator<PulseLogPart, void, void> {
  let at = from;
  while (at < to) {
    const blocks = await log.read(partition, at, READ_BYTES);
    const wanted = blocks.filter(({ offset }) => offset < to);
    const last = wanted.at(-1);
    if (last === undefined) {
      const message = `Partition ${partition} ends at ${at}, but the pulse ledger stands at ${to}.`;
      throw new ApuraError('log_rewound', message);
    }
    const pulses: PulseBlockAt[] = [];
    const acts: LoggedAct[] = [];
    const unreadable: UnreadableBytes[] = [];
    for (const { offset, bytes } of wanted) {
      try {
        const block = blockOf(bytes, partition);
        if (block.kind === 'pulses') pulses.push({ offset, block });
        if (block.kind === 'control') acts.push({ ...decodePulseAct(block.payload), offset });
      } catch (error) {
        if (!(error instanceof ApuraError)) throw error;
        unreadable.push({ offset, bytes });
      }
    }
    const { columns, failures } = decodePulses(pulses);
    at = last.offset + 1;
    yield {
      nextOffset: at,
      lastBlockCrc: blockMark(last.bytes),
      pulses: columns,
      acts,
      unreadable: [...unreadable, ...failures],
    };
  }
}

/** @throws ApuraError: no block, sealed for another partition, or of another log. */
function blockOf(bytes: Uint8Array, partition: number): Block {
  const block = decodeBlock(bytes);
  const isOurs = block.partition === partition && block.kind !== 'events' && block.kind !== 'usage';
  if (isOurs) return block;
  throw new ApuraError(
    'block_invalid',
    `A block of ${block.kind} of partition ${block.partition}.`,
  );
}
