/** What of a log the archive takes: the pulses of one, the votes of another. The follower is the same. */
import {
  type Block,
  type EventBlock,
  encodeKey,
  type PulseBlock,
} from '../../domain/counting/block.ts';
import { idWords, writeEventId } from '../../domain/counting/event-id.ts';
import { decodePulses } from '../../domain/metering/pulse-columns.ts';
import type { ArchiveColumns } from '../../ports/archive.ts';

export interface BlockAt<Kind extends Block = Block> {
  readonly offset: number;
  readonly block: Kind;
}

export interface ArchivableEvents {
  /** In log order. */
  readonly columns: ArchiveColumns;
  /** What can not be read; blocks of other kinds are none. */
  readonly unreadable: number;
}

/** Takes the events of its kind out of blocks that are in log order. */
export type ArchiveDecoder = (blocks: readonly BlockAt[]) => ArchivableEvents;

const ID_BYTES = 16;

export function archivablePulses(blocks: readonly BlockAt[]): ArchivableEvents {
  const { columns, failures } = decodePulses(
    blocks.filter((at): at is BlockAt<PulseBlock> => at.block.kind === 'pulses'),
  );
  return { columns, unreadable: failures.length };
}

/** Votes, as they were logged: which of them count is the fold's to say. */
export function archivableVotes(blocks: readonly BlockAt[]): ArchivableEvents {
  const votes = blocks.filter((at): at is BlockAt<EventBlock> => at.block.kind === 'events');
  const columns = new VoteColumns(votes.reduce((sum, { block }) => sum + block.count, 0));
  for (const at of votes) columns.add(at);
  return { columns: columns.finish(), unreadable: 0 };
}

class VoteColumns {
  readonly #count: number;
  #added = 0;
  readonly #ids: DataView<ArrayBuffer>;
  readonly #start: Uint32Array;
  readonly #end: Uint32Array;
  readonly #acceptedAt: Float64Array;
  readonly #blockTime: Float64Array;
  readonly #offset: Float64Array;
  readonly #keys: Uint8Array[] = [];
  #keyBytes = 0;

  constructor(count: number) {
    this.#count = count;
    this.#ids = new DataView(new ArrayBuffer(ID_BYTES * count));
    this.#start = new Uint32Array(count);
    this.#end = new Uint32Array(count);
    this.#acceptedAt = new Float64Array(count);
    this.#blockTime = new Float64Array(count);
    this.#offset = new Float64Array(count);
  }

  add({ offset, block }: BlockAt<EventBlock>): void {
    const places = block.keys.map((key) => {
      const bytes = encodeKey(key);
      const start = this.#keyBytes;
      this.#keys.push(bytes);
      this.#keyBytes += bytes.length;
      return { start, end: this.#keyBytes };
    });
    const words = idWords();
    for (let index = 0; index < block.count; index += 1) {
      const at = this.#added;
      words.time = block.baseIdTime + (block.idTimeDelta[index] as number);
      words.x = block.x[index] as number;
      words.y = block.y[index] as number;
      words.z = block.z[index] as number;
      writeEventId(words, this.#ids, ID_BYTES * at);
      const place = places[block.keyIndex[index] as number] as (typeof places)[number];
      this.#start[at] = place.start;
      this.#end[at] = place.end;
      this.#acceptedAt[at] = block.blockTime - (block.acceptanceDelta[index] as number);
      this.#blockTime[at] = block.blockTime;
      this.#offset[at] = offset;
      this.#added = at + 1;
    }
  }

  finish(): ArchiveColumns {
    return {
      count: this.#count,
      bytes: new Uint8Array(Buffer.concat(this.#keys)),
      start: this.#start,
      end: this.#end,
      keys: new Uint8Array(this.#ids.buffer),
      digests: new Uint8Array(ID_BYTES * this.#count),
      occurredAt: this.#acceptedAt,
      receivedAt: this.#blockTime,
      offset: this.#offset,
    };
  }
}
