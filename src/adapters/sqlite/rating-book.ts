/** The rating book in one SQLite file, with the dead letters of its steps, flushed with every change. */

import type { DatabaseSync } from 'node:sqlite';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import { checkChargeChange } from '../../domain/metering/charge-change.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
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
import {
  applySchema,
  bindToLog,
  checkLog,
  openSqliteReader,
  openSqliteWriter,
  type StoreSchema,
  transaction,
} from './database.ts';
import { DEAD_LETTER_TABLES, SqliteDeadLetters } from './dead-letters.ts';
import { PROGRESS_TABLE, ProgressTable } from './progress-table.ts';
import { RATING_CHARGE_TABLES, RatingCharges } from './rating-charges.ts';
import { RATING_USAGE_TABLES, RatingUsage } from './rating-usage.ts';

/** The file's usual name in a data folder. One of its own: whoever rates never waits for who counts. */
export const RATING_FILE = 'rating.db';

export interface SqliteRatingOptions {
  readonly path: string;
  /** The log `resource-usage` that the book belongs to. */
  readonly logId: string;
  /** For questions alone, on a connection of its own: whoever writes has made the file. */
  readonly readOnly?: true;
}

const SCHEMA: StoreSchema = {
  kind: 'rating book',
  version: 2,
  sql: PROGRESS_TABLE + RATING_USAGE_TABLES + RATING_CHARGE_TABLES + DEAD_LETTER_TABLES,
};

export class SqliteRatingBook implements RatingBook {
  /** Of `resource-usage.dlq`. */
  readonly deadLetters: SqliteDeadLetters;
  readonly #database: DatabaseSync;
  readonly #progress: ProgressTable;
  readonly #usage: RatingUsage;
  readonly #charges: RatingCharges;

  /**
   * Opens the file for reading and writing, making it where there is none, or `readOnly`.
   *
   * @throws ApuraError `durability_refused`: the storage does not keep a flushed commit.
   * @throws ApuraError `log_mismatch`: the file is the book of another log.
   * @throws ApuraError `store_corrupt`: the file is something else, or of another version.
   */
  constructor({ path, logId, readOnly }: SqliteRatingOptions) {
    const database = readOnly
      ? openSqliteReader(path, SCHEMA)
      : openSqliteWriter({ path, synchronous: 'FULL' });
    try {
      if (readOnly) checkLog(database, logId);
      else {
        applySchema(database, SCHEMA);
        bindToLog(database, logId);
      }
      this.#database = database;
      this.#progress = new ProgressTable(database);
      this.#usage = new RatingUsage(database);
      this.#charges = new RatingCharges(database);
      this.deadLetters = new SqliteDeadLetters(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  async takeOver(partition: number): Promise<{ epoch: number; checkpoint: Checkpoint }> {
    return transaction(this.#database, () => ({
      epoch: this.#progress.raiseEpoch(partition),
      checkpoint: this.#progress.checkpoint(partition),
    }));
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#progress.checkpoint(partition);
  }

  async commit(step: UsageStep): Promise<CommitOutcome> {
    return transaction(this.#database, () => {
      const outcome = this.#progress.judge(step);
      if (outcome !== 'applied') return outcome;
      this.#progress.moveTo(step.partition, step.checkpoint);
      this.#usage.take(step.records);
      this.deadLetters.report(step.deadLetters);
      return outcome;
    });
  }

  async accept(records: readonly UsageRecord[]): Promise<number> {
    return transaction(this.#database, () => this.#usage.take(records));
  }

  async makeDue(tenant: string, from: number, to: number): Promise<void> {
    transaction(this.#database, () => this.#usage.makeDue(tenant, from, to));
  }

  async due(limit: number): Promise<readonly DueRating[]> {
    return this.#usage.due(limit);
  }

  async usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return this.#usage.usage(filter, bounds, rowsMax);
  }

  async tenants(from: number, to: number): Promise<readonly string[]> {
    return this.#usage.tenants(from, to);
  }

  async periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]> {
    return this.#charges.periods(tenant, from, to);
  }

  async periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]> {
    return this.#charges.periodsToFinish(before, limit);
  }

  async revision(tenant: string): Promise<number> {
    return this.#charges.revision(tenant);
  }

  async putCharges(change: ChargeChange): Promise<'stored' | 'conflict'> {
    checkChargeChange(change);
    return transaction(this.#database, () => {
      const outcome = this.#charges.put(change);
      if (outcome === 'stored' && change.due !== null) this.#usage.settle(change.due);
      return outcome;
    });
  }

  async charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage> {
    return this.#charges.charges(filter, cursor, limit);
  }

  async charge(id: string): Promise<Charge | null> {
    return this.#charges.charge(id);
  }

  async unpriced(filter: ChargeFilter, limit: number): Promise<readonly UnpricedUsage[]> {
    return this.#charges.unpriced(filter, limit);
  }

  async unpricedSpan(tenant: string, from: number, to: number): Promise<TimeWindow | null> {
    return this.#charges.unpricedSpan(tenant, from, to);
  }

  async events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]> {
    return this.#charges.events(tenant, limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}
