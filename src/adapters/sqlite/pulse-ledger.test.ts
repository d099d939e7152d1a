import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { memoryPulseLedger } from '../../../test/support/memory-harness.ts';
import {
  keyOf,
  logged,
  NOON,
  pulseStep,
  pulsesOf,
  report,
  voiding,
} from '../../../test/support/pulse-samples.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { sqlitePulseLedger } from '../../../test/support/sqlite-harness.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { USAGE_DAY_MS, USAGE_ROLLUPS_MS } from '../../domain/metering/usage-spans.ts';
import { pulseLedgerContract } from '../../ports/pulse-ledger.contract.ts';
import { openSqliteLedger } from './ledger.ts';
import { openSqlitePulseLedger, openSqlitePulseLedgerReader } from './pulse-ledger.ts';

const EVER = Number.MAX_SAFE_INTEGER;
/** Seconds on a machine that does nothing else. */
const LONG_TIMEOUT_MS = 180_000;

pulseLedgerContract('sqlite', sqlitePulseLedger, memoryPulseLedger);

describe('the pulse ledger on SQLite', () => {
  let files: SqliteFiles;
  const options = (logId = 'log-1') => ({ path: files.path, logId });
  const one = logged({ id: 'p-1', amount: '2' });
  const lie = logged({ id: 'p-1', amount: '3' });

  beforeEach(() => {
    files = sqliteFiles('pulses.db');
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
    await openSqlitePulseLedger(options())[Symbol.asyncDispose]();
    const mismatch = expect.objectContaining({ code: 'log_mismatch' });
    expect(() => openSqlitePulseLedger(options('log-2'))).toThrow(mismatch);
    expect(() => openSqlitePulseLedgerReader(options('log-2'))).toThrow(mismatch);
    const corrupt = expect.objectContaining({ code: 'store_corrupt' });
    expect(() => openSqliteLedger(options())).toThrow(corrupt);
  });

  test.each([
    'pulse',
    'pulse_key',
    'repeat',
    'conflict',
    'act',
    'usage_window',
    'usage_rollup',
    'dead_letter',
  ])(
    'keeps nothing of a step whose write to %s the storage refuses, and takes it afterwards',
    async (table) => {
      await using ledger = openSqlitePulseLedger(options());
      const { epoch } = await ledger.takeOver(0);
      const step = pulseStep([one, one, lie, logged({ id: 'p-2' })], {
        epoch,
        acts: [voiding(one)],
        deadLetters: [report('x')],
      });
      execute(
        `CREATE TRIGGER refuse BEFORE INSERT ON ${table}
         BEGIN SELECT RAISE(ABORT, 'injected'); END`,
      );
      await expect(ledger.commit(step)).rejects.toThrow('injected');
      expect((await ledger.checkpoint(0)).nextOffset).toBe(0);
      expect(await ledger.books(0)).toMatchObject({ received: 0, deadLetters: 0 });
      expect(await ledger.find(keyOf(one))).toBeNull();
      expect(await ledger.pendingUsage(0, 9)).toEqual([]);
      expect(await ledger.deadLetters.get(report('x').id)).toBeNull();
      execute('DROP TRIGGER refuse');
      expect(await ledger.commit(step)).toMatchObject({ counted: 2, duplicates: 1, conflicts: 1 });
    },
  );

  test('answers a reader of its own connection as it answers the writer', async () => {
    await using ledger = openSqlitePulseLedger(options());
    await using reader = openSqlitePulseLedgerReader(options());
    const { epoch } = await ledger.takeOver(0);
    const acts = [voiding(one)];
    await ledger.commit(pulseStep([one, lie], { epoch, acts, deadLetters: [report('x')] }));
    expect(await reader.checkpoint(0)).toEqual(await ledger.checkpoint(0));
    expect(await reader.books(0)).toEqual(await ledger.books(0));
    expect(await reader.pendingUsage(0, 9)).toEqual(await ledger.pendingUsage(0, 9));
    expect(await reader.find(keyOf(one))).toEqual(await ledger.find(keyOf(one)));
    expect(await pulsesOf(reader, { tenant: null }, 5)).toHaveLength(1);
    expect((await reader.conflicts(null, null, 5)).conflicts).toHaveLength(1);
    const filter = { tenant: null, sku: null, unit: null, from: 0, to: EVER };
    expect(await reader.usage(filter, [0, EVER], 999)).toEqual(
      await ledger.usage(filter, [0, EVER], 999),
    );
    expect(await reader.deadLetters.get(report('x').id)).not.toBeNull();
  });

  test(
    'lists the pulses of very many tenants in one order, whatever the page',
    async () => {
      await using ledger = openSqlitePulseLedger(options());
      const { epoch } = await ledger.takeOver(0);
      const all = Array.from({ length: 900 }, (_, at) =>
        logged({
          id: `p-${at}`,
          // Most tenants have one pulse, one has every third.
          tenant: at % 3 === 0 ? 'busy' : `tenant-${at}`,
          occurredAt: NOON + ((at * 7_919) % 1_000),
        }),
      );
      await ledger.commit(pulseStep(all, { epoch }));
      const sorted = all
        .map((pulse) => ({ at: pulse.pulse.occurredAt, key: keyOf(pulse) }))
        .toSorted((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
        .map(({ key }) => key);
      for (const limit of [1, 50, 899, 900, 5_000]) {
        const listed = await pulsesOf(ledger, { tenant: null }, limit);
        expect(listed.map(({ key }) => key)).toEqual(sorted);
      }
    },
    LONG_TIMEOUT_MS,
  );

  test(
    'forgets and adds up more pulses than one transaction takes',
    async () => {
      await using ledger = openSqlitePulseLedger(options());
      const { epoch } = await ledger.takeOver(0);
      const count = 45_000;
      const all = Array.from({ length: count }, (_, at) =>
        logged({ id: `p-${at}`, occurredAt: NOON + (at % 1_000) * 2_000 }),
      );
      await ledger.commit(pulseStep(all, { epoch }));
      expect(await ledger.recompute(0, 0, EVER)).toEqual([]);
      expect(await ledger.forget(NOON, NOON + 100 * USAGE_WINDOW_MS)).toBe(count);
      expect(await ledger.recompute(0, 0, EVER)).toEqual([]);
      expect((await ledger.pulses({ tenant: null, from: 0, to: EVER }, null, 1)).pulses).toEqual(
        [],
      );
    },
    LONG_TIMEOUT_MS,
  );

  test('puts right a window that was edited in the file, or taken out of it', async () => {
    await using ledger = openSqlitePulseLedger(options());
    const { epoch } = await ledger.takeOver(0);
    await ledger.commit(pulseStep([one], { epoch }));
    const [before] = await ledger.pendingUsage(0, 9);
    for (const sql of [
      `UPDATE usage_window SET sum = '7'`,
      'UPDATE usage_window SET count = 2',
      'UPDATE usage_window SET last_at = 7',
      'DELETE FROM usage_window',
    ]) {
      execute(sql);
      const [put] = await ledger.recompute(0, 0, EVER);
      expect({ ...put, version: 0 }).toEqual({ ...before, version: 0 } as typeof put & object);
      expect(put?.version).toBeGreaterThan(before?.version ?? EVER);
      expect(await ledger.pendingUsage(0, 9)).toEqual(put === undefined ? [] : [put]);
    }
  });

  test.each([
    `UPDATE usage_rollup SET sum = '7'`,
    'UPDATE usage_rollup SET count = 0',
    'DELETE FROM usage_rollup',
    ...USAGE_ROLLUPS_MS.map((length) => `DELETE FROM usage_rollup WHERE length = ${length}`),
    `INSERT INTO usage_rollup SELECT series, length, start + length, partition, count, sum, min, max,
       last, last_at, last_key FROM usage_rollup WHERE length < ${USAGE_DAY_MS}`,
  ])(
    'puts right a rollup that the file holds wrongly, without a window that differs: %s',
    async (sql) => {
      await using ledger = openSqlitePulseLedger(options());
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(pulseStep([one], { epoch }));
      const day = NOON - USAGE_DAY_MS / 2;
      const usage = () =>
        Promise.all(
          USAGE_ROLLUPS_MS.map((length) => {
            const count = USAGE_DAY_MS / length + 1;
            const bounds = Array.from({ length: count }, (_, at) => day + at * length);
            const filter = { tenant: null, sku: null, unit: null, from: 0, to: EVER };
            return ledger.usage(filter, bounds, 999);
          }),
        );
      const before = await usage();
      expect(before).toMatchObject(USAGE_ROLLUPS_MS.map(() => [{ count: 1 }]));
      execute(sql);
      expect(await usage()).not.toEqual(before);
      expect(await ledger.recompute(0, NOON, NOON + USAGE_WINDOW_MS)).toEqual([]);
      expect(await usage()).toEqual(before);
    },
  );

  test.each([
    [`UPDATE usage_window SET sum = '1e3'`, 'usage of a window'],
    [`UPDATE usage_rollup SET sum = '1e3'`, 'usage'],
    [`UPDATE act SET kind = 'restore'`, 'find'],
    [`UPDATE act SET amount = 'none'`, 'find'],
    [`UPDATE dead_letter SET state = 'LOST'`, 'letter'],
  ])('calls itself corrupt where it finds what it never writes: %s', async (sql, question) => {
    await using ledger = openSqlitePulseLedger(options());
    const { epoch } = await ledger.takeOver(0);
    const other = logged({ id: 'p-2' });
    const acts = [voiding(one)];
    const deadLetters = [report('x')];
    await ledger.commit(pulseStep([one, other], { epoch, acts, deadLetters }));
    execute(sql);
    const filter = { tenant: null, sku: null, unit: null, from: 0, to: EVER };
    const asked = {
      usage: () => ledger.usage(filter, [0, EVER], 999),
      'usage of a window': () => ledger.usage(filter, [NOON, NOON + USAGE_WINDOW_MS], 999),
      find: () => ledger.find(keyOf(one)),
      letter: () => ledger.deadLetters.get(report('x').id),
    }[question as 'usage' | 'usage of a window' | 'find' | 'letter'];
    await expect(asked()).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  test('is closed once, however often it is told', async () => {
    const ledger = openSqlitePulseLedger(options());
    await ledger[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  });
});
