/** Reads usage for a question on Postgres: the longest rollups that no bound cuts, windows elsewhere. */
import { USAGE_WINDOW_MS, type UsageRecord, type UsageTotal } from '../../domain/metering/usage.ts';
import {
  USAGE_HOUR_MS,
  type UsageRun,
  type UsageSpan,
  usageRuns,
  usageSpans,
} from '../../domain/metering/usage-spans.ts';
import { tooManyUsageRows } from '../../domain/metering/usage-sum.ts';
import type { UsageFilter, UsageRow } from '../../ports/pulse-ledger.ts';
import { numberOf, type PostgresDatabase, type Row, textOf, unexpected } from './database.ts';
import { idOf } from './ledger-reader.ts';
import { amountOf } from './numeric.ts';
import { ADD_UP_TOTALS, TOTAL } from './usage-sql.ts';

/** The tables of usage windows, each with the one of its rollups. */
const ROLLUPS = { usage_window: 'usage_rollup', rated_window: null } as const;

/** One number, as both are of whole hours. */
const START_AND_LENGTH = `start + length / ${USAGE_HOUR_MS}`;
/** The server looks into a list of constants by a hash, from version 15 on. */
const OF_A_RUN = `length = of_length AND ${START_AND_LENGTH} <> ALL ($12::bigint[])`;

/**
 * What the filter names of a table, in the spans whose bounds are these parameters: by its index for each
 * series and span, which OFFSET leaves the server no choice about. It knows little of how long spans are,
 * and would rather read all windows of a year than those of its months' first and last hours.
 */
function inSpans(table: string, [from, to, length]: readonly string[], condition: string): string {
  return `
    SELECT series, held.* FROM named
    CROSS JOIN unnest(${from}::bigint[], ${to}::bigint[], ${length}::integer[])
      AS span (starts_at, ends_at, of_length)
    CROSS JOIN LATERAL (
      SELECT start, count, sum, min, max, last, last_at, last_key FROM ${table} t
      WHERE t.series = named.series AND start >= starts_at AND start < ends_at AND ${condition}
        AND count > 0
      OFFSET 0
    ) held`;
}

/**
 * Usage by windows of a question, from a table of usage windows; see PulseLedger.usage. Adding up is the
 * server's, so that a year of quarters comes as twelve rows. The series are named by a join: behind an OR
 * the index that leads from them to their windows would not be used, and a day of one tenant would take
 * as long as everybody's year.
 */
export async function usageOf(
  database: PostgresDatabase,
  table: keyof typeof ROLLUPS,
  { tenant, sku, unit, from, to }: UsageFilter,
  bounds: readonly number[],
  rowsMax: number,
): Promise<readonly UsageRow[]> {
  const rollups = ROLLUPS[table];
  const spans = rollups === null ? wholeSpan(from, to, bounds) : usageSpans(from, to, bounds);
  if (spans.length === 0) return [];
  const isOfWindows = ({ lengthMs }: UsageSpan): boolean => lengthMs === USAGE_WINDOW_MS;
  const rows = await database.rows(
    `WITH named AS MATERIALIZED (
       SELECT series, tenant, sku, unit FROM series WHERE ($2::text IS NULL OR tenant = $2)
         AND ($3::text IS NULL OR sku = $3) AND ($4::text IS NULL OR unit = $4)
     )
     SELECT tenant, sku, unit, place, ${TOTAL} FROM (
       SELECT series, width_bucket(start, $1::bigint[]) AS place, ${ADD_UP_TOTALS} FROM (
         ${inSpans(table, ['$6', '$7', '$8'], 'true')}
         ${rollups === null ? '' : `UNION ALL ${inSpans(rollups, ['$9', '$10', '$11'], OF_A_RUN)}`}
       ) counted GROUP BY series, place
     ) sums JOIN named USING (series) ORDER BY tenant, sku, unit, place LIMIT $5`,
    [
      ...[bounds.map(String), tenant, sku, unit, rowsMax + 1],
      ...columnsOf(spans.filter(isOfWindows)),
      ...(rollups === null ? [] : rollupColumns(spans.filter((span) => !isOfWindows(span)))),
    ],
  );
  if (rows.length > rowsMax) throw tooManyUsageRows(rowsMax);
  return rows.map((row) => {
    const place = numberOf(row.place);
    const start = bounds[place - 1];
    const end = bounds[place];
    if (start === undefined || end === undefined) throw unexpected(`usage in window ${place}`);
    return { series: seriesOf(row), start, end, ...totalOf(row) };
  });
}

function wholeSpan(from: number, to: number, bounds: readonly number[]): readonly UsageSpan[] {
  const [first, last] = [bounds[0] ?? to, bounds.at(-1) ?? from];
  const [start, end] = [Math.max(from, first), Math.min(to, last)];
  return start < end ? [{ from: start, to: end, lengthMs: USAGE_WINDOW_MS }] : [];
}

/** Bounds and lengths of the runs, and what is left out of them by START_AND_LENGTH. */
function rollupColumns(spans: readonly UsageSpan[]): readonly (readonly string[])[] {
  const runs = usageRuns(spans);
  const without = runs.flatMap((run: UsageRun) =>
    run.without.map((start) => String(start + run.lengthMs / USAGE_HOUR_MS)),
  );
  return [...columnsOf(runs), without];
}

function columnsOf(spans: readonly UsageSpan[]): readonly (readonly string[])[] {
  return (['from', 'to', 'lengthMs'] as const).map((name) =>
    spans.map((span) => String(span[name])),
  );
}

export function recordOf(row: Row): UsageRecord {
  return {
    series: seriesOf(row),
    start: numberOf(row.start),
    ...totalOf(row),
    partition: numberOf(row.partition),
    version: numberOf(row.version),
  };
}

function totalOf(row: Row): UsageTotal {
  return {
    sum: amountOf(row.sum),
    count: numberOf(row.count),
    min: amountOf(row.min),
    max: amountOf(row.max),
    last: amountOf(row.last),
    lastAt: numberOf(row.last_at),
    lastKey: idOf(row.last_key),
  };
}

function seriesOf(row: Row): UsageRecord['series'] {
  return { tenant: textOf(row.tenant), sku: textOf(row.sku), unit: textOf(row.unit) };
}
