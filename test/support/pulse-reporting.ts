/** Pulse ledgers as stores that write dead letters by their steps, for the suite of that port. */
import type { ReportingStore } from '../../src/ports/dead-letters.contract.ts';
import type { CreateStore } from '../../src/ports/store-under-test.ts';
import { type PulseStore, pulseStep } from './pulse-samples.ts';

export function reportingBySteps(create: CreateStore<PulseStore>): CreateStore<ReportingStore> {
  return async () => {
    const store = await create();
    return {
      open: async (logId) => {
        const ledger = await store.open(logId);
        return {
          deadLetters: ledger.deadLetters,
          report: async (deadLetters) => {
            const { epoch, checkpoint: at } = await ledger.takeOver(0);
            const from = at.nextOffset;
            await ledger.commit(pulseStep([], { epoch, from, deadLetters }));
          },
          [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
        };
      },
      crash: () => store.crash(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };
}
