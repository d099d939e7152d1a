/**
 * Times of pulses as Protobuf's Timestamp in its usual form: seconds of five bytes, from July 1978 to
 * February 2106, and nanoseconds where there are any, in the fewest bytes.
 */
import { varintLength, writeVarint } from './wire-varint.ts';

const TAG_SECONDS = 0x08;
const TAG_NANOS = 0x10;
const NANOS_MAX = 999_999_999;
/** Of the seconds, their tag included. */
const SECONDS_END = 6;
const NANOS_BYTES_MAX = 5;

export class TimeReader {
  /** Since the Unix epoch, below 2^32. */
  seconds = 0;
  nanos = 0;

  /** Whether `bytes[start, end)` is a time in its usual form; any other is for a reader of all forms. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < SECONDS_END || bytes[start] !== TAG_SECONDS) return false;
    const first = bytes[start + 1] as number;
    const second = bytes[start + 2] as number;
    const third = bytes[start + 3] as number;
    const fourth = bytes[start + 4] as number;
    const fifth = bytes[start + 5] as number;
    if ((first & second & third & fourth) < 0x80 || fifth === 0 || fifth > 0x0f) return false;
    this.seconds =
      ((first & 0x7f) |
        ((second & 0x7f) << 7) |
        ((third & 0x7f) << 14) |
        ((fourth & 0x7f) << 21) |
        (fifth << 28)) >>>
      0;
    this.nanos = 0;
    return end - start === SECONDS_END || this.#readNanos(bytes, start + SECONDS_END, end);
  }

  #readNanos(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start - 1;
    if (bytes[start] !== TAG_NANOS || length < 1 || length > NANOS_BYTES_MAX) return false;
    const last = bytes[end - 1] as number;
    // Further bits would be lost below, and a last byte of zero is one too many.
    if (last === 0 || last > (length === NANOS_BYTES_MAX ? 0x03 : 0x7f)) return false;
    let nanos = last;
    for (let at = end - 2; at > start; at -= 1) {
      const byte = bytes[at] as number;
      if (byte < 0x80) return false;
      nanos = (nanos << 7) | (byte & 0x7f);
    }
    this.nanos = nanos;
    return nanos <= NANOS_MAX;
  }
}

/** How many bytes `writeTime` writes. */
export function timeLength(seconds: number, nanos: number): number {
  return 1 + varintLength(seconds) + (nanos === 0 ? 0 : 1 + varintLength(nanos));
}

/** Writes a time in its usual form, both below 2^32; returns where the next byte goes. */
export function writeTime(target: Uint8Array, at: number, seconds: number, nanos: number): number {
  target[at] = TAG_SECONDS;
  const place = writeVarint(target, at + 1, seconds);
  if (nanos === 0) return place;
  target[place] = TAG_NANOS;
  return writeVarint(target, place + 1, nanos);
}
