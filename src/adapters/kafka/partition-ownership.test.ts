import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { type KafkaServer, startKafka } from '../../../test/support/kafka-server.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { partitionOwnershipContract } from '../../ports/partition-ownership.contract.ts';
import {
  type OwnershipGroup,
  type PartitionOwnership,
  SESSION_MS,
} from '../../ports/partition-ownership.ts';
import { Brokers } from './brokers.ts';
import { parseKafkaUrl } from './kafka-url.ts';
import { joinKafkaGroup, KafkaGroupMember } from './partition-ownership.ts';

/** About two sessions, and as much again for a busy machine. */
const SOON_MS = 4 * SESSION_MS;

let server: KafkaServer;

beforeAll(async () => {
  server = await startKafka();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

partitionOwnershipContract('kafka', {
  async create(partitions) {
    const settings = parseKafkaUrl(`kafka://${server.brokers}/events`);
    const logId = crypto.randomUUID();
    const members = new Map<PartitionOwnership, Brokers>();
    return {
      async join(seat) {
        const group: OwnershipGroup = { logId, role: 'tally', ...seat, partitions };
        const brokers = new Brokers(settings);
        const member = new KafkaGroupMember(brokers, `events-${logId}-${group.logId}`, group);
        members.set(member, brokers);
        return member;
      },
      async crash(member) {
        // Without its connections, and without new ones, it says no more than a dead process.
        await members.get(member)?.[Symbol.asyncDispose]();
      },
      async [Symbol.asyncDispose]() {
        for (const member of members.keys()) await member[Symbol.asyncDispose]();
      },
    };
  },
});

describe('a member of a Kafka group', () => {
  test('that was stopped is replaced, and gets its share when it goes on', async () => {
    const group = place(6);
    await using staying = await joinKafkaGroup(group);
    const program = resolve(import.meta.dir, '../../../test/support/kafka-member.ts');
    const words = [group.url, group.logId, group.role, String(group.partitions)];
    const stopped = Bun.spawn([process.execPath, program, ...words], { stdout: 'ignore' });
    try {
      await waitUntil('both have a share', () => staying.owned.size === 3);
      stopped.kill('SIGSTOP');
      await waitUntil('the other has all', () => staying.owned.size === 6, SOON_MS);
      stopped.kill('SIGCONT');
      await waitUntil('both have a share again', () => staying.owned.size === 3);
    } finally {
      stopped.kill('SIGKILL');
      await stopped.exited;
    }
  });

  test('owns nothing when it wakes up after a session, before it has asked anybody', async () => {
    await using member = await joinKafkaGroup(place(3));
    await waitUntil('it has all', () => member.owned.size === 3);
    Bun.sleepSync(SESSION_MS + 100);
    expect(member.owned.size).toBe(0);
    expect(member.trouble).not.toBe(null);
    await waitUntil('it has all again', () => member.owned.size === 3 && member.trouble === null);
  });

  test('owns nothing a session after the brokers have gone, says so, and comes back', async () => {
    await using member = await joinKafkaGroup(place(3));
    await waitUntil('it has all', () => member.owned.size === 3);
    let told = Number.NaN;
    member.subscribe(() => {
      told = member.owned.size;
    });
    const [node] = server.nodes;
    await node?.kill();
    await waitUntil('it has none', () => told === 0, SOON_MS);
    expect(member.trouble).not.toBe(null);
    await node?.start();
    await waitUntil('it has all again', () => member.owned.size === 3 && member.trouble === null);
  });

  test('joins without brokers, and says that it has none', async () => {
    const group = { ...place(3), url: 'kafka://127.0.0.1:1/events' };
    await using member = await joinKafkaGroup(group);
    await waitUntil('it says so', () => member.trouble?.includes('127.0.0.1:1') === true);
    expect(member.owned.size).toBe(0);
  });
});

function place(partitions: number): OwnershipGroup & { readonly url: string } {
  const url = `kafka://${server.brokers}/events`;
  return { url, logId: crypto.randomUUID(), role: 'tally', partitions };
}
