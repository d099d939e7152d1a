/**
 * Judges a request of pulses in one pass over its bytes, and says which partition each pulse lies in.
 * A door's hot path: no string and no object is made of a pulse, and the columns are used again.
 */
import type { CallersTenant } from './callers-tenant.ts';
import { FUTURE_MS_MAX, LATENESS_MS, PULSE_BYTES_MAX, PULSES_PER_REQUEST_MAX } from './pulse.ts';
import { PulseReader, pastField } from './pulse-reader.ts';
import type { PulseShape } from './pulse-shape.ts';
import { PLAIN, TextReader, tenantPartition } from './pulse-text.ts';
import { ACCEPTED, verdictOf } from './pulse-verdict.ts';
import { ShapeTable } from './shape-table.ts';
import { VarintReader } from './wire-varint.ts';

const PULSE_TOO_LARGE = verdictOf('pulse_too_large');
const TENANT_MISSING = verdictOf('tenant_missing');
const TENANT_MISMATCH = verdictOf('tenant_mismatch');
const TOO_OLD = verdictOf('too_old');
const IN_FUTURE = verdictOf('in_future');

/** Tags of IngestRequest. */
const TAG_PULSES = 0x0a;
const TAG_ALLOW_BACKFILL = 0x10;
const REQUEST_FIELD_MAX = 2;
const NANOS_PER_MS = 1_000_000;

/**
 * - `scanned`: the columns say what becomes of each pulse.
 * - `malformed`: the bytes are no request.
 */
export type ScanOutcome = 'scanned' | 'malformed' | 'too_many' | 'empty' | 'backfill_forbidden';

export interface ScanCaller {
  /** Null: the caller may write for any tenant, and each pulse names its own. */
  readonly tenant: CallersTenant | null;
  readonly canBackfill: boolean;
}

export class PulseScan {
  /** Pulses of the request. The columns hold as many. */
  count = 0;
  accepted = 0;
  /** Message bytes of the accepted pulses, a tenant that is added not among them. */
  acceptedBytes = 0;
  /** `[start, end)` of each message in the request's bytes. */
  readonly start = new Uint32Array(PULSES_PER_REQUEST_MAX);
  readonly end = new Uint32Array(PULSES_PER_REQUEST_MAX);
  /** ACCEPTED, or why not. */
  readonly verdict = new Uint8Array(PULSES_PER_REQUEST_MAX);
  /** Of accepted pulses. */
  readonly partition = new Uint16Array(PULSES_PER_REQUEST_MAX);
  /** Of accepted pulses: 1 where the caller's tenant is to be added. */
  readonly lacksTenant = new Uint8Array(PULSES_PER_REQUEST_MAX);
  /** Of accepted pulses: what they share with others that came before, or null where nothing is known. */
  readonly shape: (PulseShape | null)[] = new Array(PULSES_PER_REQUEST_MAX).fill(null);
  /** Of pulses with a shape: when they were consumed, since the Unix epoch, in two parts. */
  readonly seconds = new Uint32Array(PULSES_PER_REQUEST_MAX);
  readonly nanos = new Uint32Array(PULSES_PER_REQUEST_MAX);
  readonly #partitions: number;
  readonly #reader = new PulseReader();
  readonly #shapes = new ShapeTable();
  readonly #text = new TextReader();
  readonly #varint = new VarintReader();

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** `now`: ms since the Unix epoch. The columns are defined where the outcome is `scanned`. */
  scan(bytes: Uint8Array, caller: ScanCaller, now: number): ScanOutcome {
    const { start, end, verdict } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const varint = this.#varint;
    const total = bytes.length;
    let allowsBackfill = false;
    let count = 0;
    let at = 0;
    while (at < total) {
      let tag = bytes[at] as number;
      at += 1;
      if (tag >= 0x80) {
        if (!varint.read(bytes, at - 1, total)) return 'malformed';
        tag = varint.value;
        at = varint.next;
      }
      if (tag === TAG_PULSES) {
        if (at >= total) return 'malformed';
        let length = bytes[at] as number;
        let from = at + 1;
        if (length >= 0x80) {
          if (!varint.read(bytes, at, total)) return 'malformed';
          length = varint.value;
          from = varint.next;
        }
        at = from + length;
        if (at > total) return 'malformed';
        if (count === PULSES_PER_REQUEST_MAX) return 'too_many';
        start[count] = from;
        end[count] = at;
        verdict[count] = this.#judge(bytes, view, count, from, at, caller, now);
        count += 1;
      } else if (tag === TAG_ALLOW_BACKFILL) {
        if (!varint.read(bytes, at, total)) return 'malformed';
        allowsBackfill = varint.value !== 0;
        at = varint.next;
      } else {
        if (Math.floor(tag / 8) <= REQUEST_FIELD_MAX) return 'malformed';
        at = pastField(varint, bytes, at, total, tag);
        if (at < 0) return 'malformed';
      }
    }
    if (count === 0) return 'empty';
    if (allowsBackfill && !caller.canBackfill) return 'backfill_forbidden';
    this.count = count;
    this.#tally(allowsBackfill);
    return 'scanned';
  }

