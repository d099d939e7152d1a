/** Reads usage for a question on SQLite: the longest rollups that no bound cuts, windows elsewhere. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { USAGE_WINDOW_MS, type UsageWindow } from '../../domain/metering/usage.ts';
import { type UsageSpan, usageSpans } from '../../domain/metering/usage-spans.ts';
import type { UsageFilter } from '../../ports/pulse-ledger.ts';
import { numberOf, textOf, usageWindowOf } from './row-values.ts';

export class UsageReader {
  readonly #series: StatementSync;
  readonly #windows: StatementSync;
  readonly #rollups: StatementSync;

  constructor(database: DatabaseSync) {
    this.#series = database.prepare(`
      SELECT series, name, sku, unit FROM tenant CROSS JOIN series USING (tenant)
      WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR sku = ?2) AND (?3 IS NULL OR unit = ?3)`);
    // All spans of a series by one statement: days that begin at other hours have two of them each.
    const rowsOf = (table: string, condition: string) =>
      database.prepare(`
        SELECT start, count, sum, min, max, last, last_at, lower(hex(last_key)) AS last_key
        FROM (SELECT value->>0 AS first, value->>1 AS past, value->>2 AS of FROM json_each(?2)) span
          CROSS JOIN ${table} held
        WHERE series = ?1 AND start >= first AND start < past AND ${condition} AND count <> 0`);
    this.#windows = rowsOf('usage_window', 'true');
    this.#rollups = rowsOf('usage_rollup', 'length = span.of');
  }

  /**
   * What the filter names, of every partition, series by series: rollups, as windows that start with
   * them, where they lie in one of `[bounds[i], bounds[i + 1])`, windows elsewhere; each of both in the
   * order of time.
   */
  *named(
    { tenant, sku, unit, from, to }: UsageFilter,
    bounds: readonly number[],
  ): Generator<UsageWindow> {
    const spans = usageSpans(from, to, bounds);
    const isOfWindows = ({ lengthMs }: UsageSpan): boolean => lengthMs === USAGE_WINDOW_MS;
    const parts = [
      [this.#windows, textOfSpans(spans.filter(isOfWindows))],
      [this.#rollups, textOfSpans(spans.filter((span) => !isOfWindows(span)))],
    ] as const;
    for (const one of this.#series.all(tenant, sku, unit)) {
      const series = { tenant: textOf(one.name), sku: textOf(one.sku), unit: textOf(one.unit) };
      for (const [statement, text] of parts) {
        for (const row of statement.iterate(numberOf(one.series), text)) {
          yield usageWindowOf(series, row);
        }
      }
    }
  }
}

function textOfSpans(spans: readonly UsageSpan[]): string {
  return JSON.stringify(spans.map(({ from, to, lengthMs }) => [from, to, lengthMs]));
}
