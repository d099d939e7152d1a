/**
 * What pulses are known by. The key names a pulse for ever: a hash of tenant, source and id. The digest
 * says what it reports, so that another pulse under the same key is told from the same one sent again.
 *
 * Every text goes into the hash behind its length: otherwise a part could be moved from one to the next.
 */
import { ATTRIBUTES_MAX } from './pulse.ts';
import { HASH_BYTES, PulseHash } from './pulse-hash.ts';
import { ATTRIBUTE_PLACES, type PulseReader } from './pulse-reader.ts';

/** Length of keys and of digests. */
export const PULSE_KEY_BYTES = HASH_BYTES;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const U32 = 0x1_0000_0000;

export class PulseIdentity {
  readonly #hash = new PulseHash();
  readonly #order = new Uint8Array(ATTRIBUTES_MAX);

  /** Writes the key of the pulse that `reader` has read from `bytes`. */
  writeKey(reader: PulseReader, bytes: Uint8Array, target: Uint8Array, at: number): void {
    this.#hash.start();
    this.#text(bytes, reader.tenantStart, reader.tenantEnd);
    this.#text(bytes, reader.sourceStart, reader.sourceEnd);
    this.#text(bytes, reader.idStart, reader.idEnd);
    this.#hash.finish(target, at);
  }

  /**
   * Writes the digest of the same: sku, unit, the amount by its value (1.0 as 1), the time in ms, and the
   * attributes by name. Fields that are not known here say nothing.
   */
  writeDigest(reader: PulseReader, bytes: Uint8Array, target: Uint8Array, at: number): void {
    const hash = this.#hash;
    hash.start();
    this.#text(bytes, reader.skuStart, reader.skuEnd);
    this.#text(bytes, reader.unitStart, reader.unitEnd);
    this.#amount(bytes, reader.amountStart, reader.amountEnd);
    hash.word(reader.occurredAt % U32);
    hash.word(Math.floor(reader.occurredAt / U32));
    this.#attributes(reader, bytes);
    hash.finish(target, at);
  }

  #text(bytes: Uint8Array, start: number, end: number): void {
    this.#hash.byte(end - start);
    this.#hash.bytes(bytes, start, end);
  }

  #amount(bytes: Uint8Array, start: number, end: number): void {
    const isNegative = bytes[start] === MINUS;
    let from = isNegative ? start + 1 : start;
    while (from < end && bytes[from] === ZERO) from += 1;
    let to = from;
    while (to < end && bytes[to] !== POINT) to += 1;
    if (to < end) {
      to = end;
      while (bytes[to - 1] === ZERO) to -= 1;
      if (bytes[to - 1] === POINT) to -= 1;
    }
    // Zero is left without digits: it has no sign.
    this.#hash.byte(to - from);
    this.#hash.byte(isNegative && to > from ? MINUS : 0);
    this.#hash.bytes(bytes, from, to);
  }

  /** Sorted by the bytes of their names; of a name that comes several times, the last. */
  #attributes({ attributes, attributeCount }: PulseReader, bytes: Uint8Array): void {
    const order = this.#order;
    let count = 0;
    for (let entry = 0; entry < attributeCount; entry += 1) {
      let place = count;
      let comparison = 1;
      while (place > 0) {
        comparison = compareNames(attributes, bytes, order[place - 1] as number, entry);
        if (comparison <= 0) break;
        place -= 1;
      }
      if (comparison === 0) {
        order[place - 1] = entry;
        continue;
      }
      order.copyWithin(place + 1, place, count);
      order[place] = entry;
      count += 1;
    }
    this.#hash.byte(count);
    for (let index = 0; index < count; index += 1) {
      const place = (order[index] as number) * ATTRIBUTE_PLACES;
      this.#text(bytes, attributes[place] as number, attributes[place + 1] as number);
      const valueStart = attributes[place + 2] as number;
      const valueEnd = attributes[place + 3] as number;
      // A value may have 256 bytes, one more than a byte says.
      this.#hash.byte((valueEnd - valueStart) >>> 8);
      this.#text(bytes, valueStart, valueEnd);
    }
  }
}

/** Below, at or above zero as the name of entry `left` comes before, is, or comes after that of `right`. */
function compareNames(
  attributes: Uint32Array,
  bytes: Uint8Array,
  left: number,
  right: number,
): number {
  const leftStart = attributes[left * ATTRIBUTE_PLACES] as number;
  const leftLength = (attributes[left * ATTRIBUTE_PLACES + 1] as number) - leftStart;
  const rightStart = attributes[right * ATTRIBUTE_PLACES] as number;
  const rightLength = (attributes[right * ATTRIBUTE_PLACES + 1] as number) - rightStart;
  const shorter = Math.min(leftLength, rightLength);
  for (let at = 0; at < shorter; at += 1) {
    const difference = (bytes[leftStart + at] as number) - (bytes[rightStart + at] as number);
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}

const encoder = new TextEncoder();

/** The key of a pulse, 32 lower-case hex digits. */
export function pulseKey(tenant: string, source: string, id: string): string {
  const hash = new PulseHash();
  const key = new Uint8Array(PULSE_KEY_BYTES);
  hash.start();
  for (const text of [tenant, source, id]) {
    const bytes = encoder.encode(text);
    // No pulse has a text of 255 bytes or more: the key of one is nobody's.
    hash.byte(Math.min(bytes.length, 0xff));
    hash.bytes(bytes, 0, bytes.length);
  }
  hash.finish(key, 0);
  return pulseKeyAt(key, 0);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The key (or digest) number `index` of a column of them, as 32 lower-case hex digits. */
export function pulseKeyAt(keys: Uint8Array, index: number): string {
  let text = '';
  const start = index * PULSE_KEY_BYTES;
  for (let at = start; at < start + PULSE_KEY_BYTES; at += 1) text += HEX[keys[at] as number];
  return text;
}
