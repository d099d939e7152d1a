import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type {
  LedgerReadingOptions,
  LedgerReadings,
} from '../../../test/support/ledger-reading-thread.ts';
import {
  event,
  eventId,
  eventsOf,
  ledgerStep,
  NOON,
} from '../../../test/support/ledger-samples.ts';
import { memoryLedger } from '../../../test/support/memory-harness.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { sqliteLedger } from '../../../test/support/sqlite-harness.ts';
import { act } from '../../../test/support/store-step-samples.ts';
import { ledgerContract } from '../../ports/ledger.contract.ts';
import { openSqliteLedger, openSqliteLedgerReader } from './ledger.ts';
import { openSqliteLiveTally } from './live-tally.ts';

const READING_THREAD = new URL('../../../test/support/ledger-reading-thread.ts', import.meta.url);

ledgerContract('sqlite', sqliteLedger, memoryLedger);

describe('the ledger on SQLite', () => {
  let files: SqliteFiles;
  const options = (logId = 'log-1') => ({ path: files.path, logId });
  const events = [
    event({ id: eventId(1, 1) }),
    event({ id: eventId(2, 2), state: 'late' }),
    event({ id: eventId(3, 3), scope: 'poll-b' }),
  ];

  beforeEach(() => {
    files = sqliteFiles('ledger.db');
  });

  afterEach(() => {
    files[Symbol.dispose]();
  });

  /** Changes the file behind the ledger's back. */
  function execute(sql: string): void {
    const database = new DatabaseSync(files.path);
    database.exec(sql);
    database.close();
  }

  test('is not opened for another log, nor where another store is', async () => {
    await openSqliteLedger(options())[Symbol.asyncDispose]();
    const mismatch = expect.objectContaining({ code: 'log_mismatch' });
    expect(() => openSqliteLedger(options('log-2'))).toThrow(mismatch);
    expect(() => openSqliteLedgerReader(options('log-2'))).toThrow(mismatch);
    const corrupt = expect.objectContaining({ code: 'store_corrupt' });
    expect(() => openSqliteLiveTally(options())).toThrow(corrupt);
  });

  test('keeps nothing of a step whose last write the storage refuses', async () => {
    await using ledger = openSqliteLedger(options());
    const { epoch } = await ledger.takeOver(0);
    execute(
      `CREATE TRIGGER refuse BEFORE INSERT ON act BEGIN SELECT RAISE(ABORT, 'injected'); END`,
    );
    const refused = ledgerStep(events, { epoch, acts: [act({})] });
    await expect(ledger.commit(refused)).rejects.toThrow('injected');
    expect((await ledger.read(0)).checkpoint.nextOffset).toBe(0);
    expect((await ledger.recount(0)).books).toEqual([]);
    for (const { id } of events) expect(await ledger.find(id)).toBeNull();
    execute('DROP TRIGGER refuse');
    expect(await ledger.commit(refused)).toBe('applied');
    expect((await ledger.recount(0)).books).toHaveLength(2);
  });

  test('answers a reader of its own connection as it answers the writer', async () => {
    await using ledger = openSqliteLedger(options());
    await using reader = openSqliteLedgerReader(options());
    const { epoch } = await ledger.takeOver(0);
    expect(await reader.events('poll-a', null, 5)).toEqual({ events: [], nextCursor: null });
    await ledger.commit(ledgerStep(events, { epoch }));
    expect(await reader.read(0)).toEqual(await ledger.read(0));
    expect(await reader.recount(0)).toEqual(await ledger.recount(0));
    expect(await reader.checkpoint(0)).toEqual((await ledger.read(0)).checkpoint);
    expect(await reader.windows('poll-b', 0, NOON)).toEqual(
      await ledger.windows('poll-b', 0, NOON),
    );
    expect(await eventsOf(reader, 'poll-a', 1)).toEqual(events.slice(0, 2));
    for (const one of events) expect(await reader.find(one.id)).toEqual(one);
  });

  test('shows a reader in another thread counts, rows and position of one instant', async () => {
    await using ledger = openSqliteLedger(options());
    const { epoch } = await ledger.takeOver(0);
    const end = 400;
    const workerData: LedgerReadingOptions = { ...options(), end };
    const thread = new Worker(READING_THREAD, { workerData });
    await once(thread, 'message');
    const told = once(thread, 'message');
    for (let from = 0; from < end; from += 1) {
      const step = ledgerStep([event({ id: eventId(from, from), offset: from })], { epoch, from });
      expect(await ledger.commit(step)).toBe('applied');
    }
    const [readings]: LedgerReadings[] = await told;
    expect(readings?.misfits).toEqual([]);
    expect(readings?.reads).toBeGreaterThan(1);
    await thread.terminate();
  });

  test('refuses a cursor that it did not give out', async () => {
    await using ledger = openSqliteLedger(options());
    const { epoch } = await ledger.takeOver(0);
    await ledger.commit(ledgerStep(events, { epoch }));
    for (const cursor of ['', 'x', `${eventId(1, 1)}`, `${eventId(1, 1)}.0 OR 1`]) {
      const page = ledger.events('poll-a', cursor, 5);
      await expect(page).rejects.toMatchObject({ code: 'invalid_query' });
    }
  });

  test.each([
    'UPDATE vote SET state = 9',
    `UPDATE excluded SET state = 'lost'`,
    `UPDATE key SET lane = 'fast'`,
  ])('calls itself corrupt where it finds what it never writes: %s', async (sql) => {
    await using ledger = openSqliteLedger(options());
    const { epoch } = await ledger.takeOver(0);
    await ledger.commit(ledgerStep(events, { epoch }));
    execute(sql);
    const corrupt = { code: 'store_corrupt' };
    await expect(eventsOf(ledger, 'poll-a', 5)).rejects.toMatchObject(corrupt);
    await expect(ledger.recount(0)).rejects.toMatchObject(corrupt);
  });

  test('tells a recount from a read where a row was taken out by hand', async () => {
    await using ledger = openSqliteLedger(options());
    const { epoch } = await ledger.takeOver(0);
    await ledger.commit(ledgerStep(events, { epoch }));
    execute(`DELETE FROM vote WHERE id = x'${eventId(1, 1)}'`);
    const [read, recount] = [await ledger.read(0), await ledger.recount(0)];
    const counted = (books: typeof read.books) =>
      books.find(({ scope }) => scope === 'poll-a')?.counted;
    expect([counted(read.books), counted(recount.books)]).toEqual([1, 0]);
  });
});