  #judge(
    bytes: Uint8Array,
    view: DataView,
    index: number,
    from: number,
    to: number,
    caller: ScanCaller,
    now: number,
  ): number {
    if (to - from > PULSE_BYTES_MAX) return PULSE_TOO_LARGE;
    const { tenant } = caller;
    const shapes = this.#shapes;
    const shape = shapes.match(bytes, view, from, to, tenant);
    if (shape !== null) {
      this.#text.read(bytes, view, shapes.idStart, shapes.idEnd);
      if (this.#text.kind === PLAIN) return this.#take(index, shape, now);
    }
    this.shape[index] = null;
    const reader = this.#reader;
    const verdict = reader.read(bytes, view, from, to);
    if (verdict !== ACCEPTED) return verdict;
    let { tenantHash } = reader;
    this.lacksTenant[index] = 0;
    if (reader.tenantStart === reader.tenantEnd) {
      if (tenant === null) return TENANT_MISSING;
      this.lacksTenant[index] = 1;
      tenantHash = tenant.hash;
    } else if (tenant !== null && !isTenant(bytes, reader, tenant)) {
      return TENANT_MISMATCH;
    }
    shapes.learn(bytes, view, from, to, reader, tenant);
    this.partition[index] = tenantPartition(tenantHash, this.#partitions);
    return judgeTime(reader.occurredAt, now);
  }

  /** As `#judge`, of a pulse that has just matched a shape and whose id is in order. */
  #take(index: number, shape: PulseShape, now: number): number {
    const { seconds, nanos } = this.#shapes;
    this.shape[index] = shape;
    this.lacksTenant[index] = shape.lacksTenant ? 1 : 0;
    this.seconds[index] = seconds;
    this.nanos[index] = nanos;
    this.partition[index] = tenantPartition(shape.tenantHash, this.#partitions);
    return judgeTime(seconds * 1000 + Math.floor(nanos / NANOS_PER_MS), now);
  }

  #tally(allowsBackfill: boolean): void {
    const { start, end, verdict } = this;
    let accepted = 0;
    let acceptedBytes = 0;
    for (let index = 0; index < this.count; index += 1) {
      if (allowsBackfill && verdict[index] === TOO_OLD) verdict[index] = ACCEPTED;
      if (verdict[index] !== ACCEPTED) continue;
      accepted += 1;
      acceptedBytes += (end[index] as number) - (start[index] as number);
    }
    this.accepted = accepted;
    this.acceptedBytes = acceptedBytes;
  }
}

function judgeTime(occurredAt: number, now: number): number {
  if (occurredAt > now + FUTURE_MS_MAX) return IN_FUTURE;
  // Judged last: a request that turns out to allow a backfill takes it all the same.
  return occurredAt < now - LATENESS_MS ? TOO_OLD : ACCEPTED;
}

function isTenant(bytes: Uint8Array, reader: PulseReader, tenant: CallersTenant): boolean {
  const { tenantStart, tenantEnd } = reader;
  const expected = tenant.bytes;
  if (tenantEnd - tenantStart !== expected.length) return false;
  for (let at = 0; at < expected.length; at += 1) {
    if (bytes[tenantStart + at] !== expected[at]) return false;
  }
  return true;
}
