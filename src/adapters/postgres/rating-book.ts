/** The rating book on Postgres: usage as absolute versioned values, charges and periods put in as wholes. */

import { DatabaseError, type PoolClient } from 'pg';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import { checkChargeChange } from '../../domain/metering/charge-change.ts';
import { encodeCharge, encodeUnpriced } from '../../domain/metering/charge-record.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { UsageFilter, UsageRow } from '../../ports/pulse-ledger.ts';
import type {
  ChargeChange,
  ChargeFilter,
  ChargePage,
  DueRating,
  PeriodRecord,
  RatingBook,
  ThresholdEvent,
  UsageStep,
} from '../../ports/rating-book.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { outcomeOf } from './copy.ts';
import {
  numberOf,
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
  type Row,
  textOf,
} from './database.ts';
import { PostgresDeadLetters } from './dead-letters.ts';
import { checkpointOf } from './ledger-reader.ts';
import { arrayOf, lettersOf, totalArrays } from './literals.ts';
import { bindToLog } from './log-binding.ts';
import { RatingReader } from './rating-reader.ts';
import { SeriesDirectory, seriesName } from './series-numbers.ts';
import { usageOf } from './usage-reader.ts';

export interface PostgresRatingBookOptions extends PostgresOptions {
  /** The log `resource-usage` that the book belongs to. */
  readonly logId: string;
}

const UNIQUE_VIOLATION = '23505';

/**
 * Connects, brings the schema up to date and ties the rating book in it to the log.
 *
 * @throws ApuraError `log_mismatch`: the schema holds the book of another log.
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgresRatingBook(
  options: PostgresRatingBookOptions,
): Promise<RatingBook & { readonly deadLetters: DeadLetters }> {
  const database = await openPostgres(options);
  try {
    await bindToLog(database, 'usageLogId', options.logId);
    return new PostgresRatingBook(database);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresRatingBook implements RatingBook {
  readonly deadLetters: DeadLetters;
  readonly #database: PostgresDatabase;
  readonly #reader: RatingReader;
  readonly #series = new SeriesDirectory();

  constructor(database: PostgresDatabase) {
    this.#database = database;
    this.#reader = new RatingReader(database);
    this.deadLetters = new PostgresDeadLetters(database);
  }

  async takeOver(
    partition: number,
  ): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }> {
    const [row] = await this.#database.rows(
      `INSERT INTO rating_progress (partition, epoch) VALUES ($1, 1)
       ON CONFLICT (partition) DO UPDATE SET epoch = rating_progress.epoch + 1 RETURNING *`,
      [partition],
    );
    return { epoch: numberOf(row?.epoch), checkpoint: checkpointOf(row ?? {}) };
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    const text = 'SELECT * FROM rating_progress WHERE partition = $1';
    const [row] = await this.#database.rows(text, [partition]);
    return row === undefined ? START : checkpointOf(row);
  }

  async commit(step: UsageStep): Promise<CommitOutcome> {
    const { partition, epoch, from, checkpoint, records, deadLetters } = step;
    const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = checkpoint;
    const place = [partition, epoch, from, nextOffset, logTime, windowStartOffset, lastBlockCrc];
    const row = await this.#database.run(async (client) => {
      const values = [
        ...place.map(numberOf),
        ...(await this.#recordArrays(client, records)),
        lettersOf(deadLetters),
      ];
      return client.query<Row>(`SELECT commit_usage(${values.join(', ')}) AS outcome`);
    });
    return outcomeOf(row.rows[0] ?? {});
  }

  async accept(records: readonly UsageRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    return this.#database.run(async (client) => {
      const values = await this.#recordArrays(client, records);
      const { rows } = await client.query<Row>(
        `SELECT take_usage(${values.join(', ')}) AS changed`,
      );
      return numberOf(rows[0]?.changed);
    });
  }

  async makeDue(tenant: string, from: number, to: number): Promise<void> {
    await this.#database.rows(
      `INSERT INTO due_rating AS d
       VALUES ($1, $2, $3, nextval('due_version'), nextval('due_version'), 0)
       ON CONFLICT (tenant) DO UPDATE SET starts_at = least(d.starts_at, EXCLUDED.starts_at),
         ends_at = greatest(d.ends_at, EXCLUDED.ends_at), version = EXCLUDED.version`,
      [tenant, from, to],
    );
  }

  async due(limit: number): Promise<readonly DueRating[]> {
    const text = 'SELECT * FROM due_rating ORDER BY since, place LIMIT $1';
    return (await this.#database.rows(text, [limit])).map((row) => ({
      tenant: textOf(row.tenant),
      from: numberOf(row.starts_at),
      to: numberOf(row.ends_at),
      version: numberOf(row.version),
    }));
  }

  usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return usageOf(this.#database, 'rated_window', filter, bounds, rowsMax);
  }

  async tenants(from: number, to: number): Promise<readonly string[]> {
    const rows = await this.#database.rows(
      `SELECT DISTINCT tenant FROM rated_window JOIN series USING (series)
       WHERE start >= $1 AND start < $2 AND count > 0 ORDER BY tenant`,
      [from, to],
    );
    return rows.map(({ tenant }) => textOf(tenant));
  }

  periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]> {
    return this.#reader.periods(tenant, from, to);
  }

  periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]> {
    return this.#reader.periodsToFinish(before, limit);
  }

  async revision(tenant: string): Promise<number> {
    const text = 'SELECT revision FROM rating_revision WHERE tenant = $1';
    const [row] = await this.#database.rows(text, [tenant]);
    return row === undefined ? 0 : numberOf(row.revision);
  }

  async putCharges(change: ChargeChange): Promise<'stored' | 'conflict'> {
    checkChargeChange(change);
    const { tenant, expectedRevision } = change;
    const values = [tenant, expectedRevision, JSON.stringify(bodyOf(change))];
    const text = 'SELECT put_charges($1, $2, $3) AS stored';
    const [row] = await this.#database.rows(text, values).catch(rethrowTwice);
    return row?.stored === true ? 'stored' : 'conflict';
  }

  charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage> {
    return this.#reader.charges(filter, cursor, limit);
  }

  charge(id: string): Promise<Charge | null> {
    return this.#reader.charge(id);
  }

  unpriced(filter: ChargeFilter, limit: number): Promise<readonly UnpricedUsage[]> {
    return this.#reader.unpriced(filter, limit);
  }

  unpricedSpan(tenant: string, from: number, to: number): Promise<TimeWindow | null> {
    return this.#reader.unpricedSpan(tenant, from, to);
  }

  events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]> {
    return this.#reader.events(tenant, limit);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }

  /** The records column by column, as `take_usage` and `commit_usage` take them. */
  async #recordArrays(
    client: PoolClient,
    records: readonly UsageRecord[],
  ): Promise<readonly string[]> {
    const series = records.map((record) => record.series);
    const numbers = await this.#series.numbersOf(client, series);
    const placeOf = (one: UsageRecord) => numbers.get(seriesName(one.series)) ?? Number.NaN;
    const partitions = records.map(({ partition }) => partition);
    const starts = records.map(({ start }) => start);
    const versions = records.map(({ version }) => version);
    return [
      arrayOf('integer', partitions),
      arrayOf('integer', records.map(placeOf)),
      arrayOf('bigint', starts),
      arrayOf('bigint', versions),
      ...totalArrays(records),
    ];
  }
}

