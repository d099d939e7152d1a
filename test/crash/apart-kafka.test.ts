/** Roles apart on three Kafka nodes, Redis and Postgres, under load, while every part of it dies once. */
import { describe, expect, test } from 'bun:test';
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
import { startApart } from '../support/installation-apart.ts';
import { SeededRandom } from '../support/seeded-random.ts';

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

describe('kafka, redis and postgres under load', () => {
  test('lose nothing acknowledged and count nothing twice, whichever part dies', async () => {
    const random = new SeededRandom();
    await using apart = await startApart({
      log: 'kafka',
      kafkaNodes: 3,
      roles: { ingest: 2, tally: 2, ledger: 2 },
    });
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
    // The drill has drilled: outcomes were unknown, and retries met votes that were logged already.
    expect(report.unknown).toBeGreaterThan(0);
    expect(report.duplicates).toBeGreaterThan(0);
  });
});
