/** Temporary SQLite files for tests, and what a killed process would have left of them. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SqliteFiles extends Disposable {
  /** The file to open now. */
  readonly path: string;
  /**
   * Goes on with the files as kill -9 at this instant would leave them: what was written stands in
   * file and WAL, and nothing that closing does (the last checkpoint, the WAL's removal) has run.
   * Connections that are open stay on the old files.
   */
  crash(): void;
}

/** A new folder for one store; removed, with all in it, by `Symbol.dispose`. */
export function sqliteFiles(name: string): SqliteFiles {
  const folder = mkdtempSync(join(tmpdir(), 'apura-'));
  let life = 0;
  const current = () => join(folder, String(life), name);
  mkdirSync(join(folder, '0'));
  return {
    get path() {
      return current();
    },
    crash() {
      const before = current();
      life += 1;
      mkdirSync(join(folder, String(life)));
      // Not the -shm file: it is the shared memory of processes, which recovery builds anew.
      for (const suffix of ['', '-wal']) {
        if (existsSync(before + suffix)) copyFileSync(before + suffix, current() + suffix);
      }
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
