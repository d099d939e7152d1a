import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { memoryCatalogue } from '../../../test/support/catalogue-harness.ts';
import { sampleChange, sampleImage, samplePoll } from '../../../test/support/catalogue-samples.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { catalogueContract } from '../../ports/catalogue.contract.ts';
import { openPostgresCatalogue } from './catalogue.ts';

const START_TIMEOUT_MS = 120_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

catalogueContract('Postgres', async () => postgres.create(openPostgresCatalogue), memoryCatalogue);

describe('the catalogue on Postgres', () => {
  let url: string;
  let schema: string;

  beforeEach(() => {
    url = postgres.newUrl();
    schema = new URL(url).searchParams.get('schema') ?? '';
  });

  const filled = async (): Promise<void> => {
    await using catalogue = await openPostgresCatalogue({ url });
    await catalogue.putPoll(sampleChange(samplePoll(), { image: sampleImage() }));
  };

  test('holds a change as a whole: one that fails at its last part leaves nothing', async () => {
    await filled();
    await using catalogue = await openPostgresCatalogue({ url });
    const broken = sampleImage({ sha256: 'ff'.repeat(32), width: Number.NaN });
    const change = sampleChange(samplePoll({ version: 2 }), { image: broken });
    await expect(catalogue.putPoll(change)).rejects.toThrow();
    expect((await catalogue.poll('final'))?.version).toBe(1);
    expect(await catalogue.unpublished()).toHaveLength(1);
    expect((await catalogue.acts(null, null, 10)).acts).toHaveLength(1);
  });

  test('takes one of many changes that were decided on the same version', async () => {
    await filled();
    await using first = await openPostgresCatalogue({ url });
    await using second = await openPostgresCatalogue({ url });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? first : second).putPoll(
          sampleChange(samplePoll({ version: 2, title: `Of ${index}` })),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    const winner = outcomes.indexOf('stored');
    expect((await first.poll('final'))?.title).toBe(`Of ${winner}`);
    expect((await first.acts(null, null, 20)).acts).toHaveLength(2);
  });

  test.each([`UPDATE act SET actor = 'x'`, 'DELETE FROM act', 'TRUNCATE act'])(
    'refuses to %s',
    async (sql) => {
      await filled();
      const statement = `SET search_path = ${schema}; ${sql}`;
      await expect(postgres.execute(statement)).rejects.toThrow(/an act is never/);
    },
  );

  test.each([
    [`UPDATE poll SET body = replace(body, '"draft"', '"oen"')`, 'poll'],
    [`UPDATE image SET media_type = 'text/html'`, 'image'],
    [`INSERT INTO act (at, actor, act, poll) VALUES (1, 'x', 'delete', 'final')`, 'acts'],
    ['DROP TABLE poll', 'poll'],
  ] as const)('that something else wrote to is noticed: %s', async (sql, read) => {
    await filled();
    await postgres.execute(`SET search_path = ${schema}; ${sql}`);
    await using catalogue = await openPostgresCatalogue({ url });
    const reads = {
      poll: () => catalogue.poll('final'),
      image: () => catalogue.image(sampleImage().sha256),
      acts: () => catalogue.acts(null, null, 10),
    };
    await expect(reads[read]()).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
