/** The metering catalogues under test: the memory one as itself and as the model, and the one on SQLite. */
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../src/adapters/memory/metering-catalogue.ts';
import {
  METERING_CATALOGUE_FILE,
  SqliteMeteringCatalogue,
} from '../../src/adapters/sqlite/metering-catalogue.ts';
import type { MeteringCatalogue } from '../../src/ports/metering-catalogue.ts';
import type { CreateStore } from '../../src/ports/store-under-test.ts';
import { sqliteFiles } from './sqlite-files.ts';
import { sqliteStore } from './sqlite-harness.ts';

const nothingToDo = async () => {};

export const memoryMeteringCatalogue: CreateStore<MeteringCatalogue> = async () => {
  const store = new MemoryMeteringStore();
  return {
    open: async () => new MemoryMeteringCatalogue(store),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};

export const sqliteMeteringCatalogue: CreateStore<MeteringCatalogue> = async () => {
  const files = sqliteFiles(METERING_CATALOGUE_FILE);
  return sqliteStore(files, ({ path }) => new SqliteMeteringCatalogue({ path }));
};
