/** The SQLite tally and ledger under test, each in a folder of its own that is removed afterwards. */
import { openSqliteLedger } from '../../src/adapters/sqlite/ledger.ts';
import { openSqliteLiveTally } from '../../src/adapters/sqlite/live-tally.ts';
import { openSqlitePulseLedger } from '../../src/adapters/sqlite/pulse-ledger.ts';
import { LOG_ID, type StoreUnderTest } from '../../src/ports/store-under-test.ts';
import { type SqliteFiles, sqliteFiles } from './sqlite-files.ts';

export const sqliteLiveTally = async () =>
  sqliteStore(sqliteFiles('tally.db'), openSqliteLiveTally);
export const sqliteLedger = async () => sqliteStore(sqliteFiles('ledger.db'), openSqliteLedger);
export const sqlitePulseLedger = async () =>
  sqliteStore(sqliteFiles('pulses.db'), openSqlitePulseLedger);

/** A store in these files, which are removed with it. */
export function sqliteStore<Handle extends AsyncDisposable>(
  files: SqliteFiles,
  open: (options: { path: string; logId: string }) => Handle,
): StoreUnderTest<Handle> {
  const handles: Handle[] = [];
  return {
    open: async (logId = LOG_ID) => {
      const handle = open({ path: files.path, logId });
      handles.push(handle);
      return handle;
    },
    crash: async () => files.crash(),
    [Symbol.asyncDispose]: async () => {
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      files[Symbol.dispose]();
    },
  };
}
