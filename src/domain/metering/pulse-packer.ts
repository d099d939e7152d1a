/**
 * Gathers the pulses of one block of one partition (see pulse-payload.ts). Reused from block to block, so
 * that taking a pulse allocates nothing.
 */
import { type BlockWriter, encodePulseBlock } from '../counting/block.ts';
import type { CallersTenant } from './callers-tenant.ts';
import { copyBytes } from './copy-bytes.ts';
import { PULSE_BYTES_MAX } from './pulse.ts';
import { FOUNDS_SHAPE, HAS_SHAPE, TIME_BYTES, UUID_ID } from './pulse-payload.ts';
import { TAG_TENANT } from './pulse-reader.ts';
import type { PulseShape } from './pulse-shape.ts';
import { SHAPE_SLOTS } from './shape-table.ts';
import { packUuid, UUID_BYTES, UUID_TEXT_BYTES } from './uuid-text.ts';
import { writeVarint } from './wire-varint.ts';

/** A block is small against what a broker takes at once, and large against what it costs by itself. */
export const PULSE_BLOCK_BYTES_MAX = 512 * 1024;
const FIRST_BYTES = 16 * 1024;
/** More than a message and all that stands before it. */
const PULSE_ROOM_BYTES = 2 * PULSE_BYTES_MAX;

export class PulsePacker {
  #count = 0;
  #length = 0;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** The shapes of the block, by their place in the table that learned them, and their numbers. */
  readonly #shapes: (PulseShape | null)[] = new Array(SHAPE_SLOTS).fill(null);
  readonly #numbers = new Uint16Array(SHAPE_SLOTS);
  #shapeCount = 0;

  get count(): number {
    return this.#count;
  }

  /** Whether a pulse of any size still fits. */
  get hasRoom(): boolean {
    return this.#length + PULSE_ROOM_BYTES <= PULSE_BLOCK_BYTES_MAX;
  }

  /**
   * Adds the message in `bytes[start, end)`, over which `view` lies, with a tenant where it lacks one.
   * The caller seals before there is no room.
   */
  add(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    tenant: CallersTenant | null,
  ): void {
    this.#reserve();
    this.#addWhole(bytes, view, start, end, tenant);
  }

  /**
   * As `add`, of a message that has this shape and that time. Shapes of one table only: a place in it
   * stands for another shape once that has been learned.
   */
  addShaped(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    shape: PulseShape,
    seconds: number,
    nanos: number,
  ): void {
    this.#reserve();
    const { slot } = shape;
    if (this.#shapes[slot] !== shape) {
      this.#shapes[slot] = shape;
      this.#numbers[slot] = this.#shapeCount;
      this.#shapeCount += 1;
      this.#bytes[this.#length] = FOUNDS_SHAPE;
      this.#bytes[this.#length + 1] = FOUNDS_SHAPE;
      this.#length += 2;
      this.#addWhole(bytes, view, start, end, shape.lacksTenant ? shape.tenant : null);
      return;
    }
    const target = this.#bytes;
    const targetView = this.#view;
    target[this.#length] = HAS_SHAPE;
    let at = writeVarint(target, this.#length + 1, (this.#numbers[slot] as number) + 1);
    const idStart = start + 2;
    const idEnd = idStart + (bytes[start + 1] as number);
    at = this.#packId(bytes, view, idStart, idEnd, at);
    const amountAt = idEnd + shape.beforeAmount.length;
    const amountBytes = 1 + (bytes[amountAt] as number);
    // By fours, up to three beyond it: more of the message follows, and what is written is written over.
    for (let copied = 0; copied < amountBytes; copied += 4) {
      targetView.setInt32(at + copied, view.getInt32(amountAt + copied, true), true);
    }
    at += amountBytes;
    targetView.setUint32(at, seconds, true);
    targetView.setUint32(at + 4, nanos, true);
    this.#length = at + TIME_BYTES;
    this.#count += 1;
  }

  /** The block's bytes; the packer is empty afterwards. */
  seal(partition: number, blockTime: number, writer: BlockWriter): Uint8Array {
    const payload = this.#bytes.subarray(0, this.#length);
    const block = encodePulseBlock(partition, blockTime, writer, this.#count, payload);
    this.#count = 0;
    this.#length = 0;
    if (this.#shapeCount > 0) this.#shapes.fill(null);
    this.#shapeCount = 0;
    return block;
  }

  #addWhole(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    tenant: CallersTenant | null,
  ): void {
    const target = this.#bytes;
    const added = tenant === null ? 0 : 2 + tenant.bytes.length;
    let at = writeVarint(target, this.#length, end - start + added);
    at = copyBytes(bytes, view, start, end, target, this.#view, at);
    if (tenant !== null) {
      target[at] = TAG_TENANT;
      target[at + 1] = tenant.bytes.length;
      target.set(tenant.bytes, at + 2);
    }
    this.#length = at + added;
    this.#count += 1;
  }

  #packId(bytes: Uint8Array, view: DataView, start: number, end: number, at: number): number {
    const target = this.#bytes;
    const isUuid =
      end - start === UUID_TEXT_BYTES && packUuid(bytes, view, start, this.#view, at + 1);
    if (!isUuid) return copyBytes(bytes, view, start - 1, end, target, this.#view, at);
    target[at] = UUID_ID;
    return at + 1 + UUID_BYTES;
  }

  /** Makes room for a pulse of any size. */
  #reserve(): void {
    const needed = this.#length + PULSE_ROOM_BYTES;
    if (needed <= this.#bytes.length) return;
    let size = this.#bytes.length;
    while (size < needed) size *= 2;
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
