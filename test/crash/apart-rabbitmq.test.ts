/** Roles apart on RabbitMQ, Redis and Postgres: under load while parts die, and with stores that were edited. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Client } from 'pg';
import { drillApart } from '../support/apart-drill.ts';
import {
  killAndRestart,
  killRabbitmq,
  killWorkers,
  openRedis,
  stallWorkers,
} from '../support/apart-faults.ts';
import type { Json } from '../support/api-client.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { waitUntil } from '../support/wait-until.ts';

const FAULTS = [
  killAndRestart('ingest-1'),
  killWorkers(1),
  killRabbitmq,
  killAndRestart('sync-1'),
  killAndRestart('ingest-2'),
  stallWorkers(2),
];
/** Some seconds where nothing else runs: this machine may run a lot. */
const SEEN_MS_MAX = 180_000;

let apart: InstallationApart;
beforeAll(async () => {
  apart = await startApart({ log: 'rabbitmq', roles: { ingest: 2, tally: 2, ledger: 2 } });
});
afterAll(async () => {
  await apart[Symbol.asyncDispose]();
});

describe('rabbitmq, redis and postgres under load', () => {
  test('lose nothing acknowledged and count nothing twice, whichever part dies', async () => {
    const random = new SeededRandom();
    // Throws where a vote is lost, counts twice or was never sent, or the stores differ.
    const report = await drillApart(apart, {
      poll: 'drill',
      ratePerSecond: 500,
      faults: FAULTS,
      tag: random.below(2 ** 32),
      onFault: (name, tookMs) => console.log(`  ${name}: over after ${tookMs} ms`),
    });
    console.log(`drill on rabbitmq: ${JSON.stringify(report)}`);
    expect(report.acknowledged).toBe(report.sent);
    expect(report.counted).toBe(report.sent);
    // The drill has drilled: outcomes were unknown, and votes came again.
    expect(report.unknown).toBeGreaterThan(0);
    expect(report.repeated).toBeGreaterThan(0);
    expect(report.duplicates).toBeGreaterThanOrEqual(report.repeated);
  });
});

/**
 * Waits until the light shows the state, green only by a comparison that ended later than now; resolves
 * to the report and to how long that took, ms.
 */
async function lightTurns(state: string): Promise<{ readonly report: Json; readonly ms: number }> {
  const since = performance.now();
  const now = Date.now();
  const isAsked = async (): Promise<Json | false> => {
    const { json } = await apart.client.mustBe(200, '/v1/consistency');
    const isNew = state === 'different' || Date.parse(String(json.checkedAt)) > now;
    return json.state === state && isNew && json;
  };
  const report = await waitUntil(`consistency is ${state}`, isAsked, SEEN_MS_MAX);
  return { report, ms: Math.round(performance.now() - since) };
}

describe('a store that was edited behind the back of all', () => {
  beforeAll(async () => {
    await apart.client.openPoll('edited');
    await apart.takesVotes('edited');
    for (const [at, { name }] of doors().entries()) {
      await apart.clientOf(name).votes('edited', at === 0 ? 'a' : 'b', 100);
    }
    expect((await apart.client.countsAtRest('edited')).votes).toEqual({ a: 100, b: 100 });
    await lightTurns('consistent');
  });

  const doors = () => apart.processes.filter(({ role }) => role === 'ingest');

  test('the tally: seen, and repaired by sync itself', async () => {
    await using redis = openRedis(`${apart.env.APURA_TALLY}`);
    const field = await editedCount(redis.client);
    expect(field).toContain('edited');
    const since = performance.now();
    // The light is red from one of sync's rounds to the next: who is slow sees it only in sync's own words.
    const said = (words: string) =>
      waitUntil(
        `sync says: ${words}`,
        () =>
          apart
            .process('sync-1')
            .log.split('\n')
            .find((line) => line.includes(words)),
        SEEN_MS_MAX,
      );
    expect(await said('stores differ')).toContain('tally');
    const seenAt = performance.now();
    await said('the tally was repaired');
    const repairedAt = performance.now();
    console.log(
      `edited count: different after ${Math.round(seenAt - since)} ms, ` +
        `repaired ${Math.round(repairedAt - seenAt)} ms later`,
    );
    await lightTurns('consistent');
    await waitUntil('the results are right again', async () => {
      const { votes } = await apart.client.countsAtRest('edited');
      return Bun.deepEquals(votes, { a: 100, b: 100 });
    });
    expect((await apart.audit()).exitCode).toBe(0);
  });

  test('the ledger: seen, and consistent again after apura rebuild ledger', async () => {
    const client = new Client({ connectionString: apart.postgres.url });
    await client.connect();
    try {
      const { rowCount } = await client.query(
        'DELETE FROM apura.vote WHERE id = (SELECT id FROM apura.vote LIMIT 1)',
      );
      expect(rowCount).toBe(1);
    } finally {
      await client.end();
    }
    const different = await lightTurns('different');
    expect(different.report.detail).toContain('ledger');
    expect((await apart.audit()).exitCode).toBe(1);
    // Nobody but the operator mends the ledger, whose rows are the record.
    const rebuilt = await apart.run(['rebuild', 'ledger']);
    expect(rebuilt).toMatchObject({ exitCode: 0 });
    const consistent = await lightTurns('consistent');
    console.log(
      `deleted row: different after ${different.ms} ms, then ${consistent.ms} ms after rebuild`,
    );
    expect((await apart.client.exportOf('edited', 'votes')).length).toBe(200);
    expect((await apart.audit()).exitCode).toBe(0);
  });
});

/** Adds one to a count of the poll; resolves to its field. */
async function editedCount(redis: ReturnType<typeof openRedis>['client']): Promise<string> {
  for (const key of await redis.keys('*:counts')) {
    const field = (await redis.hkeys(key)).find((name) => name.includes('edited'));
    if (field === undefined) continue;
    await redis.hincrby(key, field, 1);
    return field;
  }
  throw new Error('The tally has no count of the poll.');
}
