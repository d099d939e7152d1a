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

/** Hex digit values by character code; 0xff elsewhere. */
const HEX = new Uint8Array(128).fill(0xff);
for (let digit = 0; digit < 16; digit += 1) {
  HEX['0123456789abcdef'.charCodeAt(digit)] = digit;
  HEX['0123456789ABCDEF'.charCodeAt(digit)] = digit;
}

export function idWords(): IdWords {
  return { time: 0, x: 0, y: 0, z: 0 };
}

/** `digits` hex digits at `start` as a number, or -1 where one is not a hex digit. */
function hexAt(text: string, start: number, digits: number): number {
  let value = 0;
  let bad = 0;
  for (let index = start; index < start + digits; index += 1) {
    const code = text.charCodeAt(index);
    const digit = code < 128 ? (HEX[code] as number) : 0xff;
    bad |= digit;
    value = (value << 4) | digit;
  }
  return bad > 15 ? -1 : value >>> 0;
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
  const timeHigh = hexAt(text, 0, 6);
  const timeMiddle = hexAt(text, 6, 2);
  const timeLow = hexAt(text, 9, 4);
  const versionAndA = hexAt(text, 14, 4);
  const variantAndB = hexAt(text, 19, 4);
  const bHigh = hexAt(text, 24, 6);
  const bLow = hexAt(text, 30, 6);
  if ((timeHigh | timeMiddle | timeLow | versionAndA | variantAndB | bHigh | bLow) < 0)
    return false;
  if (versionAndA >>> 12 !== 7 || variantAndB >>> 14 !== 2) return false;
  out.time = timeHigh * 0x100_0000 + timeMiddle * 0x1_0000 + timeLow;
  // 12 bits a, 14 bits b1, 24 + 24 bits b2 b3: 74 bits into 16 + 32 + 32, the top six zero.
  const a = versionAndA & 0xfff;
  const b1 = variantAndB & 0x3fff;
  out.z = a >>> 2;
  out.x = (((a & 3) << 30) | (b1 << 16) | (bHigh >>> 8)) >>> 0;
  out.y = (((bHigh & 0xff) << 24) | bLow) >>> 0;
  return true;
}

/** Murmur3's 32-bit finaliser: every input bit reaches every output bit. */
function avalanche(value: number): number {
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
  const timeHigh = hexAt(text, 0, 6);
  const timeLow = hexAt(text, 6, 6);
  const first = [hexAt(text, 12, 4), hexAt(text, 16, 4)] as const;
  const second = [hexAt(text, 20, 4), hexAt(text, 24, 4)] as const;
  const z = hexAt(text, 28, 4);
  if ((timeHigh | timeLow | first[0] | first[1] | second[0] | second[1] | z) < 0) return false;
  out.time = timeHigh * 0x100_0000 + timeLow;
  out.x = ((first[0] << 16) | first[1]) >>> 0;
  out.y = ((second[0] << 16) | second[1]) >>> 0;
  out.z = z;
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
