/** UUIDs in their usual text of 36 characters, as most ids are, to and from the 16 bytes that they say. */

export const UUID_TEXT_BYTES = 36;
export const UUID_BYTES = 16;

const DASH = 0x2d;
/** Where the four digits of each pair of bytes begin. */
const QUAD_1 = 4;
const QUAD_2 = 9;
const QUAD_3 = 14;
const QUAD_4 = 19;
const QUAD_5 = 24;
const QUAD_6 = 28;
const QUAD_7 = 32;
const DASHES = [8, 13, 18, 23] as const;
/** Where the two digits of each byte stand. */
const PAIR_PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/** Two digits each, little-endian as they stand in a text. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, '0');
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});

export class UuidPacker {
  #differences = 0;

  /**
   * Writes the bytes of the UUID whose text begins at `at`. False, and what is written means nothing,
   * where those 36 bytes are anything else, digits above `f` and capitals too.
   */
  pack(text: Uint8Array, view: DataView, at: number, target: DataView, to: number): boolean {
    for (const dash of DASHES) if (text[at + dash] !== DASH) return false;
    this.#differences = 0;
    target.setInt32(to, this.#pair(view, at, at + QUAD_1), true);
    target.setInt32(to + 4, this.#pair(view, at + QUAD_2, at + QUAD_3), true);
    target.setInt32(to + 8, this.#pair(view, at + QUAD_4, at + QUAD_5), true);
    target.setInt32(to + 12, this.#pair(view, at + QUAD_6, at + QUAD_7), true);
    return this.#differences === 0;
  }

  #pair(view: DataView, first: number, second: number): number {
    return (
      this.#twoBytes(view.getInt32(first, true)) |
      (this.#twoBytes(view.getInt32(second, true)) << 16)
    );
  }

  /** Four digits at once: each byte's low four bits, and nine more for a letter. */
  #twoBytes(digits: number): number {
    const letters = (digits >>> 6) & 0x01010101;
    const values = (digits & 0x0f0f0f0f) + letters * 9;
    // What these values would be written as; a letter stands 0x27 above the digits' order.
    const above9 = ((values + 0x06060606) >>> 4) & 0x01010101;
    this.#differences |= (values & 0x70707070) | ((values + 0x30303030 + above9 * 0x27) ^ digits);
    const halves = ((values << 4) | (values >>> 8)) & 0x00ff00ff;
    return (halves | (halves >>> 8)) & 0xffff;
  }
}

/** Writes the text of the UUID whose 16 bytes begin at `from`; `view` lies over `target`. */
export function writeUuidText(
  bytes: Uint8Array,
  from: number,
  target: Uint8Array,
  view: DataView,
  at: number,
): void {
  for (const dash of DASHES) target[at + dash] = DASH;
  for (let index = 0; index < UUID_BYTES; index += 1) {
    const digits = HEX_PAIRS[bytes[from + index] as number] as number;
    view.setUint16(at + (PAIR_PLACES[index] as number), digits, true);
  }
}
