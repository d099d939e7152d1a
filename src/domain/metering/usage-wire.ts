/**
 * Usage records as the bytes of a PutUsageRequest (proto/apura/metering/v1/usage_service.proto): the same
 * through the broker and by gRPC.
 */
import { ApuraError } from '../errors.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { SKU_BYTES_MAX, TENANT_BYTES_MAX, UNIT_BYTES_MAX } from './pulse.ts';
import { NO_USAGE, USAGE_WINDOW_MS, type UsageRecord } from './usage.ts';
import { VarintReader, writeVarint } from './wire-varint.ts';

const SECOND_MS = 1_000;
const NANOS = 1_000_000;
/** Texts of at most 64, 64, 32 and 32 bytes, four decimals, nine numbers, and their tags. */
const RECORD_BYTES_MAX = 1_024;
const DECIMAL_DIGITS_MAX = 100;

const VARINT = 0;
const BYTES = 2;
const FIXED_64 = 1;
const FIXED_32 = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Writes fields one behind the other; what is zero or empty is left out, as Protobuf does. */
class FieldWriter {
  readonly bytes = new Uint8Array(RECORD_BYTES_MAX);
  length = 0;

  number(field: number, value: number): void {
    if (value === 0) return;
    this.#tag(field, VARINT);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  text(field: number, value: string): void {
    const bytes = encoder.encode(value);
    if (bytes.length > 0) this.message(field, bytes);
  }

  message(field: number, bytes: Uint8Array): void {
    this.#tag(field, BYTES);
    this.length = writeVarint(this.bytes, this.length, bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  instant(field: number, ms: number): void {
    const stamp = new FieldWriter();
    stamp.number(1, Math.floor(ms / SECOND_MS));
    stamp.number(2, (ms % SECOND_MS) * NANOS);
    this.message(field, stamp.bytes.subarray(0, stamp.length));
  }

  #tag(field: number, wireType: number): void {
    this.length = writeVarint(this.bytes, this.length, field * 8 + wireType);
  }
}

/** The bytes of a PutUsageRequest. */
export function encodeUsageRecords(records: readonly UsageRecord[]): Uint8Array {
  const encoded = records.map(encodeRecord);
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length + 4, 0));
  let at = 0;
  for (const record of encoded) {
    at = writeVarint(bytes, at, 1 * 8 + BYTES);
    at = writeVarint(bytes, at, record.length);
    bytes.set(record, at);
    at += record.length;
  }
  return bytes.subarray(0, at);
}

function encodeRecord(record: UsageRecord): Uint8Array {
  const { tenant, sku, unit } = record.series;
  const writer = new FieldWriter();
  writer.text(1, tenant);
  writer.text(2, sku);
  writer.text(3, unit);
  writer.instant(4, record.start);
  writer.number(5, record.partition);
  writer.number(6, record.version);
  writer.text(7, formatAmount(record.sum));
  writer.number(8, record.count);
  writer.text(9, formatAmount(record.min));
  writer.text(10, formatAmount(record.max));
  writer.text(11, formatAmount(record.last));
  writer.instant(12, record.lastAt);
  writer.text(13, record.lastKey);
  return writer.bytes.subarray(0, writer.length);
}

/** The fields of one message, by number; of a field that comes several times, the last. Unknown ones stay out of the way. */
class Fields {
  readonly #numbers = new Map<number, number>();
  readonly #bytes = new Map<number, Uint8Array>();
  /** Every field 1 of a request, in order. */
  readonly messages: Uint8Array[] = [];

  constructor(bytes: Uint8Array) {
    const varint = new VarintReader();
    let at = 0;
    const next = (): number => {
      if (!varint.read(bytes, at, bytes.length)) throw invalid('A number is cut off.');
      at = varint.next;
      return varint.value;
    };
    while (at < bytes.length) {
      const tag = next();
      const [field, wireType] = [Math.floor(tag / 8), tag % 8];
      if (wireType === VARINT) this.#numbers.set(field, next());
      else if (wireType === BYTES) {
        const length = next();
        if (at + length > bytes.length) throw invalid('A field is cut off.');
        const content = bytes.subarray(at, at + length);
        this.#bytes.set(field, content);
        if (field === 1) this.messages.push(content);
        at += length;
      } else if (wireType === FIXED_64) at += 8;
      else if (wireType === FIXED_32) at += 4;
      else throw invalid(`Wire type ${wireType} is not known here.`);
    }
    if (at > bytes.length) throw invalid('A field is cut off.');
  }

  whole(field: number): number {
    const value = this.#numbers.get(field) ?? 0;
    if (!Number.isSafeInteger(value)) throw invalid(`Field ${field} is above 2^53.`);
    return value;
  }

  text(field: number, bytesMin: number, bytesMax: number): string {
    const bytes = this.#bytes.get(field) ?? new Uint8Array(0);
    if (bytes.length < bytesMin || bytes.length > bytesMax) {
      throw invalid(`Field ${field} has ${bytes.length} bytes, not ${bytesMin}–${bytesMax}.`);
    }
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new ApuraError('block_invalid', `Usage: field ${field} is not UTF-8.`, { cause });
    }
  }

  amount(field: number): bigint {
    const text = this.text(field, 1, DECIMAL_DIGITS_MAX);
    const amount = parseAmount(text);
    if (amount === null) throw invalid(`Field ${field} is "${text}", no decimal.`);
    return amount;
  }

  instant(field: number): number {
    const stamp = new Fields(this.#bytes.get(field) ?? new Uint8Array(0));
    return stamp.whole(1) * SECOND_MS + Math.floor(stamp.whole(2) / NANOS);
  }
}

/** @throws ApuraError `block_invalid`: no PutUsageRequest, or a record in it contradicts itself. */
export function decodeUsageRecords(bytes: Uint8Array): readonly UsageRecord[] {
  return new Fields(bytes).messages.map(decodeRecord);
}

function decodeRecord(bytes: Uint8Array): UsageRecord {
  const fields = new Fields(bytes);
  const record: UsageRecord = {
    series: {
      tenant: fields.text(1, 1, TENANT_BYTES_MAX),
      sku: fields.text(2, 1, SKU_BYTES_MAX),
      unit: fields.text(3, 1, UNIT_BYTES_MAX),
    },
    start: fields.instant(4),
    partition: fields.whole(5),
    version: fields.whole(6),
    sum: fields.amount(7),
    count: fields.whole(8),
    min: fields.amount(9),
    max: fields.amount(10),
    last: fields.amount(11),
    lastAt: fields.instant(12),
    lastKey: fields.text(13, NO_USAGE.lastKey.length, NO_USAGE.lastKey.length),
  };
  if (record.start % USAGE_WINDOW_MS !== 0) throw invalid('A window starts amid another.');
  if (record.version === 0) throw invalid('A record has no version.');
  if (!/^[0-9a-f]{32}$/.test(record.lastKey)) throw invalid('The last key is no key.');
  return record;
}

function invalid(why: string): ApuraError {
  return new ApuraError('block_invalid', `Usage: ${why}`);
}
