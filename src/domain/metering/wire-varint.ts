/** Protobuf's whole numbers of variable length, read and written where they lie. */

const VARINT_BYTES_MAX = 10;

/** Reads one varint after another without making an object of it. */
export class VarintReader {
  /** The number that was read; above 2^53 only about. */
  value = 0;
  /** One past its last byte. */
  next = 0;

  /** Reads the varint at `at`; false where it does not end before `end`, or has more than 64 bits. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    let value = 0;
    let place = 1;
    for (let index = 0; index < VARINT_BYTES_MAX && at + index < end; index += 1) {
      const byte = bytes[at + index] as number;
      value += (byte & 0x7f) * place;
      if (byte < 0x80) {
        this.value = value;
        this.next = at + index + 1;
        return index < VARINT_BYTES_MAX - 1 || byte <= 1;
      }
      place *= 0x80;
    }
    return false;
  }
}

/** How many bytes a length, below 2^32, takes as a varint. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes a whole number from 0 to 2^53 as a varint; returns where the next byte goes. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest >= 0x80) {
    target[place] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    place += 1;
  }
  target[place] = rest;
  return place + 1;
}
