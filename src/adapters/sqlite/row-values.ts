/** The values of a row as what they have to be: anything else was not written by Apura. */
import type { StatementSync } from 'node:sqlite';
import { ApuraError } from '../../domain/errors.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import type { UsageTotal, UsageWindow } from '../../domain/metering/usage.ts';

export type Row = ReturnType<StatementSync['all']>[number];

export function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw unexpected(value);
  return value;
}

export function numberOrNull(value: unknown): number | null {
  return value === null ? null : numberOf(value);
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw unexpected(value);
  return value;
}

export function textOrNull(value: unknown): string | null {
  return value === null ? null : textOf(value);
}

/** As an array of its own: a row's is a Buffer here and a plain one there. */
export function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected(value);
  return new Uint8Array(value);
}

export function hexOf(value: unknown): string {
  if (!(value instanceof Uint8Array)) throw unexpected(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
}

/** A whole number of any size, kept as text: SQLite's own integers end at 64 bits. */
export function wholeOf(value: unknown): bigint {
  if (typeof value !== 'string' || !/^-?\d+$/.test(value)) throw unexpected(value);
  return BigInt(value);
}

/** The total of a row of usage. */
export function usageTotalOf(row: Row): UsageTotal {
  return {
    sum: wholeOf(row.sum),
    count: numberOf(row.count),
    min: wholeOf(row.min),
    max: wholeOf(row.max),
    last: wholeOf(row.last),
    lastAt: numberOf(row.last_at),
    lastKey: hexOf(row.last_key),
  };
}

/** What `usageTotalOf` reads, in the order of the tables' columns: count to last_key. */
export function usageColumnsOf(total: UsageTotal) {
  const { count, sum, min, max, last, lastAt, lastKey } = total;
  const amounts = [String(sum), String(min), String(max), String(last)] as const;
  return [count, ...amounts, lastAt, Buffer.from(lastKey, 'hex')] as const;
}

/** A window of a series from a row whose last_key is text: one object each, for there are many thousands. */
export function usageWindowOf(series: UsageSeries, row: Row): UsageWindow {
  return {
    series,
    start: numberOf(row.start),
    sum: wholeOf(row.sum),
    count: numberOf(row.count),
    min: wholeOf(row.min),
    max: wholeOf(row.max),
    last: wholeOf(row.last),
    lastAt: numberOf(row.last_at),
    lastKey: textOf(row.last_key),
  };
}

export function oneOf<const Value>(values: readonly Value[], value: unknown): Value {
  const known = values.find((one) => one === value);
  if (known === undefined) throw unexpected(value);
  return known;
}

function unexpected(value: unknown): ApuraError {
  return new ApuraError('store_corrupt', `A row of the store holds ${String(value)}.`);
}
