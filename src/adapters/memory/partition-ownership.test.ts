import { partitionOwnershipContract } from '../../ports/partition-ownership.contract.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import { MemoryOwnershipGroups } from './partition-ownership.ts';

partitionOwnershipContract('memory', {
  async create(partitions) {
    const groups = new MemoryOwnershipGroups();
    const members: PartitionOwnership[] = [];
    return {
      async join(seat) {
        const member = await groups.join({ logId: 'log', role: 'tally', ...seat, partitions });
        members.push(member);
        return member;
      },
      // Nobody has to find out in a group without a network: a crash is a leave.
      crash: async (member) => member[Symbol.asyncDispose](),
      async [Symbol.asyncDispose]() {
        for (const member of members) await member[Symbol.asyncDispose]();
      },
    };
  },
});
