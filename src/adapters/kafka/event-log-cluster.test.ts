/** What a cluster of three nodes promises beyond one: a broker may die, and nothing confirmed does. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type KafkaServer, startKafka } from '../../../test/support/kafka-server.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { Brokers } from './brokers.ts';
import { openKafkaLog } from './event-log.ts';
import { parseKafkaUrl } from './kafka-url.ts';

const PARTITION = 0;
/** A session of the dead broker, an election, and a busy machine. */
const FAILOVER_MS = 60_000;
const TEST_TIMEOUT_MS = 5 * FAILOVER_MS;

let server: KafkaServer;

beforeAll(async () => {
  server = await startKafka({ nodes: 3 });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test(
  'what was confirmed survives kill -9 of its leader, and appends go on',
  async () => {
    const options = { url: `kafka://${server.brokers}/own`, logId: 'failover', partitions: 3 };
    await using log = await openKafkaLog(options);
    expect(log.description.durability).toBe('replicated');
    const confirmed = new Map<number, number>();
    const unknown = new Set<number>();
    const append = (value: number): Promise<boolean> => appendTo(log, value, confirmed, unknown);
    let next = 0;
    await waitUntil(
      'appends are confirmed',
      async () => (await append(next++)) && confirmed.size >= 20,
      FAILOVER_MS,
    );
    const leader = await leaderOf(options.url, `own-${options.logId}`);
    const dying = server.nodes.find(({ id }) => id === leader);
    const under = Array.from({ length: 50 }, (_, at) => append(1_000_000 + at));
    await dying?.kill();
    await Promise.all(under);
    await waitUntil('appends go on', () => append(next++), FAILOVER_MS);
    await using fresh = await openKafkaLog(options);
    for (const handle of [log, fresh]) {
      const content = await contentOf(handle);
      for (const [value, offset] of confirmed) expect(content[offset]).toBe(value);
      // Nothing else is there than what may be.
      for (const value of content) expect(confirmed.has(value) || unknown.has(value)).toBe(true);
    }
    await dying?.start();
  },
  TEST_TIMEOUT_MS,
);

test(
  'below min.insync.replicas nothing is confirmed, and nothing confirmed is lost',
  async () => {
    const url = `kafka://${server.brokers}/own?replication=3&min_insync=3`;
    await using log = await openKafkaLog({ url, logId: 'insync', partitions: 1 });
    const confirmed = new Map<number, number>();
    const unknown = new Set<number>();
    let next = 0;
    const append = (): Promise<boolean> => appendTo(log, next++, confirmed, unknown);
    await waitUntil('all replicas are in sync', append, FAILOVER_MS);
    const leader = await leaderOf(url, 'own-insync');
    const follower = server.nodes.find(({ id }) => id !== leader);
    await follower?.kill();
    const before = confirmed.size;
    await waitUntil(
      'the leader refuses, knowing that it is one replica short',
      async () => {
        const left = unknown.size;
        await append();
        return unknown.size === left;
      },
      FAILOVER_MS,
    );
    expect(confirmed.size).toBe(before);
    await follower?.start();
    await waitUntil('appends go on', append, FAILOVER_MS);
    const content = await contentOf(log);
    for (const [value, offset] of confirmed) expect(content[offset]).toBe(value);
  },
  TEST_TIMEOUT_MS,
);

/** Whether it was confirmed. What is neither confirmed nor in `unknown` must not be in the log. */
async function appendTo(
  log: EventLog,
  value: number,
  confirmed: Map<number, number>,
  unknown: Set<number>,
): Promise<boolean> {
  try {
    const bytes = new Uint8Array(Uint32Array.of(value).buffer);
    const [offset] = await log.append([{ partition: PARTITION, bytes }]);
    if (offset !== undefined) confirmed.set(value, offset);
    return true;
  } catch (error) {
    if (!(error instanceof ApuraError)) throw error;
    expect(['append_unknown', 'log_unavailable']).toContain(error.code);
    if (error.code === 'append_unknown') unknown.add(value);
    return false;
  }
}

async function contentOf(log: EventLog): Promise<readonly number[]> {
  const content: number[] = [];
  for (;;) {
    const read = await log.read(PARTITION, content.length, 1_000_000);
    if (read.length === 0) return content;
    for (const { bytes } of read) content.push(Buffer.from(bytes).readUInt32LE());
  }
}

async function leaderOf(url: string, topic: string): Promise<number | undefined> {
  await using brokers = new Brokers(parseKafkaUrl(url));
  const { topics } = await brokers.cluster([topic]);
  const partitions = topics.flatMap((found) => found.partitions);
  return partitions.find(({ partitionIndex }) => partitionIndex === PARTITION)?.leaderId;
}
