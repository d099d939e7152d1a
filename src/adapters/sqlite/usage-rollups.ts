/** Usage by hours and longer on SQLite, kept so that long questions need not read windows. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isSameUsage, NO_USAGE, type UsageTotal } from '../../domain/metering/usage.ts';
import {
  USAGE_DAY_MS,
  USAGE_ROLLUPS_MS,
  usageRollupOf,
} from '../../domain/metering/usage-spans.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import { usageColumnsOf, usageTotalOf } from './row-values.ts';
import type { WindowPlace } from './usage-windows.ts';

/** As a window's, with the start of the rollup, and its length: one of USAGE_ROLLUPS_MS. */
export interface RollupPlace extends WindowPlace {
  readonly lengthMs: number;
}

/** Whoever writes a window brings its rollups along in the same transaction: they are always exact. */
export class UsageRollups {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #windows: StatementSync;
  readonly #shorter: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare(`
      SELECT * FROM usage_rollup
      WHERE series = ? AND length = ? AND start = ? AND partition = ?`);
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO usage_rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#windows = database.prepare(`
      SELECT * FROM usage_window
      WHERE series = ? AND start >= ? AND start < ? AND partition = ? AND count <> 0`);
    this.#shorter = database.prepare(`
      SELECT * FROM usage_rollup
      WHERE series = ? AND start >= ? AND start < ? AND partition = ? AND count <> 0
        AND length = ?`);
  }

  /** Adds what new pulses come to. */
  add(place: RollupPlace, addition: UsageTotal): void {
    const total = this.#read(place);
    this.#write(place, total.count === 0 ? addition : addTotals(total, addition));
  }

  /** Adds the rollup up anew from those of the next shorter length, or from its windows. */
  addUp(place: RollupPlace): void {
    let total = NO_USAGE;
    for (const row of this.#parts(place)) {
      const part = usageTotalOf(row);
      total = total.count === 0 ? part : addTotals(total, part);
    }
    if (!isSameUsage(this.#read(place), total)) this.#write(place, total);
  }

  /** Adds up anew all rollups of the UTC day that holds a window, the shorter first. */
  addUpDay({ series, start, partition }: WindowPlace): void {
    const day = usageRollupOf(start, USAGE_DAY_MS);
    for (const lengthMs of USAGE_ROLLUPS_MS) {
      for (let at = day; at < day + USAGE_DAY_MS; at += lengthMs) {
        this.addUp({ series, start: at, partition, lengthMs });
      }
    }
  }

  #parts({ series, start, partition, lengthMs }: RollupPlace) {
    const end = start + lengthMs;
    const shorterMs = USAGE_ROLLUPS_MS[USAGE_ROLLUPS_MS.indexOf(lengthMs) - 1];
    return shorterMs === undefined
      ? this.#windows.iterate(series, start, end, partition)
      : this.#shorter.iterate(series, start, end, partition, shorterMs);
  }

  #read({ series, start, partition, lengthMs }: RollupPlace): UsageTotal {
    const row = this.#get.get(series, lengthMs, start, partition);
    return row === undefined ? NO_USAGE : usageTotalOf(row);
  }

  #write({ series, start, partition, lengthMs }: RollupPlace, total: UsageTotal): void {
    this.#put.run(series, lengthMs, start, partition, ...usageColumnsOf(total));
  }
}
