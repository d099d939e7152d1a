/** A Postgres server of the tests' own: its own folder and port, to be killed and started again. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { endInOrder, type KeptPlace } from './kept-place.ts';

export interface PostgresServer extends AsyncDisposable {
  /** Of the database `postgres`, without a schema. */
  readonly url: string;
  /** Ends every process of it at once, without a shutdown, and starts it again on the same folder. */
  crash(): Promise<void>;
  /** Ends it as `crash` does, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const LOG_TAIL_CHARS = 2_000;
const MEMORY_FOLDER = '/dev/shm';
const MEMORY_BYTES_MIN = 4 * 2 ** 30;
const DEBIAN = '/usr/lib/postgresql';
const DEBIAN_USER = 'postgres';
const USER = 'apura';

/**
 * A new and passing server, or the one at a place that is kept.
 *
 * @throws when there is no Postgres: these tests are never skipped.
 */
export async function startPostgres(
  settings: readonly string[] = [],
  place?: KeptPlace,
): Promise<PostgresServer> {
  const programs = findPrograms();
  const folder = place?.folder ?? mkdtempSync(join(passingFolder(), 'apura-postgres-'));
  mkdirSync(folder, { recursive: true });
  const asUser = unprivileged();
  if (asUser.length > 0) run(['chown', DEBIAN_USER, folder]);
  if (!existsSync(join(folder, 'data', 'PG_VERSION'))) {
    run([
      ...[...asUser, join(programs, 'initdb'), '-D', join(folder, 'data'), '--no-sync'],
      ...['--username', USER, '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'],
    ]);
  }
  const port = place?.port ?? (await freePort());
  // A path that is too long for a socket is no fault of whoever keeps a checkout there.
  const sockets = place === undefined ? folder : '';
  const command = [
    ...[...asUser, join(programs, 'postgres'), '-D', join(folder, 'data'), '-p', String(port)],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${sockets}`],
    ...['-c', 'max_connections=200', ...settings.flatMap((setting) => ['-c', setting])],
  ];
  const url = `postgres://${USER}@127.0.0.1:${port}/postgres`;
  const log = join(folder, 'log');
  let child = await launch(command, url, log);
  let isStopped = false;
  const quit = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    if (child.exitCode !== null) throw new Error(`Postgres had ended by itself:\n${tailOf(log)}`);
    // SIGQUIT to the first process has it end all the others as kill -9 would, and wait for them.
    child.kill('SIGQUIT');
    await child.exited;
  };
  const start = async (): Promise<void> => {
    child = await launch(command, url, log);
    isStopped = false;
  };
  return {
    url,
    async crash() {
      await quit();
      await start();
    },
    stop: quit,
    start,
    async [Symbol.asyncDispose]() {
      // SIGINT ends sessions, then writes a checkpoint.
      if (place !== undefined) return endInOrder(child, 'SIGINT');
      try {
        await quit();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/**
 * In memory where there is enough: tables are made in half the time, and these servers' machine never loses
 * its power.
 */
function passingFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    if (bavail * bsize > MEMORY_BYTES_MIN) return MEMORY_FOLDER;
  } catch {
    // There is none.
  }
  return tmpdir();
}

async function launch(
  command: readonly string[],
  url: string,
  log: string,
): Promise<Bun.Subprocess> {
  const messages = openSync(log, 'a');
  const child = Bun.spawn([...command], { stdio: ['ignore', 'ignore', messages] });
  closeSync(messages);
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGQUIT');
      throw new Error(`Postgres does not answer at ${url}:\n${tailOf(log)}`);
    }
    await Bun.sleep(20);
  }
  return child;
}

function tailOf(log: string): string {
  return readFileSync(log, 'utf8').slice(-LOG_TAIL_CHARS);
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** Debian keeps initdb and postgres off the PATH, in a folder for each version. */
function findPrograms(): string {
  const onPath = Bun.which('initdb');
  if (onPath !== null) return join(onPath, '..');
  const versions = listFolder(DEBIAN).sort((a, b) => Number(b) - Number(a));
  const folder = versions
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((bin) => Bun.which('initdb', { PATH: bin }) !== null);
  if (folder !== undefined) return folder;
  throw new Error('No Postgres is installed: `apt-get install postgresql`, or `make test`.');
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Postgres refuses to run as root. The command is replaced by what it starts, so signals reach it. */
function unprivileged(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', `--reuid=${DEBIAN_USER}`, `--regid=${DEBIAN_USER}`, '--init-groups'];
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd: tmpdir() });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}\n${stderr}`);
}
