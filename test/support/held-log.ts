/** Holds a data folder's log from outside, so that votes wait for it: what is in flight is then known. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A server under load leaves little room between its own transactions. */
const LOCK_MS = 60_000;

/**
 * Takes the log's write lock, which the server then waits for; `release` gives it back. Nothing is
 * written. The server waits 5 s for a lock before it says `log_unavailable`.
 */
export function holdLog(dataDir: string): { release(): void } & Disposable {
  const database = new DatabaseSync(join(dataDir, 'log.db'), { timeout: LOCK_MS });
  database.exec('BEGIN IMMEDIATE');
  const release = (): void => {
    if (!database.isOpen) return;
    database.exec('ROLLBACK');
    database.close();
  };
  return { release, [Symbol.dispose]: release };
}
