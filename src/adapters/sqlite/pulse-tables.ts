/** The tables of the pulse ledger on SQLite, and the numbers that its rows carry in place of texts. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import type { PulseBooks, PulseStep } from '../../ports/pulse-ledger.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import type { StoreSchema } from './database.ts';
import { DEAD_LETTER_TABLES } from './dead-letters.ts';
import { numberOf, textOf } from './row-values.ts';

/**
 * `pulse_key` is the judge of duplicates: a small row for every pulse that ever counted, at a place that
 * chance decides. `pulse` holds what pulses say, in the order in which they are listed, so that no second
 * index has to be written: by tenant, then by time. What acts have made of a pulse follows from `act`.
 */
export const PULSE_SCHEMA: StoreSchema = {
  kind: 'pulse-ledger',
  version: 2,
  sql: `${DEAD_LETTER_TABLES}
    CREATE TABLE progress (
      partition INTEGER PRIMARY KEY,
      epoch INTEGER NOT NULL,
      next_offset INTEGER NOT NULL DEFAULT 0,
      log_time INTEGER NOT NULL DEFAULT 0,
      window_start_offset INTEGER NOT NULL DEFAULT 0,
      last_block_crc INTEGER NOT NULL DEFAULT 0,
      received INTEGER NOT NULL DEFAULT 0,
      counted INTEGER NOT NULL DEFAULT 0,
      duplicates INTEGER NOT NULL DEFAULT 0,
      conflicts INTEGER NOT NULL DEFAULT 0,
      voided INTEGER NOT NULL DEFAULT 0,
      dead_letters INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE tenant (
      tenant INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE series (
      series INTEGER PRIMARY KEY,
      tenant INTEGER NOT NULL,
      sku TEXT NOT NULL,
      unit TEXT NOT NULL,
      UNIQUE (tenant, sku, unit)
    ) STRICT;
    CREATE TABLE pulse_key (
      key BLOB PRIMARY KEY,
      digest BLOB NOT NULL,
      partition INTEGER NOT NULL,
      tenant INTEGER NOT NULL,
      occurred_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pulse (
      tenant INTEGER NOT NULL,
      occurred_at INTEGER NOT NULL,
      key BLOB NOT NULL,
      partition INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      series INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      stored_at INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (tenant, occurred_at, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE repeat (
      key BLOB NOT NULL,
      partition INTEGER NOT NULL,
      times INTEGER NOT NULL,
      PRIMARY KEY (key, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE conflict (
      arrival INTEGER PRIMARY KEY AUTOINCREMENT,
      key BLOB NOT NULL,
      tenant INTEGER NOT NULL,
      partition INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX conflict_by_key ON conflict (key);
    CREATE INDEX conflict_by_time ON conflict (received_at, arrival);
    CREATE INDEX conflict_by_tenant ON conflict (tenant, received_at, arrival);
    CREATE TABLE act (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      partition INTEGER NOT NULL,
      act_id TEXT NOT NULL,
      target BLOB NOT NULL,
      kind TEXT NOT NULL,
      amount TEXT, -- a whole number
      reason TEXT NOT NULL,
      actor TEXT NOT NULL,
      at INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      UNIQUE (partition, act_id)
    ) STRICT;
    CREATE INDEX act_by_target ON act (target, partition, sequence);
    CREATE TABLE usage_window (
      series INTEGER NOT NULL,
      start INTEGER NOT NULL,
      partition INTEGER NOT NULL,
      count INTEGER NOT NULL,
      sum TEXT NOT NULL, -- as min, max and last: a whole number of 10^-18 of any size
      min TEXT NOT NULL,
      max TEXT NOT NULL,
      last TEXT NOT NULL,
      last_at INTEGER NOT NULL,
      last_key BLOB NOT NULL,
      version INTEGER NOT NULL,
      sent_version INTEGER NOT NULL,
      forgotten INTEGER NOT NULL, -- pulses that count in it and are not held any more
      PRIMARY KEY (series, start, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage_rollup ( -- what the windows of a UTC hour, or of a longer time, come to
      series INTEGER NOT NULL,
      length INTEGER NOT NULL,
      start INTEGER NOT NULL,
      partition INTEGER NOT NULL,
      count INTEGER NOT NULL,
      sum TEXT NOT NULL,
      min TEXT NOT NULL,
      max TEXT NOT NULL,
      last TEXT NOT NULL,
      last_at INTEGER NOT NULL,
      last_key BLOB NOT NULL,
      PRIMARY KEY (series, length, start, partition)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX usage_pending ON usage_window (partition, version) WHERE version > sent_version;
  `,
};

const EMPTIED_TABLES = [
  'pulse',
  'pulse_key',
  'repeat',
  'conflict',
  'act',
  'usage_window',
  'usage_rollup',
];

