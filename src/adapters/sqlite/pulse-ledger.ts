/** The pulse ledger on SQLite: every pulse once, in one file with the usage that they come to. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { type UsageRecord, usageWindowOf } from '../../domain/metering/usage.ts';
import { foldUsage } from '../../domain/metering/usage-fold.ts';
import { compareTexts } from '../../domain/text-order.ts';
import type {
  ConflictPage,
  PulseBooks,
  PulseColumns,
  PulseCommit,
  PulseInventory,
  PulseLedger,
  PulsePage,
  PulseStep,
  StoredPulse,
  UsageFilter,
  UsageRow,
} from '../../ports/pulse-ledger.ts';
import {
  applySchema,
  bindToLog,
  checkLog,
  openSqliteReader,
  openSqliteWriter,
  transaction,
} from './database.ts';
import { SqliteDeadLetters } from './dead-letters.ts';
import { HeldPulses, type SeriesNumbers, type StandingOf } from './held-pulses.ts';
import { PulseActs } from './pulse-acts.ts';
import { PulseKeys } from './pulse-keys.ts';
import { SqlitePulseLedgerReader } from './pulse-ledger-reader.ts';
import { PULSE_SCHEMA, PulseTables } from './pulse-tables.ts';
import { UsageChanges } from './usage-changes.ts';
import { UsageRecomputation } from './usage-recomputation.ts';
import { UsageRollups } from './usage-rollups.ts';
import { UsageWindows } from './usage-windows.ts';

export interface SqlitePulseLedgerOptions {
  readonly path: string;
  /** The log that the ledger belongs to. */
  readonly logId: string;
}

const PAGE_BYTES = 8_192;
/**
 * 256 MiB. Keys fall at random places, so that a step of 20,000 pulses writes some 5,000 pages of a
 * million keys: copied back after every step they would be written twice, after several most once.
 */
const CHECKPOINT_PAGES = 32_000;
const CACHE_KIB = 65_536;
const KEY_BYTES = 16;

/**
 * Opens the pulse ledger of a log for writing, making the file where there is none.
 *
 * @throws ApuraError `log_mismatch`: the file is the ledger of another log.
 * @throws ApuraError `store_corrupt`: the file is no pulse ledger, or one of another version.
 */
