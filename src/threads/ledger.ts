/** The ledger thread: writes every event with its verdict. */
import { openSqliteLedger } from '../adapters/sqlite/ledger.ts';
import { LedgerCollector } from '../application/counting/step-collectors.ts';
import { followLog, type StoreThreadSettings } from '../compose/store-thread.ts';
import { runThread, tell } from '../compose/thread-entry.ts';

/** What the thread tells, at most ten times a second. */
export interface LedgerTold {
  /** The longest time from acceptance to the ledger since the last time it told, ms. */
  readonly lagMs: number;
}

/** About 30,000 votes: some 50 ms of one commit. */
const STEP_BYTES_MAX = 512 << 10;
const ROUND_MS = 100;
const TELL_MS = 100;

await runThread<StoreThreadSettings>(async (settings) => {
  const ledger = openSqliteLedger({ path: settings.storePath, logId: settings.logId });
  let lagMs = 0;
  let toldAt = 0;
  return followLog({
    settings,
    store: ledger,
    collector: () => new LedgerCollector(),
    stepBytesMax: STEP_BYTES_MAX,
    roundMs: ROUND_MS,
    onApplied: ({ step: { acceptedFrom } }) => {
      if (acceptedFrom !== null) lagMs = Math.max(lagMs, Date.now() - acceptedFrom);
    },
    onRound: () => {
      const now = Date.now();
      if (now - toldAt < TELL_MS) return;
      toldAt = now;
      tell({ lagMs } satisfies LedgerTold);
      lagMs = 0;
    },
  });
});
