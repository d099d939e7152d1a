import { tallyChangesContract } from '../../ports/tally-changes.contract.ts';
import { MemoryLiveTally, MemoryTallyStore } from './live-tally.ts';
import { MemoryTallyChanges } from './tally-changes.ts';

tallyChangesContract('memory', async () => {
  const store = new MemoryTallyStore('log');
  const opened: MemoryTallyChanges[] = [];
  return {
    openTally: async () => new MemoryLiveTally(store),
    async openChanges(partitions) {
      const changes = new MemoryTallyChanges(store, partitions);
      opened.push(changes);
      return changes;
    },
    async breakConnections(meanwhile) {
      for (const changes of opened) changes.cut();
      await meanwhile();
      for (const changes of opened) changes.mend();
    },
    async [Symbol.asyncDispose]() {
      for (const changes of opened) await changes[Symbol.asyncDispose]();
    },
  };
});
