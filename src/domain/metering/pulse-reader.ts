/**
 * Reads one pulse where it lies, without making a string or an object of it: finds its fields and
 * checks every rule that needs neither the caller nor the clock. Doors and ledgers use the same.
 */
import {
  AMOUNT_SCALE,
  AMOUNT_WHOLE_DIGITS_MAX,
  ATTRIBUTE_NAME_BYTES_MAX,
  ATTRIBUTE_VALUE_BYTES_MAX,
  ATTRIBUTES_MAX,
  PULSE_ID_BYTES_MAX,
  SKU_BYTES_MAX,
  SOURCE_BYTES_MAX,
  TENANT_BYTES_MAX,
  UNIT_BYTES_MAX,
} from './pulse.ts';
import { NOT_UTF8, PLAIN, TextReader, WITH_CONTROL } from './pulse-text.ts';
import { ACCEPTED, verdictOf } from './pulse-verdict.ts';
import { VarintReader } from './wire-varint.ts';

const MALFORMED = verdictOf('malformed');
const ID_MISSING = verdictOf('id_missing');
const ID_TOO_LONG = verdictOf('id_too_long');
const SOURCE_MISSING = verdictOf('source_missing');
const SOURCE_TOO_LONG = verdictOf('source_too_long');
const TENANT_TOO_LONG = verdictOf('tenant_too_long');
const SKU_MISSING = verdictOf('sku_missing');
const SKU_TOO_LONG = verdictOf('sku_too_long');
const UNIT_MISSING = verdictOf('unit_missing');
const UNIT_TOO_LONG = verdictOf('unit_too_long');
const CONTROL_CHARACTER = verdictOf('control_character');
const AMOUNT_MISSING = verdictOf('amount_missing');
const AMOUNT_INVALID = verdictOf('amount_invalid');
const OCCURRED_AT_MISSING = verdictOf('occurred_at_missing');
const OCCURRED_AT_INVALID = verdictOf('occurred_at_invalid');
const TOO_MANY_ATTRIBUTES = verdictOf('too_many_attributes');
const ATTRIBUTE_TOO_LONG = verdictOf('attribute_too_long');

/** Tags: field number × 8 + wire type. Of Pulse: */
export const TAG_ID = 0x0a;
const TAG_SOURCE = 0x12;
export const TAG_TENANT = 0x1a;
const TAG_SKU = 0x22;
export const TAG_AMOUNT = 0x2a;
const TAG_UNIT = 0x32;
export const TAG_OCCURRED_AT = 0x3a;
const TAG_ATTRIBUTE = 0x42;
const PULSE_FIELD_MAX = 8;
/** Field numbers have 29 bits. */
const TAG_MAX = 0xffff_ffff;
/** Of google.protobuf.Timestamp: */
const TAG_SECONDS = 0x08;
const TAG_NANOS = 0x10;
/** Of an entry of a map of texts: */
const TAG_NAME = 0x0a;
const TAG_VALUE = 0x12;

/** The last second of the year 9999. */
const SECONDS_MAX = 253_402_300_799;
const NANOS_MAX = 999_999_999;
const NANOS_PER_MS = 1_000_000;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** One entry of `attributes`: start and end of its name and of its value. */
export const ATTRIBUTE_PLACES = 4;

/**
 * The pulse that was read last: where its fields lie, `[start, end)` each and empty where it has none,
 * and hashes of its texts. Of a scalar field that comes several times the last one counts.
 */
export class PulseReader {
  idStart = 0;
  idEnd = 0;
  sourceStart = 0;
  sourceEnd = 0;
  tenantStart = 0;
  tenantEnd = 0;
  tenantHash = 0;
  skuStart = 0;
  skuEnd = 0;
  skuHash = 0;
  unitStart = 0;
  unitEnd = 0;
  unitHash = 0;
  amountStart = 0;
  amountEnd = 0;
  /** The Timestamp message; its last part where it comes in several. */
  timeStart = 0;
  timeEnd = 0;
  timeParts = 0;
  /** ms since the Unix epoch. */
  occurredAt = 0;
  /** In the order of the message, a name perhaps several times: the last one counts. */
  readonly attributes = new Uint32Array(ATTRIBUTES_MAX * ATTRIBUTE_PLACES);
  attributeCount = 0;
  readonly #text = new TextReader();
  readonly #varint = new VarintReader();
  #seconds = 0;
  #nanos = 0;
  #hasControl = false;
  #attributeTooLong = false;

