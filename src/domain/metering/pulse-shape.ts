/**
 * Shapes of pulses: what stays the same from one pulse of a service to the next, which is all of the
 * message but its id, its amount and its time. A pulse of a known shape is judged and logged by those
 * three alone, which takes half of the time and a third of the bytes.
 */
import type { CallersTenant } from './callers-tenant.ts';
import type { PulseReader } from './pulse-reader.ts';

/** Of a message without id, amount and time. A longer one would seldom come twice. */
export const SHAPE_BYTES_MAX = 512;
/** Of an id, an amount and a time: their lengths are one byte each. */
export const HOLE_BYTES_MAX = 0x7f;
/** Parts are compared by so many bytes at a time. */
const WORD_BYTES = 4;

/**
 * Whether the message in `[start, end)`, which `reader` has read from `bytes`, has a shape of at most
 * `bytesMax`: its id comes first, then amount and time, each once as far as it counts and behind one byte
 * of length.
 */
export function hasShape(
  bytes: Uint8Array,
  reader: PulseReader,
  start: number,
  end: number,
  bytesMax: number,
): boolean {
  const { idStart, idEnd, amountStart, amountEnd, timeStart, timeEnd } = reader;
  const holes = idEnd - idStart + (amountEnd - amountStart) + (timeEnd - timeStart);
  return (
    idStart === start + 2 &&
    isHole(bytes, idStart, idEnd) &&
    amountStart > idEnd &&
    isHole(bytes, amountStart, amountEnd) &&
    timeStart > amountEnd &&
    isHole(bytes, timeStart, timeEnd) &&
    reader.timeParts === 1 &&
    end - start - holes <= bytesMax
  );
}

/** A length of several bytes never ends in a byte that says as much by itself. */
function isHole(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return length > 0 && length <= HOLE_BYTES_MAX && bytes[start - 1] === length;
}

/** Bytes that are the same in every pulse of a shape. */
export class ShapePart {
  readonly length: number;
  /** The last one ends where the part does, and may take up bytes before it: then these count, too. */
  readonly #words: Int32Array;

  constructor(view: DataView, start: number, end: number) {
    this.length = end - start;
    const last = end - WORD_BYTES;
    this.#words = Int32Array.from({ length: Math.ceil(this.length / WORD_BYTES) }, (_, index) =>
      view.getInt32(Math.min(start + index * WORD_BYTES, last), true),
    );
  }

  isAt(view: DataView, start: number): boolean {
    const words = this.#words;
    const last = words.length - 1;
    if (last < 0) return true;
    let differences =
      view.getInt32(start + this.length - WORD_BYTES, true) ^ (words[last] as number);
    // To the end in any case: it is the same nearly always, and a question a word takes longer.
    for (let index = 0; index < last; index += 1) {
      differences |= view.getInt32(start + index * WORD_BYTES, true) ^ (words[index] as number);
    }
    return differences === 0;
  }
}

/** A shape as pulses of one caller's tenant have it. What it shares with them breaks no rule. */
export interface PulseShape {
  /** Place in the table that has learned it. */
  readonly slot: number;
  readonly fingerprint: number;
  /** Null: the caller may write for any tenant. */
  readonly tenant: CallersTenant | null;
  readonly lacksTenant: boolean;
  readonly tenantHash: number;
  /** From the id's end to the amount's length. */
  readonly beforeAmount: ShapePart;
  /** From the amount's end to the time's length. */
  readonly beforeTime: ShapePart;
  readonly behindTime: ShapePart;
}
