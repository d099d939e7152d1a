/** Takes from a Redis what it held, in every way that happens, and sees the worker bring it back. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { event, eventsBlock, T0 } from '../../../test/support/blocks.ts';
import { CountingRoom } from '../../../test/support/counting-room.ts';
import { type RedisServer, startRedis } from '../../../test/support/redis-server.ts';
import { step } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { PartitionFollower } from '../../application/counting/partition-follower.ts';
import { soleOwnership } from '../../application/counting/sole-ownership.ts';
import { TallyCollector } from '../../application/counting/step-collectors.ts';
import { StoreWorker } from '../../application/counting/store-worker.ts';
import type { LiveTally, TallyStep } from '../../ports/live-tally.ts';
import { openRedisLiveTally } from './live-tally.ts';

const PARTITIONS = 3;
const ROUND_MS = 10;
/** Keeps nothing by itself: what survives a kill is what SAVE wrote. */
const FORGETFUL = ['--appendonly', 'no'];

/** A log in memory, a tally on a Redis that loses things, and a worker that is never told so. */
class Repairs {
  readonly room = new CountingRoom(PARTITIONS);
  readonly server: RedisServer;
  readonly admin: Redis;
  readonly tally: LiveTally;
  readonly troubles: unknown[] = [];
  readonly halts: unknown[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #events = 0;

  constructor(server: RedisServer, tally: LiveTally) {
    this.server = server;
    this.tally = tally;
    this.admin = new Redis(server.url, { maxRetriesPerRequest: 50 });
    this.admin.on('error', () => {});
    const { log } = this.room;
    const worker = new StoreWorker<TallyStep>({
      log,
      ownership: soleOwnership(PARTITIONS),
      follower: (partition) =>
        new PartitionFollower<TallyStep>({
          log,
          store: tally,
          partition,
          dedupWindowMs: this.room.windowMs,
          seed: 7,
          collector: () => new TallyCollector(),
        }),
      read: (partition) => tally.read(partition),
      stepBytesMax: 1 << 20,
      roundMs: ROUND_MS,
      sleep: async (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
      onApplied: () => {},
      onRound: () => {},
      onTrouble: (error) => this.troubles.push(error),
      onHalted: (_, error) => this.halts.push(error),
    });
    this.#ended = worker.run(this.#stop.signal);
  }

  static async start(settings: readonly string[] = FORGETFUL): Promise<Repairs> {
    const server = await startRedis(settings);
    return new Repairs(server, await openRedisLiveTally({ url: server.url, logId: 'log' }));
  }

  /** Logs some blocks in every partition, some events of which come twice. */
  async vote(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      for (let block = 0; block < 5; block += 1) {
        const first = this.#events;
        this.#events += 7;
        const events = Array.from({ length: 7 }, (_, index) => {
          const number = Math.max(0, first + index - (index % 3));
          return event(number, { item: index % 2 ? 'ana' : 'bia', acceptedAt: T0 + first * 100 });
        });
        await this.room.append([eventsBlock(events)], partition);
      }
    }
  }

  /** Waits until Redis holds what the log comes to, and nothing else. */
  async settle(): Promise<void> {
    await waitUntil('the tally to equal the log', async () => {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const held = await this.tally.read(partition);
        const { length } = this.room.blocksOf(partition);
        if (held.checkpoint.nextOffset !== length) return false;
        expect(CountingRoom.contents(held)).toEqual(this.room.expected(partition));
      }
      return true;
    });
    expect(this.halts).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await this.tally[Symbol.asyncDispose]();
    this.admin.disconnect();
    await this.server[Symbol.asyncDispose]();
  }
}

describe('a Redis that loses what it held is repaired from the log by the worker alone', () => {
  let repairs: Repairs;

  beforeEach(async () => {
    repairs = await Repairs.start();
    await repairs.vote();
    await repairs.settle();
  });

  afterEach(async () => {
    await repairs[Symbol.asyncDispose]();
  });

  test('after FLUSHALL, while votes come in', async () => {
    for (let flush = 0; flush < 3; flush += 1) {
      const voting = repairs.vote();
      await repairs.admin.flushall();
      await voting;
    }
    await repairs.settle();
  });

  test('after FLUSHALL, though no vote comes any more', async () => {
    await repairs.admin.flushall();
    await repairs.settle();
  });

  test('after a restart that found nothing on the disk', async () => {
    await repairs.server.restart();
    // Not how much it holds now: the worker may have begun already.
    expect(await repairs.admin.info('persistence')).toContain('rdb_last_load_keys_loaded:0');
    await repairs.vote();
    await repairs.settle();
  });

  test('after a restart from an older dump, also with votes since', async () => {
    await repairs.admin.save();
    await repairs.vote();
    await repairs.settle();
    await repairs.server.restart();
    await waitUntil('the older counts', async () => (await repairs.admin.dbsize()) > 0);
    await repairs.settle();
    await repairs.server.restart();
    await repairs.vote();
    await repairs.settle();
  });
});

test('no epoch is given out twice, however soon a flush is followed by the next owner', async () => {
  await using server = await startRedis(FORGETFUL);
  const admin = new Redis(server.url);
  try {
    await using tally = await openRedisLiveTally({ url: server.url, logId: 'log' });
    const epochs: number[] = [];
    for (let owner = 0; owner < 500; owner += 1) {
      epochs.push((await tally.takeOver(0)).epoch);
      await admin.flushall();
    }
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  } finally {
    admin.disconnect();
  }
});

test('an owner from before a flush or an older dump writes nothing, before and after the next one', async () => {
  await using server = await startRedis(FORGETFUL);
  const admin = new Redis(server.url, { maxRetriesPerRequest: 50 });
  admin.on('error', () => {});
  try {
    await using tally = await openRedisLiveTally({ url: server.url, logId: 'log' });
    const zombie = await tally.takeOver(0);
    await tally.commit(step({ epoch: zombie.epoch, length: 3 }));
    await admin.save();
    const owner = await tally.takeOver(0);
    await tally.commit(step({ epoch: owner.epoch, from: 3 }));

    const writes = async (epoch: number): Promise<unknown[]> => [
      await tally.commit(step({ epoch, from: 0, length: 9 })),
      await tally.commit(step({ epoch, from: 4 })),
    ];
    await admin.flushall();
    expect(await writes(owner.epoch)).toEqual(['fenced', 'fenced']);
    expect(await admin.dbsize()).toBe(0);
    const next = await tally.takeOver(0);
    expect(next.epoch).toBeGreaterThan(owner.epoch);
    expect(await writes(owner.epoch)).toEqual(['fenced', 'fenced']);
    expect(await tally.commit(step({ epoch: next.epoch }))).toBe('applied');

    await admin.flushall();
    await server.restart();
    await waitUntil('the store to answer', () => tally.read(0));
    expect(await writes(owner.epoch)).toEqual(['fenced', 'fenced']);
    expect(await writes(next.epoch)).toEqual(['fenced', 'fenced']);
    const last = await tally.takeOver(0);
    expect(last.epoch).toBeGreaterThan(next.epoch);
    expect(await writes(zombie.epoch)).toEqual(['fenced', 'fenced']);
  } finally {
    admin.disconnect();
  }
});
