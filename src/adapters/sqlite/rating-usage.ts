/** Usage as the rating book on SQLite keeps it, and which tenants are due for it. The caller holds the transaction. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  USAGE_WINDOW_MS,
  type UsageRecord,
  type UsageWindow,
} from '../../domain/metering/usage.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import type { UsageFilter, UsageRow } from '../../ports/pulse-ledger.ts';
import type { DueRating } from '../../ports/rating-book.ts';
import { numberOf, type Row, textOf, usageWindowOf } from './row-values.ts';

/**
 * Amounts are texts of whole numbers: SQLite's own end at 64 bits, and its sums would be binary fractions.
 * `since` is the order in which tenants are served; it and versions are drawn from one sequence, which
 * never goes back, so that no change is taken for an older one.
 */
export const RATING_USAGE_TABLES = `
  CREATE TABLE usage (
    tenant TEXT NOT NULL,
    sku TEXT NOT NULL,
    unit TEXT NOT NULL,
    start INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sum TEXT NOT NULL,
    count INTEGER NOT NULL,
    min TEXT NOT NULL,
    max TEXT NOT NULL,
    last TEXT NOT NULL,
    last_at INTEGER NOT NULL,
    last_key TEXT NOT NULL,
    PRIMARY KEY (tenant, sku, unit, start, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_by_tenant ON usage (tenant, start);
  CREATE INDEX usage_by_time ON usage (start, tenant);
  CREATE TABLE due (
    tenant TEXT PRIMARY KEY,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    since INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX due_in_order ON due (since);
  CREATE TABLE due_sequence (value INTEGER NOT NULL) STRICT;
  INSERT INTO due_sequence VALUES (0);
`;

export class RatingUsage {
  readonly #database: DatabaseSync;
  readonly #take: StatementSync;
  readonly #draw: StatementSync;
  readonly #makeDue: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#take = database.prepare(`
      INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET
        version = excluded.version, sum = excluded.sum, count = excluded.count,
        min = excluded.min, max = excluded.max, last = excluded.last,
        last_at = excluded.last_at, last_key = excluded.last_key
      WHERE excluded.version > version`);
    this.#draw = database.prepare('UPDATE due_sequence SET value = value + 1 RETURNING value');
    this.#makeDue = database.prepare(`
      INSERT INTO due VALUES (?1, ?2, ?3, ?4, ?4)
      ON CONFLICT DO UPDATE SET
        starts_at = min(starts_at, excluded.starts_at), ends_at = max(ends_at, excluded.ends_at),
        version = excluded.version`);
  }

  /** Keeps what is newer than what is there; says how many windows that changed. */
  take(records: readonly UsageRecord[]): number {
    const changed = new Set<string>();
    const spans = new Map<string, { from: number; to: number }>();
    for (const record of records) {
      if (!this.#isTaken(record)) continue;
      const { partition, start } = record;
      const { tenant, sku, unit } = record.series;
      changed.add(JSON.stringify([partition, tenant, sku, unit, start]));
      const span = spans.get(tenant) ?? { from: start, to: start };
      span.from = Math.min(span.from, start);
      span.to = Math.max(span.to, start + USAGE_WINDOW_MS);
      spans.set(tenant, span);
    }
    for (const [tenant, { from, to }] of spans) this.makeDue(tenant, from, to);
    return changed.size;
  }

  makeDue(tenant: string, from: number, to: number): void {
    this.#makeDue.run(tenant, from, to, this.#next());
  }

  due(limit: number): readonly DueRating[] {
    const sql = 'SELECT tenant, starts_at, ends_at, version FROM due ORDER BY since LIMIT ?';
    return this.#database.prepare(sql).all(limit).map(dueOf);
  }

  /** Takes away what was reckoned. What has changed meanwhile stays, behind those who have waited longer. */
  settle({ tenant, version }: DueRating): void {
    const settled = this.#database
      .prepare('DELETE FROM due WHERE tenant = ? AND version = ?')
      .run(tenant, version);
    if (settled.changes > 0) return;
    this.#database.prepare('UPDATE due SET since = ? WHERE tenant = ?').run(this.#next(), tenant);
  }

  usage(filter: UsageFilter, bounds: readonly number[], rowsMax: number): readonly UsageRow[] {
    const { tenant, sku, unit, from, to } = filter;
    const parts = Object.entries({ tenant, sku, unit }).filter(([, value]) => value !== null);
    const rows = this.#database
      .prepare(
        `SELECT tenant, sku, unit, start, sum, count, min, max, last, last_at, last_key
         FROM usage WHERE start >= ? AND start < ?${parts.map(([name]) => ` AND ${name} = ?`).join('')}`,
      )
      .iterate(from, to, ...parts.map(([, value]) => value));
    return addUpUsage(windowsOf(rows), bounds, rowsMax);
  }

  tenants(from: number, to: number): readonly string[] {
    const sql = `SELECT DISTINCT tenant FROM usage
      WHERE start >= ? AND start < ? AND count > 0 ORDER BY tenant`;
    return this.#database
      .prepare(sql)
      .all(from, to)
      .map((row) => textOf(row.tenant));
  }

  #isTaken({ series, partition, start, version, ...total }: UsageRecord): boolean {
    const { sum, count, min, max, last, lastAt, lastKey } = total;
    const key = [series.tenant, series.sku, series.unit, start, partition] as const;
    const texts = [`${sum}`, count, `${min}`, `${max}`, `${last}`] as const;
    return this.#take.run(...key, version, ...texts, lastAt, lastKey).changes > 0;
  }

  #next(): number {
    return numberOf(this.#draw.get()?.value);
  }
}

function* windowsOf(rows: Iterable<Row>): Iterable<UsageWindow> {
  for (const row of rows) {
    const series = { tenant: textOf(row.tenant), sku: textOf(row.sku), unit: textOf(row.unit) };
    yield usageWindowOf(series, row);
  }
}

function dueOf(row: Row): DueRating {
  return {
    tenant: textOf(row.tenant),
    from: numberOf(row.starts_at),
    to: numberOf(row.ends_at),
    version: numberOf(row.version),
  };
}
