/**
 * The bytes of a vote's request, ready made: one template an option, into which only the id's time
 * and number are written. Building a request from parts would cost more than sending it.
 */
import type { VoteIds } from './vote-ids.ts';

const ID_BYTES = 36;
/** Where the eight digits of the vote's number begin. */
const INDEX_AT = 28;
const HEX_DIGITS = new TextEncoder().encode('0123456789abcdef');

export interface RequestTarget {
  /** `host:port`, for the Host header. */
  readonly host: string;
  readonly poll: string;
  readonly options: readonly string[];
}

interface Template {
  readonly bytes: Uint8Array;
  readonly idAt: number;
}

export class VoteRequests {
  /** No request is longer. */
  readonly bytesMax: number;
  readonly #templates: readonly Template[];
  readonly #id: Uint8Array;
  #idTime = -1;

  constructor({ host, poll, options }: RequestTarget, ids: VoteIds) {
    this.#templates = options.map((option) => template(host, poll, option, ids));
    this.bytesMax = Math.max(...this.#templates.map(({ bytes }) => bytes.length));
    this.#id = new TextEncoder().encode(ids.uuid(0, 0));
  }

  /** Writes the request of vote `index` for `option` at `at`; returns where it ends. */
  write(target: Uint8Array, at: number, option: number, index: number, time: number): number {
    const { bytes, idAt } = this.#templates[option] as Template;
    this.#setId(index, time);
    target.set(bytes, at);
    target.set(this.#id, at + idAt);
    return at + bytes.length;
  }

  /** Whether the 36 bytes at `at` are the id of vote `index`. */
  isIdOf(source: Uint8Array, at: number, index: number, time: number): boolean {
    this.#setId(index, time);
    for (let byte = 0; byte < ID_BYTES; byte += 1) {
      if (source[at + byte] !== this.#id[byte]) return false;
    }
    return true;
  }

  #setId(index: number, time: number): void {
    const id = this.#id;
    if (time !== this.#idTime) {
      this.#idTime = time;
      // Twelve digits, a dash after the eighth: 24 bits each way, so that shifts do for division.
      const high = Math.floor(time / 0x100_0000);
      const low = time % 0x100_0000;
      for (let digit = 0; digit < 6; digit += 1) {
        id[digit] = HEX_DIGITS[(high >>> (20 - 4 * digit)) & 15] as number;
        const at = digit < 2 ? 6 + digit : 7 + digit;
        id[at] = HEX_DIGITS[(low >>> (20 - 4 * digit)) & 15] as number;
      }
    }
    for (let digit = 0; digit < 8; digit += 1) {
      id[INDEX_AT + digit] = HEX_DIGITS[(index >>> (28 - 4 * digit)) & 15] as number;
    }
  }
}

function template(host: string, poll: string, option: string, ids: VoteIds): Template {
  const body = JSON.stringify({ option });
  const start =
    `POST /v1/polls/${encodeURIComponent(poll)}/votes HTTP/1.1\r\n` +
    `Host: ${host}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${new TextEncoder().encode(body).length}\r\nIdempotency-Key: `;
  const bytes = new TextEncoder().encode(`${start}${ids.uuid(0, 0)}\r\n\r\n${body}`);
  return { bytes, idAt: new TextEncoder().encode(start).length };
}
