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
const DASH_1 = 8;
const DASH_2 = 13;
const DASH_3 = 18;
const DASH_4 = 23;

/** Two digits each, little-endian as they stand in a text. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = byte.toString(16).padStart(2, '0');
  return digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
});

/**
 * Writes the bytes of the UUID whose text begins at `at`, over which `view` lies. False, and what is
 * written means nothing, where those 36 bytes are anything else, digits above `f` and capitals too.
 */
export function packUuid(
  text: Uint8Array,
  view: DataView,
  at: number,
  target: DataView,
  to: number,
): boolean {
  const one = view.getInt32(at, true);
  const two = view.getInt32(at + QUAD_1, true);
  const three = view.getInt32(at + QUAD_2, true);
  const four = view.getInt32(at + QUAD_3, true);
  const five = view.getInt32(at + QUAD_4, true);
  const six = view.getInt32(at + QUAD_5, true);
  const seven = view.getInt32(at + QUAD_6, true);
  const eight = view.getInt32(at + QUAD_7, true);
  target.setInt32(to, twoBytes(one) | (twoBytes(two) << 16), true);
  target.setInt32(to + 4, twoBytes(three) | (twoBytes(four) << 16), true);
  target.setInt32(to + 8, twoBytes(five) | (twoBytes(six) << 16), true);
  target.setInt32(to + 12, twoBytes(seven) | (twoBytes(eight) << 16), true);
  const differences =
    difference(one) |
    difference(two) |
    difference(three) |
    difference(four) |
    (difference(five) | difference(six) | difference(seven) | difference(eight));
  return (
    differences === 0 &&
    text[at + DASH_1] === DASH &&
    text[at + DASH_2] === DASH &&
    text[at + DASH_3] === DASH &&
    text[at + DASH_4] === DASH
  );
}

/** What four digits say, each in a byte of its own: its low four bits, and nine more for a letter. */
function values(digits: number): number {
  return (digits & 0x0f0f0f0f) + ((digits >>> 6) & 0x01010101) * 9;
}

function twoBytes(digits: number): number {
  const four = values(digits);
  const halves = ((four << 4) | (four >>> 8)) & 0x00ff00ff;
  return (halves | (halves >>> 8)) & 0xffff;
}

/** 0 where four digits are those that their values are written as; a letter stands 0x27 above the order. */
function difference(digits: number): number {
  const four = values(digits);
  const letters = ((four + 0x06060606) >>> 4) & 0x01010101;
  return (four & 0x70707070) | ((four + 0x30303030 + letters * 0x27) ^ digits);
}

/** Writes the text of the UUID whose 16 bytes begin at `from`; `view` lies over `target`. */
export function writeUuidText(
  bytes: Uint8Array,
  from: number,
  target: Uint8Array,
  view: DataView,
  at: number,
): void {
  target[at + DASH_1] = DASH;
  target[at + DASH_2] = DASH;
  target[at + DASH_3] = DASH;
  target[at + DASH_4] = DASH;
  view.setInt32(at, digitsOf(bytes, from), true);
  view.setInt32(at + QUAD_1, digitsOf(bytes, from + 2), true);
  view.setInt32(at + QUAD_2, digitsOf(bytes, from + 4), true);
  view.setInt32(at + QUAD_3, digitsOf(bytes, from + 6), true);
  view.setInt32(at + QUAD_4, digitsOf(bytes, from + 8), true);
  view.setInt32(at + QUAD_5, digitsOf(bytes, from + 10), true);
  view.setInt32(at + QUAD_6, digitsOf(bytes, from + 12), true);
  view.setInt32(at + QUAD_7, digitsOf(bytes, from + 14), true);
}

/** The four digits of two bytes. */
function digitsOf(bytes: Uint8Array, at: number): number {
  const first = HEX_PAIRS[bytes[at] as number] as number;
  return first | ((HEX_PAIRS[bytes[at + 1] as number] as number) << 16);
}
