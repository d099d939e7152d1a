/** The rating books under test: the memory one as itself and as the model, and the one on SQLite. */
import { MemoryRatingBook, MemoryRatingStore } from '../../src/adapters/memory/rating-book.ts';
import { RATING_FILE, SqliteRatingBook } from '../../src/adapters/sqlite/rating-book.ts';
import { type CreateStore, LOG_ID } from '../../src/ports/store-under-test.ts';
import type { RatingStore } from './rating-samples.ts';
import { sqliteFiles } from './sqlite-files.ts';
import { sqliteStore } from './sqlite-harness.ts';

const nothingToDo = async () => {};

export const memoryRatingBook: CreateStore<RatingStore> = async () => {
  const store = new MemoryRatingStore(LOG_ID);
  return {
    open: async (logId) => new MemoryRatingBook(store, logId),
    crash: nothingToDo,
    [Symbol.asyncDispose]: nothingToDo,
  };
};

export const sqliteRatingBook: CreateStore<RatingStore> = async () =>
  sqliteStore(sqliteFiles(RATING_FILE), (options) => new SqliteRatingBook(options));
