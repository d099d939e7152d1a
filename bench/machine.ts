/** Where and with what a figure was measured: without it a figure says nothing. */
import { readFileSync } from 'node:fs';
import { cpus, release, type as system, totalmem } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { Child, runToEnd } from './child.ts';
import { ROOT } from './programs.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** The file system of the measured folder. */
  readonly disk: string;
}

export interface Versions {
  readonly apura: string;
  readonly bun: string;
  readonly sqlite: string;
  readonly wrk: string;
}

export async function machineOf(folder: string): Promise<Machine> {
  const [first] = cpus();
  const disk = await runToEnd(['df', '--output=fstype,size', '-h', folder]);
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${system()} ${release()}`,
    disk: disk.trim().split('\n').at(-1)?.trim().replace(/\s+/, ', ') ?? 'unknown',
  };
}

export async function versions(): Promise<Versions> {
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    version: string;
  };
  using database = new DatabaseSync(':memory:');
  const sqlite = database.prepare('SELECT sqlite_version() AS version').get()?.version;
  return {
    apura: version,
    bun: Bun.version,
    sqlite: String(sqlite),
    wrk: await wrkVersion(),
  };
}

/** Not every part needs it: a record must not fail for a program that it did without. */
async function wrkVersion(): Promise<string> {
  if (Bun.which('wrk') === null) return 'no wrk';
  // Its exit code is 1 when it is asked for its version.
  const { output } = await new Child(['wrk', '-v']).ended();
  return output.split(' ').slice(0, 2).join(' ');
}

/** The commit that is checked out, with a `+` where files differ from it. */
export async function commit(): Promise<string> {
  const hash = (await runToEnd(['git', '-C', ROOT, 'rev-parse', '--short=12', 'HEAD'])).trim();
  const changes = await runToEnd(['git', '-C', ROOT, 'status', '--porcelain', '--', 'src', 'web']);
  return changes.trim() === '' ? hash : `${hash}+`;
}