/** A change as `put_charges` reads it. */
function bodyOf({ periods, charges, unpriced, unpricedRange, events, due }: ChargeChange): object {
  return {
    periods: periods.map(({ contract, from, to, state, finalAt }) => ({
      ...{ contract, starts_at: from, ends_at: to, state, final_at: finalAt },
    })),
    charges: charges.map((charge) => ({
      ...{ id: charge.id, tenant: charge.period.tenant, contract: charge.period.contract },
      ...{ period_from: charge.period.from, period_to: charge.period.to },
      ...{ sku: charge.series.sku, unit: charge.series.unit, starts_at: charge.from },
      body: encodeCharge(charge),
    })),
    unpriced: unpriced.map((usage) => ({
      ...{ sku: usage.series.sku, unit: usage.series.unit, starts_at: usage.from },
      ...{ ends_at: usage.to, reason: usage.reason, body: encodeUnpriced(usage) },
    })),
    range: unpricedRange === null ? null : [unpricedRange.from, unpricedRange.to],
    events: events.map(({ threshold, sku, unit, period, thresholdAmount, amount, at }) => ({
      ...{ threshold, contract: period.contract, from: period.from, to: period.to },
      ...{ sku, unit, threshold_amount: thresholdAmount, amount, at },
    })),
    due: due?.version ?? null,
  };
}

function rethrowTwice(cause: unknown): never {
  const isTwice =
    cause instanceof DatabaseError &&
    cause.code === UNIQUE_VIOLATION &&
    cause.constraint === 'charge_pkey';
  if (!isTwice) throw cause;
  throw new RangeError(`Another period has a charge of the same id: ${cause.detail}`, { cause });
}