/** Who owns each partition, how far it is, its books, and the numbers of tenants and series. */
export class PulseTables {
  readonly #database: DatabaseSync;
  readonly #progress: StatementSync;
  readonly #raiseEpoch: StatementSync;
  readonly #advance: StatementSync;
  readonly #addTenant: StatementSync;
  readonly #findTenant: StatementSync;
  readonly #addSeries: StatementSync;
  readonly #findSeries: StatementSync;
  readonly #nameSeries: StatementSync;
  readonly #tenants = new Map<string, number>();
  readonly #series = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#progress = database.prepare('SELECT * FROM progress WHERE partition = ?');
    this.#raiseEpoch = database.prepare(`
      INSERT INTO progress (partition, epoch) VALUES (?, 1)
      ON CONFLICT DO UPDATE SET epoch = epoch + 1
      RETURNING epoch`);
    this.#advance = database.prepare(`
      UPDATE progress
      SET next_offset = ?2, log_time = ?3, window_start_offset = ?4, last_block_crc = ?5,
        received = received + ?6, counted = counted + ?7, duplicates = duplicates + ?8,
        conflicts = conflicts + ?9, voided = voided + ?10, dead_letters = dead_letters + ?11
      WHERE partition = ?1`);
    this.#addTenant = database.prepare(
      'INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING',
    );
    this.#findTenant = database.prepare('SELECT tenant FROM tenant WHERE name = ?');
    this.#addSeries = database.prepare(
      'INSERT INTO series (tenant, sku, unit) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#findSeries = database.prepare(
      'SELECT series FROM series WHERE tenant = ? AND sku = ? AND unit = ?',
    );
    this.#nameSeries = database.prepare(
      'SELECT name, sku, unit FROM series JOIN tenant USING (tenant) WHERE series = ?',
    );
  }

  takeOver(partition: number): { readonly epoch: number; readonly checkpoint: Checkpoint } {
    const epoch = numberOf(this.#raiseEpoch.get(partition)?.epoch);
    return { epoch, checkpoint: this.checkpoint(partition) };
  }

  /** What becomes of the step. Only `applied` is still to be done. */
  judge(step: PulseStep): CommitOutcome {
    const row = this.#progress.get(step.partition);
    if (row === undefined || row.epoch !== step.epoch) return 'fenced';
    const next = numberOf(row.next_offset);
    if (step.checkpoint.nextOffset <= next) return 'already-applied';
    return step.from === next ? 'applied' : 'misaligned';
  }

  /** Moves the partition on, and its books by what is new in them. */
  advance(partition: number, to: Checkpoint, books: PulseBooks): void {
    this.#advance.run(
      partition,
      to.nextOffset,
      to.logTime,
      to.windowStartOffset,
      to.lastBlockCrc,
      books.received,
      books.counted,
      books.duplicates,
      books.conflicts,
      books.voided,
      books.deadLetters,
    );
  }

  /** Takes away all that a partition holds, save its epoch, which rises. */
  empty(partition: number): void {
    const epoch = numberOf(this.#raiseEpoch.get(partition)?.epoch);
    this.#database.prepare('DELETE FROM progress WHERE partition = ?').run(partition);
    const others = this.#database.prepare('SELECT 1 FROM progress WHERE next_offset > 0 LIMIT 1');
    // A DELETE without a condition drops the pages instead of visiting every row.
    const condition = others.get() === undefined ? '' : ` WHERE partition = ${partition}`;
    for (const table of EMPTIED_TABLES) this.#database.exec(`DELETE FROM ${table}${condition}`);
    const insert = 'INSERT INTO progress (partition, epoch) VALUES (?, ?)';
    this.#database.prepare(insert).run(partition, epoch);
  }

  epoch(partition: number): number {
    const row = this.#progress.get(partition);
    return row === undefined ? 0 : numberOf(row.epoch);
  }

  checkpoint(partition: number): Checkpoint {
    const row = this.#progress.get(partition);
    if (row === undefined) return START;
    return {
      nextOffset: numberOf(row.next_offset),
      logTime: numberOf(row.log_time),
      windowStartOffset: numberOf(row.window_start_offset),
      lastBlockCrc: numberOf(row.last_block_crc),
    };
  }

  books(partition: number): PulseBooks {
    const row = this.#progress.get(partition) ?? {};
    const book = (value: unknown): number => (value === undefined ? 0 : numberOf(value));
    return {
      received: book(row.received),
      counted: book(row.counted),
      duplicates: book(row.duplicates),
      conflicts: book(row.conflicts),
      voided: book(row.voided),
      deadLetters: book(row.dead_letters),
    };
  }

  /** The tenant's number; it gets one where it has none. */
  tenantNumber(name: string): number {
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    this.#addTenant.run(name);
    const number = numberOf(this.#findTenant.get(name)?.tenant);
    this.#tenants.set(name, number);
    return number;
  }

  /** The series' number; it gets one where it has none. */
  seriesNumber({ tenant, sku, unit }: UsageSeries): number {
    const name = `${tenant.length} ${sku.length} ${tenant}${sku}${unit}`;
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const owner = this.tenantNumber(tenant);
    this.#addSeries.run(owner, sku, unit);
    const number = numberOf(this.#findSeries.get(owner, sku, unit)?.series);
    this.#series.set(name, number);
    return number;
  }

  /** The series with this number. */
  seriesOf(number: number): UsageSeries {
    const row = this.#nameSeries.get(number);
    return { tenant: textOf(row?.name), sku: textOf(row?.sku), unit: textOf(row?.unit) };
  }

  /** To be called when a transaction was undone: what it numbered is gone again. */
  forgetNumbers(): void {
    this.#tenants.clear();
    this.#series.clear();
  }

  /** Every tenant's number, and its name. */
  tenants(): ReadonlyMap<number, string> {
    const rows = this.#database.prepare('SELECT tenant, name FROM tenant').all();
    return new Map(rows.map((row) => [numberOf(row.tenant), textOf(row.name)]));
  }
}
