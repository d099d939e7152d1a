/**
 * Brings the archive up to a log in one partition. The archive's own position is
 * the only memory of how far it has got, and all that is put is idempotent: whoever follows, one or two,
 * from wherever, the same rows come out.
 */
import type { Archive } from '../../ports/archive.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import { decodeLogged } from '../counting/logged-block.ts';
import type { ArchiveDecoder, BlockAt } from './archive-decoder.ts';

export interface ArchiveFollowerDeps {
  readonly log: Pick<EventLog, 'description' | 'read'>;
  readonly archive: Pick<Archive, 'position' | 'put' | 'setPosition'>;
  readonly partition: number;
  /** What of the log is archived. */
  readonly decode: ArchiveDecoder;
  /** About how much of the log one step takes, bytes: bounds its memory. */
  readonly stepBytesMax: number;
}

export interface ArchiveStep {
  /** The step covers the blocks `[from, nextOffset)`. */
  readonly from: number;
  readonly nextOffset: number;
  readonly events: number;
  /** Blocks and events that can not be read, and are passed over. */
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
    const { archive, decode, log, partition, stepBytesMax } = this.#deps;
    const { logId } = log.description;
    const from = this.#position ?? (await archive.position(logId, partition));
    this.#position = null;
    const logged = await log.read(partition, from, stepBytesMax);
    if (logged.length === 0) {
      this.#position = from;
      return null;
    }
    const { blocks, damaged } = readable(logged, partition);
    const { columns, unreadable } = decode(blocks);
    await archive.put(logId, partition, columns);
    const nextOffset = from + logged.length;
    await archive.setPosition(logId, partition, nextOffset);
    this.#position = nextOffset;
    return {
      from,
      nextOffset,
      events: columns.count,
      unreadable: damaged + unreadable,
      bytes: logged.reduce((sum, { bytes }) => sum + bytes.length, 0),
    };
  }
}

/** The blocks that can be read, and how many can not. */
function readable(
  logged: readonly LoggedBlock[],
  partition: number,
): { blocks: readonly BlockAt[]; damaged: number } {
  const blocks: BlockAt[] = [];
  let damaged = 0;
  for (const each of logged) {
    try {
      blocks.push({ offset: each.offset, block: decodeLogged(each, partition) });
    } catch {
      damaged += 1;
    }
  }
  return { blocks, damaged };
}
