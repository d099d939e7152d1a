/** Opens SQLite files the one way that Apura trusts: settings read back, schema and owner checked. */
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { ApuraError } from '../../domain/errors.ts';

/**
 * - `FULL`: a commit is flushed before it returns: it survives a power loss.
 * - `NORMAL`: a power loss may take the newest commits away, whole, newest first; the file stays
 *   consistent. For what can be rebuilt.
 */
export type Synchronous = 'FULL' | 'NORMAL';

const SYNCHRONOUS_LEVEL: Readonly<Record<Synchronous, number>> = { NORMAL: 1, FULL: 2 };

/** "Apur": marks a file as ours, so that a wrong path is not taken for an empty store. */
const APPLICATION_ID = 0x41707572;

const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;

export interface SqliteOptions {
  readonly path: string;
  readonly synchronous: Synchronous;
  /** Bytes, a power of two from 512 to 65536. Takes effect when the file is made, never later. */
  readonly pageSize?: number;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs?: number;
  /** WAL length from which a commit copies it back into the file. */
  readonly checkpointPages?: number;
  /** Page cache of this connection. */
  readonly cacheKiB?: number;
}

export interface StoreSchema {
  /** What the file is, such as `ledger`: one kind is never opened as another. */
  readonly kind: string;
  /** Raised whenever `sql` changes in a way that older code can not work with. */
  readonly version: number;
  /** Makes every table of a new file. */
  readonly sql: string;
}

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the file's one writing connection, making the file where there is none.
 *
 * One writer is more than tidiness: SQLite 3.7.0 to 3.51.2 could lose a commit when two connections
 * wrote or checkpointed one file, and the runtime's SQLite may be any.
 *
 * @throws ApuraError `durability_refused`: a setting did not read back as it was set.
 * @throws ApuraError `store_corrupt`: the file is no SQLite database.
 */
export function openSqliteWriter(options: SqliteOptions): DatabaseSync {
  const isNew = !existsSync(options.path);
  const database = new DatabaseSync(options.path, {
    timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
  });
  try {
    if (options.pageSize !== undefined) database.exec(`PRAGMA page_size = ${options.pageSize}`);
    demand(database, 'journal_mode', 'WAL', 'wal');
    const level = SYNCHRONOUS_LEVEL[options.synchronous];
    demand(database, 'synchronous', options.synchronous, level);
    // Without these two, macOS calls a commit flushed while it is still in the drive's own cache.
    demand(database, 'fullfsync', 'ON', 1);
    demand(database, 'checkpoint_fullfsync', 'ON', 1);
    if (options.checkpointPages !== undefined) {
      demand(database, 'wal_autocheckpoint', options.checkpointPages, options.checkpointPages);
    }
    if (options.cacheKiB !== undefined) {
      demand(database, 'cache_size', -options.cacheKiB, -options.cacheKiB);
    }
    // A damaged page is then an error where it is read, not a wrong answer.
    database.exec('PRAGMA cell_size_check = ON');
    if (isNew) flushDirectory(options.path);
    return database;
  } catch (error) {
    database.close();
    throw asStoreError(error, options.path);
  }
}

/**
 * Opens a read-only connection beside the writer, for another thread or process: it can neither
 * write nor checkpoint, so it never breaks the one-writer rule. Keep its transactions short: while
 * one is open the WAL can not be reused.
 *
 * @throws ApuraError `store_corrupt`: the file is no SQLite database, or not this store.
 */
export function openSqliteReader(
  path: string,
  schema: StoreSchema,
  busyTimeoutMs: number = BUSY_TIMEOUT_MS,
): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    checkSchema(database, schema);
    return database;
  } catch (error) {
    database.close();
    throw asStoreError(error, path);
  }
}

/**
 * Makes the schema in an empty file; checks that any other file is this store in this version.
 *
 * @throws ApuraError `store_corrupt`: the file is another database, or of another version.
 */