export function openSqlitePulseLedger(
  options: SqlitePulseLedgerOptions,
): PulseLedger & { readonly deadLetters: SqliteDeadLetters } {
  const database = openSqliteWriter({
    path: options.path,
    // What operators decide about dead letters, and what rating was told, is in no log.
    synchronous: 'FULL',
    pageSize: PAGE_BYTES,
    checkpointPages: CHECKPOINT_PAGES,
    cacheKiB: CACHE_KIB,
  });
  try {
    applySchema(database, PULSE_SCHEMA);
    bindToLog(database, options.logId);
    return new SqlitePulseLedger(database, options.logId);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens a pulse ledger that a writer has made, for questions alone, on a connection of its own.
 *
 * @throws ApuraError `log_mismatch`: the file is the ledger of another log.
 * @throws ApuraError `store_corrupt`: the file is no pulse ledger, or one of another version.
 */
export function openSqlitePulseLedgerReader(
  options: SqlitePulseLedgerOptions,
): SqlitePulseLedgerReader {
  const database = openSqliteReader(options.path, PULSE_SCHEMA);
  try {
    checkLog(database, options.logId);
    return new SqlitePulseLedgerReader(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqlitePulseLedger implements PulseLedger {
  readonly deadLetters: SqliteDeadLetters;
  readonly #database: DatabaseSync;
  readonly #tables: PulseTables;
  readonly #keys: PulseKeys;
  readonly #windows: UsageWindows;
  readonly #rollups: UsageRollups;
  readonly #reader: SqlitePulseLedgerReader;
  readonly #standing: StandingOf;
  readonly #held: HeldPulses;
  readonly #acts: PulseActs;
  readonly #recomputation: UsageRecomputation;

  constructor(database: DatabaseSync, logId: string) {
    this.#database = database;
    this.deadLetters = new SqliteDeadLetters(database);
    this.#tables = new PulseTables(database);
    this.#keys = new PulseKeys(database);
    this.#windows = new UsageWindows(database);
    this.#rollups = new UsageRollups(database);
    this.#reader = new SqlitePulseLedgerReader(database);
    this.#standing = (key, partition, amount) => this.#reader.standing(key, partition, amount);
    this.#held = new HeldPulses(database, this.#standing);
    this.#acts = new PulseActs(database, logId, this.#held, this.#standing);
    this.#recomputation = new UsageRecomputation(
      this.#tables,
      this.#held,
      this.#windows,
      this.#rollups,
    );
  }

  async takeOver(
    partition: number,
  ): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }> {
    return this.#write(() => this.#tables.takeOver(partition));
  }

  async commit(step: PulseStep): Promise<PulseCommit> {
    return this.#write(() => {
      const outcome = this.#tables.judge(step);
      if (outcome !== 'applied') return { outcome, counted: 0, duplicates: 0, conflicts: 0 };
      const { partition, pulses, checkpoint } = step;
      const numbers = this.#numbersOf(pulses);
      const taken = this.#keys.take(partition, pulses, numbers.tenants);
      this.#held.insert(partition, pulses, taken.isNew, numbers);
      const changes = new UsageChanges(this.#tables, this.#windows, this.#rollups, partition);
      changes.add(taken.knewSome ? foldUsage(pulses, taken.isNew) : step.totals);
      const acts = this.#acts.take(step, changes);
      changes.write(step);
      this.deadLetters.report([...step.deadLetters, ...acts.letters]);
      const { counted, duplicates, conflicts } = taken;
      this.#tables.advance(partition, checkpoint, {
        received: pulses.count,
        counted,
        duplicates,
        conflicts,
        voided: acts.voided,
        deadLetters: step.deadLetters.length + acts.letters.length,
      });
      return { outcome, counted, duplicates, conflicts };
    });
  }

  checkpoint(partition: number): Promise<Checkpoint> {
    return this.#reader.checkpoint(partition);
  }

  books(partition: number): Promise<PulseBooks> {
    return this.#reader.books(partition);
  }

  inventory(partition: number): Promise<PulseInventory> {
    return this.#reader.inventory(partition);
  }

  pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]> {
    return this.#reader.pendingUsage(partition, limit);
  }

  async markUsageSent(records: readonly UsageRecord[]): Promise<void> {
    this.#write(() => {
      for (const { partition, series, start, version } of records) {
        const place = { partition, series: this.#tables.seriesNumber(series), start };
        this.#windows.markSent(place, version);
      }
    });
  }

  find(key: string): Promise<StoredPulse | null> {
    return this.#reader.find(key);
  }

  pulses(
    filter: Parameters<PulseLedger['pulses']>[0],
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage> {
    return this.#reader.pulses(filter, cursor, limit);
  }

  conflicts(tenant: string | null, cursor: string | null, limit: number): Promise<ConflictPage> {
    return this.#reader.conflicts(tenant, cursor, limit);
  }

  usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return this.#reader.usage(filter, bounds, rowsMax);
  }

  async recompute(partition: number, from: number, to: number): Promise<readonly UsageRecord[]> {
    const put: UsageRecord[] = [];
    for (const tenant of this.#tables.tenants().keys()) {
      const places = this.#write(() => this.#recomputation.putRight(tenant, partition, from, to));
      put.push(...places);
      // A step comes between.
      await setImmediate();
    }
    return put.sort(
      (a, b) =>
        compareTexts(a.series.tenant, b.series.tenant) ||
        compareTexts(a.series.sku, b.series.sku) ||
        compareTexts(a.series.unit, b.series.unit) ||
        a.start - b.start,
    );
  }

  async reset(partition: number): Promise<void> {
    this.#write(() => this.#tables.empty(partition));
  }

  async forget(from: number, to: number): Promise<number> {
    let forgotten = 0;
    for (const tenant of this.#tables.tenants().keys()) {
      for (let pulses = 1; pulses > 0; forgotten += pulses) {
        pulses = this.#write(() => {
          const some = this.#held.forgetSome(tenant, from, to);
          for (const lost of some.lost) this.#windows.addForgotten(lost.place, lost.pulses);
          return some.pulses;
        });
        await setImmediate();
      }
    }
    return forgotten;
  }

  async restore(partition: number, pulses: PulseColumns): Promise<number> {
    return this.#write(() => {
      const numbers = this.#numbersOf(pulses);
      const counted = this.#keys.counted(partition, pulses);
      const restored = this.#held.insert(partition, pulses, counted, numbers);
      for (const index of restored) {
        const key = pulses.keys.subarray(index * KEY_BYTES, index * KEY_BYTES + KEY_BYTES);
        const amount = pulses.amounts[index] as bigint;
        if (this.#standing(key, partition, amount).state === 'voided') continue;
        const series = numbers.series[pulses.seriesIndex[index] as number] as number;
        const start = usageWindowOf(pulses.occurredAt[index] as number);
        this.#windows.addForgotten({ partition, series, start }, -1);
      }
      return restored.length;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }

  #numbersOf({ series }: PulseColumns): SeriesNumbers {
    return {
      series: series.map((one) => this.#tables.seriesNumber(one)),
      tenants: series.map(({ tenant }) => this.#tables.tenantNumber(tenant)),
    };
  }

  #write<T>(work: () => T): T {
    try {
      return transaction(this.#database, work);
    } catch (error) {
      this.#tables.forgetNumbers();
      throw error;
    }
  }
}
