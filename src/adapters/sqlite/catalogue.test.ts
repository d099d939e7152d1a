import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { DatabaseSync } from 'node:sqlite';
import { memoryCatalogue, sqliteCatalogue } from '../../../test/support/catalogue-harness.ts';
import { sampleChange, sampleImage, samplePoll } from '../../../test/support/catalogue-samples.ts';
import { type SqliteFiles, sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { catalogueContract } from '../../ports/catalogue.contract.ts';
import { CATALOGUE_FILE, SqliteCatalogue } from './catalogue.ts';

catalogueContract('SQLite', sqliteCatalogue, memoryCatalogue);

describe('a catalogue file', () => {
  let files: SqliteFiles;

  beforeEach(() => {
    files = sqliteFiles(CATALOGUE_FILE);
  });

  afterEach(() => {
    files[Symbol.dispose]();
  });

  /** Does something to the file that Apura would not. */
  const tamper = (sql: string): void => {
    const database = new DatabaseSync(files.path);
    database.exec(sql);
    database.close();
  };

  const filled = async (): Promise<void> => {
    await using catalogue = new SqliteCatalogue({ path: files.path });
    await catalogue.putPoll(sampleChange(samplePoll(), { image: sampleImage() }));
  };

  test('that is another store is refused', () => {
    tamper('CREATE TABLE other (x)');
    expect(() => new SqliteCatalogue({ path: files.path })).toThrow(
      expect.objectContaining({ code: 'store_corrupt' }),
    );
  });

  test('holds a change as a whole: one that fails at its last part leaves nothing', async () => {
    await filled();
    await using catalogue = new SqliteCatalogue({ path: files.path });
    const broken = sampleImage({ sha256: 'ff'.repeat(32), width: Number.NaN });
    const change = sampleChange(samplePoll({ version: 2 }), { image: broken });
    await expect(catalogue.putPoll(change)).rejects.toThrow();
    expect((await catalogue.poll('final'))?.version).toBe(1);
    expect(await catalogue.unpublished()).toHaveLength(1);
    expect((await catalogue.acts(null, null, 10)).acts).toHaveLength(1);
  });

  test.each(['UPDATE act SET actor = 1', 'DELETE FROM act'])('refuses to %s', async (sql) => {
    await filled();
    expect(() => tamper(sql)).toThrow(/an act is never/);
  });

  test.each([
    ['UPDATE poll SET body = replace(body, \'"draft"\', \'"oen"\')', 'poll'],
    ["UPDATE image SET media_type = 'text/html'", 'image'],
    ["INSERT INTO act (at, actor, act, poll) VALUES (1, 'x', 'delete', 'final')", 'acts'],
  ] as const)('that something else wrote to is noticed: %s', async (sql, read) => {
    await filled();
    tamper(sql);
    await using catalogue = new SqliteCatalogue({ path: files.path });
    const reads = {
      poll: () => catalogue.poll('final'),
      image: () => catalogue.image(sampleImage().sha256),
      acts: () => catalogue.acts(null, null, 10),
    };
    await expect(reads[read]()).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  test('whose settings were damaged does not open under others', async () => {
    const settings = { logId: 'log-1', partitions: 1, dedupWindowMs: 600_000 };
    const whole = { ...settings, clockBoundMs: 2_000, acceptanceBoundMs: 5_000 };
    {
      await using catalogue = new SqliteCatalogue({ path: files.path });
      await catalogue.mintLogSettings(whole);
    }
    tamper("UPDATE meta SET value = '{}' WHERE name = 'logSettings'");
    await using catalogue = new SqliteCatalogue({ path: files.path });
    await expect(catalogue.mintLogSettings(whole)).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
