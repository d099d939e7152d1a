/** Usage by UTC days on SQLite: what a day's windows come to, kept so that long questions need not read them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isSameUsage, NO_USAGE, type UsageTotal } from '../../domain/metering/usage.ts';
import { USAGE_DAY_MS } from '../../domain/metering/usage-spans.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import { usageTotalOf } from './row-values.ts';
import type { WindowPlace } from './usage-windows.ts';

/** As a window's, with the start of the day. */
export type DayPlace = WindowPlace;

/** Whoever writes a window brings its day along in the same transaction: it is always exact. */
export class UsageDays {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #windows: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare(
      'SELECT * FROM usage_day WHERE series = ? AND start = ? AND partition = ?',
    );
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO usage_day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#windows = database.prepare(`
      SELECT * FROM usage_window
      WHERE series = ? AND start >= ? AND start < ? AND partition = ? AND count <> 0`);
  }

  /** Adds what new pulses come to. */
  add(place: DayPlace, addition: UsageTotal): void {
    const total = this.#read(place);
    this.#write(place, total.count === 0 ? addition : addTotals(total, addition));
  }

  /** Adds the day up anew from its windows, as one has to where a window was replaced. */
  addUp(place: DayPlace): void {
    const { series, start, partition } = place;
    let total = NO_USAGE;
    for (const row of this.#windows.iterate(series, start, start + USAGE_DAY_MS, partition)) {
      const window = usageTotalOf(row);
      total = total.count === 0 ? window : addTotals(total, window);
    }
    if (!isSameUsage(this.#read(place), total)) this.#write(place, total);
  }

  #read({ series, start, partition }: DayPlace): UsageTotal {
    const row = this.#get.get(series, start, partition);
    return row === undefined ? NO_USAGE : usageTotalOf(row);
  }

  #write({ series, start, partition }: DayPlace, total: UsageTotal): void {
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
    );
  }
}
