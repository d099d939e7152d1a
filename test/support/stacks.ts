/** The installations that one story is told on: all in one process on SQLite, and the roles apart on servers. */
import { randomBytes } from 'node:crypto';
import type { ApiClient } from './api-client.ts';
import { Installation } from './installation.ts';
import type { InstallationApart } from './installation-apart.ts';
import { startApart } from './installation-apart.ts';
import { type CommandEnd, runApura } from './serve.ts';

/** A process as seen from outside. */
export interface StackProcess {
  readonly name: string;
  readonly url: string;
  readonly client: ApiClient;
}

export interface Stack extends AsyncDisposable {
  readonly token: string;
  readonly processes: readonly StackProcess[];
  /** Those that take votes as JSON; the first one does nothing else where roles are apart. */
  readonly doors: readonly StackProcess[];
  /** Two that answer all else; the same one twice where there is one. */
  readonly readers: readonly [StackProcess, StackProcess];
  readonly durability: string;
  /** How far ahead a change of a poll takes effect. */
  readonly effectMs: number;
  /** Null where all is in one process. */
  readonly apart: InstallationApart | null;
  /** What must never be printed, by what it is. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What all processes have printed so far, but for what a first start prints on purpose. */
  readonly printed: string;
  /** Runs a command with the addresses of log and stores. */
  run(argv: readonly string[]): Promise<CommandEnd>;
}

export const STACKS: Readonly<Record<string, () => Promise<Stack>>> = {
  'sqlite/sqlite/sqlite': embedded,
  'kafka/redis/postgres': () => apart('kafka'),
  'rabbitmq/redis/postgres': () => apart('rabbitmq'),
};

const EFFECT_APART_MS = 2_000;
/** Several partitions: what holds with one may not hold with more. */
const PARTITIONS = 3;

async function embedded(): Promise<Stack> {
  const token = randomBytes(16).toString('hex');
  const apura = await Installation.start({
    env: {
      APURA_PARTITIONS: String(PARTITIONS),
      APURA_ADMIN_TOKEN: token,
      APURA_LOG_LEVEL: 'info',
    },
  });
  const process: StackProcess = { name: 'serve', url: apura.url, client: apura.client };
  return {
    token,
    processes: [process],
    doors: [process],
    readers: [process, process],
    durability: 'power-safe',
    effectMs: 0,
    apart: null,
    secrets: { token },
    get printed() {
      return apura.serving.log;
    },
    run: (argv) => runApura(argv, { APURA_DATA: apura.dataDir }),
    [Symbol.asyncDispose]: () => apura[Symbol.asyncDispose](),
  };
}

async function apart(log: 'kafka' | 'rabbitmq'): Promise<Stack> {
  const user = { username: 'vera', password: randomBytes(12).toString('hex') };
  const apura = await startApart({
    log,
    user,
    roles: { ingest: 2, query: 2 },
    partitions: PARTITIONS,
    env: { APURA_LOG_LEVEL: 'info' },
  });
  const processes = apura.processes.map(({ name, url }) => ({
    name,
    url,
    client: apura.clientOf(name),
  }));
  const named = (role: string) => processes.filter(({ name }) => name.startsWith(role));
  const [first, second] = named('query');
  if (first === undefined || second === undefined) throw new Error('Two query processes run.');
  return {
    token: apura.token,
    processes,
    doors: [...named('ingest'), first, second],
    readers: [first, second],
    durability: 'process-safe',
    effectMs: EFFECT_APART_MS,
    apart: apura,
    secrets: {
      token: apura.token,
      secret: `${apura.env.APURA_SECRET}`,
      password: user.password,
    },
    get printed() {
      return apura.processes.map((process) => process.log).join('\n');
    },
    run: (argv) => apura.run(argv),
    [Symbol.asyncDispose]: () => apura[Symbol.asyncDispose](),
  };
}
