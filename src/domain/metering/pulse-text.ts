/**
 * Texts of pulses as bytes: one pass says whether they are printable ASCII, as nearly all are, and
 * hashes them; any other is read by the rules of UTF-8.
 */
import { avalanche } from '../counting/event-id.ts';

/** Every byte is printable ASCII. */
export const PLAIN = 0;
/** UTF-8 with something above ASCII, and no control character. */
const UNICODE = 1;
/** UTF-8 with a control character: below U+0020, or U+007F to U+009F. */
export const WITH_CONTROL = 2;
/** No UTF-8: overlong, half of a surrogate pair, beyond U+10FFFF, or cut. */
export const NOT_UTF8 = 3;

/** The top bit of each of four bytes. */
const TOP_BITS = 0x80808080;

/** Looks at texts one after another without making an object of any. */
export class TextReader {
  /** PLAIN, UNICODE, WITH_CONTROL or NOT_UTF8, of the text that was read last. */
  kind = PLAIN;

  /**
   * 31 bits of a text, its `kind` beside. They are part of where a pulse lies in a log
   * (`tenantPartition`), so that how they come about never changes.
   */
  read(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const length = end - start;
    let hash = length;
    let marks = 0;
    if (length >= 4) {
      const last = end - 4;
      for (let at = start; at < last; at += 4) {
        const word = view.getInt32(at, true);
        // A byte's top bit is set by the subtraction where it is below 0x20, by the addition where it
        // is 0x7f, and by itself above.
        marks |= ((word - 0x20202020) & ~word) | (word + 0x01010101) | word;
        hash = Math.imul(hash ^ word, 0x9e3779b1);
        hash ^= hash >>> 15;
      }
      // The last four bytes, again some of those before where the length is no multiple of four.
      const word = view.getInt32(last, true);
      marks |= ((word - 0x20202020) & ~word) | (word + 0x01010101) | word;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    } else {
      for (let at = start; at < end; at += 1) {
        const byte = bytes[at] as number;
        marks |= (byte - 0x20) | (byte + 1) | byte;
        hash = Math.imul(hash ^ byte, 0x9e3779b1);
        hash ^= hash >>> 15;
      }
    }
    this.kind = (marks & TOP_BITS) === 0 ? PLAIN : kindOf(bytes, start, end);
    return hash >>> 1;
  }
}

/** The kind of a text by RFC 3629, byte by byte. */
function kindOf(bytes: Uint8Array, start: number, end: number): number {
  let kind = PLAIN;
  let at = start;
  while (at < end) {
    const lead = bytes[at] as number;
    at += 1;
    if (lead < 0x80) {
      if (lead < 0x20 || lead === 0x7f) kind = WITH_CONTROL;
      continue;
    }
    const following = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || at + following > end) return NOT_UTF8;
    const second = bytes[at] as number;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return NOT_UTF8;
    for (let next = 1; next < following; next += 1) {
      if (((bytes[at + next] as number) & 0xc0) !== 0x80) return NOT_UTF8;
    }
    at += following;
    if (lead === 0xc2 && second < 0xa0) kind = WITH_CONTROL;
    else if (kind === PLAIN) kind = UNICODE;
  }
  return kind;
}

/**
 * The partition that all pulses of a tenant lie in, by the hash of its name, for the whole life of a log:
 * one that is sent again meets its first try, and no usage of a tenant is spread over several partitions.
 */
export function tenantPartition(tenantHash: number, partitions: number): number {
  if (partitions === 1) return 0;
  return avalanche(Math.imul(tenantHash, 0x85ebca77)) % partitions;
}
