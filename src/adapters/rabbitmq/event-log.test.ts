import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'amqplib';
import { type LossyProxy, lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { rabbitmqEventLog } from '../../../test/support/rabbitmq-harness.ts';
import { type RabbitmqServer, startRabbitmq } from '../../../test/support/rabbitmq-server.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import { eventLogContract } from '../../ports/event-log.contract.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { openRabbitmqLog } from './event-log.ts';

const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 120_000;
/** For so long RabbitMQ keeps in memory that a queue was made: killed then, it can not use the queue. */
const METADATA_BUFFERED_MS = 4_000;
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

let server: RabbitmqServer;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  server = await startRabbitmq();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

afterEach(async () => {
  for (const log of open.splice(0).reverse()) await log[Symbol.asyncDispose]();
});

eventLogContract(
  'RabbitMQ',
  rabbitmqEventLog(() => server.url),
  memoryEventLog,
);

describe('the event log on RabbitMQ', () => {
  const check = (what: string, body: () => Promise<void>): void =>
    void test(what, body, TEST_TIMEOUT_MS);

  check('says truly what a confirmed append survives', async () => {
    const { description } = await openLog(crypto.randomUUID());
    expect(description).toMatchObject({ durability: 'process-safe', atomicAppend: false });
    const replicated = await openLog(crypto.randomUUID(), '?replicas=3');
    expect(replicated.description.durability).toBe('replicated');
  });

  check('is refused when it is opened in another shape than it was made in', async () => {
    const logId = crypto.randomUUID();
    await openLog(logId);
    for (const partitions of [1, 3]) {
      const opened = openRabbitmqLog({ url: server.url, logId, partitions });
      await expect(opened).rejects.toMatchObject({
        code: partitions === 1 ? 'invalid_config' : 'log_rewound',
      });
    }
    await expect(openLog(logId, '?replicas=3')).rejects.toMatchObject({ code: 'invalid_config' });
    await deleteStream(logId, 1);
    await expect(openLog(logId)).rejects.toMatchObject({ code: 'log_rewound' });
  });

  check('without a server is log_unavailable, without the password', async () => {
    const url = 'amqp://ann:secret@127.0.0.1:1';
    const opening = openRabbitmqLog({ url, logId: 'log', partitions: 1 });
    const error = await opening.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'log_unavailable' });
    expect(String(error)).not.toContain('secret');
  });

  check('offsets that RabbitMQ takes for itself read as blocks that say nothing', async () => {
    const logId = crypto.randomUUID();
    const log = await openLog(logId, '?segmentBytesMax=20000');
    const bytes = new Uint8Array(1_000).fill(9);
    const offsets: number[] = [];
    for (let count = 0; count < 100; count += 1) {
      offsets.push(...(await log.append([{ partition: 0, bytes }])));
    }
    const { start, end } = await log.bounds(0);
    expect(start).toBe(0);
    expect(end).toBeGreaterThan(100);
    const read = await contentFrom(log, 0);
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: end }, (_, n) => n));
    const fillers = read.filter(({ offset }) => !offsets.includes(offset));
    expect(fillers.length).toBe(end - 100);
    for (const filler of fillers) {
      expect(decodeBlock(filler.bytes)).toMatchObject({ kind: 'time-mark', blockTime: 0 });
      // Also where reading begins there, and always the same.
      expect(await log.read(0, filler.offset, 1)).toEqual([filler]);
    }
  });

  check(
    'after kill -9 of the node what was confirmed is there, and the rest is unknown',
    async () => {
      const logId = crypto.randomUUID();
      const log = await openLog(logId);
      const outcomes = new Map<number, string>();
      let sent = 0;
      let running = true;
      const writing = Array.from({ length: 8 }, async () => {
        while (running) {
          sent += 1;
          const number = sent;
          const bytes = new Uint8Array(Uint32Array.of(number).buffer);
          const block = { partition: number % 2, bytes };
          const outcome = await log
            .append([block], { offsets: 'unneeded' })
            .then(() => 'ok', codeOf);
          outcomes.set(number, outcome);
          // A refused append is not tried again at once.
          if (outcome === 'log_unavailable') await waitUntil('there again', () => log.bounds(0));
        }
      });
      const writingSince = performance.now();
      await waitUntil(
        'many blocks are confirmed',
        () => outcomes.size > 500 && performance.now() - writingSince > METADATA_BUFFERED_MS,
      );
      await server.kill();
      await waitUntil('the loss is seen', () =>
        [...outcomes.values()].some((said) => said !== 'ok'),
      );
      await server.start();
      const before = outcomes.size;
      await waitUntil('it goes on by itself', () => outcomes.size > before + 500);
      running = false;
      await Promise.all(writing);
      const there = new Set<number>();
      for (const partition of [0, 1]) {
        for (const { bytes } of await contentFrom(log, partition)) {
          there.add(new Uint32Array(new Uint8Array(bytes).buffer)[0] ?? 0);
        }
      }
      const missing = [...outcomes].filter(([number, said]) => said === 'ok' && !there.has(number));
      const refused = [...outcomes].filter(
        ([n, said]) => said === 'log_unavailable' && there.has(n),
      );
      expect({ missing, refused }).toEqual({ missing: [], refused: [] });
      const said = new Set(outcomes.values());
      expect(said.has('append_unknown')).toBe(true);
      expect(said.difference(new Set(['ok', 'append_unknown', 'log_unavailable']))).toEqual(
        new Set(),
      );
    },
  );

  check('what was confirmed makes room for what comes, however much it is', async () => {
    const log = await openLog(crypto.randomUUID());
    const block = { partition: 0, bytes: new Uint8Array(4 << 20) };
    // More in all than may wait for its confirmation, and each of many frames.
    for (let blocks = 0; blocks < 9; blocks += 1) {
      await log.append([block], { offsets: 'unneeded' });
    }
    expect(await log.bounds(0)).toEqual({ start: 0, end: 9 });
  });

  check('a lost confirmation is append_unknown, and the block is there', async () => {
    const logId = crypto.randomUUID();
    const proxy = await proxied();
    const log = await openLog(logId, '', proxy.url);
    const lost = proxy.loseReplyTo('a block whose confirmation is lost');
    const bytes = new TextEncoder().encode('a block whose confirmation is lost');
    const appended = log.append([{ partition: 0, bytes }], { offsets: 'unneeded' });
    await expect(appended).rejects.toMatchObject({ code: 'append_unknown' });
    await lost;
    const other = await openLog(logId);
    expect(await other.bounds(0)).toEqual({ start: 0, end: 1 });
    // The handle is connected again by itself.
    await waitUntil('there again', async () => (await log.read(0, 0, UNBOUNDED)).length === 1);
    const again = await waitUntil('it takes blocks', () => log.append([{ partition: 0, bytes }]));
    expect(again).toEqual([1]);
  });

  check('a network that is gone without a word is found by the heartbeat', async () => {
    const logId = crypto.randomUUID();
    const proxy = await proxied();
    const log = await openLog(logId, '', proxy.url);
    proxy.goSilent();
    const block = { partition: 0, bytes: Uint8Array.of(1) };
    const appended = log.append([block], { offsets: 'unneeded' });
    await expect(appended).rejects.toMatchObject({ code: 'append_unknown' });
    await expect(log.append([block])).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  check('while RabbitMQ is short of memory appends are refused, and reading goes on', async () => {
    const logId = crypto.randomUUID();
    const log = await openLog(logId);
    const block = { partition: 0, bytes: Uint8Array.of(1) };
    await log.append([block]);
    await server.alarm(true);
    // What is sent before RabbitMQ says that it takes no more is confirmed when the alarm is over.
    const said: string[] = [];
    const appends: Promise<unknown>[] = [];
    await waitUntil('an append is refused', () => {
      const append = log.append([block], { offsets: 'unneeded' }).then(() => 'ok', codeOf);
      appends.push(append.then((outcome) => said.push(outcome)));
      return said.includes('log_unavailable');
    });
    expect((await log.read(0, 0, UNBOUNDED)).length).toBeGreaterThan(0);
    await server.alarm(false);
    await Promise.all(appends);
    expect(new Set(said).difference(new Set(['ok', 'log_unavailable']))).toEqual(new Set());
    const confirmed = said.filter((outcome) => outcome === 'ok').length;
    expect(await log.bounds(0)).toEqual({ start: 0, end: confirmed + 1 });
  });

  check('blocks for a stream that was deleted are refused', async () => {
    const logId = crypto.randomUUID();
    const log = await openLog(logId);
    await deleteStream(logId, 0);
    const gone = { partition: 0, bytes: Uint8Array.of(1) };
    const kept = { partition: 1, bytes: Uint8Array.of(2) };
    for (const [blocks, code] of [
      [[gone], 'log_unavailable'],
      [[gone, kept], 'append_unknown'],
    ] as const) {
      await expect(log.append(blocks, { offsets: 'unneeded' })).rejects.toMatchObject({ code });
    }
    await expect(log.append([gone])).rejects.toMatchObject({ code: 'log_unavailable' });
    await expect(log.read(0, 0, 1)).rejects.toMatchObject({ code: 'log_unavailable' });
    expect(await log.bounds(1)).toEqual({ start: 0, end: 1 });
  });

  check('a stream that was made anew is log_rewound to who stood further on', async () => {
    const logId = crypto.randomUUID();
    const log = await openLog(logId);
    const blocks = [1, 2, 3].map((n) => ({ partition: 0, bytes: Uint8Array.of(n) }));
    await log.append(blocks);
    expect(await log.read(0, 3, UNBOUNDED)).toEqual([]);
    const controller = new AbortController();
    const woken = log.changed([{ partition: 0, offset: 3 }], controller.signal);
    await deleteStream(logId, 0);
    await declareStream(logId, 0);
    await woken;
    await log.append(blocks.slice(0, 1), { offsets: 'unneeded' });
    await waitUntil('the rewound log is found', async () => {
      const said = await log.read(0, 3, UNBOUNDED).then(() => 'ok', codeOf);
      return said === 'log_rewound';
    });
  });
});

async function openLog(logId: string, query = '', url = server.url): Promise<EventLog> {
  const log = await openRabbitmqLog({ url: url + query, logId, partitions: 2 });
  open.push(log);
  return log;
}

async function proxied(): Promise<LossyProxy> {
  const proxy = await lossyProxy(server.url);
  open.push(proxy);
  return proxy;
}

async function contentFrom(log: EventLog, partition: number) {
  const content = [];
  for (;;) {
    const read = await log.read(partition, content.length, 10_000);
    if (read.length === 0) return content;
    content.push(...read);
  }
}

async function deleteStream(logId: string, partition: number): Promise<void> {
  const connection = await connect(server.url);
  const channel = await connection.createChannel();
  await channel.deleteQueue(`apura-${logId}-${partition}`);
  await connection.close();
}

async function declareStream(logId: string, partition: number): Promise<void> {
  const connection = await connect(server.url);
  const channel = await connection.createChannel();
  await channel.assertQueue(`apura-${logId}-${partition}`, {
    durable: true,
    arguments: { 'x-queue-type': 'stream', 'x-initial-cluster-size': 1 },
  });
  await connection.close();
}

function codeOf(error: unknown): string {
  return error instanceof ApuraError ? error.code : String(error);
}
