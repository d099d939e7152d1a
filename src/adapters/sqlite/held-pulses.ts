/** The pulses that the ledger on SQLite holds: entered, found, added up, forgotten and put back. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import {
  NO_USAGE,
  USAGE_WINDOW_MS,
  type UsageTotal,
  usageOf,
  usageWindowOf,
} from '../../domain/metering/usage.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import type { PulseColumns } from '../../ports/pulse-ledger.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { PULSES_MAX } from './pulse-keys.ts';
import { type Standing, unitsOf } from './pulse-ledger-reader.ts';
import { bytesOf, hexOf, numberOf, type Row } from './row-values.ts';
import type { WindowPlace } from './usage-windows.ts';

/** Pulses that one transaction forgets. */
const FORGET_PULSES_MAX = 20_000;
const KEY_BYTES = 16;

/** What acts have made of a pulse of this partition that was sent with `amount`. */
export type StandingOf = (key: Uint8Array, partition: number, amount: bigint) => Standing;

export interface HeldPulse {
  readonly series: number;
  readonly occurredAt: number;
  /** As it was sent. */
  readonly amount: bigint;
}

/** Numbers of the series of some columns, and of their tenants. */
export interface SeriesNumbers {
  readonly series: readonly number[];
  readonly tenants: readonly number[];
}

export class HeldPulses {
  readonly #database: DatabaseSync;
  readonly #standing: StandingOf;
  readonly #insert: StatementSync;
  readonly #ofKey: StatementSync;
  readonly #inWindow: StatementSync;
  readonly #inRange: StatementSync;

