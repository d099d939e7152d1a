/**
 * Brings the archive up to the log `resource-consumption` in one partition. The archive's own position is
 * the only memory of how far it has got, and all that is put is idempotent: whoever follows, one or two,
 * from wherever, the same rows come out.
 */
import type { PulseBlock } from '../../domain/counting/block.ts';
import { decodePulses } from '../../domain/metering/pulse-columns.ts';
import type { Archive } from '../../ports/archive.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import { decodeLogged } from '../counting/logged-block.ts';

export interface ArchiveFollowerDeps {
  readonly log: Pick<EventLog, 'description' | 'read'>;
  readonly archive: Pick<Archive, 'position' | 'put' | 'setPosition'>;
  readonly partition: number;
  /** About how much of the log one step takes, bytes: bounds its memory. */
  readonly stepBytesMax: number;
}

export interface ArchiveStep {
  /** The step covers the blocks `[from, nextOffset)`. */
  readonly from: number;
  readonly nextOffset: number;
  readonly pulses: number;
  /** Blocks and pulses that can not be read; the ledger keeps them as dead letters. */
  readonly unreadable: number;
  /** How much of the log the step covers. */
  readonly bytes: number;
}

export class ArchiveFollower {
  readonly #deps: ArchiveFollowerDeps;
  #position: number | null = null;

  constructor(deps: ArchiveFollowerDeps) {
    this.#deps = deps;
  }

  get partition(): number {
    return this.#deps.partition;
  }

  /** The first offset that is not archived; null while that is not known. */
  get position(): number | null {
    return this.#position;
  }

  /**
   * Archives the next blocks; null where there are none. After any exception the next call asks the
   * archive anew where it stands, and does again what may not be whole.
   *
   * @throws ApuraError `log_trimmed`, `log_rewound`: the log no longer holds what is not archived, or ends
   *   before what is. Stop, and say so.
   */
  async advance(): Promise<ArchiveStep | null> {
    const { archive, log, partition, stepBytesMax } = this.#deps;
    const { logId } = log.description;
    const from = this.#position ?? (await archive.position(logId, partition));
    this.#position = null;
    const blocks = await log.read(partition, from, stepBytesMax);
    if (blocks.length === 0) {
      this.#position = from;
      return null;
    }
    const { pulses, damaged } = pulseBlocks(blocks, partition);
    const { columns, failures } = decodePulses(pulses);
    await archive.put(logId, partition, columns);
    const nextOffset = from + blocks.length;
    await archive.setPosition(logId, partition, nextOffset);
    this.#position = nextOffset;
    return {
      from,
      nextOffset,
      pulses: columns.count,
      unreadable: damaged + failures.length,
      bytes: blocks.reduce((sum, { bytes }) => sum + bytes.length, 0),
    };
  }
}

function pulseBlocks(
  blocks: readonly LoggedBlock[],
  partition: number,
): { pulses: { offset: number; block: PulseBlock }[]; damaged: number } {
  const pulses: { offset: number; block: PulseBlock }[] = [];
  let damaged = 0;
  for (const logged of blocks) {
    try {
      const block = decodeLogged(logged, partition);
      if (block.kind === 'pulses') pulses.push({ offset: logged.offset, block });
    } catch {
      damaged += 1;
    }
  }
  return { pulses, damaged };
}
