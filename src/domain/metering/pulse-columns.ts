/**
 * Decodes blocks of pulses into columns: at hundreds of thousands a second an object each would cost the
 * most. What can not be read is told apart, with its bytes, and never stands in the way of the rest.
 */
import type { PulseBlock } from '../counting/block.ts';
import { readAmount } from './amount.ts';
import {
  PULSE_BYTES_MAX,
  PULSE_REJECTIONS,
  type PulseRejection,
  TENANT_BYTES_MAX,
  type UsageSeries,
} from './pulse.ts';
import { PULSE_KEY_BYTES, PulseIdentity, type ShapeIdentity } from './pulse-identity.ts';
import { PayloadReader, SHAPED_ID_AT } from './pulse-payload.ts';
import { PulseReader } from './pulse-reader.ts';
import { SeriesTable } from './pulse-series.ts';
import { ACCEPTED, rejectionOf, verdictOf } from './pulse-verdict.ts';

/** Pulses in columns, all of length `count`. */
export interface PulseColumns {
  readonly count: number;
  /** Holds every pulse's Protobuf message: `[start, end)` each. */
  readonly bytes: Uint8Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** 16 bytes a pulse: what it is known by (tenant, source and id, hashed). */
  readonly keys: Uint8Array;
  /** 16 bytes a pulse: a digest of what it says (sku, unit, amount, time, attributes). */
  readonly digests: Uint8Array;
  readonly series: readonly UsageSeries[];
  /** Index into `series`. */
  readonly seriesIndex: Uint32Array;
  /** In whole numbers of 10^-AMOUNT_SCALE. */
  readonly amounts: readonly bigint[];
  /** ms since the Unix epoch. */
  readonly occurredAt: Float64Array;
  readonly receivedAt: Float64Array;
  /** The offset of the pulse's block. */
  readonly offset: Float64Array;
}

export interface PulseBlockAt {
  readonly offset: number;
  readonly block: PulseBlock;
}

/** Something in a log that is no pulse. */
export interface PulseFailure {
  readonly offset: number;
  /** Place in the block; null: the block as a whole. */
  readonly index: number | null;
  /** Of the pulse, or of the block's payload. */
  readonly bytes: Uint8Array;
  /** Null where the bytes don't tell. */
  readonly tenant: string | null;
  /** `block_invalid`: the payload is not as many pulses as the block says. */
  readonly code: PulseRejection | 'block_invalid';
  readonly message: string;
}

export interface DecodedPulses {
  readonly columns: PulseColumns;
  /** In log order. */
  readonly failures: readonly PulseFailure[];
}

/** A door that adds a tenant makes the largest pulse a little larger. */
const LOGGED_BYTES_MAX = PULSE_BYTES_MAX + 2 + TENANT_BYTES_MAX;
const PULSE_TOO_LARGE = verdictOf('pulse_too_large');
const TENANT_MISSING = verdictOf('tenant_missing');
const MALFORMED = verdictOf('malformed');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The pulses of these blocks, in their order; each block's time is when its pulses were received. */
export function decodePulses(blocks: readonly PulseBlockAt[]): DecodedPulses {
  const failures: PulseFailure[] = [];
  let bytes = 0;
  const sound = blocks.filter((at) => {
    const measured = measure(at.block.payload);
    if (measured?.count === at.block.count) {
      bytes += measured.bytes;
      return true;
    }
    failures.push(blockFailure(at));
    return false;
  });
  const columns = new ColumnsUnderWay(sound, bytes);
  for (const at of sound) columns.add(at, failures);
  failures.sort((left, right) => left.offset - right.offset);
  return { columns: columns.finish(), failures };
}

function blockFailure({ offset, block }: PulseBlockAt): PulseFailure {
  const message = `The payload is not ${block.count} pulses, as the block says.`;
  const { payload: bytes } = block;
  return { offset, index: null, bytes, tenant: null, code: 'block_invalid', message };
}

/** How many pulses make up the payload, and the bytes of their messages; null where it is anything else. */
function measure(payload: Uint8Array): { readonly count: number; readonly bytes: number } | null {
  const reader = new PayloadReader(payload);
  let count = 0;
  let bytes = 0;
  while (reader.next()) {
    count += 1;
    bytes += reader.length;
  }
  return reader.isAtEnd ? { count, bytes } : null;
}

/** What all pulses of a shape have in common. */
interface ShapeMet {
  readonly identity: ShapeIdentity;
  /** Index into the columns' series. */
  readonly series: number;
}

class ColumnsUnderWay {
  #count = 0;
  /** Where the next message goes. */
  #bytesFrom = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #start: Uint32Array;
  readonly #end: Uint32Array;
  readonly #keys: Uint8Array;
  readonly #keysView: DataView;
  readonly #digests: Uint8Array;
  readonly #digestsView: DataView;
  readonly #seriesIndex: Uint32Array;
  readonly #amounts: bigint[] = [];
  readonly #occurredAt: Float64Array;
  readonly #receivedAt: Float64Array;
  readonly #offset: Float64Array;
  readonly #reader = new PulseReader();
  readonly #identity = new PulseIdentity();
  readonly #series: SeriesTable;

