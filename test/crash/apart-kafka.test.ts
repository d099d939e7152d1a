/** Roles apart on three Kafka nodes, Redis and Postgres, under load, while every part of it dies once. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { drillApart } from '../support/apart-drill.ts';
import {
  addAndRemoveWorkers,
  flushRedis,
  killAndRestart,
  killBroker,
  killDoor,
  killDoorBeforeConfirmation,
  killPostgres,
  killRedis,
  killWorkers,
  stallWorkers,
} from '../support/apart-faults.ts';
import { type Answer, voteKey } from '../support/api-client.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { waitUntil } from '../support/wait-until.ts';

const FAULTS = [
  killDoorBeforeConfirmation('ingest-1'),
  killDoor('ingest-2'),
  killWorkers(1),
  killWorkers(2),
  killAndRestart('query-1'),
  killAndRestart('sync-1'),
  killBroker(1),
  killRedis,
  flushRedis,
  killPostgres,
  stallWorkers(1),
  addAndRemoveWorkers,
];

/** Votes that the door still holds when it falls asleep: so many at once, twice. */
const ASLEEP_VOTES = 40;

let apart: InstallationApart;
beforeAll(async () => {
  apart = await startApart({
    log: 'kafka',
    kafkaNodes: 3,
    roles: { ingest: 2, tally: 2, ledger: 2 },
  });
});
afterAll(async () => {
  await apart[Symbol.asyncDispose]();
});

describe('kafka, redis and postgres under load', () => {
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
    console.log(`drill on kafka: ${JSON.stringify(report)}`);
    expect(report.acknowledged).toBe(report.sent);
    expect(report.counted).toBe(report.sent);
    // The drill has drilled: outcomes were unknown, and retries met votes that were logged already,
    // beside those of voters who had heard a yes.
    expect(report.unknown).toBeGreaterThan(0);
    expect(report.repeated).toBeGreaterThan(0);
    expect(report.duplicates).toBeGreaterThan(report.repeated);
  });
});

describe('a door that sleeps through the pause and the close of a poll', () => {
  test('acknowledges nothing that is not counted, and moves no closed result', async () => {
    const { client, kafka } = apart;
    const sleeper = 'ingest-2';
    const door = apart.clientOf(sleeper);
    await client.openPoll('night');
    await apart.takesVotes('night');
    const acknowledged = [...(await door.votes('night', 'a', 10))];
    const waiting: { readonly key: string; readonly answer: Promise<Answer> }[] = [];
    const send = (count: number): void => {
      for (let sent = 0; sent < count; sent += 1) {
        const key = voteKey();
        waiting.push({ key, answer: door.vote('night', 'a', key) });
      }
    };
    const pending = (votes: number): Promise<unknown> =>
      waitUntil(`${votes} votes wait in the door`, async () => {
        return (await door.metric('apura_votes_pending')) === votes;
      });
    // The first ones are on their way to the log, the second ones behind them, the others before the door.
    for (const node of kafka?.nodes ?? []) node.pause();
    try {
      send(ASLEEP_VOTES);
      await pending(ASLEEP_VOTES);
      send(ASLEEP_VOTES);
      await pending(2 * ASLEEP_VOTES);
      await apart.kill(sleeper, 'SIGSTOP');
    } finally {
      for (const node of kafka?.nodes ?? []) node.resume();
    }
    send(ASLEEP_VOTES);
    await client.act('night', 'pause');
    send(ASLEEP_VOTES);
    await client.inState('night', 'paused');
    await client.act('night', 'close');
    send(ASLEEP_VOTES);
    await client.inState('night', 'closed');
    const closed = (await client.counts('night')).votes;
    await apart.kill(sleeper, 'SIGCONT');

    const statuses: Record<string, number> = {};
    for (const { key, answer } of waiting) {
      const { status, json } = await answer;
      if (status === 202) acknowledged.push(key);
      const what = `${status} ${json.code ?? ''}`;
      statuses[what] = (statuses[what] ?? 0) + 1;
    }
    // What the door still held goes to the log after those answers.
    await pending(0);
    const atRest = await client.countsAtRest('night');
    const exported = await client.exportOf('night', 'votes');
    const states = Object.groupBy(exported, ({ state }) => String(state));
    const counted = (states.counted ?? []).length;
    console.log(
      `door asleep: answers ${JSON.stringify(statuses)}, ${counted} counted, ` +
        `${(states.late ?? []).length} late`,
    );
    expect(atRest.votes).toEqual(closed);
    expect(atRest.votes).toEqual({ a: counted, b: 0 });
    for (const key of acknowledged) {
      expect((await client.receipt('night', key)).status).toBe('counted');
    }
    // What woke up with the door came into the log behind the close: uncounted, and nobody was told yes.
    expect((states.late ?? []).length).toBeGreaterThan(0);
    expect(statuses['503 outcome_unknown']).toBeGreaterThan(0);
    expect((await apart.audit()).exitCode).toBe(0);
  });
});
