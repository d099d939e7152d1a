import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import {
  memoryMeteringCatalogue,
  sqliteMeteringCatalogue,
} from '../../../test/support/metering-catalogue-harness.ts';
import { entryChange, meteringAct } from '../../../test/support/metering-catalogue-samples.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { meteringCatalogueContract } from '../../ports/metering-catalogue.contract.ts';
import { METERING_CATALOGUE_FILE, SqliteMeteringCatalogue } from './metering-catalogue.ts';

meteringCatalogueContract('sqlite', sqliteMeteringCatalogue, memoryMeteringCatalogue);

describe('a metering catalogue file', () => {
  let files: SqliteFiles;
  const open = () => new SqliteMeteringCatalogue({ path: files.path });

  beforeEach(async () => {
    files = sqliteFiles(METERING_CATALOGUE_FILE);
    await using catalogue = open();
    await catalogue.put(entryChange());
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

  test('holds a change as a whole: one that fails at its act leaves nothing', async () => {
    await using catalogue = open();
    const act = meteringAct({ at: Number.NaN });
    await expect(catalogue.put(entryChange({ expectedVersion: 1, act }))).rejects.toThrow();
    expect(await catalogue.history('contract', 'c-1')).toHaveLength(1);
    expect(await catalogue.revision()).toBe(1);
  });

  test.each([
    'UPDATE act SET actor = 1',
    'DELETE FROM act',
    'UPDATE entry SET body = 1',
    'DELETE FROM entry',
  ])('refuses to %s', (sql) => {
    expect(() => tamper(sql)).toThrow(/an (act|entry) is never/);
  });

  test('that is another store is refused', () => {
    tamper("UPDATE meta SET value = 'catalogue' WHERE name = 'kind'");
    expect(open).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });

  test('that something else wrote to is noticed', async () => {
    tamper("INSERT INTO entry VALUES ('contrct', 'c-2', 1, NULL, '{}')");
    tamper("INSERT INTO meta VALUES ('logSettings resource-usage', '{}')");
    await using catalogue = open();
    await expect(catalogue.entries()).rejects.toMatchObject({ code: 'store_corrupt' });
    const settings = { logId: 'x', partitions: 1, dedupWindowMs: 1 };
    const minted = catalogue.mintLogSettings('resource-usage', {
      ...settings,
      clockBoundMs: 1,
      acceptanceBoundMs: 1,
    });
    await expect(minted).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
