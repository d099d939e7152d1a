/** The memory adapters under test: as themselves, and as the models that the others are held to. */
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import { MemoryLedger, MemoryLedgerStore } from '../../src/adapters/memory/ledger.ts';
import { MemoryLiveTally, MemoryTallyStore } from '../../src/adapters/memory/live-tally.ts';
import { MemoryPulseLedger, MemoryPulseStore } from '../../src/adapters/memory/pulse-ledger.ts';
import type { EventLogHarness } from '../../src/ports/event-log.contract.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import type { LiveTally } from '../../src/ports/live-tally.ts';
import { type CreateStore, LOG_ID } from '../../src/ports/store-under-test.ts';
import type { PulseStore } from './pulse-samples.ts';

// The store objects outlive their handles as a server would: a crash takes the handles alone.
const nothingToDo = async () => {};

export const memoryEventLog: EventLogHarness = {
  manyWriters: true,
  trims: true,
  breaks: true,
  create: async (partitions) => {
    const store = new MemoryLogStore(LOG_ID, partitions);
    const open = async () => new MemoryEventLog(store);
    return {
      openWriter: open,
      openReader: open,
      crash: nothingToDo,
      trim: async (partition, start) => store.trim(partition, start),
      breakStorage: async () => store.failNextAppend({ code: 'log_failed', appended: 0 }),
      [Symbol.asyncDispose]: nothingToDo,
    };
  },
};

export const memoryLiveTally: CreateStore<LiveTally> = async () => {
  const store = new MemoryTallyStore(LOG_ID);
  return {
    open: async (logId) => new MemoryLiveTally(store, logId),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};

export const memoryLedger: CreateStore<Ledger> = async () => {
  const store = new MemoryLedgerStore(LOG_ID);
  return {
    open: async (logId) => new MemoryLedger(store, logId),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};

export const memoryPulseLedger: CreateStore<PulseStore> = async () => {
  const store = new MemoryPulseStore(LOG_ID);
  return {
    open: async (logId) => new MemoryPulseLedger(store, logId),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};
