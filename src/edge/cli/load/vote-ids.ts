/**
 * The ids of a run's votes: UUIDv7s that carry the vote's number, so that an id met in the server's
 * export leads back to its journal entry without an index of millions of ids.
 *
 * 48 bits server time, 42 bits drawn at random for the run, 32 bits the vote's number.
 */
import {
  formatUuidV7,
  idWords,
  parseEventIdHex,
  type ScopeSeed,
  scopeSeed,
  unmixScope,
} from '../../../domain/counting/event-id.ts';

export interface RunTag {
  /** 32 random bits. */
  readonly x: number;
  /** 10 random bits. */
  readonly z: number;
}

export class VoteIds {
  readonly tag: RunTag;
  readonly #seed: ScopeSeed;
  readonly #words = idWords();

  constructor(poll: string, tag: RunTag) {
    this.tag = { x: tag.x >>> 0, z: tag.z & 0x3ff };
    this.#seed = scopeSeed(poll);
  }

  /** The Idempotency-Key of vote `index`, first sent at `time` (ms since the Unix epoch). */
  uuid(index: number, time: number): string {
    return formatUuidV7({ time, x: this.tag.x, y: index, z: this.tag.z });
  }

  /**
   * Which vote of this run an exported id16 (32 hex digits) belongs to, and the time inside it; null
   * where the id is another voter's.
   */
  find(eventId: string): { readonly index: number; readonly time: number } | null {
    const words = this.#words;
    if (!parseEventIdHex(eventId, words)) return null;
    unmixScope(words, this.#seed);
    if (words.x !== this.tag.x || words.z !== this.tag.z) return null;
    return { index: words.y, time: words.time };
  }
}
