/** A step of the pulse ledger in the forms that Postgres takes it in: rows for COPY, lists for the call. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../../domain/metering/dead-letter.ts';
import { unknownTarget } from '../../domain/metering/unknown-target.ts';
import { usageVersion } from '../../domain/metering/usage.ts';
import type { PulseColumns, PulseStep } from '../../ports/pulse-ledger.ts';
import { COPY_HEADER, COPY_TRAILER } from './copy.ts';
import { numberOf } from './database.ts';
import { arrayOf, jsonOf, letterOf, lettersOf, totalArrays } from './literals.ts';
import { NUMERIC_BYTES_MAX, numericText, writeNumeric } from './numeric.ts';
import { type SeriesNumbers, seriesName } from './series-numbers.ts';

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

/**
 * The call of `commit_pulses`, without parameters. `numbers` knows the series of the step's totals;
 * `isNew` says that no key of the step is likely to be known.
 */
export function commitCall(
  step: PulseStep,
  logId: string,
  numbers: SeriesNumbers,
  isNew: boolean,
): string {
  const { partition, epoch, totals, acts, deadLetters } = step;
  const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = step.checkpoint;
  const place = [partition, epoch, step.from, nextOffset, logTime, windowStartOffset, lastBlockCrc];
  const version = usageVersion(epoch, nextOffset);
  const series = totals.map((total) => numbers.get(seriesName(total.series)) ?? Number.NaN);
  const values = [
    ...[...place, version, step.pulses.count].map(numberOf),
    String(isNew),
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
    lettersOf(deadLetters),
  ];
  return `SELECT * FROM commit_pulses(${values.join(', ')})`;
}

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
