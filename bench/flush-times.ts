/** What one bare flush costs here: the floor under every durable answer. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from './statistics.ts';

const PAGE = new Uint8Array(4096).fill(0x5a);
const PAGES = 1_000;

export interface FlushTimes {
  readonly flushes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Writes 4 KiB and flushes them, again and again. The file has its length before: a flush that grows a
 * file moves the file system's own books too, and SQLite's write-ahead log is written over, not grown.
 */
export function measureFlushTimes(folder: string): FlushTimes {
  const path = join(folder, 'flush');
  const file = openSync(path, 'w');
  try {
    for (let page = 0; page < PAGES; page += 1) writeSync(file, PAGE);
    fsyncSync(file);
    const times = new Float64Array(PAGES);
    for (let page = 0; page < PAGES; page += 1) {
      const startedAt = performance.now();
      writeSync(file, PAGE, 0, PAGE.length, page * PAGE.length);
      fdatasyncSync(file);
      times[page] = performance.now() - startedAt;
    }
    return { flushes: PAGES, p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
