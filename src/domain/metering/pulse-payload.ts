/**
 * How pulses stand in a block: each in the bytes that its sender wrote, or by what it has beyond an earlier
 * one of its shape. One pulse after the other:
 *
 *   length message              the message as it is; a length is a varint above 0
 *   0 0 length message          the same, and it founds the block's next shape, numbered from 0
 *   0 number id amount time     a message of the shape `number - 1`; the number is a varint above 0
 *
 *   id      length u8 and text, or 0 and the 16 bytes of a UUID in lower-case digits
 *   amount  length u8 and text
 *   time    seconds u32 and nanoseconds u32, little-endian; the message has them in their usual form
 *
 * A message of a shape is that of its founder with another id, amount and time, byte by byte.
 */
import { copyBytes } from './copy-bytes.ts';
import { TENANT_BYTES_MAX } from './pulse.ts';
import { PulseReader, TAG_ID } from './pulse-reader.ts';
import { HOLE_BYTES_MAX, hasShape, SHAPE_BYTES_MAX } from './pulse-shape.ts';
import { ACCEPTED } from './pulse-verdict.ts';
import { UUID_BYTES, UUID_TEXT_BYTES, writeUuidText } from './uuid-text.ts';
import { timeLength, writeTime } from './wire-time.ts';
import { VarintReader } from './wire-varint.ts';

export const HAS_SHAPE = 0;
export const FOUNDS_SHAPE = 0;
export const UUID_ID = 0;

export const TIME_BYTES = 8;
/** A door adds a tenant to the message that founds a shape. */
const FOUNDER_BYTES_MAX = SHAPE_BYTES_MAX + 2 + TENANT_BYTES_MAX;
/** Of the id, the amount and the time, and the id's tag. */
const HOLE_HEAD_BYTES = 4;
/** Where a message of a shape has its id, behind tag and length. */
export const SHAPED_ID_AT = 2;

/** Where the parts of a shape lie in the payload, `[start, end)` each. */
interface Founder {
  readonly beforeAmountStart: number;
  readonly beforeAmountEnd: number;
  readonly beforeTimeStart: number;
  readonly beforeTimeEnd: number;
  readonly behindTimeStart: number;
  readonly behindTimeEnd: number;
  /** Of all three. */
  readonly length: number;
}

/** Goes through a payload pulse by pulse, without making an object of any but of founders. */
export class PayloadReader {
  /** Bytes of the message that was read last. */
  length = 0;
  /** Number of its shape in the payload; -1: the message stands as it is. */
  shape = -1;
  /** Whether it founds the next shape. */
  isFounder = false;
  /** Of a message of a shape, whose id is at SHAPED_ID_AT. */
  idLength = 0;
  isUuid = false;
  /** Where its amount begins in the message. */
  amountStart = 0;
  amountLength = 0;
  /** Its time, both below 2^32. */
  seconds = 0;
  nanos = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #varint = new VarintReader();
  readonly #reader = new PulseReader();
  readonly #founders: Founder[] = [];
  #at = 0;
  /** Null: the message stands as it is, from `#from` on. */
  #founder: Founder | null = null;
  #from = 0;
  #amountAt = 0;

  constructor(payload: Uint8Array) {
    this.#bytes = payload;
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Goes on to the next pulse; false where there is none, or what comes can not be read. */
  next(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at >= bytes.length) return false;
    this.isFounder = false;
    if (bytes[at] !== HAS_SHAPE) return this.#whole(at);
    if (bytes[at + 1] !== FOUNDS_SHAPE) return this.#shaped(at + 1);
    this.isFounder = bytes[at + 2] !== 0 && this.#whole(at + 2) && this.#found();
    if (this.isFounder) return true;
    this.#at = at;
    return false;
  }

