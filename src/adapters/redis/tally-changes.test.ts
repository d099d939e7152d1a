import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { type RedisServer, startRedis } from '../../../test/support/redis-server.ts';
import { count, step } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { tallyChangesContract } from '../../ports/tally-changes.contract.ts';
import { openRedisLiveTally } from './live-tally.ts';
import { CHANGE_BYTES_MAX } from './scripts.ts';
import { openRedisTallyChanges } from './tally-changes.ts';

let server: RedisServer;
let admin: Redis;
let stores = 0;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url, { maxRetriesPerRequest: 50 });
  admin.on('error', () => {});
});

afterAll(async () => {
  admin.disconnect();
  await server[Symbol.asyncDispose]();
});

const optionsOf = (url: string = server.url) => ({
  url,
  logId: LOG_ID,
  keyPrefix: `test-${stores}`,
});

tallyChangesContract('redis', async () => {
  stores += 1;
  const handles = new AsyncDisposableStack();
  return {
    openTally: async () => handles.use(await openRedisLiveTally(optionsOf())),
    openChanges: async (partitions) =>
      handles.use(await openRedisTallyChanges({ ...optionsOf(), partitions })),
    async breakConnections(meanwhile) {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await meanwhile();
      await server.restart();
    },
    [Symbol.asyncDispose]: () => handles.disposeAsync(),
  };
});

describe('the changes of a tally on Redis', () => {
  test('are found again after a connection that died without a word', async () => {
    stores += 1;
    await using proxy = await lossyProxy(server.url);
    await using reader = await openRedisTallyChanges({ ...optionsOf(proxy.url), partitions: 1 });
    const gaps: unknown[] = [];
    await reader.subscribe({ onChange: () => {}, onGap: (gap) => gaps.push(gap) });
    proxy.silencePresent();
    await waitUntil('the gap', () => gaps.includes(null));
  });

  test('that are no changes are a gap, whoever published them', async () => {
    stores += 1;
    await using reader = await openRedisTallyChanges({ ...optionsOf(), partitions: 1 });
    const gaps: unknown[] = [];
    await reader.subscribe({
      onChange: () => gaps.push('a change'),
      onGap: (gap) => gaps.push(gap),
    });
    const channel = `${optionsOf().keyPrefix}:${LOG_ID}:changes`;
    const heads = ['x', '{}', '[]', '[-1]', '[0]', '[0,1,"2",null,[]]', '[0,1,2,"3",[]]'];
    for (const text of [...heads, '[0,1,2,3,4]']) await admin.publish(channel, text);
    await waitUntil('all of them', () => gaps.length === 8);
    expect(gaps).toEqual([null, null, null, null, [0], [0], [0], null]);
  });

  test('are told whole up to the bound of a message', async () => {
    stores += 1;
    await using tally = await openRedisLiveTally(optionsOf());
    await using reader = await openRedisTallyChanges({ ...optionsOf(), partitions: 1 });
    const told: (number | readonly number[] | null)[] = [];
    await reader.subscribe({
      onChange: ({ counts }) => told.push(counts.length),
      onGap: (gap) => told.push(gap),
    });
    const { epoch } = await tally.takeOver(0);
    const countsOf = (minutes: number) =>
      Array.from({ length: minutes }, (_, minute) => count({ minute: 29_000_000 + minute }));
    await tally.commit(step({ epoch, counts: countsOf(1_000) }));
    await tally.commit(step({ epoch, from: 1, counts: countsOf(CHANGE_BYTES_MAX / 20) }));
    await waitUntil('both', () => told.length === 2);
    expect(told).toEqual([1_000, [0]]);
  });

  test('that nobody answers for are store_unavailable', async () => {
    const options = { ...optionsOf('redis://127.0.0.1:1'), partitions: 1 };
    await expect(openRedisTallyChanges(options)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
