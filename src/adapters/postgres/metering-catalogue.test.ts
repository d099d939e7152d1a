import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { memoryMeteringCatalogue } from '../../../test/support/metering-catalogue-harness.ts';
import { entryChange, meteringAct } from '../../../test/support/metering-catalogue-samples.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { meteringCatalogueContract } from '../../ports/metering-catalogue.contract.ts';
import { openPostgresMeteringCatalogue } from './metering-catalogue.ts';

const START_TIMEOUT_MS = 120_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

meteringCatalogueContract(
  'Postgres',
  async () => postgres.create(openPostgresMeteringCatalogue),
  memoryMeteringCatalogue,
);

describe('the metering catalogue on Postgres', () => {
  let url: string;
  const open = () => openPostgresMeteringCatalogue({ url });
  const tamper = (sql: string) =>
    postgres.execute(`SET search_path = ${new URL(url).searchParams.get('schema')}; ${sql}`);

  beforeEach(async () => {
    url = postgres.newUrl();
    await using catalogue = await open();
    await catalogue.put(entryChange());
  });

  test('holds a change as a whole: one that fails at its act leaves nothing', async () => {
    await using catalogue = await open();
    const act = meteringAct({ at: Number.NaN });
    await expect(catalogue.put(entryChange({ expectedVersion: 1, act }))).rejects.toThrow();
    expect(await catalogue.history('contract', 'c-1')).toHaveLength(1);
    expect(await catalogue.revision()).toBe(1);
  });

  test('takes one of many changes that were decided on the same revision, of any entries', async () => {
    await using first = await open();
    await using second = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        (n % 2 ? first : second).put(entryChange({ id: `c-${n + 2}`, expectedRevision: 1 })),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect((await first.entries()).entries).toHaveLength(2);
    expect(await second.revision()).toBe(2);
  });

  test.each([
    `UPDATE metering_act SET actor = 'x'`,
    'DELETE FROM metering_act',
    'TRUNCATE metering_act',
    `UPDATE metering_entry SET body = 'x'`,
    'DELETE FROM metering_entry',
    'TRUNCATE metering_entry',
  ])('refuses to %s', async (sql) => {
    await expect(tamper(sql)).rejects.toThrow(/is never changed or deleted/);
  });

  test('notices what something else wrote', async () => {
    await tamper(`INSERT INTO metering_entry VALUES ('contrct', 'c-2', 1, NULL, '{}')`);
    await using catalogue = await open();
    await expect(catalogue.entries()).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