  constructor(database: DatabaseSync, standing: StandingOf) {
    this.#database = database;
    this.#standing = standing;
    this.#insert = database.prepare(
      'INSERT INTO pulse VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#ofKey = database.prepare(`
      SELECT pulse.* FROM pulse_key CROSS JOIN pulse USING (tenant, occurred_at, key)
      WHERE key = ? AND pulse.partition = ?`);
    this.#inWindow = database.prepare(`
      SELECT occurred_at, key, bytes FROM series CROSS JOIN pulse USING (tenant, series)
      WHERE series = ? AND partition = ? AND occurred_at >= ? AND occurred_at < ?`);
    this.#inRange = database.prepare(`
      SELECT series, occurred_at, key, bytes FROM pulse
      WHERE tenant = ? AND occurred_at >= ? AND occurred_at < ? AND partition = ?`);
  }

  /** Enters the pulses whose byte in `wanted` is 1; gives the places of those that were not held. */
  insert(
    partition: number,
    columns: PulseColumns,
    wanted: Uint8Array,
    numbers: SeriesNumbers,
  ): readonly number[] {
    const { count, bytes, start, end, keys, seriesIndex, occurredAt, receivedAt, offset } = columns;
    const insert = this.#insert;
    const storedAt = systemClock.now();
    // By tenant, as the table is: 2.4 instead of 4.3 µs a row. Several rows a statement gain nothing.
    const places = new Float64Array(count);
    for (let index = 0; index < count; index += 1) {
      const tenant = numbers.tenants[seriesIndex[index] as number] as number;
      places[index] = tenant * PULSES_MAX + index;
    }
    const entered: number[] = [];
    for (const place of places.sort()) {
      const index = place % PULSES_MAX;
      if (wanted[index] === 0) continue;
      const series = seriesIndex[index] as number;
      const { changes } = insert.run(
        numbers.tenants[series] as number,
        occurredAt[index] as number,
        keys.subarray(index * KEY_BYTES, index * KEY_BYTES + KEY_BYTES),
        partition,
        offset[index] as number,
        numbers.series[series] as number,
        receivedAt[index] as number,
        storedAt,
        bytes.subarray(start[index], end[index]),
      );
      if (changes === 1) entered.push(index);
    }
    return entered;
  }

  /** The pulse of this key, if it is held and of this partition. */
  find(key: Uint8Array, partition: number): HeldPulse | null {
    const row = this.#ofKey.get(key, partition);
    if (row === undefined) return null;
    const amount = unitsOf(decodePulse(bytesOf(row.bytes)));
    return { series: numberOf(row.series), occurredAt: numberOf(row.occurred_at), amount };
  }

  /** What the pulses of a window come to that count. */
  addUp({ partition, series, start }: WindowPlace): UsageTotal {
    const rows = this.#inWindow.iterate(series, partition, start, start + USAGE_WINDOW_MS);
    let total = NO_USAGE;
    for (const row of rows) total = this.#withPulse(total, partition, row);
    return total;
  }

  /** What a tenant's pulses of one partition come to in windows that start in `[from, to)`, those that count. */
  *addUpTenant(
    tenant: number,
    partition: number,
    from: number,
    to: number,
  ): Generator<{ readonly place: WindowPlace; readonly total: UsageTotal }> {
    const totals = new Map<number, UsageTotal>();
    let start = from;
    const finished = function* () {
      for (const [series, total] of totals) yield { place: { partition, series, start }, total };
      totals.clear();
    };
    // A window belongs to the range by its start: the last one may reach beyond it.
    const [first, end] = [windowAtOrAfter(from), windowAtOrAfter(to)];
    for (const row of this.#inRange.iterate(tenant, first, end, partition)) {
      const window = usageWindowOf(numberOf(row.occurred_at));
      if (window !== start) yield* finished();
      start = window;
      const series = numberOf(row.series);
      totals.set(series, this.#withPulse(totals.get(series) ?? NO_USAGE, partition, row));
    }
    yield* finished();
  }

  /**
   * Takes the first pulses of a tenant with `occurredAt` in `[from, to)` away, and gives how many they
   * were, and how many that count each window has lost.
   */
  forgetSome(
    tenant: number,
    from: number,
    to: number,
  ): {
    readonly pulses: number;
    readonly lost: readonly { readonly place: WindowPlace; readonly pulses: number }[];
  } {
    const last = this.#database
      .prepare(
        `SELECT occurred_at, key FROM (
           SELECT occurred_at, key FROM pulse
           WHERE tenant = ? AND occurred_at >= ? AND occurred_at < ?
           ORDER BY occurred_at, key LIMIT ${FORGET_PULSES_MAX}
         ) ORDER BY occurred_at DESC, key DESC LIMIT 1`,
      )
      .get(tenant, from, to);
    if (last === undefined) return { pulses: 0, lost: [] };
    const some = 'tenant = ? AND occurred_at >= ? AND (occurred_at, key) <= (?, ?)';
    const range = [tenant, from, numberOf(last.occurred_at), bytesOf(last.key)] as const;
    const counting = this.#database.prepare(
      `SELECT series, partition, occurred_at / ${USAGE_WINDOW_MS} AS window, count(*) AS pulses
       FROM pulse
       WHERE ${some} AND coalesce((
         SELECT kind FROM act WHERE target = key AND act.partition = pulse.partition
         ORDER BY sequence DESC LIMIT 1), '') <> 'void'
       GROUP BY series, partition, window`,
    );
    const lost = counting.all(...range).map((row) => ({
      place: {
        series: numberOf(row.series),
        partition: numberOf(row.partition),
        start: numberOf(row.window) * USAGE_WINDOW_MS,
      },
      pulses: numberOf(row.pulses),
    }));
    const { changes } = this.#database.prepare(`DELETE FROM pulse WHERE ${some}`).run(...range);
    return { pulses: Number(changes), lost };
  }

  #withPulse(total: UsageTotal, partition: number, row: Row): UsageTotal {
    const key = bytesOf(row.key);
    const amount = unitsOf(decodePulse(bytesOf(row.bytes)));
    const standing = this.#standing(key, partition, amount);
    if (standing.state === 'voided') return total;
    const one = usageOf(standing.amount, numberOf(row.occurred_at), hexOf(key));
    return total.count === 0 ? one : addTotals(total, one);
  }
}

function windowAtOrAfter(instant: number): number {
  const far = Number.MAX_SAFE_INTEGER - USAGE_WINDOW_MS;
  return usageWindowOf(Math.min(instant, far) + USAGE_WINDOW_MS - 1);
}
