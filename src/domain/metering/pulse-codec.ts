/** Pulses one at a time, as objects: for edges that do not speak Protobuf, and for readers of the ledger. */
import { formatDecimal, parseDecimal, ZERO } from '../counting/decimal.ts';
import { ApuraError } from '../errors.ts';
import type { Pulse } from './pulse.ts';
import { ATTRIBUTE_PLACES, PulseReader } from './pulse-reader.ts';
import { ACCEPTED, rejectionOf } from './pulse-verdict.ts';
import { varintLength, writeVarint } from './wire-varint.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const TAG_PULSES = 0x0a;
const TAG_ALLOW_BACKFILL = 0x10;
const MS_PER_SECOND = 1000;
const NANOS_PER_MS = 1_000_000;

/** A pulse as somebody says it, right or wrong: what is absent or empty is left out. */
export interface PulseTexts {
  readonly id?: string;
  readonly source?: string;
  readonly tenant?: string;
  readonly sku?: string;
  readonly amount?: string;
  readonly unit?: string;
  /** Since the Unix epoch; the seconds of any sign, the nanoseconds 0 to 999,999,999. */
  readonly occurredAt?: { readonly seconds: number; readonly nanos: number };
  readonly attributes?: Readonly<Record<string, string>>;
}

/** The Protobuf message of what is said. Checks nothing: a door judges it like any other. */
export function encodePulseTexts(texts: PulseTexts): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = (field: number, value = ''): void => {
    if (value !== '') parts.push(lengthDelimited(field, encoder.encode(value)));
  };
  text(1, texts.id);
  text(2, texts.source);
  text(3, texts.tenant);
  text(4, texts.sku);
  text(5, texts.amount);
  text(6, texts.unit);
  if (texts.occurredAt !== undefined) {
    const { seconds, nanos } = texts.occurredAt;
    parts.push(lengthDelimited(7, joined([varintField(1, seconds), varintField(2, nanos)])));
  }
  for (const [name, value] of Object.entries(texts.attributes ?? {})) {
    const entry = [encoder.encode(name), encoder.encode(value)];
    parts.push(lengthDelimited(8, joined(entry.map((part, at) => lengthDelimited(at + 1, part)))));
  }
  return joined(parts);
}

export function encodePulse(pulse: Pulse): Uint8Array {
  const seconds = Math.floor(pulse.occurredAt / MS_PER_SECOND);
  const nanos = (pulse.occurredAt - seconds * MS_PER_SECOND) * NANOS_PER_MS;
  const amount = formatDecimal(pulse.amount);
  return encodePulseTexts({ ...pulse, amount, occurredAt: { seconds, nanos } });
}

/** @throws ApuraError `block_invalid`: no pulse that a log could hold. */
export function decodePulse(bytes: Uint8Array): Pulse {
  const reader = new PulseReader();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const verdict = reader.read(bytes, view, 0, bytes.length);
  if (verdict !== ACCEPTED) {
    throw new ApuraError('block_invalid', `A pulse is refused: ${rejectionOf(verdict)}.`);
  }
  const text = (start: number, end: number): string => decoder.decode(bytes.subarray(start, end));
  const attributes = Array.from({ length: reader.attributeCount }, (_, entry) => {
    const place = entry * ATTRIBUTE_PLACES;
    const [nameStart, nameEnd, valueStart, valueEnd] = reader.attributes.subarray(place);
    return [text(nameStart ?? 0, nameEnd ?? 0), text(valueStart ?? 0, valueEnd ?? 0)] as const;
  });
  return {
    id: text(reader.idStart, reader.idEnd),
    source: text(reader.sourceStart, reader.sourceEnd),
    tenant: text(reader.tenantStart, reader.tenantEnd),
    sku: text(reader.skuStart, reader.skuEnd),
    amount: parseDecimal(text(reader.amountStart, reader.amountEnd)) ?? ZERO,
    unit: text(reader.unitStart, reader.unitEnd),
    occurredAt: reader.occurredAt,
    attributes: Object.fromEntries(attributes),
  };
}

/** An IngestRequest of these messages. */
export function encodeIngestRequest(
  pulses: readonly Uint8Array[],
  allowsBackfill: boolean,
): Uint8Array {
  const parts = pulses.map((pulse) => lengthDelimited(TAG_PULSES >>> 3, pulse));
  if (allowsBackfill) parts.push(Uint8Array.of(TAG_ALLOW_BACKFILL, 1));
  return joined(parts);
}

function lengthDelimited(field: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + varintLength(content.length) + content.length);
  bytes[0] = field * 8 + 2;
  bytes.set(content, writeVarint(bytes, 1, content.length));
  return bytes;
}

/** Nothing for 0, which is what an absent number means. */
function varintField(field: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(11);
  bytes[0] = field * 8;
  let rest = BigInt.asUintN(64, BigInt(value));
  let at = 1;
  for (; rest >= 0x80n; at += 1) {
    bytes[at] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  bytes[at] = Number(rest);
  return bytes.subarray(0, at + 1);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
