/** A ledger on Postgres that was written to behind its back, held against a fold of the log. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { openPostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { audit, isBalanced } from '../../src/application/counting/audit.ts';
import { rebuildLedger } from '../../src/application/counting/rebuild.ts';
import { LOG_ID } from '../../src/ports/store-under-test.ts';
import { event, eventsBlock, T0, type TestBlock } from '../support/blocks.ts';
import { CountingRoom } from '../support/counting-room.ts';
import { type PostgresHarness, postgresHarness } from '../support/postgres-harness.ts';

const START_TIMEOUT_MS = 60_000;
const EVENING: readonly TestBlock[] = [
  eventsBlock([event(1), event(2, { item: 'bia' }), event(1)]),
  eventsBlock([event(3), event(9, { time: T0 - 700_000 })]),
];
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

describe('the ledger on Postgres', () => {
  let url: string;
  const execute = (sql: string) =>
    postgres.execute(`SET search_path = ${new URL(url).searchParams.get('schema')}; ${sql}`);

  beforeEach(() => {
    url = postgres.newUrl();
  });

  test.each([
    [`DELETE FROM vote WHERE id = (SELECT id FROM vote LIMIT 1)`, 'ledger rows'],
    [`UPDATE vote SET state = 1 WHERE id = (SELECT id FROM vote LIMIT 1)`, 'ledger rows'],
    [`DELETE FROM excluded`, 'ledger rows'],
    [`UPDATE minute_count SET count = count + 1 WHERE partition = 0`, 'ledger windows'],
    [`DELETE FROM minute_count WHERE partition = 0`, 'ledger windows'],
    [`UPDATE book SET late = late + 1, logged = logged + 1 WHERE partition = 0`, 'ledger windows'],
  ])('is found out by a fold of the log after: %s', async (sql, found) => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const { log, windowMs: dedupWindowMs } = room;
    await using ledger = await openPostgresLedger({ url, logId: LOG_ID });
    await rebuildLedger({ log, dedupWindowMs, seed: 1, onProgress: () => {} }, ledger);
    const audited = () =>
      audit({
        log,
        dedupWindowMs,
        stores: [
          { name: 'ledger windows', read: (partition) => ledger.read(partition) },
          { name: 'ledger rows', read: (partition) => ledger.recount(partition) },
        ],
        readControl: () => {},
        onProgress: () => {},
      });
    expect(isBalanced(await audited())).toBe(true);
    await execute(sql);
    const differences = (await audited()).flatMap((one) => one.differences);
    expect(differences.map(({ store }) => store)).toContain(found);
  });
});
