/**
 * Event identity: how a client's UUIDv7 and the poll it was sent to become the 16 bytes (id16) that
 * the log, the dedup window and every store know an event by.
 *
 * id16 = the UUID's 48-bit time, then 80 bits that mix its other 74 bits with the scope. The mix is a
 * bijection for a given scope: two UUIDs never become one event inside a poll, one UUID in two polls
 * becomes two events, and the UUID can be had back from id16 and the scope.
 */

/** An id in words, so that the hot path makes no object or byte array per event. */
export interface IdWords {
  /** Unix time in ms, 48 bits. */
  time: number;
  /** Bits 79…48 of the rest, unsigned. */
  x: number;
  /** Bits 47…16 of the rest, unsigned. */
  y: number;
  /** Bits 15…0 of the rest, unsigned. */
  z: number;
}

/** 80 bits drawn from a scope's name. */
export interface ScopeSeed {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

const UUID_LENGTH = 36;
const TIME_HIGH = 0x1_0000_0000;

/**
 * Hex digit values by UTF-16 unit, and a bit far above any digit elsewhere. As long as there are units:
 * a lookup then needs no comparison, and the reading below no branch and no loop.
 */
const NOT_HEX = 0x8000;
const HEX = new Uint16Array(0x1_0000).fill(NOT_HEX);
for (let digit = 0; digit < 16; digit += 1) {
  HEX['0123456789abcdef'.charCodeAt(digit)] = digit;
  HEX['0123456789ABCDEF'.charCodeAt(digit)] = digit;
}

export function idWords(): IdWords {
  return { time: 0, x: 0, y: 0, z: 0 };
}

/** The byte that two hex digits at `at` write; above 0xff where one of them is none. */
function byteAt(text: string, at: number): number {
  return ((HEX[text.charCodeAt(at)] as number) << 4) | (HEX[text.charCodeAt(at + 1)] as number);
}

/**
 * Reads a UUIDv7 (RFC 9562 §5.7, either case) into `out`, not yet mixed with a scope.
 * False, and `out` undefined, where the text is anything else.
 */
export function parseUuidV7(text: string, out: IdWords): boolean {
  if (text.length !== UUID_LENGTH) return false;
  if (
    text.charCodeAt(8) !== 45 ||
    text.charCodeAt(13) !== 45 ||
    text.charCodeAt(18) !== 45 ||
    text.charCodeAt(23) !== 45
  ) {
    return false;
  }
  const t0 = byteAt(text, 0);
  const t1 = byteAt(text, 2);
  const t2 = byteAt(text, 4);
  const t3 = byteAt(text, 6);
  const t4 = byteAt(text, 9);
  const t5 = byteAt(text, 11);
  const a0 = byteAt(text, 14);
  const a1 = byteAt(text, 16);
  const b0 = byteAt(text, 19);
  const b1 = byteAt(text, 21);
  const b2 = byteAt(text, 24);
  const b3 = byteAt(text, 26);
  const b4 = byteAt(text, 28);
  const b5 = byteAt(text, 30);
  const b6 = byteAt(text, 32);
  const b7 = byteAt(text, 34);
  const all = t0 | t1 | t2 | t3 | t4 | t5 | a0 | a1 | b0 | b1 | b2 | b3 | b4 | b5 | b6 | b7;
  if (all > 0xff || a0 >>> 4 !== 7 || b0 >>> 6 !== 2) return false;
  out.time = ((t0 << 16) | (t1 << 8) | t2) * 0x100_0000 + ((t3 << 16) | (t4 << 8) | t5);
  // 12 bits of a and 62 of b into 16 + 32 + 32; the top six of the 16 are zero.
  const a = ((a0 & 0xf) << 8) | a1;
  out.z = a >>> 2;
  out.x = (((a & 3) << 30) | ((b0 & 0x3f) << 24) | (b1 << 16) | (b2 << 8) | b3) >>> 0;
  out.y = ((b4 << 24) | (b5 << 16) | (b6 << 8) | b7) >>> 0;
  return true;
}

/** Murmur3's 32-bit finaliser: every input bit reaches every output bit. */
export function avalanche(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** 80 bits of a scope's name, by three differently started FNV-1a passes over its UTF-16 units. */
export function scopeSeed(scope: string): ScopeSeed {
  let x = 0x811c9dc5;
  let y = 0x9e3779b9;
  let z = 0x7f4a7c15;
  for (let index = 0; index < scope.length; index += 1) {
    const code = scope.charCodeAt(index);
    x = Math.imul(x ^ code, 0x01000193);
    y = Math.imul(y ^ (code + index), 0x01000193);
    z = Math.imul(z ^ (code * 31), 0x01000193);
  }
  return { x: avalanche(x), y: avalanche(y ^ x), z: avalanche(z ^ y) & 0xffff };
}

/**
 * Mixes the 80 bits with a scope, in place: an unbalanced Feistel network of two rounds, in which each
 * step changes one word by a function of the other two, so that each step can be undone.
 */
export function mixScope(words: IdWords, seed: ScopeSeed): void {
  let x = words.x ^ seed.x;
  let y = words.y ^ seed.y;
  let z = words.z ^ seed.z;
  x ^= avalanche(y ^ Math.imul(z, 0x9e3779b1));
  y ^= avalanche(x + z);
  z ^= avalanche(x ^ y) & 0xffff;
  x ^= avalanche(y + Math.imul(z, 0x85ebca77));
  y ^= avalanche(x ^ Math.imul(z, 0xc2b2ae3d));
  words.x = x >>> 0;
  words.y = y >>> 0;
  words.z = z & 0xffff;
}

/** Undoes `mixScope` with the same seed. */
export function unmixScope(words: IdWords, seed: ScopeSeed): void {
  let { x, y, z } = words;
  y ^= avalanche(x ^ Math.imul(z, 0xc2b2ae3d));
  x ^= avalanche(y + Math.imul(z, 0x85ebca77));
  z ^= avalanche(x ^ y) & 0xffff;
  y ^= avalanche(x + z);
  x ^= avalanche(y ^ Math.imul(z, 0x9e3779b1));
  words.x = (x ^ seed.x) >>> 0;
  words.y = (y ^ seed.y) >>> 0;
  words.z = (z ^ seed.z) & 0xffff;
}

/** The words as a lower-case UUIDv7, for unmixed words. */
export function formatUuidV7(words: IdWords): string {
  const time = words.time.toString(16).padStart(12, '0');
  const a = ((words.z << 2) | (words.x >>> 30)) & 0xfff;
  const b1 = (words.x >>> 16) & 0x3fff;
  const bHigh = ((words.x & 0xffff) << 8) | (words.y >>> 24);
  const bLow = words.y & 0xff_ffff;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(a, 3)}-${hex(0x8000 | b1, 4)}-${hex(bHigh, 6)}${hex(bLow, 6)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** The words as 32 lower-case hex digits: id16 as stores and exports write it. */
export function eventIdHex(words: IdWords): string {
  return hex(words.time, 12) + hex(words.x, 8) + hex(words.y, 8) + hex(words.z, 4);
}

/** Reads 32 hex digits into `out`; false where the text is anything else. */
export function parseEventIdHex(text: string, out: IdWords): boolean {
  if (text.length !== 32) return false;
  let all = 0;
  const bytes = Array.from({ length: 16 }, (_, index) => {
    const byte = byteAt(text, index * 2);
    all |= byte;
    return byte;
  });
  if (all > 0xff) return false;
  const view = new DataView(Uint8Array.from(bytes).buffer);
  out.time = view.getUint16(0) * TIME_HIGH + view.getUint32(2);
  out.x = view.getUint32(6);
  out.y = view.getUint32(10);
  out.z = view.getUint16(14);
  return true;
}

/** Writes id16 at `position`: 6 bytes of time, then the 80 bits, all big-endian, so that bytes sort by time. */
export function writeEventId(words: IdWords, target: DataView, position: number): void {
  target.setUint16(position, Math.floor(words.time / TIME_HIGH));
  target.setUint32(position + 2, words.time % TIME_HIGH);
  target.setUint32(position + 6, words.x);
  target.setUint32(position + 10, words.y);
  target.setUint16(position + 14, words.z);
}

/** The partition of an id: a retry carries the same id and so meets its first try. */
export function partitionOf(words: IdWords, partitions: number): number {
  return partitions === 1 ? 0 : avalanche(words.x ^ words.z ^ Math.imul(words.y, 31)) % partitions;
}