  /**
   * Reads the pulse in `bytes[start, end)`; `view` lies over the same bytes. Returns a verdict: ACCEPTED,
   * or the first rule that is broken, by the order of the checks below. What is found of a malformed
   * pulse is undefined. A pulse may have no tenant: the caller knows what to make of it.
   */
  read(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    this.idStart = this.idEnd = 0;
    this.sourceStart = this.sourceEnd = 0;
    this.tenantStart = this.tenantEnd = 0;
    this.skuStart = this.skuEnd = 0;
    this.unitStart = this.unitEnd = 0;
    this.amountStart = this.amountEnd = 0;
    this.timeParts = 0;
    this.attributeCount = 0;
    this.#seconds = 0;
    this.#nanos = 0;
    this.#hasControl = false;
    this.#attributeTooLong = false;
    const text = this.#text;
    let at = start;
    while (at < end) {
      let tag = bytes[at] as number;
      at += 1;
      if (tag >= 0x80) {
        if (!this.#varint.read(bytes, at - 1, end)) return MALFORMED;
        tag = this.#varint.value;
        at = this.#varint.next;
      }
      if ((tag & 7) !== 2) {
        at = this.#pastOther(bytes, at, end, tag);
        if (at < 0) return MALFORMED;
        continue;
      }
      if (at >= end) return MALFORMED;
      let length = bytes[at] as number;
      at += 1;
      if (length >= 0x80) {
        if (!this.#varint.read(bytes, at - 1, end)) return MALFORMED;
        length = this.#varint.value;
        at = this.#varint.next;
      }
      const fieldStart = at;
      at += length;
      if (at > end) return MALFORMED;
      switch (tag) {
        case TAG_ID:
          this.idStart = fieldStart;
          this.idEnd = at;
          text.read(bytes, view, fieldStart, at);
          break;
        case TAG_SOURCE:
          this.sourceStart = fieldStart;
          this.sourceEnd = at;
          text.read(bytes, view, fieldStart, at);
          break;
        case TAG_TENANT:
          this.tenantStart = fieldStart;
          this.tenantEnd = at;
          this.tenantHash = text.read(bytes, view, fieldStart, at);
          break;
        case TAG_SKU:
          this.skuStart = fieldStart;
          this.skuEnd = at;
          this.skuHash = text.read(bytes, view, fieldStart, at);
          break;
        case TAG_UNIT:
          this.unitStart = fieldStart;
          this.unitEnd = at;
          this.unitHash = text.read(bytes, view, fieldStart, at);
          break;
        case TAG_AMOUNT:
          this.amountStart = fieldStart;
          this.amountEnd = at;
          text.read(bytes, view, fieldStart, at);
          if (text.kind === NOT_UTF8) return MALFORMED;
          continue;
        case TAG_OCCURRED_AT:
          if (!this.#readTime(bytes, fieldStart, at)) return MALFORMED;
          this.timeStart = fieldStart;
          this.timeEnd = at;
          this.timeParts += 1;
          continue;
        case TAG_ATTRIBUTE:
          if (!this.#readAttribute(bytes, view, fieldStart, at)) return MALFORMED;
          continue;
        default:
          if (tag < 8 || tag > TAG_MAX) return MALFORMED;
          continue;
      }
      if (text.kind !== PLAIN) {
        if (text.kind === NOT_UTF8) return MALFORMED;
        if (text.kind === WITH_CONTROL) this.#hasControl = true;
      }
    }
    return this.#verdict(bytes);
  }

  /**
   * Whether a pulse is accepted all of whose message is known to be but these: an id of 1 to
   * PULSE_ID_BYTES_MAX bytes, an amount, and a time below 2^32 each. Tells of the fields those three
   * alone. Where it is false `read` has to say.
   */
  readShaped(
    bytes: Uint8Array,
    view: DataView,
    idStart: number,
    idEnd: number,
    isUuid: boolean,
    amountStart: number,
    amountEnd: number,
    seconds: number,
    nanos: number,
  ): boolean {
    if (!isUuid) {
      this.#text.read(bytes, view, idStart, idEnd);
      if (this.#text.kind !== PLAIN) return false;
    }
    if (nanos > NANOS_MAX || !isAmount(bytes, amountStart, amountEnd)) return false;
    this.idStart = idStart;
    this.idEnd = idEnd;
    this.amountStart = amountStart;
    this.amountEnd = amountEnd;
    this.occurredAt = seconds * 1000 + Math.floor(nanos / NANOS_PER_MS);
    return true;
  }

  #verdict(bytes: Uint8Array): number {
    const idLength = this.idEnd - this.idStart;
    if (idLength === 0) return ID_MISSING;
    if (idLength > PULSE_ID_BYTES_MAX) return ID_TOO_LONG;
    const sourceLength = this.sourceEnd - this.sourceStart;
    if (sourceLength === 0) return SOURCE_MISSING;
    if (sourceLength > SOURCE_BYTES_MAX) return SOURCE_TOO_LONG;
    if (this.tenantEnd - this.tenantStart > TENANT_BYTES_MAX) return TENANT_TOO_LONG;
    const skuLength = this.skuEnd - this.skuStart;
    if (skuLength === 0) return SKU_MISSING;
    if (skuLength > SKU_BYTES_MAX) return SKU_TOO_LONG;
    const unitLength = this.unitEnd - this.unitStart;
    if (unitLength === 0) return UNIT_MISSING;
    if (unitLength > UNIT_BYTES_MAX) return UNIT_TOO_LONG;
    if (this.#hasControl) return CONTROL_CHARACTER;
    if (this.amountStart === this.amountEnd) return AMOUNT_MISSING;
    if (!isAmount(bytes, this.amountStart, this.amountEnd)) return AMOUNT_INVALID;
    if (this.attributeCount > ATTRIBUTES_MAX) return TOO_MANY_ATTRIBUTES;
    if (this.#attributeTooLong) return ATTRIBUTE_TOO_LONG;
    if (this.timeParts === 0) return OCCURRED_AT_MISSING;
    if (this.#seconds > SECONDS_MAX || this.#nanos > NANOS_MAX) return OCCURRED_AT_INVALID;
    this.occurredAt = this.#seconds * 1000 + Math.floor(this.#nanos / NANOS_PER_MS);
    return ACCEPTED;
  }

  /** One past a field of no length, or -1 where it is cut, of no known kind, or a text by its number. */
  #pastOther(bytes: Uint8Array, at: number, end: number, tag: number): number {
    const number = Math.floor(tag / 8);
    if (number <= PULSE_FIELD_MAX) return -1;
    return pastField(this.#varint, bytes, at, end, tag);
  }

  /** A time that comes in several parts is put together, as Protobuf does with messages. */
  #readTime(bytes: Uint8Array, start: number, end: number): boolean {
    const varint = this.#varint;
    let at = start;
    while (at < end) {
      if (!varint.read(bytes, at, end)) return false;
      const tag = varint.value;
      at = varint.next;
      if (tag === TAG_SECONDS || tag === TAG_NANOS) {
        if (!varint.read(bytes, at, end)) return false;
        if (tag === TAG_SECONDS) this.#seconds = varint.value;
        else this.#nanos = varint.value;
        at = varint.next;
      } else {
        at = tag < 0x18 ? -1 : pastField(varint, bytes, at, end, tag);
        if (at < 0) return false;
      }
    }
    return true;
  }

  #readAttribute(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const varint = this.#varint;
    const text = this.#text;
    let nameStart = start;
    let nameEnd = start;
    let valueStart = start;
    let valueEnd = start;
    let at = start;
    while (at < end) {
      if (!varint.read(bytes, at, end)) return false;
      const tag = varint.value;
      at = varint.next;
      if (tag === TAG_NAME || tag === TAG_VALUE) {
        if (!varint.read(bytes, at, end)) return false;
        const from = varint.next;
        at = from + varint.value;
        if (at > end) return false;
        text.read(bytes, view, from, at);
        if (text.kind === NOT_UTF8) return false;
        if (text.kind === WITH_CONTROL) this.#hasControl = true;
        if (tag === TAG_NAME) {
          nameStart = from;
          nameEnd = at;
        } else {
          valueStart = from;
          valueEnd = at;
        }
      } else {
        at = tag < 0x18 ? -1 : pastField(varint, bytes, at, end, tag);
        if (at < 0) return false;
      }
    }
    const nameLength = nameEnd - nameStart;
    if (
      nameLength === 0 ||
      nameLength > ATTRIBUTE_NAME_BYTES_MAX ||
      valueEnd - valueStart > ATTRIBUTE_VALUE_BYTES_MAX
    ) {
      this.#attributeTooLong = true;
    }
    if (this.attributeCount < ATTRIBUTES_MAX) {
      const place = this.attributeCount * ATTRIBUTE_PLACES;
      this.attributes[place] = nameStart;
      this.attributes[place + 1] = nameEnd;
      this.attributes[place + 2] = valueStart;
      this.attributes[place + 3] = valueEnd;
    }
    this.attributeCount += 1;
    return true;
  }
}

/** One past a field that is not known here, whose tag ends at `at`; -1 where it is cut or of no known kind. */
export function pastField(
  varint: VarintReader,
  bytes: Uint8Array,
  at: number,
  end: number,
  tag: number,
): number {
  if (tag < 8 || tag > TAG_MAX) return -1;
  let past = -1;
  switch (tag & 7) {
    case 0:
      if (varint.read(bytes, at, end)) past = varint.next;
      break;
    case 1:
      past = at + 8;
      break;
    case 2:
      if (varint.read(bytes, at, end)) past = varint.next + varint.value;
      break;
    case 5:
      past = at + 4;
      break;
    default:
  }
  return past <= end ? past : -1;
}

/** `-?` digits, at most AMOUNT_WHOLE_DIGITS_MAX, and perhaps a point and at most AMOUNT_SCALE more. */
export function isAmount(bytes: Uint8Array, start: number, end: number): boolean {
  let at = bytes[start] === MINUS ? start + 1 : start;
  const whole = at;
  let byte = 0;
  while (at < end) {
    byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) break;
    at += 1;
  }
  const digits = at - whole;
  if (digits === 0 || digits > AMOUNT_WHOLE_DIGITS_MAX) return false;
  if (at === end) return true;
  if (byte !== POINT) return false;
  at += 1;
  const fraction = at;
  while (at < end) {
    byte = bytes[at] as number;
    if (byte < ZERO || byte > NINE) return false;
    at += 1;
  }
  return at > fraction && at - fraction <= AMOUNT_SCALE;
}
