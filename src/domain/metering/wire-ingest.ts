/** What a door of pulses reads and answers beside the pulses themselves, as Protobuf. */
import { PULSE_REJECTIONS, PULSES_PER_REQUEST_MAX, type PulseRejection } from './pulse.ts';
import { pastField } from './pulse-reader.ts';
import { VarintReader, varintLength, writeVarint } from './wire-varint.ts';

/** What became of a request whose good pulses are durable. */
export interface PulseResults {
  readonly count: number;
  /** In their order. */
  readonly rejections: readonly { readonly index: number; readonly code: PulseRejection }[];
}

/** Field numbers of `results` in the two answers. */
const RESULTS_OF_INGEST = 1;
const RESULTS_OF_STREAM = 2;
/** A PulseResult that says PULSE_STATUS_ACCEPTED and no more: status = 1. */
const ACCEPTED_RESULT = [0x08, 1];
const REJECTED_STATUS = [0x08, 2];
const TAG_CODE = 0x12;
const TAG_MESSAGE = 0x1a;
const TAG_SEQUENCE = 0x08;
const TAG_BATCH = 0x12;
const STREAM_FIELD_MAX = 2;

const encoder = new TextEncoder();

/** The parts of an answer, made once for each of its two forms. */
interface Results {
  /** One accepted pulse after another, as many as a request may have. */
  readonly accepted: Uint8Array;
  readonly acceptedLength: number;
  readonly rejected: ReadonlyMap<string, Uint8Array>;
}

const INGEST_RESULTS = resultsIn(RESULTS_OF_INGEST);
const STREAM_RESULTS = resultsIn(RESULTS_OF_STREAM);

/** An IngestResponse. */
export function encodeIngestResponse(results: PulseResults): Uint8Array {
  return encodeResults(INGEST_RESULTS, results, new Uint8Array(0));
}

/** An IngestStreamResponse. */
export function encodeIngestStreamResponse(sequence: bigint, results: PulseResults): Uint8Array {
  const start = sequence === 0n ? [] : [TAG_SEQUENCE, ...varintOf(sequence)];
  return encodeResults(STREAM_RESULTS, results, Uint8Array.from(start));
}

/**
 * An IngestStreamRequest: its sequence, and its batch where it lies, empty where it has none; null where
 * the bytes are none. Of a field that comes several times the last one counts.
 */
export function readIngestStreamRequest(
  bytes: Uint8Array,
): { readonly sequence: bigint; readonly batch: Uint8Array } | null {
  const varint = new VarintReader();
  let sequence = 0n;
  let batch = bytes.subarray(0, 0);
  let at = 0;
  while (at < bytes.length) {
    if (!varint.read(bytes, at, bytes.length)) return null;
    const tag = varint.value;
    at = varint.next;
    if (tag === TAG_SEQUENCE || tag === TAG_BATCH) {
      if (!varint.read(bytes, at, bytes.length)) return null;
      const from = at;
      at = varint.next;
      if (tag === TAG_SEQUENCE) {
        sequence = bigOf(bytes.subarray(from, at));
      } else {
        at += varint.value;
        if (at > bytes.length) return null;
        batch = bytes.subarray(varint.next, at);
      }
    } else {
      if (Math.floor(tag / 8) <= STREAM_FIELD_MAX) return null;
      at = pastField(varint, bytes, at, bytes.length, tag);
      if (at < 0) return null;
    }
  }
  return { sequence, batch };
}

function encodeResults(
  { accepted, acceptedLength, rejected }: Results,
  { count, rejections }: PulseResults,
  start: Uint8Array,
): Uint8Array {
  if (rejections.length === 0 && start.length === 0) {
    return accepted.slice(0, count * acceptedLength);
  }
  let length = start.length + (count - rejections.length) * acceptedLength;
  for (const { code } of rejections) length += rejected.get(code)?.length ?? 0;
  const bytes = new Uint8Array(length);
  bytes.set(start);
  let at = start.length;
  let next = 0;
  const acceptUpTo = (index: number): void => {
    bytes.set(accepted.subarray(0, (index - next) * acceptedLength), at);
    at += (index - next) * acceptedLength;
    next = index + 1;
  };
  for (const { index, code } of rejections) {
    acceptUpTo(index);
    const result = rejected.get(code) ?? new Uint8Array(0);
    bytes.set(result, at);
    at += result.length;
  }
  acceptUpTo(count);
  return bytes;
}

function resultsIn(field: number): Results {
  const one = lengthDelimited(field * 8 + 2, ACCEPTED_RESULT);
  const accepted = new Uint8Array(one.length * PULSES_PER_REQUEST_MAX);
  for (let at = 0; at < accepted.length; at += one.length) accepted.set(one, at);
  const rejected = Object.entries(PULSE_REJECTIONS).map(([code, message]) => {
    const result = [
      ...REJECTED_STATUS,
      ...lengthDelimited(TAG_CODE, encoder.encode(code)),
      ...lengthDelimited(TAG_MESSAGE, encoder.encode(message)),
    ];
    return [code, Uint8Array.from(lengthDelimited(field * 8 + 2, result))] as const;
  });
  return { accepted, acceptedLength: one.length, rejected: new Map(rejected) };
}

function lengthDelimited(tag: number, content: ArrayLike<number>): readonly number[] {
  const length = new Uint8Array(varintLength(content.length));
  writeVarint(length, 0, content.length);
  return [tag, ...length, ...Array.from(content)];
}

function varintOf(value: bigint): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function bigOf(varint: Uint8Array): bigint {
  return varint.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n);
}
