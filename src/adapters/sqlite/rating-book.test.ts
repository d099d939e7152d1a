import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { memoryRatingBook, sqliteRatingBook } from '../../../test/support/rating-harness.ts';
import {
  FIRST_WINDOW,
  sampleCharge,
  sampleChargeChange,
  sampleEvent,
  samplePeriod,
  sampleUnpriced,
  usageRecord,
} from '../../../test/support/rating-samples.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { ratingBookContract } from '../../ports/rating-book.contract.ts';
import { RATING_FILE, SqliteRatingBook } from './rating-book.ts';

ratingBookContract('sqlite', sqliteRatingBook, memoryRatingBook);

describe('a rating book file', () => {
  let files: SqliteFiles;
  const open = (logId = 'log-1') => new SqliteRatingBook({ path: files.path, logId });

  beforeEach(async () => {
    files = sqliteFiles(RATING_FILE);
    await using book = open();
    const period = samplePeriod({ state: 'final', finalAt: 5 });
    await book.accept([usageRecord()]);
    await book.putCharges(
      sampleChargeChange({
        periods: [period],
        charges: [sampleCharge(period)],
        unpriced: [sampleUnpriced()],
        unpricedRange: { from: FIRST_WINDOW, to: period.to },
        events: [sampleEvent()],
      }),
    );
  });

  afterEach(() => {
    files[Symbol.dispose]();
  });

  /** Does something to the file that Apura would not. */
  const tamper = (sql: string): void => {
    const database = new DatabaseSync(files.path);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  };

  test('is not opened for another log, nor where another store is', () => {
    expect(() => open('log-2')).toThrow(expect.objectContaining({ code: 'log_mismatch' }));
    tamper("UPDATE meta SET value = 'ledger' WHERE name = 'kind'");
    expect(() => open()).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });

  test.each([
    'DELETE FROM charge',
    'UPDATE charge SET body = 1',
    "INSERT INTO charge SELECT id || '2', tenant, contract, period_from, period_to, sku, unit, starts_at, body FROM charge",
    "UPDATE period SET state = 'open'",
    'DELETE FROM period',
  ])('refuses to change what is final: %s', (sql) => {
    expect(() => tamper(sql)).toThrow(/a final (charge|period) is never/);
  });

  test.each([
    ["UPDATE usage SET sum = '1.5'", 'usage'],
    ["UPDATE unpriced SET body = replace(body, 'no_price', 'no_prize')", 'unpriced'],
    [
      'DROP TRIGGER final_charge_update; UPDATE charge SET body = replace(body, \'BRL"\', \'BRL","x":1\')',
      'charges',
    ],
    ["DROP TRIGGER period_stays_final; UPDATE period SET state = 'ajar'", 'periods'],
    ["DROP TRIGGER period_stays_final; UPDATE period SET state = 'ajar'", 'toFinish'],
  ] as const)('that something else wrote to is noticed: %s', async (sql, read) => {
    tamper(sql);
    await using book = open();
    const [from, to] = [0, FIRST_WINDOW * 2];
    const all = { tenant: null, from, to };
    const reads = {
      usage: () => book.usage({ ...all, sku: null, unit: null }, [from, to], 999),
      unpriced: () => book.unpriced(all, 9),
      charges: () => book.charges(all, null, 9),
      periods: () => book.periods('acme', from, to),
      toFinish: () => book.periodsToFinish(to, 9),
    };
    await expect(reads[read]()).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
