/** Usage windows on SQLite: read, changed with a new version, and confirmed as sent. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { NO_USAGE, type UsageRecord, type UsageTotal } from '../../domain/metering/usage.ts';
import { numberOf, type Row, textOf, usageColumnsOf, usageTotalOf } from './row-values.ts';

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
  }

  read({ series, start, partition }: WindowPlace): WindowState {
    const row = this.#get.get(series, start, partition);
    return row === undefined ? NOTHING : stateOf(row);
  }

  write({ series, start, partition }: WindowPlace, total: UsageTotal, version: number): void {
    this.#put.run(series, start, partition, ...usageColumnsOf(total), version);
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
      ...usageTotalOf(row),
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
}

function stateOf(row: Row): WindowState {
  return {
    total: usageTotalOf(row),
    version: numberOf(row.version),
    forgotten: numberOf(row.forgotten),
  };
}

function seriesOf(row: Row): UsageSeries {
  return { tenant: textOf(row.name), sku: textOf(row.sku), unit: textOf(row.unit) };
}
