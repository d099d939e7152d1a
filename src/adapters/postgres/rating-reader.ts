/** Charges, periods, unpriced usage and threshold events of the rating book on Postgres, as they are asked for. */
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import {
  chargeCursorAt,
  chargePlaceOf,
  placeAtCursor,
} from '../../domain/metering/charge-order.ts';
import { decodeCharge, decodeUnpriced } from '../../domain/metering/charge-record.ts';
import type {
  ChargeFilter,
  ChargePage,
  PeriodRecord,
  ThresholdEvent,
} from '../../ports/rating-book.ts';
import {
  numberOf,
  orNull,
  type PostgresDatabase,
  type Row,
  textOf,
  unexpected,
} from './database.ts';

const PERIOD_STATES = ['open', 'closing', 'final'] as const;
const CHARGE_PLACE = 'tenant, period_from, contract, sku, unit, starts_at, id';

export class RatingReader {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]> {
    const rows = await this.#database.rows(
      `SELECT * FROM period WHERE tenant = $1 AND ends_at > $2 AND starts_at < $3
       ORDER BY starts_at, contract`,
      [tenant, from, to],
    );
    return rows.map(periodOf);
  }

  async periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]> {
    const rows = await this.#database.rows(
      `SELECT * FROM period WHERE ends_at <= $1 AND state <> 'final'
       ORDER BY ends_at, tenant, contract, starts_at LIMIT $2`,
      [before, limit],
    );
    return rows.map(periodOf);
  }

  async charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage> {
    const { tenant, from, to } = filter;
    const after = cursor === null ? null : placeAtCursor(cursor);
    const place =
      after === null
        ? []
        : [
            ...[after.tenant, after.periodFrom, after.contract],
            ...[after.sku, after.unit, after.from, after.id],
          ];
    // One more than asked for: whether there is it tells whether there is a next page.
    const rows = await this.#database.rows(
      `SELECT body FROM charge WHERE period_to > $1 AND period_from < $2
       AND ($3::text IS NULL OR tenant = $3)
       ${after === null ? '' : `AND (${CHARGE_PLACE}) > ($5, $6, $7, $8, $9, $10, $11)`}
       ORDER BY ${CHARGE_PLACE} LIMIT $4`,
      [from, to, tenant, limit + 1, ...place],
    );
    const charges = rows.slice(0, limit).map((row) => decodeCharge(textOf(row.body)));
    const last = charges.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { charges, nextCursor: hasMore ? chargeCursorAt(chargePlaceOf(last)) : null };
  }

  async charge(id: string): Promise<Charge | null> {
    const [row] = await this.#database.rows('SELECT body FROM charge WHERE id = $1', [id]);
    return row === undefined ? null : decodeCharge(textOf(row.body));
  }

  async unpriced(
    { tenant, from, to }: ChargeFilter,
    limit: number,
  ): Promise<readonly UnpricedUsage[]> {
    const rows = await this.#database.rows(
      `SELECT body FROM unpriced WHERE ends_at > $1 AND starts_at < $2
       AND ($3::text IS NULL OR tenant = $3) ORDER BY tenant, sku, unit, starts_at, reason
       LIMIT $4`,
      [from, to, tenant, limit],
    );
    return rows.map((row) => decodeUnpriced(textOf(row.body)));
  }

  async unpricedSpan(tenant: string, from: number, to: number): Promise<TimeWindow | null> {
    const [row] = await this.#database.rows(
      `SELECT min(starts_at) AS starts_at, max(ends_at) AS ends_at FROM unpriced
       WHERE tenant = $1 AND ends_at > $2 AND starts_at < $3`,
      [tenant, from, to],
    );
    if (row === undefined || row.starts_at === null) return null;
    return { from: numberOf(row.starts_at), to: numberOf(row.ends_at) };
  }

  async events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]> {
    const rows = await this.#database.rows(
      `SELECT * FROM threshold_event WHERE ($1::text IS NULL OR tenant = $1)
       ORDER BY position DESC LIMIT $2`,
      [tenant, limit],
    );
    return rows.map(eventOf);
  }
}

function periodOf(row: Row): PeriodRecord {
  const state = PERIOD_STATES.find((one) => one === row.state);
  if (state === undefined) throw unexpected(`a period that is ${row.state}`);
  return {
    tenant: textOf(row.tenant),
    contract: textOf(row.contract),
    from: numberOf(row.starts_at),
    to: numberOf(row.ends_at),
    state,
    finalAt: orNull(row.final_at, numberOf),
  };
}

function eventOf(row: Row): ThresholdEvent {
  const tenant = textOf(row.tenant);
  const [from, to] = [numberOf(row.period_from), numberOf(row.period_to)];
  return {
    threshold: textOf(row.threshold),
    tenant,
    sku: textOf(row.sku),
    unit: textOf(row.unit),
    period: { tenant, contract: textOf(row.contract), from, to },
    thresholdAmount: textOf(row.threshold_amount),
    amount: textOf(row.amount),
    at: numberOf(row.at),
  };
}
