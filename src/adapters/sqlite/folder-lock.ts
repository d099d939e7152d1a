/**
 * The data folder's exclusive lock: held for the life of the process that writes there, and let go by
 * the operating system when it dies, however it dies. SQLite's own file locking carries it.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ApuraError } from '../../domain/errors.ts';

const SQLITE_BUSY = 5;

/** @throws ApuraError `data_folder_locked`: another process holds it. */
export function lockFolder(folder: string): Disposable {
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) {
      throw new ApuraError(
        'data_folder_locked',
        `Another process works in ${folder}; stop it, or choose another folder with APURA_DATA.`,
        { cause },
      );
    }
    throw cause;
  }
  return { [Symbol.dispose]: () => database.close() };
}
