import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { memoryLiveTally } from '../../../test/support/memory-harness.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { sqliteLiveTally } from '../../../test/support/sqlite-harness.ts';
import { act, books, count, step } from '../../../test/support/store-step-samples.ts';
import { liveTallyContract } from '../../ports/live-tally.contract.ts';
import { openSqliteLedger } from './ledger.ts';
import { openSqliteLiveTally, openSqliteLiveTallyReader } from './live-tally.ts';

liveTallyContract('sqlite', sqliteLiveTally, memoryLiveTally);

describe('the live tally on SQLite', () => {
  let files: SqliteFiles;
  const options = (logId = 'log-1') => ({ path: files.path, logId });
  const content = {
    counts: [count({ item: 'bruno' }), count({ count: 2 })],
    books: [books({ logged: 3, counted: 3 })],
    acts: [act({})],
  };

  beforeEach(() => {
    files = sqliteFiles('tally.db');
  });

  afterEach(() => {
    files[Symbol.dispose]();
  });

  /** Changes the file behind the tally's back. */
  function execute(sql: string): void {
    const database = new DatabaseSync(files.path);
    database.exec(sql);
    database.close();
  }

  test('is not opened for another log, nor where another store is', async () => {
    await openSqliteLiveTally(options())[Symbol.asyncDispose]();
    const mismatch = expect.objectContaining({ code: 'log_mismatch' });
    expect(() => openSqliteLiveTally(options('log-2'))).toThrow(mismatch);
    expect(() => openSqliteLiveTallyReader(options('log-2'))).toThrow(mismatch);
    const corrupt = expect.objectContaining({ code: 'store_corrupt' });
    expect(() => openSqliteLedger(options())).toThrow(corrupt);
  });

  test('keeps nothing of a step whose last write the storage refuses', async () => {
    await using tally = openSqliteLiveTally(options());
    const { epoch } = await tally.takeOver(0);
    const before = await tally.read(0);
    execute(
      `CREATE TRIGGER refuse BEFORE INSERT ON act BEGIN SELECT RAISE(ABORT, 'injected'); END`,
    );
    await expect(tally.commit(step({ epoch, ...content }))).rejects.toThrow('injected');
    expect(await tally.read(0)).toEqual(before);
    execute('DROP TRIGGER refuse');
    // Other keys first: the numbers that the refused step gave out are free again.
    const counts = [count({ item: 'carla', count: 7 })];
    expect(await tally.commit(step({ epoch, counts }))).toBe('applied');
    expect(await tally.commit(step({ epoch, from: 1, ...content }))).toBe('applied');
    const read = await tally.read(0);
    expect(read.counts.toSorted((a, b) => (a.item < b.item ? -1 : 1))).toEqual([
      count({ count: 2 }),
      count({ item: 'bruno' }),
      count({ item: 'carla', count: 7 }),
    ]);
  });

  test('is read beside its writer, step by step', async () => {
    await using tally = openSqliteLiveTally(options());
    await using reader = openSqliteLiveTallyReader(options());
    const { epoch } = await tally.takeOver(0);
    expect(await reader.read(0)).toEqual(await tally.read(0));
    await tally.commit(step({ epoch, ...content }));
    expect((await reader.read(0)).counts).toHaveLength(2);
    expect(await reader.read(0)).toEqual(await tally.read(0));
    await reader[Symbol.asyncDispose]();
    await reader[Symbol.asyncDispose]();
  });

  test.each([`UPDATE key SET lane = 'fast'`, `UPDATE act SET kind = 'forgive'`])(
    'calls itself corrupt where it finds what it never writes: %s',
    async (sql) => {
      await using tally = openSqliteLiveTally(options());
      const { epoch } = await tally.takeOver(0);
      await tally.commit(step({ epoch, ...content }));
      execute(sql);
      await expect(tally.takeOver(0)).rejects.toMatchObject({ code: 'store_corrupt' });
    },
  );
});