export function applySchema(database: DatabaseSync, schema: StoreSchema): void {
  transaction(database, () => {
    const tables = readNumber(database, 'SELECT count(*) FROM sqlite_schema');
    if (tables > 0) return checkSchema(database, schema);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${schema.version}`);
    database.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
    writeMeta(database, 'kind', schema.kind);
    database.exec(schema.sql);
  });
}

function checkSchema(database: DatabaseSync, schema: StoreSchema): void {
  const owner = readNumber(database, 'PRAGMA application_id');
  if (owner !== APPLICATION_ID) {
    throw new ApuraError('store_corrupt', 'The file is a database, but not one of Apura.');
  }
  const kind = readMeta(database, 'kind');
  if (kind !== schema.kind) {
    throw new ApuraError('store_corrupt', `The file holds the ${kind}, not the ${schema.kind}.`);
  }
  const version = readNumber(database, 'PRAGMA user_version');
  if (version !== schema.version) {
    throw new ApuraError(
      'store_corrupt',
      `The ${kind} has schema version ${version}; this Apura works with ${schema.version}.`,
    );
  }
}

/**
 * Ties a store to its log for good: the first call writes the id, every later one compares.
 *
 * @throws ApuraError `log_mismatch`: the store belongs to another log.
 */
export function bindToLog(database: DatabaseSync, logId: string): void {
  transaction(database, () => {
    if (readMeta(database, 'logId') === null) writeMeta(database, 'logId', logId);
    checkLog(database, logId);
  });
}

/** @throws ApuraError `log_mismatch`: the store belongs to another log, or to none yet. */
export function checkLog(database: DatabaseSync, logId: string): void {
  const bound = readMeta(database, 'logId');
  if (bound === logId) return;
  throw new ApuraError(
    'log_mismatch',
    `${database.location()} belongs to the log ${bound}, not to ${logId}.`,
  );
}

/** A named value of the store's own `meta` table, or null. */
export function readMeta(database: DatabaseSync, name: string): string | null {
  const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return row === undefined ? null : String(row.value);
}

export function writeMeta(database: DatabaseSync, name: string, value: string): void {
  database
    .prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = ?2')
    .run(name, value);
}

/** Runs `work` in a write transaction: all of it is committed, or none when anything throws. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  return between(database, 'BEGIN IMMEDIATE', work);
}

/** Runs `work` on one unchanging view of the file, whatever other connections commit meanwhile. */
export function snapshot<T>(database: DatabaseSync, work: () => T): T {
  return between(database, 'BEGIN', work);
}

function between<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself already after a full disk or an I/O error.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The first column of a query's first row, which must be a number. */
export function readNumber(
  database: DatabaseSync,
  sql: string,
  ...parameters: SQLInputValue[]
): number {
  const row = database.prepare(sql).get(...parameters);
  const value = row === undefined ? undefined : Object.values(row)[0];
  if (typeof value !== 'number') throw new ApuraError('store_corrupt', `No number: ${sql}`);
  return value;
}

function demand(
  database: DatabaseSync,
  pragma: string,
  value: string | number,
  expected: string | number,
): void {
  database.exec(`PRAGMA ${pragma} = ${value}`);
  const row = database.prepare(`PRAGMA ${pragma}`).get();
  const actual = row === undefined ? undefined : Object.values(row)[0];
  if (actual !== expected) {
    throw new ApuraError(
      'durability_refused',
      `PRAGMA ${pragma} = ${value} was set on ${database.location()}, but reads back ${actual}.`,
    );
  }
}

/** A new file survives a power loss only once the directory that names it is flushed too. */
function flushDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function asStoreError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  if (error.errcode !== SQLITE_CORRUPT && error.errcode !== SQLITE_NOT_A_DATABASE) return error;
  return new ApuraError('store_corrupt', `${path}: ${error.message}`, { cause: error });
}
