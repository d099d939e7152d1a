/** Charges, billing periods, unpriced usage and threshold events of the rating book on SQLite. */

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import type { BillingPeriod, Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import {
  type ChargePlace,
  chargeCursorAt,
  chargePlaceOf,
  placeAtCursor,
} from '../../domain/metering/charge-order.ts';
import {
  decodeCharge,
  decodeUnpriced,
  encodeCharge,
  encodeUnpriced,
} from '../../domain/metering/charge-record.ts';
import type {
  ChargeChange,
  ChargeFilter,
  ChargePage,
  PeriodRecord,
  ThresholdEvent,
} from '../../ports/rating-book.ts';
import { numberOf, numberOrNull, oneOf, type Row, textOf } from './row-values.ts';

/** Where a charge stands in the list. */
const PLACE = 'tenant, period_from, contract, sku, unit, starts_at, id';
const PERIOD_STATES = ['open', 'closing', 'final'] as const;

/** Final is final to whoever writes to the file: the triggers hold it, not the code alone. */
export const RATING_CHARGE_TABLES = `
  CREATE TABLE revision (
    tenant TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE period (
    tenant TEXT NOT NULL,
    contract TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    final_at INTEGER,
    PRIMARY KEY (tenant, contract, starts_at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX period_in_order ON period (tenant, starts_at, contract);
  CREATE INDEX period_to_finish ON period (ends_at, tenant, contract, starts_at)
    WHERE state <> 'final';
  CREATE TABLE charge (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    contract TEXT NOT NULL,
    period_from INTEGER NOT NULL,
    period_to INTEGER NOT NULL,
    sku TEXT NOT NULL,
    unit TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX charge_in_order
    ON charge (${PLACE});
  CREATE TABLE unpriced (
    position INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    sku TEXT NOT NULL,
    unit TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX unpriced_by_tenant ON unpriced (tenant, starts_at);
  CREATE TABLE event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    threshold TEXT NOT NULL,
    tenant TEXT NOT NULL,
    contract TEXT NOT NULL,
    period_from INTEGER NOT NULL,
    period_to INTEGER NOT NULL,
    sku TEXT NOT NULL,
    unit TEXT NOT NULL,
    threshold_amount TEXT NOT NULL,
    amount TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (threshold, tenant, contract, period_from, sku, unit, threshold_amount)
  ) STRICT;
  CREATE INDEX event_by_tenant ON event (tenant, position);
  CREATE TRIGGER period_stays_final BEFORE UPDATE ON period WHEN old.state = 'final'
    BEGIN SELECT RAISE(ABORT, 'a final period is never changed'); END;
  CREATE TRIGGER period_is_kept BEFORE DELETE ON period WHEN old.state = 'final'
    BEGIN SELECT RAISE(ABORT, 'a final period is never deleted'); END;
  ${['INSERT', 'UPDATE', 'DELETE'].map(finalChargeTrigger).join('')}
`;

function finalChargeTrigger(what: string): string {
  const row = what === 'INSERT' ? 'new' : 'old';
  return `
  CREATE TRIGGER final_charge_${what.toLowerCase()} BEFORE ${what} ON charge
    WHEN EXISTS (
      SELECT 1 FROM period WHERE tenant = ${row}.tenant AND contract = ${row}.contract
        AND starts_at = ${row}.period_from AND state = 'final')
    BEGIN SELECT RAISE(ABORT, 'a final charge is never changed'); END;`;
}

export class RatingCharges {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  revision(tenant: string): number {
    const row = this.#get('SELECT revision FROM revision WHERE tenant = ?', tenant);
    return row === undefined ? 0 : numberOf(row.revision);
  }

  /** Everything of the change but what is due. The caller holds the transaction. */
  put(change: ChargeChange): 'stored' | 'conflict' {
    const { tenant, expectedRevision, periods, charges, events } = change;
    if (this.revision(tenant) !== expectedRevision) return 'conflict';
    if (periods.some((period) => this.#isFinal(period)) || this.#isCut(change)) return 'conflict';
    this.#run(
      'INSERT INTO revision VALUES (?, 1) ON CONFLICT DO UPDATE SET revision = revision + 1',
      tenant,
    );
    for (const { contract, from } of periods) {
      this.#run(
        'DELETE FROM charge WHERE tenant = ? AND contract = ? AND period_from = ?',
        ...[tenant, contract, from],
      );
    }
    for (const charge of charges) this.#insertCharge(charge);
    // Behind their charges: once a period is final, its charges stay.
    for (const period of periods) this.#putPeriod(period);
    this.#replaceUnpriced(change);
    for (const event of events) this.#raise(event);
    return 'stored';
  }

  periods(tenant: string, from: number, to: number): readonly PeriodRecord[] {
    return this.#all(
      `SELECT * FROM period WHERE tenant = ? AND ends_at > ? AND starts_at < ?
       ORDER BY starts_at, contract`,
      ...[tenant, from, to],
    ).map(periodOf);
  }

  periodsToFinish(before: number, limit: number): readonly PeriodRecord[] {
    return this.#all(
      `SELECT * FROM period WHERE ends_at <= ? AND state <> 'final'
       ORDER BY ends_at, tenant, contract, starts_at LIMIT ?`,
      ...[before, limit],
    ).map(periodOf);
  }

  charges(filter: ChargeFilter, cursor: string | null, limit: number): ChargePage {
    const { tenant, from, to } = filter;
    const after = cursor === null ? null : placeAtCursor(cursor);
    // One more than asked for: whether there is it tells whether there is a next page.
    const rows = this.#all(
      `SELECT body FROM charge WHERE period_to > ? AND period_from < ?
       ${tenant === null ? '' : 'AND tenant = ?'}
       ${after === null ? '' : `AND (${PLACE}) > (?, ?, ?, ?, ?, ?, ?)`}
       ORDER BY ${PLACE} LIMIT ?`,
      ...[from, to, ...(tenant === null ? [] : [tenant]), ...valuesOf(after), limit + 1],
    );
    const charges = rows.slice(0, limit).map((row) => decodeCharge(textOf(row.body)));
    const last = charges.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { charges, nextCursor: hasMore ? chargeCursorAt(chargePlaceOf(last)) : null };
  }

  charge(id: string): Charge | null {
    const row = this.#get('SELECT body FROM charge WHERE id = ?', id);
    return row === undefined ? null : decodeCharge(textOf(row.body));
  }

  unpriced({ tenant, from, to }: ChargeFilter, limit: number): readonly UnpricedUsage[] {
    return this.#all(
      `SELECT body FROM unpriced WHERE ends_at > ? AND starts_at < ?
       ${tenant === null ? '' : 'AND tenant = ?'}
       ORDER BY tenant, sku, unit, starts_at, reason LIMIT ?`,
      ...[from, to, ...(tenant === null ? [] : [tenant]), limit],
    ).map((row) => decodeUnpriced(textOf(row.body)));
  }

  unpricedSpan(tenant: string, from: number, to: number): TimeWindow | null {
    const row = this.#get(
      `SELECT min(starts_at) AS starts_at, max(ends_at) AS ends_at FROM unpriced
       WHERE tenant = ? AND ends_at > ? AND starts_at < ?`,
      ...[tenant, from, to],
    );
    if (row === undefined || row.starts_at === null) return null;
    return { from: numberOf(row.starts_at), to: numberOf(row.ends_at) };
  }

  events(tenant: string | null, limit: number): readonly ThresholdEvent[] {
    return this.#all(
      `SELECT * FROM event ${tenant === null ? '' : 'WHERE tenant = ?'}
       ORDER BY position DESC LIMIT ?`,
      ...(tenant === null ? [] : [tenant]),
      limit,
    ).map(eventOf);
  }

  #isFinal({ tenant, contract, from }: BillingPeriod): boolean {
    const row = this.#get(
      'SELECT state FROM period WHERE tenant = ? AND contract = ? AND starts_at = ?',
      ...[tenant, contract, from],
    );
    return row?.state === 'final';
  }

  /** Whether the change would take away a part of stored unpriced usage. */
  #isCut({ tenant, unpricedRange: range }: ChargeChange): boolean {
    if (range === null) return false;
    const row = this.#get(
      `SELECT 1 FROM unpriced WHERE tenant = ?1 AND ends_at > ?2 AND starts_at < ?3
       AND (starts_at < ?2 OR ends_at > ?3) LIMIT 1`,
      ...[tenant, range.from, range.to],
    );
    return row !== undefined;
  }

  #insertCharge(charge: Charge): void {
    const { id, period, series, from } = charge;
    if (this.#get('SELECT 1 FROM charge WHERE id = ?', id) !== undefined) {
      throw new RangeError(`Another period has the charge ${id}.`);
    }
    this.#run(
      'INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[id, period.tenant, period.contract, period.from, period.to],
      ...[series.sku, series.unit, from, encodeCharge(charge)],
    );
  }

  #putPeriod({ tenant, contract, from, to, state, finalAt }: PeriodRecord): void {
    this.#run(
      `INSERT INTO period VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         ends_at = excluded.ends_at, state = excluded.state, final_at = excluded.final_at`,
      ...[tenant, contract, from, to, state, finalAt],
    );
  }

  #replaceUnpriced({ tenant, unpriced, unpricedRange: range }: ChargeChange): void {
    if (range === null) return;
    this.#run(
      'DELETE FROM unpriced WHERE tenant = ? AND ends_at > ? AND starts_at < ?',
      ...[tenant, range.from, range.to],
    );
    for (const usage of unpriced) {
      const { series, from, to, reason } = usage;
      this.#run(
        `INSERT INTO unpriced (tenant, sku, unit, starts_at, ends_at, reason, body)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[tenant, series.sku, series.unit, from, to, reason, encodeUnpriced(usage)],
      );
    }
  }

  #raise(event: ThresholdEvent): void {
    const { threshold, tenant, sku, unit, period, thresholdAmount, amount, at } = event;
    this.#run(
      `INSERT INTO event
         (threshold, tenant, contract, period_from, period_to, sku, unit, threshold_amount, amount, at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[threshold, tenant, period.contract, period.from, period.to, sku, unit],
      ...[thresholdAmount, amount, at],
    );
  }

  #get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#database.prepare(sql).get(...parameters);
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...parameters);
  }

  #run(sql: string, ...parameters: SQLInputValue[]): void {
    this.#database.prepare(sql).run(...parameters);
  }
}

/** In the order of PLACE. */
function valuesOf(place: ChargePlace | null): SQLInputValue[] {
  if (place === null) return [];
  const { tenant, periodFrom, contract, sku, unit, from, id } = place;
  return [tenant, periodFrom, contract, sku, unit, from, id];
}

function periodOf(row: Row): PeriodRecord {
  return {
    tenant: textOf(row.tenant),
    contract: textOf(row.contract),
    from: numberOf(row.starts_at),
    to: numberOf(row.ends_at),
    state: oneOf(PERIOD_STATES, row.state),
    finalAt: numberOrNull(row.final_at),
  };
}

function eventOf(row: Row): ThresholdEvent {
  const tenant = textOf(row.tenant);
  return {
    threshold: textOf(row.threshold),
    tenant,
    sku: textOf(row.sku),
    unit: textOf(row.unit),
    period: {
      tenant,
      contract: textOf(row.contract),
      from: numberOf(row.period_from),
      to: numberOf(row.period_to),
    },
    thresholdAmount: textOf(row.threshold_amount),
    amount: textOf(row.amount),
    at: numberOf(row.at),
  };
}
