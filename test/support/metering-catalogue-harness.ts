/** The metering catalogues under test: the memory one as itself and as the model, and the one on SQLite. */
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../src/adapters/memory/metering-catalogue.ts';
import type { MeteringCatalogue } from '../../src/ports/metering-catalogue.ts';
import type { CreateStore } from '../../src/ports/store-under-test.ts';

const nothingToDo = async () => {};

export const memoryMeteringCatalogue: CreateStore<MeteringCatalogue> = async () => {
  const store = new MemoryMeteringStore();
  return {
    open: async () => new MemoryMeteringCatalogue(store),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};
