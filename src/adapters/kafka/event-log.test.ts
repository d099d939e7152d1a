import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
} from '@platformatic/kafka';
import { deleteTopics, kafkaEventLog } from '../../../test/support/kafka-harness.ts';
import { type KafkaServer, startKafka } from '../../../test/support/kafka-server.ts';
import { type LossyProxy, lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { eventLogContract } from '../../ports/event-log.contract.ts';
import { CONTROL_PARTITION, type EventLog } from '../../ports/event-log.ts';
import { Brokers } from './brokers.ts';
import { openKafkaLog } from './event-log.ts';
import { parseKafkaUrl } from './kafka-url.ts';
import { fetchPartitions } from './requests.ts';

const UNKNOWN_LEADER_EPOCH = 75;

let server: KafkaServer;

beforeAll(async () => {
  server = await startKafka();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

eventLogContract(
  'kafka',
  kafkaEventLog(() => server),
  memoryEventLog,
);

describe('the topics of a log', () => {
  test.each([
    ['events', 0, ''],
    ['control', CONTROL_PARTITION, '-control'],
  ] as const)(
    'of its %s that was deleted and made anew is another log',
    async (_, partition, end) => {
      const { url, logId } = place();
      await using before = await openKafkaLog({ url, logId, partitions: 2 });
      await append(before, partition, 'before');
      await deleteTopics(url, [`own-${logId}${end}`]);
      await using anew = await openKafkaLog({ url, logId, partitions: 2 });
      expect(await append(anew, partition, 'anew')).toEqual([0]);
      const mismatch = { code: 'log_mismatch' };
      const { signal } = new AbortController();
      await expect(append(before, partition, 'lost')).rejects.toMatchObject(mismatch);
      await expect(before.read(partition, 0, 1)).rejects.toMatchObject(mismatch);
      await expect(before.bounds(partition)).rejects.toMatchObject(mismatch);
      await expect(before.changed([{ partition, offset: 9 }], signal)).rejects.toMatchObject(
        mismatch,
      );
      expect(await contentOf(anew, partition)).toEqual(['anew']);
    },
  );

  test('a read alone finds a topic that was made anew', async () => {
    const { url, logId } = place();
    await using before = await openKafkaLog({ url, logId, partitions: 1 });
    await append(before, 0, 'before');
    await deleteTopics(url, [`own-${logId}`]);
    await using anew = await openKafkaLog({ url, logId, partitions: 1 });
    await append(anew, 0, 'anew');
    await expect(before.read(0, 0, 1)).rejects.toMatchObject({ code: 'log_mismatch' });
  });

  const contradictions: readonly [string, string][] = [
    ['cleanup.policy', 'compact'],
    ['retention.ms', '604800000'],
    ['retention.bytes', '1000000'],
    ['message.timestamp.type', 'CreateTime'],
    ['unclean.leader.election.enable', 'true'],
    ['compression.type', 'gzip'],
    ['max.message.bytes', '1000'],
  ];
  test.each(contradictions)('whose %s has become %s are refused by name', async (name, value) => {
    const { url, logId } = place();
    await using _ = await openKafkaLog({ url, logId, partitions: 1 });
    const topic = `own-${logId}${name === 'retention.ms' ? '-control' : ''}`;
    await alterTopic(url, topic, name, value);
    const refusal = await refusalOf(url, logId, 1);
    expect(refusal).toMatchObject({ code: 'invalid_config' });
    expect(String(refusal)).toContain(`${topic} has ${name} ${value}, wanted is`);
  });

  test('of other partitions or replicas than wanted are refused by name', async () => {
    const { url, logId } = place();
    await using _ = await openKafkaLog({ url, logId, partitions: 2 });
    const refusal = async (query: string, partitions: number): Promise<string> =>
      String(await refusalOf(`${url}${query}`, logId, partitions));
    expect(await refusal('', 3)).toContain(`own-${logId} has partitions 2, wanted is 3`);
    expect(await refusal('?replication=3', 2)).toContain('has replication 1, wanted is 3');
    expect(await refusal('?min_insync=2', 2)).toContain('has min.insync.replicas 1, wanted is 2');
    await alterTopic(url, `own-${logId}`, 'min.insync.replicas', '2');
    expect(await refusal('?min_insync=1', 2)).toContain('has min.insync.replicas 2, wanted is 1');
  });

  test('that flush each block are power-safe', async () => {
    const { url, logId } = place();
    await using before = await openKafkaLog({ url, logId, partitions: 1 });
    expect(before.description.durability).toBe('process-safe');
    await alterTopic(url, `own-${logId}`, 'flush.messages', '1');
    await alterTopic(url, `own-${logId}-control`, 'flush.messages', '1');
    await waitUntil('the setting is seen', async () => {
      await using after = await openKafkaLog({ url, logId, partitions: 1 });
      return after.description.durability === 'power-safe';
    });
  });
});

test('a block that Kafka does not take was not appended, and harms no other', async () => {
  const { url, logId } = place();
  await using log = await openKafkaLog({ url, logId, partitions: 1 });
  const large = { partition: 0, bytes: new Uint8Array(5 * 1024 * 1024) };
  const [refused, taken] = await Promise.allSettled([log.append([large]), append(log, 0, 'small')]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } });
  expect(taken).toEqual({ status: 'fulfilled', value: [0] });
});

test('a broker gives nothing to who asks for another leader than it is', async () => {
  const { url, logId } = place();
  await using log = await openKafkaLog({ url, logId, partitions: 1 });
  await append(log, 0, 'a');
  await using brokers = new Brokers(parseKafkaUrl(url));
  const { topics } = await brokers.cluster([`own-${logId}`]);
  const topic = { name: `own-${logId}`, id: topics[0]?.topicId ?? '' };
  const leaderEpoch = topics[0]?.partitions[0]?.leaderEpoch ?? 0;
  const connection = await brokers.anyConnection();
  const bounds = { waitMs: 0, partitionBytesMax: 1_000, bytesMax: 1_000 };
  const answers = [leaderEpoch, leaderEpoch + 1].map(async (asked) => {
    const wanted = [{ topic, index: 0, leaderEpoch: asked, offset: 0 }];
    const [fetched] = (await fetchPartitions(connection, wanted, bounds)).partitions;
    return [fetched?.error, (fetched?.records.length ?? 0) > 0];
  });
  expect(await Promise.all(answers)).toEqual([
    [0, true],
    [UNKNOWN_LEADER_EPOCH, false],
  ]);
});

test('a call larger than a batch keeps its order', async () => {
  const { url, logId } = place();
  await using log = await openKafkaLog({ url, logId, partitions: 1 });
  const blocks = Array.from({ length: 9 }, (_, fill) => ({
    partition: 0,
    bytes: new Uint8Array(1_000_000).fill(fill),
  }));
  expect(await log.append(blocks)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const read = await log.read(0, 0, 20_000_000);
  expect(read.map(({ bytes }) => bytes[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('where no broker answers, opening is log_unavailable, and tells no password', async () => {
  const url = 'kafka://user:hidden@127.0.0.1:1/own?sasl=plain';
  const opening = expect(openKafkaLog({ url, logId: 'log', partitions: 1 }));
  await opening.rejects.toMatchObject({ code: 'log_unavailable' });
  await opening.rejects.not.toThrow('hidden');
});

describe('a guarded server behind a bad network', () => {
  const user = { username: 'apura', password: 'right-one' };
  let guarded: KafkaServer;
  let proxy: LossyProxy | undefined;

  beforeAll(async () => {
    const behind = async (url: string): Promise<LossyProxy> => {
      proxy = await lossyProxy(url);
      return proxy;
    };
    guarded = await startKafka({ user, behind });
  });

  afterAll(async () => {
    await guarded[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
  });

  const at = (login: string): string => `kafka://${login}${guarded.brokers}/own`;
  const open = (url: string, logId: string) => openKafkaLog({ url, logId, partitions: 1 });

  test('lets right credentials in, and refuses wrong ones without telling them', async () => {
    await using log = await open(`${at('apura:right-one@')}?sasl=plain`, 'guarded');
    expect(await append(log, 0, 'in')).toEqual([0]);
    expect(await contentOf(log, 0)).toEqual(['in']);
    const refusal = expect(open(`${at('apura:wrong-one@')}?sasl=plain`, 'guarded'));
    await refusal.rejects.toMatchObject({ code: 'invalid_config' });
    await refusal.rejects.not.toThrow('wrong-one');
    await expect(open(at(''), 'guarded')).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  test('says append_unknown for a reply that is lost, never yes, and goes on', async () => {
    await using log = await open(`${at('apura:right-one@')}?sasl=plain`, 'lossy');
    await append(log, 0, 'before');
    const lost = proxy?.loseReplyTo('marked');
    await expect(append(log, 0, 'marked')).rejects.toMatchObject({ code: 'append_unknown' });
    await lost;
    expect(await append(log, 0, 'behind')).toEqual([2]);
    expect(await contentOf(log, 0)).toEqual(['before', 'marked', 'behind']);
    const cut = proxy?.stopBehind('halved');
    await expect(append(log, 0, 'halved')).rejects.toMatchObject({ code: 'append_unknown' });
    await cut;
    expect(await append(log, 0, 'last')).toEqual([3]);
  });
});

function place(): { readonly url: string; readonly logId: string } {
  return { url: `kafka://${server.brokers}/own`, logId: crypto.randomUUID() };
}

function append(log: EventLog, partition: number, text: string): Promise<readonly number[]> {
  return log.append([{ partition, bytes: bytesOf(text) }]);
}

async function contentOf(log: EventLog, partition: number): Promise<readonly string[]> {
  const read = await log.read(partition, 0, 1_000_000);
  return read.map(({ bytes }) => Buffer.from(bytes).toString());
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

async function alterTopic(url: string, topic: string, name: string, value: string): Promise<void> {
  await using brokers = new Brokers(parseKafkaUrl(url));
  const connection = await brokers.anyConnection();
  const configs = [{ name, configOperation: IncrementalAlterConfigOperationTypes.SET, value }];
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configs };
  await incrementalAlterConfigsV1.api.async(connection, [resource], false);
}

/** What opening is refused with, as soon as the broker sees what was changed. */
function refusalOf(url: string, logId: string, partitions: number): Promise<unknown> {
  return waitUntil('opening is refused', async () => {
    try {
      await using _ = await openKafkaLog({ url, logId, partitions });
      return null;
    } catch (error) {
      return error;
    }
  });
}
