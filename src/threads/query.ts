/** The query thread: the catalogue, and the ledger for reading, so that no question holds a door up. */
import { SqliteCatalogue } from '../adapters/sqlite/catalogue.ts';
import { openSqliteLedgerReader } from '../adapters/sqlite/ledger.ts';
import { runThread } from '../compose/thread-entry.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { Catalogue } from '../ports/catalogue.ts';

export interface QueryThreadSettings {
  readonly cataloguePath: string;
  readonly ledgerPath: string;
}

/** The part of the ledger that questions need. */
export type LedgerReader = ReturnType<typeof openSqliteLedgerReader>;

await runThread<QueryThreadSettings>(async ({ cataloguePath, ledgerPath }) => {
  const catalogue: Catalogue = new SqliteCatalogue({ path: cataloguePath });
  let reader: LedgerReader | null = null;
  // The ledger thread makes the file: it is opened with the first question, not at the start.
  const ledger = (logId: string): LedgerReader => {
    reader ??= openSqliteLedgerReader({ path: ledgerPath, logId });
    return reader;
  };
  return {
    methods: {
      mintLogSettings: (proposal: LogSettings) => catalogue.mintLogSettings(proposal),
      logs: () => catalogue.logs(),
      addLog: (settings: LogSettings) => catalogue.addLog(settings),
      putConsistency: (...args: Parameters<Catalogue['putConsistency']>) =>
        catalogue.putConsistency(...args),
      consistency: (logId: string) => catalogue.consistency(logId),
      now: () => catalogue.now(),
      putPoll: (...args: Parameters<Catalogue['putPoll']>) => catalogue.putPoll(...args),
      poll: (...args: Parameters<Catalogue['poll']>) => catalogue.poll(...args),
      polls: (...args: Parameters<Catalogue['polls']>) => catalogue.polls(...args),
      unpublished: () => catalogue.unpublished(),
      markPublished: (...args: Parameters<Catalogue['markPublished']>) =>
        catalogue.markPublished(...args),
      image: (...args: Parameters<Catalogue['image']>) => catalogue.image(...args),
      recordAct: (...args: Parameters<Catalogue['recordAct']>) => catalogue.recordAct(...args),
      acts: (...args: Parameters<Catalogue['acts']>) => catalogue.acts(...args),
      find: (logId: string, id: string) => ledger(logId).find(id),
      events: (logId: string, scope: string, cursor: string | null, limit: number) =>
        ledger(logId).events(scope, cursor, limit),
      windows: (logId: string, scope: string, fromMinute: number, toMinute: number) =>
        ledger(logId).windows(scope, fromMinute, toMinute),
      books: (logId: string, scope: string) => ledger(logId).books(scope),
      ledgerCheckpoint: (logId: string, partition: number) => ledger(logId).checkpoint(partition),
      close: async () => {
        await reader?.[Symbol.asyncDispose]();
        await catalogue[Symbol.asyncDispose]();
      },
    },
  };
});
