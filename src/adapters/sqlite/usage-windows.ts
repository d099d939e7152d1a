/** Usage windows on SQLite: read, changed with a new version, and confirmed as sent. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import {
  NO_USAGE,
  type UsageRecord,
  type UsageTotal,
  type UsageWindow,
} from '../../domain/metering/usage.ts';
import type { UsageFilter } from '../../ports/pulse-ledger.ts';
import { hexOf, numberOf, type Row, textOf, wholeOf } from './row-values.ts';

/** Names a window by the number of its series. */
export interface WindowPlace {
  readonly partition: number;
  readonly series: number;
  readonly start: number;
}

export interface WindowState {
  readonly total: UsageTotal;
  readonly version: number;
  /** Pulses that count in it and are not held any more. */
  readonly forgotten: number;
}

const NOTHING: WindowState = { total: NO_USAGE, version: 0, forgotten: 0 };

export class UsageWindows {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #addForgotten: StatementSync;
  readonly #markSent: StatementSync;
  readonly #pending: StatementSync;
  readonly #ofTenant: StatementSync;
  readonly #series: StatementSync;
  readonly #ofSeries: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare(
      'SELECT * FROM usage_window WHERE series = ? AND start = ? AND partition = ?',
    );
    this.#put = database.prepare(`
      INSERT INTO usage_window VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)
      ON CONFLICT DO UPDATE SET
        count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max,
        last = excluded.last, last_at = excluded.last_at, last_key = excluded.last_key,
        version = excluded.version`);
    this.#addForgotten = database.prepare(`
      INSERT INTO usage_window VALUES (?, ?, ?, 0, '0', '0', '0', '0', 0, zeroblob(16), 0, 0, ?4)
      ON CONFLICT DO UPDATE SET forgotten = forgotten + ?4`);
    this.#markSent = database.prepare(`
      UPDATE usage_window SET sent_version = version
      WHERE series = ? AND start = ? AND partition = ? AND version = ?`);
    this.#pending = database.prepare(`
      SELECT usage_window.*, name, sku, unit
      FROM (
        SELECT series, start, partition FROM usage_window
        WHERE partition = ? AND version > sent_version ORDER BY version LIMIT ?
      ) JOIN usage_window USING (series, start, partition)
        JOIN series USING (series) JOIN tenant USING (tenant)
      ORDER BY version`);
    this.#ofTenant = database.prepare(`
      SELECT usage_window.* FROM series CROSS JOIN usage_window USING (series)
      WHERE tenant = ? AND start >= ? AND start < ? AND partition = ?`);
    this.#series = database.prepare(`
      SELECT series, name, sku, unit FROM tenant CROSS JOIN series USING (tenant)
      WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR sku = ?2) AND (?3 IS NULL OR unit = ?3)`);
    this.#ofSeries = database.prepare(`
      SELECT start, count, sum, min, max, last, last_at, lower(hex(last_key)) AS last_key
      FROM usage_window
      WHERE series = ? AND start >= ? AND start < ? AND count <> 0 ORDER BY start`);
  }

  read({ series, start, partition }: WindowPlace): WindowState {
    const row = this.#get.get(series, start, partition);
    return row === undefined ? NOTHING : stateOf(row);
  }

  write({ series, start, partition }: WindowPlace, total: UsageTotal, version: number): void {
    this.#put.run(
      series,
      start,
      partition,
      total.count,
      String(total.sum),
      String(total.min),
      String(total.max),
      String(total.last),
      total.lastAt,
      Buffer.from(total.lastKey, 'hex'),
      version,
    );
  }

  addForgotten({ series, start, partition }: WindowPlace, pulses: number): void {
    this.#addForgotten.run(series, start, partition, pulses);
  }

  markSent({ series, start, partition }: WindowPlace, version: number): void {
    this.#markSent.run(series, start, partition, version);
  }

  pending(partition: number, limit: number): readonly UsageRecord[] {
    return this.#pending.all(partition, limit).map((row) => ({
      series: seriesOf(row),
      start: numberOf(row.start),
      ...totalOf(row),
      partition,
      version: numberOf(row.version),
    }));
  }

  /** What stands of a tenant's windows of one partition that start in `[from, to)`. */
  ofTenant(
    tenant: number,
    partition: number,
    from: number,
    to: number,
  ): readonly (WindowPlace & WindowState)[] {
    return this.#ofTenant.all(tenant, from, to, partition).map((row) => ({
      partition,
      series: numberOf(row.series),
      start: numberOf(row.start),
      ...stateOf(row),
    }));
  }

  /** The windows that a filter names, of every partition, in which something counts. */
  *named({ tenant, sku, unit, from, to }: UsageFilter): Generator<UsageWindow> {
    for (const one of this.#series.all(tenant, sku, unit)) {
      const series = seriesOf(one);
      for (const row of this.#ofSeries.iterate(numberOf(one.series), from, to)) {
        // As `totalOf`, without an object and a Buffer more: a year of a tenant is a hundred thousand.
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

function stateOf(row: Row): WindowState {
  return {
    total: totalOf(row),
    version: numberOf(row.version),
    forgotten: numberOf(row.forgotten),
  };
}

function totalOf(row: Row): UsageTotal {
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

function seriesOf(row: Row): UsageSeries {
  return { tenant: textOf(row.name), sku: textOf(row.sku), unit: textOf(row.unit) };
}
