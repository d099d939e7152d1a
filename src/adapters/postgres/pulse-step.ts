/** A step of the pulse ledger in the forms that Postgres takes it in: rows for COPY, lists for the call. */
import { createHash } from 'node:crypto';
import { escapeLiteral } from 'pg';
import { type DeadLetterReport, retryAt, type Sha256 } from '../../domain/metering/dead-letter.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { unknownTarget } from '../../domain/metering/unknown-target.ts';
import { type UsageTotal, usageVersion } from '../../domain/metering/usage.ts';
import type { PulseColumns, PulseStep } from '../../ports/pulse-ledger.ts';
import { COPY_HEADER, COPY_TRAILER } from './copy.ts';
import { numberOf } from './database.ts';
import { NUMERIC_BYTES_MAX, numericText, writeNumeric } from './numeric.ts';

/** Field count, three times in 64 bits, one in 32, two ids of 16 bytes, the amount, the bytes' length. */
const ROW_BYTES_MAX = 2 + 3 * (4 + 8) + (4 + 4) + 2 * (4 + 16) + NUMERIC_BYTES_MAX + 4;
const FIELDS = 8;
const U32 = 0x1_0000_0000;

/**
 * The pulses in COPY's binary format, as the table `staged_pulse` has them.
 *
 * @throws RangeError: a column is shorter than its pulses.
 */
export function encodePulseRows(columns: PulseColumns, known: SeriesNumbers): Buffer {
  const numbers = columns.series.map((series) => known.get(seriesName(series)));
  const { count, bytes, start, end, keys, digests, seriesIndex, amounts } = columns;
  const { occurredAt, receivedAt, offset } = columns;
  const lengths = [start, end, seriesIndex, amounts, occurredAt, receivedAt, offset];
  const shortest = Math.min(...lengths.map(({ length }) => length), keys.length / 16);
  if (Math.min(shortest, digests.length / 16) < count) {
    throw new RangeError(`A column is shorter than its ${count} pulses`);
  }
  let payload = 0;
  for (let index = 0; index < count; index += 1) {
    payload += (end[index] as number) - (start[index] as number);
  }
  const size = COPY_HEADER.length + count * ROW_BYTES_MAX + payload + COPY_TRAILER.length;
  const rows = Buffer.allocUnsafe(size);
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  let at = COPY_HEADER.copy(rows);
  for (let index = 0; index < count; index += 1) {
    const series = numbers[seriesIndex[index] as number];
    if (series === undefined)
      throw new RangeError(`The step names no series ${seriesIndex[index]}`);
    view.setUint16(at, FIELDS);
    at = writeWhole(view, at + 2, occurredAt[index] as number);
    at = writeWhole(view, at, receivedAt[index] as number);
    at = writeWhole(view, at, offset[index] as number);
    view.setUint32(at, 4);
    view.setUint32(at + 4, series);
    at = writeBytes(rows, view, at + 8, keys, index * 16, index * 16 + 16);
    at = writeBytes(rows, view, at, digests, index * 16, index * 16 + 16);
    at = writeNumeric(view, at, amounts[index] as bigint);
    at = writeBytes(rows, view, at, bytes, start[index] as number, end[index] as number);
  }
  return rows.subarray(0, at + COPY_TRAILER.copy(rows, at));
}

function writeWhole(view: DataView, at: number, value: number): number {
  view.setUint32(at, 8);
  view.setUint32(at + 4, Math.floor(value / U32));
  view.setUint32(at + 8, value % U32);
  return at + 12;
}

function writeBytes(
  target: Uint8Array,
  view: DataView,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  view.setUint32(at, end - start);
  // Short ones byte by byte: a view of each would cost more than it saves.
  if (end - start <= 16) {
    for (let index = start, to = at + 4; index < end; index += 1, to += 1) {
      target[to] = source[index] as number;
    }
  } else {
    target.set(source.subarray(start, end), at + 4);
  }
  return at + 4 + end - start;
}

