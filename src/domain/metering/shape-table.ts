/** Knows the shapes of the pulses that came last, and finds a pulse's shape without reading its texts. */
import type { CallersTenant } from './callers-tenant.ts';
import { isAmount, type PulseReader, TAG_AMOUNT, TAG_ID, TAG_OCCURRED_AT } from './pulse-reader.ts';
import {
  HOLE_BYTES_MAX,
  hasShape,
  type PulseShape,
  SHAPE_BYTES_MAX,
  ShapePart,
} from './pulse-shape.ts';
import { TimeReader } from './wire-time.ts';

const SLOT_BITS = 10;
/** Shapes that are known at a time. */
export const SHAPE_SLOTS = 1 << SLOT_BITS;
const NO_SLOT = -1;
const MIX = 0x9e3779b1;

/**
 * A table of one place for each hash. It is a guess that costs little: the hash is of a few bytes at the
 * ends of fields, and all of a shape is compared before anything is believed.
 */
export class ShapeTable {
  /** Of the pulse that matched last: `[start, end)` of its id and amount, and its time. */
  idStart = 0;
  idEnd = 0;
  amountStart = 0;
  amountEnd = 0;
  seconds = 0;
  nanos = 0;
  readonly #shapes: (PulseShape | null)[] = new Array(SHAPE_SLOTS).fill(null);
  /** The fingerprint that was met last at a place, so that only what comes again is learned. */
  readonly #met = new Int32Array(SHAPE_SLOTS);
  readonly #time = new TimeReader();
  #slot = NO_SLOT;
  #amountAt = 0;
  #timeAt = 0;

  /**
   * The shape of the message in `bytes[start, end)`, over which `view` lies, or null where it has none that
   * is known for this caller's tenant. With one the message breaks no rule but perhaps those that its
   * id's text and its time by the clock must keep.
   */
  match(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    tenant: CallersTenant | null,
  ): PulseShape | null {
    this.#walk(bytes, view, start, end, tenant === null ? 0 : tenant.hash);
    if (this.#slot === NO_SLOT) return null;
    const shape = this.#shapes[this.#slot] as PulseShape | null;
    if (shape === null || shape.tenant !== tenant) return null;
    const { beforeAmount, beforeTime, behindTime } = shape;
    const { idEnd, amountStart, amountEnd } = this;
    const timeStart = this.#timeAt + 1;
    const timeEnd = timeStart + (bytes[this.#timeAt] as number);
    if (
      idEnd + beforeAmount.length !== this.#amountAt ||
      amountEnd + beforeTime.length !== this.#timeAt ||
      timeEnd + behindTime.length !== end ||
      !beforeAmount.isAt(view, idEnd) ||
      !beforeTime.isAt(view, amountEnd) ||
      !behindTime.isAt(view, timeEnd) ||
      !isAmount(bytes, amountStart, amountEnd) ||
      !this.#time.read(bytes, timeStart, timeEnd)
    ) {
      return null;
    }
    this.seconds = this.#time.seconds;
    this.nanos = this.#time.nanos;
    return shape;
  }

  /**
   * Remembers the shape of the message that was looked at last, and which `reader` has read from the same
   * place and found in order: from the second time on it comes.
   */
  learn(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    reader: PulseReader,
    tenant: CallersTenant | null,
  ): void {
    const slot = this.#slot;
    if (slot === NO_SLOT || !hasShape(bytes, reader, start, end, SHAPE_BYTES_MAX)) return;
    const { idEnd, amountStart, amountEnd, timeStart, timeEnd } = reader;
    let fingerprint = hashOf(bytes, idEnd, amountStart - 1, tenant?.hash ?? 0);
    fingerprint = hashOf(bytes, amountEnd, timeStart - 1, fingerprint);
    fingerprint = hashOf(bytes, timeEnd, end, fingerprint);
    if (this.#met[slot] !== fingerprint) {
      this.#met[slot] = fingerprint;
      return;
    }
    // Known already: it was the id, the amount or the time that took the long way.
    const known = this.#shapes[slot] as PulseShape | null;
    if (known !== null && known.fingerprint === fingerprint && known.tenant === tenant) return;
    const lacksTenant = reader.tenantStart === reader.tenantEnd;
    this.#shapes[slot] = {
      slot,
      fingerprint,
      tenant,
      lacksTenant,
      tenantHash: lacksTenant ? (tenant?.hash ?? 0) : reader.tenantHash,
      beforeAmount: new ShapePart(view, idEnd, amountStart - 1),
      beforeTime: new ShapePart(view, amountEnd, timeStart - 1),
      behindTime: new ShapePart(view, timeEnd, end),
    };
  }

  /**
   * Steps over the fields from id to time, where they stand in the order of their numbers and are short,
   * and says by the bytes at their ends which place a shape of theirs has.
   */
  #walk(bytes: Uint8Array, view: DataView, start: number, end: number, seed: number): void {
    this.#slot = NO_SLOT;
    if (end - start < 4 || bytes[start] !== TAG_ID) return;
    this.idStart = start + 2;
    let at = this.idStart + (bytes[start + 1] as number);
    this.idEnd = at;
    let hash = seed;
    while (at + 2 <= end && (bytes[at] as number) < TAG_AMOUNT) {
      at += 2 + (bytes[at + 1] as number);
      if (at > end) return;
      // Never bytes of the id, which are others each time.
      if (at - 4 >= this.idEnd) hash = Math.imul(hash ^ view.getInt32(at - 4, true), MIX);
    }
    if (at + 2 > end || bytes[at] !== TAG_AMOUNT) return;
    hash = Math.imul(hash ^ (at - this.idEnd), MIX);
    this.#amountAt = at + 1;
    this.amountStart = at + 2;
    at += 2 + (bytes[at + 1] as number);
    this.amountEnd = at;
    while (at + 2 <= end && (bytes[at] as number) < TAG_OCCURRED_AT) {
      at += 2 + (bytes[at + 1] as number);
      if (at > end) return;
      if (at - 4 >= this.amountEnd) hash = Math.imul(hash ^ view.getInt32(at - 4, true), MIX);
    }
    if (at + 2 > end || bytes[at] !== TAG_OCCURRED_AT) return;
    this.#timeAt = at + 1;
    at += 2 + (bytes[at + 1] as number);
    if (at > end || !this.#hasHoles(bytes, start, at)) return;
    if (at < end) hash = Math.imul(hash ^ view.getInt32(end - 4, true) ^ (end - at), MIX);
    hash ^= hash >>> 15;
    this.#slot = Math.imul(hash, 0x85ebca77) >>> (32 - SLOT_BITS);
  }

  #hasHoles(bytes: Uint8Array, start: number, timeEnd: number): boolean {
    const idLength = bytes[start + 1] as number;
    return (
      idLength > 0 &&
      idLength <= HOLE_BYTES_MAX &&
      this.amountEnd - this.amountStart <= HOLE_BYTES_MAX &&
      timeEnd - this.#timeAt - 1 <= HOLE_BYTES_MAX
    );
  }
}

/** Of all of a part, whose bytes are looked at for a shape that is not known yet. */
function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start);
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ (bytes[at] as number), MIX);
    hash ^= hash >>> 15;
  }
  return hash;
}
