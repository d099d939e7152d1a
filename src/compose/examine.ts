/** What `apura doctor` looks at: the settings are read back from real files, not from the code. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openSqliteWriter, readNumber } from '../adapters/sqlite/database.ts';
import { ApuraError } from '../domain/errors.ts';
import type { Finding } from '../edge/cli/doctor.ts';
import { claimFolder, dataPaths } from './data-folder.ts';

const FREE_BYTES_MIN = 1 << 30;
const FREE_BYTES_LOW = 10 * 2 ** 30;
const FLUSHES = 50;
/** Faster than any disk that waits for its medium. */
const FLUSH_MS_SUSPICIOUS = 0.02;
const FLUSH_MS_SLOW = 20;

export async function examine(options: {
  readonly folder: string;
  readonly port: number;
}): Promise<readonly Finding[]> {
  const { folder, port } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return [
    folderIsFree(folder),
    secretsArePrivate(folder),
    durability(folder),
    flushes(folder),
    diskSpace(folder),
    clock(),
    await portIsFree(port),
  ];
}

function folderIsFree(folder: string): Finding {
  const what = 'data folder';
  try {
    claimFolder(dataPaths(folder))[Symbol.dispose]();
    return { what, verdict: 'ok', detail: `${folder} is free to work in` };
  } catch (error) {
    if (!(error instanceof ApuraError)) throw error;
    return { what, verdict: 'warn', detail: `${folder} is in use by another process` };
  }
}

function secretsArePrivate(folder: string): Finding {
  const what = 'secrets';
  const paths = dataPaths(folder);
  for (const file of [paths.adminToken, paths.secret]) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o077) !== 0) {
      return { what, verdict: 'fail', detail: `${file} can be read by others: chmod 600 it` };
    }
  }
  return { what, verdict: 'ok', detail: 'readable by their owner alone' };
}

function durability(folder: string): Finding {
  const what = 'durability';
  const path = join(folder, `doctor-${process.pid}.db`);
  try {
    const database = openSqliteWriter({ path, synchronous: 'FULL' });
    const level = readNumber(database, 'PRAGMA synchronous');
    database.close();
    return {
      what,
      verdict: 'ok',
      detail: `power-safe: write-ahead log with synchronous=${level} (FULL), read back`,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { what, verdict: 'fail', detail: why };
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  }
}

function flushes(folder: string): Finding {
  const what = 'flush';
  const path = join(folder, `doctor-${process.pid}.tmp`);
  const file = openSync(path, 'w');
  const times: number[] = [];
  try {
    const page = new Uint8Array(4096);
    for (let count = 0; count < FLUSHES; count += 1) {
      const from = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      times.push(performance.now() - from);
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  const median = times.sort((a, b) => a - b)[FLUSHES >> 1] ?? 0;
  const detail = `fsync of 4 KiB takes ${median.toFixed(3)} ms (median of ${FLUSHES})`;
  if (median < FLUSH_MS_SUSPICIOUS) {
    return { what, verdict: 'warn', detail: `${detail}: does this disk flush at all?` };
  }
  if (median > FLUSH_MS_SLOW) {
    return { what, verdict: 'warn', detail: `${detail}: every vote waits that long` };
  }
  return { what, verdict: 'ok', detail };
}

function diskSpace(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const detail = `${(free / 2 ** 30).toFixed(1)} GiB free`;
  const verdict = free < FREE_BYTES_MIN ? 'fail' : free < FREE_BYTES_LOW ? 'warn' : 'ok';
  return { what: 'disk', verdict, detail };
}

/** One process asks one clock: there is nothing to compare it with but plain sense. */
function clock(): Finding {
  const now = new Date();
  const sane = now.getUTCFullYear() >= 2025 && now.getUTCFullYear() < 2100;
  return {
    what: 'clock',
    verdict: sane ? 'ok' : 'fail',
    detail: sane
      ? `${now.toISOString()}; keep it synchronised, polls open and close by it`
      : `${now.toISOString()} can't be right`,
  };
}

async function portIsFree(port: number): Promise<Finding> {
  const what = 'port';
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  return (await promise)
    ? { what, verdict: 'ok', detail: `${port} is free` }
    : { what, verdict: 'warn', detail: `${port} is taken: choose another with APURA_HTTP_PORT` };
}
