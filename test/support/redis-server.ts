/** A Redis server of the tests' own: its own folder and port, to be flushed, killed and started again. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { endInOrder, type KeptPlace } from './kept-place.ts';

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Ends it as kill -9 does, and starts it again on the same folder and port. */
  restart(): Promise<void>;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
  /** Starts it again on the same folder and port, once it is killed. */
  start(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * A new and passing server, or the one at a place that is kept.
 *
 * @throws when there is no redis-server: these tests are never skipped.
 */
export async function startRedis(
  settings: readonly string[] = [],
  place?: KeptPlace,
): Promise<RedisServer> {
  const program = Bun.which('redis-server');
  if (program === null) {
    throw new Error(
      'No redis-server is installed: `apt-get install redis-server`, or `make test`.',
    );
  }
  const folder = place?.folder ?? mkdtempSync(join(tmpdir(), 'apura-redis-'));
  mkdirSync(folder, { recursive: true });
  const port = place?.port ?? (await freePort());
  let child = await launch(program, folder, port, settings);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
  };
  const start = async (): Promise<void> => {
    child = await launch(program, folder, port, settings);
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    async [Symbol.asyncDispose]() {
      if (place !== undefined) return endInOrder(child);
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function launch(program: string, folder: string, port: number, settings: readonly string[]) {
  const child = Bun.spawn(
    [
      program,
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
      ...settings,
    ],
    { stdout: 'ignore', stderr: 'ignore' },
  );
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`redis-server does not answer on port ${port}.`);
    }
    await Bun.sleep(20);
  }
  return child;
}

/** Whether a PING is answered: a server that still loads its files answers something else. */
async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  try {
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (open) => void open.write('PING\r\n'),
        data: (_, bytes) => resolve(bytes.toString().startsWith('+PONG')),
        error: () => resolve(false),
        close: () => resolve(false),
      },
    });
    const answered = await promise;
    socket.end();
    return answered;
  } catch {
    return false;
  }
}
