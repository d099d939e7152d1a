/**
 * What pulses are known by. The key names a pulse for ever: a hash of tenant, source and id. The digest
 * says what it reports, so that another pulse under the same key is told from the same one sent again.
 * Both are the first 16 bytes of the BLAKE2s-256 of these bytes:
 *
 *   key     tenant, source, zeros up to a multiple of 64 bytes, id
 *   digest  sku, unit, attributes, zeros up to a multiple of 64 bytes, time, amount
 *
 *   a text      length u8 and bytes: without it a part could be moved from one text to the next
 *   attributes  number u8, then name and value of each, by the bytes of the names; of a name that comes
 *               several times the last alone; a value is a text with a length of two bytes, the higher first
 *   time        ms since the Unix epoch, u64 little-endian
 *   amount      number of its digits and points u8, sign u8 (`-`, or 0), then these without zeros at its
 *               ends that say nothing: `12.5`, `.5`, `` for any zero
 *
 * What a service writes again and again stands before the zeros: it is hashed once for all its pulses.
 * Fields that are not known here say nothing.
 */
import { ATTRIBUTES_MAX } from './pulse.ts';
import { HASH_BYTES, type HashStand, PulseHash } from './pulse-hash.ts';
import { ATTRIBUTE_PLACES, type PulseReader } from './pulse-reader.ts';

/** Length of keys and of digests. */
export const PULSE_KEY_BYTES = HASH_BYTES;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const U32 = 0x1_0000_0000;
/** No pulse has a text that long: the key of one is nobody's. */
const TEXT_BYTES_MAX = 0xff;

/** Where the texts of a key lie. */
type KeyPlaces = Pick<
  PulseReader,
  'tenantStart' | 'tenantEnd' | 'sourceStart' | 'sourceEnd' | 'idStart' | 'idEnd'
>;

/** What key and digest of all pulses of a shape begin with. */
export interface ShapeIdentity {
  readonly owner: HashStand;
  readonly matter: HashStand;
}

/** Writes keys and digests, 16 bytes at `at` of `target`. A `view` lies over the bytes before it. */
export class PulseIdentity {
  readonly #hash = new PulseHash();
  readonly #order = new Uint8Array(ATTRIBUTES_MAX);

  /** Of the pulses that have the same as this one beyond id, time and amount. */
  ofShape(reader: PulseReader, bytes: Uint8Array, view: DataView): ShapeIdentity {
    this.#owner(reader, bytes, view);
    const owner = this.#hash.stand();
    this.#matter(reader, bytes, view);
    return { owner, matter: this.#hash.stand() };
  }

  /** The key of the pulse whose texts lie there in `bytes`. */
  writeKey(
    places: KeyPlaces,
    bytes: Uint8Array,
    view: DataView,
    target: DataView,
    at: number,
  ): void {
    this.#owner(places, bytes, view);
    this.#text(bytes, view, places.idStart, places.idEnd);
    this.#hash.finish(target, at);
  }

  /** The digest of the pulse that `reader` has read from `bytes`. */
  writeDigest(
    reader: PulseReader,
    bytes: Uint8Array,
    view: DataView,
    target: DataView,
    at: number,
  ): void {
    this.#matter(reader, bytes, view);
    this.#time(reader.occurredAt);
    this.#amount(bytes, view, reader.amountStart, reader.amountEnd);
    this.#hash.finish(target, at);
  }

  /** As `writeKey`, of a pulse of the shape: of the places only its id's are looked at. */
  writeShapedKey(
    shape: ShapeIdentity,
    { idStart, idEnd }: KeyPlaces,
    bytes: Uint8Array,
    view: DataView,
    target: DataView,
    at: number,
  ): void {
    this.#hash.goOn(shape.owner);
    this.#text(bytes, view, idStart, idEnd);
    this.#hash.finish(target, at);
  }

  /** As `writeDigest`, of a pulse of the shape: of the reader only amount and time are looked at. */
  writeShapedDigest(
    shape: ShapeIdentity,
    { amountStart, amountEnd, occurredAt }: PulseReader,
    bytes: Uint8Array,
    view: DataView,
    target: DataView,
    at: number,
  ): void {
    this.#hash.goOn(shape.matter);
    this.#time(occurredAt);
    this.#amount(bytes, view, amountStart, amountEnd);
    this.#hash.finish(target, at);
  }

  #owner(places: KeyPlaces, bytes: Uint8Array, view: DataView): void {
    this.#hash.start();
    this.#text(bytes, view, places.tenantStart, places.tenantEnd);
    this.#text(bytes, view, places.sourceStart, places.sourceEnd);
    this.#hash.pad();
  }

  #text(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#hash.byte(Math.min(end - start, TEXT_BYTES_MAX));
    this.#hash.bytes(bytes, view, start, end);
  }

  #time(occurredAt: number): void {
    this.#hash.word(occurredAt % U32);
    this.#hash.word(Math.floor(occurredAt / U32));
  }

  #matter(reader: PulseReader, bytes: Uint8Array, view: DataView): void {
    this.#hash.start();
    this.#text(bytes, view, reader.skuStart, reader.skuEnd);
    this.#text(bytes, view, reader.unitStart, reader.unitEnd);
    this.#attributes(reader, bytes, view);
    this.#hash.pad();
  }

  #amount(bytes: Uint8Array, view: DataView, start: number, end: number): void {
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
    this.#hash.bytes(bytes, view, from, to);
  }

  /** Sorted by the bytes of their names; of a name that comes several times, the last. */
  #attributes(
    { attributes, attributeCount }: PulseReader,
    bytes: Uint8Array,
    view: DataView,
  ): void {
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
      this.#text(bytes, view, attributes[place] as number, attributes[place + 1] as number);
      const valueStart = attributes[place + 2] as number;
      const valueEnd = attributes[place + 3] as number;
      // A value may have 256 bytes, one more than a byte says.
      this.#hash.byte((valueEnd - valueStart) >>> 8);
      this.#hash.byte((valueEnd - valueStart) & 0xff);
      this.#hash.bytes(bytes, view, valueStart, valueEnd);
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
const identity = new PulseIdentity();

/** The key of a pulse, 32 lower-case hex digits. */
export function pulseKey(tenant: string, source: string, id: string): string {
  const [owner, sender, name] = [tenant, source, id].map((text) => encoder.encode(text)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const bytes = new Uint8Array(owner.length + sender.length + name.length);
  const sourceStart = owner.length;
  const idStart = sourceStart + sender.length;
  bytes.set(owner);
  bytes.set(sender, sourceStart);
  bytes.set(name, idStart);
  const places = {
    ...{ tenantStart: 0, tenantEnd: sourceStart, sourceStart, sourceEnd: idStart },
    ...{ idStart, idEnd: bytes.length },
  };
  const key = new DataView(new ArrayBuffer(PULSE_KEY_BYTES));
  identity.writeKey(places, bytes, new DataView(bytes.buffer), key, 0);
  return pulseKeyAt(new Uint8Array(key.buffer), 0);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The key (or digest) number `index` of a column of them, as 32 lower-case hex digits. */
export function pulseKeyAt(keys: Uint8Array, index: number): string {
  let text = '';
  const start = index * PULSE_KEY_BYTES;
  for (let at = start; at < start + PULSE_KEY_BYTES; at += 1) text += HEX[keys[at] as number];
  return text;
}
