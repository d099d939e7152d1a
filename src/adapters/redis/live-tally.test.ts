import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { memoryLiveTally } from '../../../test/support/memory-harness.ts';
import { type RedisServer, startRedis } from '../../../test/support/redis-server.ts';
import { act, books, count, step } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { liveTallyContract } from '../../ports/live-tally.contract.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import { LOG_ID, type StoreUnderTest } from '../../ports/store-under-test.ts';
import { openRedisLiveTally } from './live-tally.ts';

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

async function redisLiveTally(): Promise<StoreUnderTest<LiveTally>> {
  stores += 1;
  const keyPrefix = `test-${stores}`;
  let handles: LiveTally[] = [];
  const drop = async (): Promise<void> => {
    for (const handle of handles) await handle[Symbol.asyncDispose]();
    handles = [];
  };
  return {
    async open(logId = LOG_ID) {
      const handle = await openRedisLiveTally({ url: server.url, logId, keyPrefix });
      handles.push(handle);
      return handle;
    },
    crash: drop,
    [Symbol.asyncDispose]: drop,
  };
}

liveTallyContract('redis', redisLiveTally, memoryLiveTally);

test('a connection that died without a word is given up, and steps go on over a new one', async () => {
  await using proxy = await lossyProxy(server.url);
  const options = { url: proxy.url, logId: LOG_ID, keyPrefix: 'silent', commandTimeoutMs: 3_000 };
  await using tally = await openRedisLiveTally(options);
  const { epoch } = await tally.takeOver(0);
  proxy.silencePresent();
  await expect(tally.takeOver(0)).rejects.toMatchObject({ code: 'store_unavailable' });
  const taken = await waitUntil('the partition is taken over', () => tally.takeOver(0));
  expect(taken.epoch).toBeGreaterThan(epoch);
}, 120_000);

describe('the live tally on Redis', () => {
  const content = {
    counts: [count({ item: 'bruno' }), count({ count: 2 })],
    books: [books({ logged: 3, counted: 3 })],
    acts: [act({})],
    closes: [{ scope: 'poll-a', offset: 0 }],
  };
  let keyPrefix: string;

  beforeEach(() => {
    stores += 1;
    keyPrefix = `test-${stores}`;
  });

  const open = () => openRedisLiveTally({ url: server.url, logId: LOG_ID, keyPrefix });
  const keyOf = (name: string) => `{${keyPrefix}:${LOG_ID}:0}:${name}`;

  test('has counts and position of one step after the server was killed', async () => {
    await using tally = await open();
    const { epoch } = await tally.takeOver(0);
    expect(await tally.commit(step({ epoch, ...content }))).toBe('applied');
    const before = await tally.read(0);
    // While the disk is slow, Redis answers before it has handed the file what it answers for.
    await waitUntil('the file has it all', async () =>
      (await admin.info('persistence')).includes('aof_buffer_length:0'),
    );
    await server.restart();
    await using again = await open();
    expect(await again.read(0)).toEqual(before);
  });

  test('that was flushed fences every earlier owner and starts at the beginning', async () => {
    await using tally = await open();
    const { epoch } = await tally.takeOver(0);
    await tally.commit(step({ epoch, ...content }));
    await admin.flushall();
    const late = step({ epoch, from: 1, ...content });
    expect(await tally.commit(late)).toBe('fenced');
    const next = await tally.takeOver(0);
    expect(next.epoch).toBeGreaterThan(epoch);
    expect(next.checkpoint.nextOffset).toBe(0);
    expect(await tally.commit(late)).toBe('fenced');
    expect(await tally.commit(step({ epoch: next.epoch, ...content }))).toBe('applied');
  });

  test('that lost its newest writes takes no step that would leave a hole', async () => {
    await using tally = await open();
    const { epoch } = await tally.takeOver(0);
    await tally.commit(step({ epoch, length: 5, ...content }));
    await admin.hset(keyOf('state'), 'nextOffset', '3');
    expect(await tally.commit(step({ epoch, from: 5 }))).toBe('misaligned');
  });

  test.each([
    ['a count that is no number', () => admin.hset(keyOf('counts'), fieldOf('bruno'), 'many')],
    [
      'a key of another type',
      () => admin.rename(keyOf('books'), keyOf('other')).then(() => admin.set(keyOf('books'), 'x')),
    ],
  ])('keeps nothing of a step that meets %s', async (_, damage) => {
    await using tally = await open();
    const { epoch } = await tally.takeOver(0);
    await tally.commit(step({ epoch, ...content }));
    await damage();
    const before = await admin.hgetall(keyOf('counts'));
    const next = step({ epoch, from: 1, ...content });
    await expect(tally.commit(next)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await admin.hgetall(keyOf('counts'))).toEqual(before);
    expect(await admin.hget(keyOf('state'), 'nextOffset')).toBe('1');
  });

  test('is refused where the server may evict counts', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(open()).rejects.toMatchObject({ code: 'durability_refused' });
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  test('that refuses a login says so, and the password is in no part of the error', async () => {
    const url = server.url.replace('//', '//vera:wrong-word@');
    const error = await openRedisLiveTally({ url, logId: LOG_ID }).catch((err: unknown) => err);
    expect(error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('WRONGPASS'),
    });
    expect(Bun.inspect(error, { depth: 9 })).not.toContain('wrong-word');
  });

  test('that nobody answers for is store_unavailable, and never waits for ever', async () => {
    const url = 'redis://127.0.0.1:1';
    await expect(openRedisLiveTally({ url, logId: LOG_ID })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });

  const fieldOf = (item: string) => JSON.stringify(['poll-a', item, 'valid', 29_000_000]);
});
