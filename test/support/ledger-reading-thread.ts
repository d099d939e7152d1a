/** A thread that reads a ledger over and over while another writes it, and tells what did not fit. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteLedgerReader } from '../../src/adapters/sqlite/ledger.ts';

export interface LedgerReadingOptions {
  readonly path: string;
  readonly logId: string;
  /** The offset at which the writer stops; every block before it held one counted event. */
  readonly end: number;
}

export interface LedgerReadings {
  readonly reads: number;
  /** Counts that were not those of the position that was read with them. */
  readonly misfits: readonly string[];
}

const { path, logId, end }: LedgerReadingOptions = workerData;
const reader = openSqliteLedgerReader({ path, logId });
const misfits: string[] = [];
let reads = 0;
parentPort?.postMessage('ready');
for (let next = 0; next < end; reads += 1) {
  for (const question of ['read', 'recount'] as const) {
    const { checkpoint, counts, books } = await reader[question](0);
    next = checkpoint.nextOffset;
    const counted = counts.reduce((sum, { count }) => sum + count, 0);
    const booked = books[0]?.counted ?? 0;
    if (counted !== next || booked !== next) {
      misfits.push(`${question} at ${next}: counted ${counted}, booked ${booked}`);
    }
  }
}
await reader[Symbol.asyncDispose]();
parentPort?.postMessage({ reads, misfits } satisfies LedgerReadings);
