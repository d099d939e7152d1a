import { afterAll, beforeAll } from 'bun:test';
import { type KafkaServer, startKafka } from '../../../test/support/kafka-server.ts';
import { partitionOwnershipContract } from '../../ports/partition-ownership.contract.ts';
import type { OwnershipGroup, PartitionOwnership } from '../../ports/partition-ownership.ts';
import { Brokers } from './brokers.ts';
import { parseKafkaUrl } from './kafka-url.ts';
import { KafkaGroupMember } from './partition-ownership.ts';

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
