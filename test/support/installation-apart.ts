/** A whole Apura with its roles apart, on servers of its own: every process and server to be killed, stalled and started again. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Role } from '../../src/compose/role-names.ts';
import { ApiClient, type Server } from './api-client.ts';
import { type CassandraServer, startCassandra } from './cassandra-server.ts';
import { type Audit, auditWith, temporaryFolder } from './installation.ts';
import { type KafkaServer, startKafka } from './kafka-server.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { type RabbitmqServer, startRabbitmq } from './rabbitmq-server.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { type CommandEnd, runApura } from './serve.ts';
import { waitUntil } from './wait-until.ts';

export interface ApartOptions {
  readonly log: 'kafka' | 'rabbitmq';
  /** One unless told. */
  readonly kafkaNodes?: 1 | 3;
  /** How many processes of each role; one unless told, none of metering's; 0 for none. */
  readonly roles?: Partial<Readonly<Record<Role, number>>>;
  /** Of the log; 4 unless told. */
  readonly partitions?: number;
  /** Further settings of every process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A Cassandra of one node, and its address in every process's settings. */
  readonly archive?: boolean;
  /** Whom every server knows: stands in every address. */
  readonly user?: { readonly username: string; readonly password: string };
}

/** One process of a role, by a name that outlasts its restarts. */
export interface ApartProcess {
  /** As in `ingest-1`. */
  readonly name: string;
  readonly role: Role;
  /** The same after a restart. */
  readonly url: string;
  /** Of gRPC, the same after a restart; empty where the role has none. */
  readonly grpcUrl: string;
  readonly pid: number;
  /** Whether it has not ended; a stopped one (SIGSTOP) still runs. */
  readonly isRunning: boolean;
  /** The end of what it has printed, over all restarts. */
  readonly log: string;
  /** From its last start to its word that it is ready, ms. */
  readonly readyMs: number;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Query first: a door that is there before the readers has nobody to tell a test of. */
const ROLES: readonly Role[] = [
  'query',
  'ingest',
  'tally',
  'ledger',
  'sync',
  'aggregate',
  'rate',
  'archive',
];
/** Stories of votes have no use for them. */
const METERING: ReadonlySet<Role> = new Set(['aggregate', 'rate', 'archive']);
const HAS_GRPC: ReadonlySet<Role> = new Set(['query', 'ingest', 'rate']);
const PARTITIONS = 4;
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;
const LOG_CHARACTERS_MAX = 1_000_000;
const LOG_CHARACTERS_SHOWN = 3_000;
/** Lines that are shown wherever they stand: errors, what ended for good, and what is stuck. */
const GRAVE = /"level":[56]0|partition_stands_still|"not ready"/;
const GRAVE_LINES_SHOWN = 10;
/** Small enough for many servers on one machine. */
const POSTGRES_SETTINGS = ['shared_buffers=64MB', 'max_wal_size=512MB'];

/** Starts the servers, then all roles, and waits until each has said that it is ready. @throws what one printed, if it ends. */
export async function startApart(options: ApartOptions): Promise<InstallationApart> {
  await using cleanup = new AsyncDisposableStack();
  const { user } = options;
  const known = user === undefined ? {} : { user };
  const login = user === undefined ? '' : `${user.username}:${user.password}@`;
  const folder = temporaryFolder();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [redis, postgres, kafka, rabbitmq, cassandra] = await allOrNone(cleanup, [
    startRedis(user === undefined ? [] : redisUser(user)),
    startPostgres(POSTGRES_SETTINGS),
    options.log === 'kafka' ? startKafka({ nodes: options.kafkaNodes ?? 1, ...known }) : null,
    options.log === 'rabbitmq' ? startRabbitmq(undefined, user) : null,
    options.archive === true ? startCassandra() : null,
  ]);
  const token = randomBytes(16).toString('hex');
  const env = {
    APURA_LOG:
      kafka === null
        ? (rabbitmq?.url ?? '')
        : `kafka://${login}${kafka.brokers}/apura${user === undefined ? '' : '?sasl=plain'}`,
    APURA_TALLY: `${redis.url.replace('//', `//${login}`)}/0`,
    APURA_LEDGER:
      user === undefined ? postgres.url : postgres.url.replace('@', `:${user.password}@`),
    APURA_PARTITIONS: String(options.partitions ?? PARTITIONS),
    APURA_SECRET: randomBytes(32).toString('hex'),
    APURA_ADMIN_TOKEN: token,
    APURA_LOG_LEVEL: 'warn',
    ...(cassandra === null ? {} : { APURA_ARCHIVE: cassandra.url('apura') }),
    ...options.env,
  };
  const apart = new InstallationApart({
    folder,
    env,
    token,
    redis,
    postgres,
    kafka,
    rabbitmq,
    cassandra,
  });
  cleanup.defer(() => apart.endProcesses());
  await Promise.all(
    ROLES.flatMap((role) =>
      Array.from({ length: options.roles?.[role] ?? (METERING.has(role) ? 0 : 1) }, () =>
        apart.start(role),
      ),
    ),
  );
  apart.own(cleanup.move());
  return apart;
}

/** A user beside the one without a name, who stays for whoever starts the server. */
function redisUser({ username, password }: NonNullable<ApartOptions['user']>): readonly string[] {
  return ['--user', username, 'on', `>${password}`, '~*', '&*', '+@all'];
}

interface ApartParts {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly token: string;
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaServer | null;
  readonly rabbitmq: RabbitmqServer | null;
  readonly cassandra: CassandraServer | null;
}

export class InstallationApart implements AsyncDisposable {
  /** The operators'. */
  readonly token: string;
  /** The settings of every process, and of commands such as `apura audit`. */
  readonly env: Readonly<Record<string, string>>;
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  /** Null where the log is on RabbitMQ. */
  readonly kafka: KafkaServer | null;
  /** Null where the log is on Kafka. */
  readonly rabbitmq: RabbitmqServer | null;
  /** Null where nothing is archived. */
  readonly cassandra: CassandraServer | null;
  /** Asks a query process that runs. */
  readonly client: ApiClient;
  readonly #folder: string;
  readonly #processes = new Map<string, RoleProcess>();
  readonly #started = new Map<Role, number>();
  #resources: AsyncDisposableStack | null = null;

