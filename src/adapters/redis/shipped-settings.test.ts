/** Starts a Redis with the settings that are shipped, for a file that nobody ran proves nothing. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedis } from '../../../test/support/redis-server.ts';
import { openRedisLiveTally } from './live-tally.ts';

const FILE = fileURLToPath(new URL('../../../deploy/redis/redis.conf', import.meta.url));

/** The file's settings, as arguments: a server of the tests has a port and a folder of its own. */
function shippedSettings(): string[] {
  const lines = readFileSync(FILE, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [name, ...values] = line.trim().split(/\s+/);
    if (name === undefined || name === '' || name.startsWith('#')) return [];
    return name === 'bind' ? [] : [`--${name}`, ...values];
  });
}

test('a server with the shipped settings keeps counts, and is taken for the live tally', async () => {
  await using server = await startRedis(shippedSettings());
  await using tally = await openRedisLiveTally({ url: server.url, logId: 'log' });
  expect((await tally.takeOver(0)).checkpoint.nextOffset).toBe(0);
  const admin = new Redis(server.url);
  try {
    const settings = { appendonly: 'yes', appendfsync: 'everysec', 'aof-use-rdb-preamble': 'yes' };
    const others = { save: '3600 1 300 100 60 10000', 'maxmemory-policy': 'noeviction' };
    for (const [name, value] of Object.entries({ ...settings, ...others })) {
      expect(await admin.config('GET', name)).toEqual([name, value]);
    }
  } finally {
    admin.disconnect();
  }
});
