/** Reads what a question about usage needs on SQLite: whole days by one row, the rest by windows. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { UsageWindow } from '../../domain/metering/usage.ts';
import { usageSpans } from '../../domain/metering/usage-spans.ts';
import type { UsageFilter } from '../../ports/pulse-ledger.ts';
import { numberOf, textOf, wholeOf } from './row-values.ts';

export class UsageReader {
  readonly #series: StatementSync;
  readonly #rows: Readonly<Record<'day' | 'window', StatementSync>>;

  constructor(database: DatabaseSync) {
    this.#series = database.prepare(`
      SELECT series, name, sku, unit FROM tenant CROSS JOIN series USING (tenant)
      WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR sku = ?2) AND (?3 IS NULL OR unit = ?3)`);
    const rowsOf = (table: string) =>
      database.prepare(`
        SELECT start, count, sum, min, max, last, last_at, lower(hex(last_key)) AS last_key
        FROM ${table}
        WHERE series = ? AND start >= ? AND start < ? AND count <> 0 ORDER BY start`);
    this.#rows = { day: rowsOf('usage_day'), window: rowsOf('usage_window') };
  }

  /**
   * What the filter names, of every partition, series by series in the order of time: days, as windows
   * that start with them, where the day lies in one of `[bounds[i], bounds[i + 1])`, windows elsewhere.
   */
  *named(
    { tenant, sku, unit, from, to }: UsageFilter,
    bounds: readonly number[],
  ): Generator<UsageWindow> {
    const spans = usageSpans(from, to, bounds);
    for (const one of this.#series.all(tenant, sku, unit)) {
      const series = { tenant: textOf(one.name), sku: textOf(one.sku), unit: textOf(one.unit) };
      for (const span of spans) {
        const rows = this.#rows[span.of].iterate(numberOf(one.series), span.from, span.to);
        for (const row of rows) {
          // As `usageTotalOf`, without an object and a Buffer more for each of many thousands.
          yield {
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
      }
    }
  }
}