  constructor(parts: ApartParts) {
    this.token = parts.token;
    this.env = parts.env;
    this.redis = parts.redis;
    this.postgres = parts.postgres;
    this.kafka = parts.kafka;
    this.rabbitmq = parts.rabbitmq;
    this.cassandra = parts.cassandra;
    this.#folder = parts.folder;
    this.client = new ApiClient(() => this.#query());
  }

  get processes(): readonly ApartProcess[] {
    return [...this.#processes.values()];
  }

  /** The doors' addresses, also of those that do not run just now. */
  get ingestUrls(): readonly string[] {
    return this.#urls('ingest');
  }

  get queryUrls(): readonly string[] {
    return this.#urls('query');
  }

  process(name: string): ApartProcess {
    return this.#process(name);
  }

  /** A client of one process alone. */
  clientOf(name: string): ApiClient {
    const { url } = this.#process(name);
    return new ApiClient(() => ({ url, token: this.token }));
  }

  /** Waits until every door that runs has heard that the poll is open. */
  async takesVotes(poll: string): Promise<void> {
    const doors = this.processes.filter(({ role, isRunning }) => role === 'ingest' && isRunning);
    for (const { name } of doors) {
      await waitUntil(`${name} takes votes`, async () => {
        // A door looks at the option last: no vote is cast.
        const { json } = await this.clientOf(name).vote(poll, 'nobody');
        return json.code === 'option_not_found';
      });
    }
  }

  /** Starts one more process of the role, with settings of its own; resolves to its name once it is ready. */
  async start(role: Role, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const number = (this.#started.get(role) ?? 0) + 1;
    this.#started.set(role, number);
    const name = `${role}-${number}`;
    const data = join(this.#folder, name);
    mkdirSync(data);
    const process = new RoleProcess(name, role, { ...this.env, ...env, APURA_DATA: data });
    this.#processes.set(name, process);
    await process.start();
    return name;
  }

  /** Sends a signal; resolves once the process is gone, at once for SIGSTOP and SIGCONT. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#process(name).kill(signal);
  }

  /** Starts a process that has ended again, at its address; resolves once it is ready. */
  restart(name: string): Promise<void> {
    return this.#process(name).start();
  }

  /** Ends a process in peace. @throws when it takes too long, or does not end with 0. */
  stop(name: string): Promise<void> {
    return this.#process(name).stop();
  }

  /** Ends a process in peace for good. */
  async remove(name: string): Promise<void> {
    await this.stop(name);
    this.#processes.delete(name);
  }

  /** Runs a command such as `['rebuild', 'ledger']` with the installation's settings. */
  run(argv: readonly string[]): Promise<CommandEnd> {
    const { APURA_LOG, APURA_TALLY, APURA_LEDGER, APURA_ARCHIVE } = this.env;
    return runApura(argv, {
      ...(APURA_ARCHIVE === undefined ? {} : { APURA_ARCHIVE }),
      APURA_LOG: `${APURA_LOG}`,
      APURA_TALLY: `${APURA_TALLY}`,
      APURA_LEDGER: `${APURA_LEDGER}`,
      APURA_DATA: this.#folder,
    });
  }

  audit(): Promise<Audit> {
    return auditWith((argv) => this.run(argv));
  }

  /** What every process said last, and the first grave words before, for the message of a failure. */
  get logs(): string {
    return this.processes
      .filter(({ log }) => log !== '')
      .map(({ name, log }) => {
        const earlier = log.slice(0, -LOG_CHARACTERS_SHOWN).split('\n');
        const grave = earlier.filter((line) => GRAVE.test(line)).slice(0, GRAVE_LINES_SHOWN);
        return [`--- ${name}`, ...grave, log.slice(-LOG_CHARACTERS_SHOWN)].join('\n');
      })
      .join('\n');
  }

  /** kill -9 of every process. */
  async endProcesses(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill('SIGKILL')));
  }

  /** What ends with it. */
  own(resources: AsyncDisposableStack): void {
    this.#resources = resources;
  }

  /** Ends every process and server, and removes their folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources?.disposeAsync();
  }

  #process(name: string): RoleProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`There is no process ${name}.`);
    return process;
  }

  #urls(role: Role): readonly string[] {
    return this.processes.filter((process) => process.role === role).map(({ url }) => url);
  }

  #query(): Server {
    const queries = this.processes.filter(({ role }) => role === 'query');
    const chosen = queries.find(({ isRunning }) => isRunning) ?? queries[0];
    if (chosen === undefined) throw new Error('No query process was started.');
    return { url: chosen.url, token: this.token };
  }
}

class RoleProcess implements ApartProcess {
  readonly name: string;
  readonly role: Role;
  readonly #env: Readonly<Record<string, string>>;
  #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | null = null;
  #log = '';
  #url = '';
  #grpcUrl = '';
  #readyMs = 0;

  constructor(name: string, role: Role, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.role = role;
    this.#env = env;
  }

  get url(): string {
    return this.#url;
  }

  get grpcUrl(): string {
    return this.#grpcUrl;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return this.#log;
  }

  get readyMs(): number {
    return this.#readyMs;
  }

  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already.`);
    const startedAt = performance.now();
    const child = Bun.spawn([process.execPath, MAIN, this.role], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...this.#env,
        APURA_HTTP_PORT: portOf(this.#url),
        APURA_GRPC_PORT: portOf(this.#grpcUrl),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    let output = '';
    const outputRead = read(child.stdout, (text) => {
      output += text;
      // The last line of what it says of itself comes last.
      const said = /is ready: (\S+)\n {2}durability .*\n(?: {2}gRPC (\S+)\n)?/.exec(output);
      if (said === null || (HAS_GRPC.has(this.role) && said[2] === undefined)) return;
      this.#url = `${said[1]}`;
      this.#grpcUrl = said[2] ?? '';
      resolve();
    });
    const errorsRead = read(child.stderr, (text) => {
      this.#log = (this.#log + text).slice(-LOG_CHARACTERS_MAX);
    });
    void Promise.all([outputRead, errorsRead]).then(() =>
      reject(new Error(`${this.name} ended before it was ready: ${output}${this.#log}`)),
    );
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${this.name} is not ready after ${START_TIMEOUT_MS} ms: ${this.#log}`));
    }, START_TIMEOUT_MS);
    try {
      await ready;
    } finally {
      clearTimeout(timer);
    }
    this.#readyMs = Math.round(performance.now() - startedAt);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.#child?.exited;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const exitCode = await child.exited;
    clearTimeout(timer);
    if (exitCode === 0) return;
    throw new Error(
      `${this.name} did not end in peace (${child.signalCode ?? exitCode}): ${this.#log}`,
    );
  }
}

/** 0 for the first start: the system chooses. */
function portOf(url: string): string {
  return url === '' ? '0' : new URL(url).port;
}

async function read(from: ReadableStream<Uint8Array>, take: (text: string) => void) {
  const decoder = new TextDecoder();
  for await (const chunk of from) take(decoder.decode(chunk, { stream: true }));
}

/** Waits for all; where one fails the others are left to the cleanup. @throws what the first one threw. */
async function allOrNone<T extends readonly (Promise<AsyncDisposable | null> | null)[]>(
  cleanup: AsyncDisposableStack,
  starting: readonly [...T],
): Promise<{ [Index in keyof T]: Awaited<T[Index]> }> {
  const ends = await Promise.allSettled(starting);
  for (const end of ends) {
    if (end.status === 'fulfilled') cleanup.use(end.value);
  }
  return (await Promise.all(starting)) as { [Index in keyof T]: Awaited<T[Index]> };
}