  constructor(blocks: readonly PulseBlockAt[], bytes: number) {
    const count = blocks.reduce((sum, { block }) => sum + block.count, 0);
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#series = new SeriesTable(this.#bytes);
    this.#start = new Uint32Array(count);
    this.#end = new Uint32Array(count);
    this.#keys = new Uint8Array(count * PULSE_KEY_BYTES);
    this.#keysView = new DataView(this.#keys.buffer);
    this.#digests = new Uint8Array(count * PULSE_KEY_BYTES);
    this.#digestsView = new DataView(this.#digests.buffer);
    this.#seriesIndex = new Uint32Array(count);
    this.#occurredAt = new Float64Array(count);
    this.#receivedAt = new Float64Array(count);
    this.#offset = new Float64Array(count);
  }

  add({ offset, block }: PulseBlockAt, failures: PulseFailure[]): void {
    const payload = new PayloadReader(block.payload);
    /** Of the block, by their numbers; null: no pulse of it is accepted. */
    const shapes: (ShapeMet | null)[] = [];
    for (let index = 0; payload.next(); index += 1) {
      const start = this.#bytesFrom;
      const end = start + payload.length;
      this.#bytesFrom = end;
      payload.write(this.#bytes, this.#view, start);
      const shape = shapes[payload.shape] ?? null;
      if (shape !== null && this.#readShaped(payload, start)) {
        this.#takeShaped(shape);
        this.#put(start, end, block.blockTime, offset);
        continue;
      }
      const verdict = this.#judge(start, end);
      const founded = verdict === ACCEPTED && payload.isFounder ? this.#meet() : null;
      if (payload.isFounder) shapes.push(founded);
      if (verdict !== ACCEPTED) {
        failures.push(this.#failure(verdict, start, end, offset, index));
        continue;
      }
      if (founded === null) this.#take();
      else this.#takeShaped(founded);
      this.#put(start, end, block.blockTime, offset);
    }
  }

  finish(): PulseColumns {
    const count = this.#count;
    return {
      count,
      bytes: this.#bytes,
      start: this.#start.subarray(0, count),
      end: this.#end.subarray(0, count),
      keys: this.#keys.subarray(0, count * PULSE_KEY_BYTES),
      digests: this.#digests.subarray(0, count * PULSE_KEY_BYTES),
      series: this.#series.series,
      seriesIndex: this.#seriesIndex.subarray(0, count),
      amounts: this.#amounts,
      occurredAt: this.#occurredAt.subarray(0, count),
      receivedAt: this.#receivedAt.subarray(0, count),
      offset: this.#offset.subarray(0, count),
    };
  }

  #judge(start: number, end: number): number {
    if (end - start > LOGGED_BYTES_MAX) return PULSE_TOO_LARGE;
    const reader = this.#reader;
    const verdict = reader.read(this.#bytes, this.#view, start, end);
    if (verdict !== ACCEPTED) return verdict;
    return reader.tenantStart === reader.tenantEnd ? TENANT_MISSING : ACCEPTED;
  }

  /** Whether the pulse, which has a known shape, is accepted by id, amount and time alone. */
  #readShaped(payload: PayloadReader, start: number): boolean {
    const idStart = start + SHAPED_ID_AT;
    const amountStart = start + payload.amountStart;
    return this.#reader.readShaped(
      this.#bytes,
      this.#view,
      idStart,
      idStart + payload.idLength,
      payload.isUuid,
      amountStart,
      amountStart + payload.amountLength,
      payload.seconds,
      payload.nanos,
    );
  }

  /** The shape of the pulse that was judged last. */
  #meet(): ShapeMet {
    const reader = this.#reader;
    return {
      identity: this.#identity.ofShape(reader, this.#bytes, this.#view),
      series: this.#series.indexOf(reader),
    };
  }

  #take(): void {
    const [reader, bytes, view] = [this.#reader, this.#bytes, this.#view];
    const at = this.#count * PULSE_KEY_BYTES;
    this.#identity.writeKey(reader, bytes, view, this.#keysView, at);
    this.#identity.writeDigest(reader, bytes, view, this.#digestsView, at);
    this.#seriesIndex[this.#count] = this.#series.indexOf(reader);
  }

  #takeShaped({ identity, series }: ShapeMet): void {
    const [reader, bytes, view] = [this.#reader, this.#bytes, this.#view];
    const at = this.#count * PULSE_KEY_BYTES;
    this.#identity.writeShapedKey(identity, reader, bytes, view, this.#keysView, at);
    this.#identity.writeShapedDigest(identity, reader, bytes, view, this.#digestsView, at);
    this.#seriesIndex[this.#count] = series;
  }

  #put(start: number, end: number, receivedAt: number, offset: number): void {
    const { amountStart, amountEnd, occurredAt } = this.#reader;
    const at = this.#count;
    this.#start[at] = start;
    this.#end[at] = end;
    this.#amounts.push(readAmount(this.#bytes, amountStart, amountEnd));
    this.#occurredAt[at] = occurredAt;
    this.#receivedAt[at] = receivedAt;
    this.#offset[at] = offset;
    this.#count = at + 1;
  }

  #failure(
    verdict: number,
    start: number,
    end: number,
    offset: number,
    index: number,
  ): PulseFailure {
    const { tenantStart, tenantEnd } = this.#reader;
    const tells = verdict !== MALFORMED && verdict !== PULSE_TOO_LARGE && tenantEnd > tenantStart;
    const code = rejectionOf(verdict);
    return {
      offset,
      index,
      bytes: this.#bytes.subarray(start, end),
      tenant: tells ? decoder.decode(this.#bytes.subarray(tenantStart, tenantEnd)) : null,
      code,
      message: PULSE_REJECTIONS[code],
    };
  }
}
