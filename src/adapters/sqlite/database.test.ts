import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import {
  applySchema,
  bindToLog,
  openSqliteReader,
  openSqliteWriter,
  readMeta,
  readNumber,
  snapshot,
  transaction,
  writeMeta,
} from './database.ts';

const SCHEMA = { kind: 'sample', version: 3, sql: 'CREATE TABLE sample (n INTEGER) STRICT' };

let files: SqliteFiles;
let connections: DatabaseSync[];

beforeEach(() => {
  files = sqliteFiles('sample.db');
  connections = [];
});

afterEach(() => {
  for (const connection of connections) connection.close();
  files[Symbol.dispose]();
});

function opened(connection: DatabaseSync): DatabaseSync {
  connections.push(connection);
  return connection;
}

function openWriter(): DatabaseSync {
  return opened(openSqliteWriter({ path: files.path, synchronous: 'FULL' }));
}

describe('settings', () => {
  test('are the ones asked for, read back from the connection', () => {
    const full = openWriter();
    expect(readNumber(full, 'PRAGMA synchronous')).toBe(2);
    expect(full.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    const normal = openSqliteWriter({
      path: `${files.path}-2`,
      synchronous: 'NORMAL',
      pageSize: 16_384,
      checkpointPages: 77,
      cacheKiB: 1_234,
      busyTimeoutMs: 9,
    });
    opened(normal);
    expect(readNumber(normal, 'PRAGMA synchronous')).toBe(1);
    expect(readNumber(normal, 'PRAGMA page_size')).toBe(16_384);
    expect(readNumber(normal, 'PRAGMA wal_autocheckpoint')).toBe(77);
    expect(readNumber(normal, 'PRAGMA cache_size')).toBe(-1_234);
    expect(readNumber(normal, 'PRAGMA busy_timeout')).toBe(9);
  });

  test('that do not hold are refused: a database in memory has no WAL', () => {
    const open = () => openSqliteWriter({ path: ':memory:', synchronous: 'FULL' });
    expect(open).toThrow(expect.objectContaining({ code: 'durability_refused' }));
  });
});

describe('a file', () => {
  test('keeps its schema and values over a reopening', () => {
    const first = openWriter();
    applySchema(first, SCHEMA);
    writeMeta(first, 'colour', 'red');
    writeMeta(first, 'colour', 'blue');
    first.exec('INSERT INTO sample VALUES (7)');
    const second = openWriter();
    applySchema(second, SCHEMA);
    expect(readMeta(second, 'colour')).toBe('blue');
    expect(readMeta(second, 'size')).toBeNull();
    expect(readNumber(second, 'SELECT n FROM sample')).toBe(7);
  });

  test('that is no database is called corrupt', () => {
    writeFileSync(files.path, 'x'.repeat(8_192));
    expect(openWriter).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    const read = () => openSqliteReader(files.path, SCHEMA);
    expect(read).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });

  test('of another program, kind or version is not touched', () => {
    const foreign = opened(new DatabaseSync(`${files.path}-foreign`));
    foreign.exec('CREATE TABLE theirs (n INTEGER)');
    expect(() => applySchema(foreign, SCHEMA)).toThrow('not one of Apura');
    const ours = openWriter();
    applySchema(ours, SCHEMA);
    expect(() => applySchema(ours, { ...SCHEMA, kind: 'other' })).toThrow('sample, not the other');
    expect(() => applySchema(ours, { ...SCHEMA, version: 4 })).toThrow('schema version 3');
    const read = () => openSqliteReader(files.path, { ...SCHEMA, version: 4 });
    expect(read).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });

  test('belongs to the log that it was first opened for', () => {
    const database = openWriter();
    applySchema(database, SCHEMA);
    bindToLog(database, 'log-1');
    bindToLog(database, 'log-1');
    const rebind = () => bindToLog(database, 'log-2');
    expect(rebind).toThrow(expect.objectContaining({ code: 'log_mismatch' }));
    bindToLog(database, 'log-1');
  });

  test('survives a crash as of the last commit', () => {
    const database = openWriter();
    applySchema(database, SCHEMA);
    database.exec('INSERT INTO sample VALUES (1)');
    database.exec('BEGIN IMMEDIATE');
    database.exec('INSERT INTO sample VALUES (2)');
    files.crash();
    expect(readNumber(openWriter(), 'SELECT count(*) FROM sample')).toBe(1);
    database.exec('ROLLBACK');
  });
});

describe('a transaction', () => {
  test('is undone whole when anything in it throws, and the connection goes on', () => {
    const database = openWriter();
    applySchema(database, SCHEMA);
    const work = () =>
      transaction(database, () => {
        database.exec('INSERT INTO sample VALUES (1)');
        throw new Error('injected');
      });
    expect(work).toThrow('injected');
    expect(readNumber(database, 'SELECT count(*) FROM sample')).toBe(0);
    transaction(database, () => database.exec('INSERT INTO sample VALUES (2)'));
    expect(readNumber(database, 'SELECT count(*) FROM sample')).toBe(1);
  });
});

describe('a reader', () => {
  test('sees commits, holds still in a snapshot, and can neither write nor checkpoint', () => {
    const writer = openWriter();
    applySchema(writer, SCHEMA);
    const reader = opened(openSqliteReader(files.path, SCHEMA));
    const count = () => readNumber(reader, 'SELECT count(*) FROM sample');
    snapshot(reader, () => {
      expect(count()).toBe(0);
      writer.exec('INSERT INTO sample VALUES (1)');
      expect(count()).toBe(0);
    });
    expect(count()).toBe(1);
    expect(() => reader.exec('DELETE FROM sample')).toThrow('readonly');
    expect(() => reader.exec('PRAGMA wal_checkpoint(TRUNCATE)')).toThrow();
  });
});