  /** Writes the message, `length` bytes, to `at` of `target`, over which `view` lies. */
  write(target: Uint8Array, view: DataView, at: number): void {
    const bytes = this.#bytes;
    const from = this.#from;
    const founder = this.#founder;
    if (founder === null) {
      copyBytes(bytes, this.#view, from, from + this.length, target, view, at);
      return;
    }
    let to = at + SHAPED_ID_AT;
    target[at] = TAG_ID;
    if (this.isUuid) {
      target[at + 1] = UUID_TEXT_BYTES;
      writeUuidText(bytes, from + 1, target, view, to);
    } else {
      target[at + 1] = this.idLength;
      copyBytes(bytes, this.#view, from + 1, from + 1 + this.idLength, target, view, to);
    }
    to += this.idLength;
    to = this.#copy(founder.beforeAmountStart, founder.beforeAmountEnd, target, view, to);
    to = this.#copy(this.#amountAt, this.#amountAt + 1 + this.amountLength, target, view, to);
    to = this.#copy(founder.beforeTimeStart, founder.beforeTimeEnd, target, view, to);
    target[to] = timeLength(this.seconds, this.nanos);
    to = writeTime(target, to + 1, this.seconds, this.nanos);
    this.#copy(founder.behindTimeStart, founder.behindTimeEnd, target, view, to);
  }

  #copy(start: number, end: number, target: Uint8Array, view: DataView, at: number): number {
    return copyBytes(this.#bytes, this.#view, start, end, target, view, at);
  }

  #whole(at: number): boolean {
    const varint = this.#varint;
    if (!varint.read(this.#bytes, at, this.#bytes.length)) return false;
    this.#founder = null;
    this.shape = -1;
    this.#from = varint.next;
    this.length = varint.value;
    this.#at = varint.next + varint.value;
    return this.#at <= this.#bytes.length;
  }

  #found(): boolean {
    const bytes = this.#bytes;
    const reader = this.#reader;
    const start = this.#from;
    const end = this.#at;
    const isFounder =
      reader.read(bytes, this.#view, start, end) === ACCEPTED &&
      hasShape(bytes, reader, start, end, FOUNDER_BYTES_MAX);
    if (!isFounder) return false;
    const { idEnd, amountStart, amountEnd, timeStart, timeEnd } = reader;
    this.#founders.push({
      beforeAmountStart: idEnd,
      beforeAmountEnd: amountStart - 1,
      beforeTimeStart: amountEnd,
      beforeTimeEnd: timeStart - 1,
      behindTimeStart: timeEnd,
      behindTimeEnd: end,
      length: amountStart - 1 - idEnd + (timeStart - 1 - amountEnd) + (end - timeEnd),
    });
    return true;
  }

  #shaped(at: number): boolean {
    const bytes = this.#bytes;
    const varint = this.#varint;
    if (!varint.read(bytes, at, bytes.length)) return false;
    const founder = this.#founders[varint.value - 1];
    const from = varint.next;
    if (founder === undefined || from >= bytes.length) return false;
    const idLength = bytes[from] as number;
    const isUuid = idLength === UUID_ID;
    const amountAt = from + 1 + (isUuid ? UUID_BYTES : idLength);
    if (amountAt >= bytes.length) return false;
    const amountLength = bytes[amountAt] as number;
    const timeAt = amountAt + 1 + amountLength;
    const end = timeAt + TIME_BYTES;
    if (idLength > HOLE_BYTES_MAX || amountLength > HOLE_BYTES_MAX || end > bytes.length) {
      return false;
    }
    this.#founder = founder;
    this.shape = varint.value - 1;
    this.isUuid = isUuid;
    this.#from = from;
    this.idLength = isUuid ? UUID_TEXT_BYTES : idLength;
    this.#amountAt = amountAt;
    this.amountLength = amountLength;
    this.seconds = this.#view.getUint32(timeAt, true);
    this.nanos = this.#view.getUint32(timeAt + 4, true);
    const beforeAmount = founder.beforeAmountEnd - founder.beforeAmountStart;
    this.amountStart = SHAPED_ID_AT + this.idLength + beforeAmount + 1;
    this.length =
      HOLE_HEAD_BYTES +
      this.idLength +
      amountLength +
      timeLength(this.seconds, this.nanos) +
      founder.length;
    this.#at = end;
    return true;
  }
}
