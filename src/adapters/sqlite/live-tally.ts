/** The live tally on SQLite: counts, books and position of a partition in one file, moved together. */
import type { DatabaseSync } from 'node:sqlite';
import type { LiveTally, TallyReplacement, TallyStep } from '../../ports/live-tally.ts';
import type { CommitOutcome, PartitionCounts, Takeover } from '../../ports/store-step.ts';
import {
  applySchema,
  bindToLog,
  checkLog,
  openSqliteReader,
  openSqliteWriter,
  type StoreSchema,
  snapshot,
  transaction,
} from './database.ts';
import { STEP_TABLES, StepTables } from './step-tables.ts';

const SCHEMA: StoreSchema = { kind: 'live tally', version: 1, sql: STEP_TABLES };

export interface SqliteLiveTallyOptions {
  readonly path: string;
  /** The log that the tally belongs to. */
  readonly logId: string;
}

/**
 * Opens the tally of a log, making the file where there is none.
 *
 * @throws ApuraError `log_mismatch`: the file is the tally of another log.
 * @throws ApuraError `store_corrupt`: the file is no tally, or one of another version.
 */
export function openSqliteLiveTally({ path, logId }: SqliteLiveTallyOptions): LiveTally {
  // NORMAL is enough: a power loss may set the tally back by whole steps, counts and position
  // together, and the worker then takes those steps from the log again.
  const database = openSqliteWriter({ path, synchronous: 'NORMAL' });
  try {
    applySchema(database, SCHEMA);
    bindToLog(database, logId);
    return new SqliteLiveTally(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens a tally that a writer has made, to be read alone, on a connection of its own.
 *
 * @throws ApuraError `log_mismatch`: the file is the tally of another log.
 * @throws ApuraError `store_corrupt`: the file is no tally, or one of another version.
 */
export function openSqliteLiveTallyReader({
  path,
  logId,
}: SqliteLiveTallyOptions): SqliteLiveTallyReader {
  const database = openSqliteReader(path, SCHEMA);
  try {
    checkLog(database, logId);
    return new SqliteLiveTallyReader(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteLiveTallyReader implements Pick<LiveTally, 'read'>, AsyncDisposable {
  readonly #database: DatabaseSync;
  readonly #tables: StepTables;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#tables = new StepTables(database);
  }

  async read(partition: number): Promise<PartitionCounts> {
    return snapshot(this.#database, () => this.#tables.read(partition));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}

class SqliteLiveTally implements LiveTally {
  readonly #database: DatabaseSync;
  readonly #tables: StepTables;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#tables = new StepTables(database);
  }

  async takeOver(partition: number): Promise<Takeover> {
    return this.#write(() => this.#tables.takeOver(partition));
  }

  async commit(step: TallyStep): Promise<CommitOutcome> {
    return this.#write(() => {
      const outcome = this.#tables.judge(step);
      if (outcome === 'applied') this.#tables.apply(step);
      return outcome;
    });
  }

  async read(partition: number): Promise<PartitionCounts> {
    return snapshot(this.#database, () => this.#tables.read(partition));
  }

  async replace(
    partition: number,
    expectedNextOffset: number,
    replacement: TallyReplacement,
  ): Promise<boolean> {
    return this.#write(() => {
      const { nextOffset } = this.#tables.checkpoint(partition);
      if (nextOffset !== expectedNextOffset) return false;
      this.#tables.replace(partition, replacement);
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #write<T>(work: () => T): T {
    try {
      return transaction(this.#database, work);
    } catch (error) {
      this.#tables.forgetKeys();
      throw error;
    }
  }
}
