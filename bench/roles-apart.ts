/** A whole Apura with its roles apart for the bench: Kafka, Redis, Postgres, and a process of each role. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../src/compose/role-names.ts';
import { OperatorApi } from '../src/edge/cli/operator-api.ts';
import { memoryBelow } from '../tools/process-memory.ts';
import { Child, runToEnd } from './child.ts';
import { cpuSeconds } from './process-figures.ts';
import { apura } from './programs.ts';
import { startBenchKafka, startBenchPostgres, startBenchRedis } from './servers.ts';

export interface RolesApart extends AsyncDisposable {
  /** The settings that every process has, and a command is to have. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the query role, with the operators' token. */
  readonly api: OperatorApi;
  urlOf(role: Role): string;
}

/** What the processes of one program have: all of a server's, or a role's one. */
export interface ProgramFigures {
  readonly rssBytes: number;
  /** Proportional: shared pages are each one's part. */
  readonly pssBytes: number;
  /** CPU time since the processes started, s. */
  readonly cpuSeconds: number;
}

const ADMIN_TOKEN_BYTES = 32;
/** As `make run-distributed` has them. */
const POSTGRES_SETTINGS = ['shared_buffers=64MB', 'max_wal_size=512MB', 'wal_compression=on'];
const SERVERS = [
  ['kafka.Kafka', 'Kafka'],
  ['redis-server', 'Redis'],
  ['postgres', 'Postgres'],
] as const;

/** Starts the servers, then these roles in their order; the query role has to be one of them. */
export async function startRolesApart(folder: string, roles: readonly Role[]): Promise<RolesApart> {
  await using cleanup = new AsyncDisposableStack();
  const [kafka, redis, postgres] = [
    cleanup.use(await startBenchKafka(folder)),
    cleanup.use(await startBenchRedis(folder)),
    cleanup.use(await startBenchPostgres(folder, POSTGRES_SETTINGS)),
  ];
  const token = randomBytes(ADMIN_TOKEN_BYTES).toString('hex');
  const env = {
    APURA_LOG: kafka.url,
    APURA_TALLY: redis.url,
    APURA_LEDGER: postgres.url,
    APURA_SECRET: randomBytes(ADMIN_TOKEN_BYTES).toString('hex'),
    APURA_ADMIN_TOKEN: token,
    APURA_HTTP_PORT: '0',
    APURA_GRPC_PORT: '0',
    APURA_LOG_LEVEL: 'warn',
  };
  await runToEnd(apura('migrate'), { env });
  const started = roles.map((role) => {
    const data = join(folder, role);
    mkdirSync(data);
    const child = cleanup.use(new Child(apura(role), { env: { ...env, APURA_DATA: data } }));
    return { role, child };
  });
  const urls = new Map<Role, string>();
  for (const { role, child } of started) {
    const [, url = ''] = await child.printed(/^Apura \w+ is ready: (.*)$/m);
    urls.set(role, url);
  }
  const urlOf = (role: Role): string => {
    const url = urls.get(role);
    if (url === undefined) throw new Error(`The role ${role} was not started.`);
    return url;
  };
  const resources = cleanup.move();
  return {
    env,
    urlOf,
    api: new OperatorApi(urlOf('query'), token),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** By role and server, of everything that this process has started and that runs still. */
export function figuresByProgram(): ReadonlyMap<string, ProgramFigures> {
  const figures = new Map<string, ProgramFigures>();
  for (const { pid, command, rssBytes, shareBytes } of memoryBelow(process.pid)) {
    const name = programOf(command);
    if (name === null) continue;
    const known = figures.get(name) ?? { rssBytes: 0, pssBytes: 0, cpuSeconds: 0 };
    figures.set(name, {
      rssBytes: known.rssBytes + rssBytes,
      pssBytes: known.pssBytes + shareBytes,
      cpuSeconds: known.cpuSeconds + cpuSecondsOr0(pid),
    });
  }
  return figures;
}

/** A process may have ended since it was seen. */
function cpuSecondsOr0(pid: number): number {
  try {
    return cpuSeconds(pid);
  } catch {
    return 0;
  }
}

function programOf(command: string): string | null {
  const role = /src\/main\.ts ([a-z]+)/.exec(command)?.[1];
  if (role !== undefined) return role;
  return SERVERS.find(([part]) => command.includes(part))?.[1] ?? null;
}
