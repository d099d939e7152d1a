/** The catalogues under test: the memory one as itself and as the model, and the one on SQLite. */
import { MemoryCatalogue, MemoryCatalogueStore } from '../../src/adapters/memory/catalogue.ts';
import { CATALOGUE_FILE, SqliteCatalogue } from '../../src/adapters/sqlite/catalogue.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';
import type { CreateStore } from '../../src/ports/store-under-test.ts';
import { sqliteFiles } from './sqlite-files.ts';

const nothingToDo = async () => {};

export const memoryCatalogue: CreateStore<Catalogue> = async () => {
  const store = new MemoryCatalogueStore();
  return {
    open: async () => new MemoryCatalogue(store),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};

export const sqliteCatalogue: CreateStore<Catalogue> = async () => {
  const files = sqliteFiles(CATALOGUE_FILE);
  const handles: Catalogue[] = [];
  return {
    open: async () => {
      const handle = new SqliteCatalogue({ path: files.path });
      handles.push(handle);
      return handle;
    },
    crash: async () => files.crash(),
    [Symbol.asyncDispose]: async () => {
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      files[Symbol.dispose]();
    },
  };
};
