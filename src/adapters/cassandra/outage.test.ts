/** What an archive does while its server is away, and what it refuses at its start: on a server of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  type CassandraHarness,
  cassandraHarness,
} from '../../../test/support/cassandra-harness.ts';
import { columnsOf, logged } from '../../../test/support/pulse-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import type { Archive } from '../../ports/archive.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openCassandraArchive } from './archive.ts';

const START_TIMEOUT_MS = 150_000;
const DRILL_TIMEOUT_MS = 240_000;
const REQUEST_TIMEOUT_MS = 20_000;
/** Of requests that are to run into it. */
const SHORT_TIMEOUT_MS = 3_000;
/** Two tries of such a request, and much more for a machine that is busy: without a bound it never ends. */
const BOUND_MS = 10 * SHORT_TIMEOUT_MS;
const UNAVAILABLE = { code: 'store_unavailable' };
let cassandra: CassandraHarness;

beforeAll(async () => {
  cassandra = await cassandraHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await cassandra[Symbol.asyncDispose]();
});

const open = (keyspace: string, requestTimeoutMs = REQUEST_TIMEOUT_MS) =>
  openCassandraArchive({ url: cassandra.server.url(keyspace), requestTimeoutMs });

const block = (offset: number) =>
  columnsOf(Array.from({ length: 200 }, (_, n) => logged({ id: `${offset}-${n}`, offset })));

async function offsetsOf(archive: Archive, log: string): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for await (const page of archive.read(log, 0, Number.MAX_SAFE_INTEGER)) {
    for (const { offset } of page) counts.set(offset, (counts.get(offset) ?? 0) + 1);
  }
  return counts;
}

describe('an archive whose server', () => {
  test(
    'is killed in the middle of puts loses nothing that it confirmed; the same handle goes on',
    async () => {
      await using archive = await open('kills');
      let next = 0;
      for (let kill = 0; kill < 2; kill += 1) {
        const start = next;
        const putting = (async () => {
          for (;;) {
            await archive.put(LOG_ID, 0, block(next));
            await archive.setPosition(LOG_ID, 0, next + 1);
            next += 1;
          }
        })();
        putting.catch(() => {});
        await waitUntil('blocks are put', () => next > start + 20);
        await cassandra.server.kill();
        await expect(putting).rejects.toMatchObject(UNAVAILABLE);
        await cassandra.server.start();
        const position = await waitUntil('the handle goes on', () => archive.position(LOG_ID, 0));
        expect([next, next + 1]).toContain(position);
      }
      await archive.put(LOG_ID, 0, block(next));
      const counts = await offsetsOf(archive, LOG_ID);
      expect([...counts]).toEqual(Array.from({ length: next + 1 }, (_, offset) => [offset, 200]));
    },
    DRILL_TIMEOUT_MS,
  );

  test(
    'stands still ends every wait in time, and is none to begin with',
    async () => {
      await using archive = await open('kills', SHORT_TIMEOUT_MS);
      cassandra.server.pause();
      try {
        const waits = [
          () => archive.put('paused', 0, block(0)),
          () => archive.position('paused', 0),
          () => archive.setPosition('paused', 0, 5),
          () => Array.fromAsync(archive.read('paused', 0, Number.MAX_SAFE_INTEGER)),
          () => open('kills', SHORT_TIMEOUT_MS),
        ];
        const startedAt = performance.now();
        const ends = await Promise.allSettled(waits.map((wait) => wait()));
        expect(performance.now() - startedAt).toBeLessThan(BOUND_MS);
        for (const end of ends) expect(end).toMatchObject({ reason: UNAVAILABLE });
      } finally {
        cassandra.server.resume();
      }
      const counts = await waitUntil('the handle goes on', async () => {
        await archive.put('paused', 0, block(0));
        return offsetsOf(archive, 'paused');
      });
      expect([...counts]).toEqual([[0, 200]]);
    },
    DRILL_TIMEOUT_MS,
  );
});

describe('at its start an archive', () => {
  test(
    'is refused by a keyspace with fewer replicas than asked for',
    async () => {
      await cassandra.execute(
        `CREATE KEYSPACE few WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      );
      await using archive = await open('few');
      expect(await archive.position(LOG_ID, 0)).toBe(0);
      const url = cassandra.server.url('few').replace('replication=1', 'replication=3');
      await expect(openCassandraArchive({ url })).rejects.toMatchObject({
        code: 'durability_refused',
        message: expect.stringContaining('has 1 replicas in datacenter1, and is to have 3'),
      });
    },
    DRILL_TIMEOUT_MS,
  );

  test(
    'is refused by a keyspace that writes no commit log',
    async () => {
      await cassandra.execute(
        `CREATE KEYSPACE fast WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}
       AND durable_writes = false`,
      );
      await expect(open('fast')).rejects.toMatchObject({ code: 'durability_refused' });
    },
    DRILL_TIMEOUT_MS,
  );

  test(
    'is refused by tables of our names that are not ours',
    async () => {
      await cassandra.execute(
        `CREATE KEYSPACE others WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}`,
      );
      await cassandra.execute('CREATE TABLE others.chunks (id int PRIMARY KEY, content text)');
      await expect(open('others')).rejects.toMatchObject({
        code: 'store_corrupt',
        message: expect.stringContaining('others.chunks'),
      });
    },
    DRILL_TIMEOUT_MS,
  );

  test('is refused in a data centre that is not there, which is named', async () => {
    const url = cassandra.server.url('none').replace('dc=datacenter1', 'dc=elsewhere');
    await expect(openCassandraArchive({ url })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('datacenter1'),
    });
  });

  test('says that nobody answers, and where', async () => {
    const url = 'cassandra://127.0.0.1:1/none';
    await expect(openCassandraArchive({ url })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  test(
    'of which many begin at the same time finds one set of tables',
    async () => {
      const archives = await Promise.all([open('crowd'), open('crowd'), open('crowd')]);
      await archives[0]?.put(LOG_ID, 0, block(0));
      for (const archive of archives) {
        expect([...(await offsetsOf(archive, LOG_ID))]).toEqual([[0, 200]]);
        await archive[Symbol.asyncDispose]();
      }
    },
    DRILL_TIMEOUT_MS,
  );

  test('that is closed says so, and takes nothing more', async () => {
    const archive = await open('kills');
    await archive[Symbol.asyncDispose]();
    await expect(archive.put(LOG_ID, 0, block(0))).rejects.toMatchObject(UNAVAILABLE);
    await expect(archive.position(LOG_ID, 0)).rejects.toMatchObject(UNAVAILABLE);
  });

  test(
    'whose tables are gone says so',
    async () => {
      await using archive = await open('dropped');
      await cassandra.execute('DROP TABLE dropped.chunks');
      await expect(archive.put(LOG_ID, 0, block(0))).rejects.toMatchObject({
        code: 'store_corrupt',
      });
    },
    DRILL_TIMEOUT_MS,
  );
});