/** Numbers of series, by `seriesName`. */
export type SeriesNumbers = ReadonlyMap<string, number>;

export function seriesName({ tenant, sku, unit }: UsageSeries): string {
  return `${tenant.length} ${sku.length} ${tenant}${sku}${unit}`;
}

/** The call of `commit_pulses`, without parameters. `numbers` knows the series of the step's totals. */
export function commitCall(step: PulseStep, logId: string, numbers: SeriesNumbers): string {
  const { partition, epoch, totals, acts, deadLetters } = step;
  const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = step.checkpoint;
  const place = [partition, epoch, step.from, nextOffset, logTime, windowStartOffset, lastBlockCrc];
  const version = usageVersion(epoch, nextOffset);
  const series = totals.map((total) => numbers.get(seriesName(total.series)) ?? Number.NaN);
  const values = [
    ...[...place, version, step.pulses.count].map(numberOf),
    arrayOf('integer', series),
    arrayOf(
      'bigint',
      totals.map(({ start }) => start),
    ),
    ...totalArrays(totals),
    jsonOf(
      acts.map((act) => ({
        ...{ kind: act.kind, act_id: act.actId, target: act.target },
        amount: act.amount === null ? null : numericText(act.amount),
        ...{ reason: act.reason, actor: act.actor, at: act.at, offset: act.offset },
        letter: letterOf(unknownTarget(act, { logId, partition }, step.checkpoint.logTime, sha256)),
      })),
    ),
    // In one order everywhere, or two partitions that report the same letters would deadlock.
    jsonOf(deadLetters.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)).map(letterOf)),
  ];
  return `SELECT * FROM commit_pulses(${values.join(', ')})`;
}

/** Totals column by column, as the functions of the schema take them. */
function totalArrays(totals: readonly UsageTotal[]): readonly string[] {
  return [
    arrayOf(
      'bigint',
      totals.map(({ count }) => count),
    ),
    arrayOf(
      'bigint',
      totals.map(({ lastAt }) => lastAt),
    ),
    arrayOf(
      'uuid',
      totals.map(({ lastKey }) => hexOf(lastKey)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ sum }) => numericText(sum)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ min }) => numericText(min)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ max }) => numericText(max)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ last }) => numericText(last)),
    ),
  ];
}

/** Of values that need no quotes. */
export function arrayOf(
  type: 'integer' | 'bigint' | 'uuid' | 'numeric',
  values: readonly (number | string)[],
): string {
  return `'{${values.map((value) => (typeof value === 'number' ? numberOf(value) : value)).join()}}'::${type}[]`;
}

/** Postgres holds no NUL and no half of a surrogate pair; neither may stop a partition. */
function jsonOf(value: unknown): string {
  const storable = (_: string, part: unknown) =>
    typeof part === 'string' ? part.toWellFormed().replaceAll('\0', '\ufffd') : part;
  return escapeLiteral(JSON.stringify(value, storable));
}

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** A report as `report_dead_letter` reads it. */
function letterOf(report: DeadLetterReport): object {
  const { id, queue, bytes, origin, tenant, code, message, failedAt } = report;
  const { logId, partition, offset, index } = origin;
  return {
    ...{ id, queue, bytes: Buffer.from(bytes).toString('base64') },
    ...{ log_id: logId, partition, offset, index },
    ...{ tenant, code, message, failed_at: failedAt, retries: retriesOf(code) },
  };
}

/** How long after its first, second, … failure bytes are tried again, ms. */
function retriesOf(code: string): readonly number[] {
  const retries: number[] = [];
  for (;;) {
    const delay = retryAt(code, retries.length + 1, 0);
    if (delay === null) return retries;
    retries.push(delay);
  }
}

const HEX = /^[0-9a-f]{32}$/;

function hexOf(key: string): string {
  if (!HEX.test(key)) throw new RangeError(`${key} is not the key of a pulse`);
  return key;
}
