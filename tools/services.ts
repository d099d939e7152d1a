/** Starts real servers for development, each in its own folder and on its own port, until Ctrl-C: `make services`. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCassandra } from '../test/support/cassandra-server.ts';
import { startKafka } from '../test/support/kafka-server.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { startRabbitmq } from '../test/support/rabbitmq-server.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { inOwnSession } from './own-session.ts';

const SERVICES = ['redis', 'postgres', 'kafka', 'rabbitmq', 'cassandra'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Away from the usual ones, which a server of the machine's may have. Kafka takes six from its own on. */
const PORTS: Readonly<Record<ServiceName, number>> = {
  redis: 6380,
  postgres: 5433,
  kafka: 9192,
  rabbitmq: 5673,
  cassandra: 9142,
};
const KAFKA_NODES_MAX = 3;

export interface ServiceOptions {
  readonly what: readonly ServiceName[];
  /** 1 or 3. */
  readonly kafkaNodes: number;
  readonly ports?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Where their data is kept: build/services, if absent. */
  readonly folder?: string;
}

export interface RunningServices extends AsyncDisposable {
  /** The settings of Apura that use them: Kafka's rather than RabbitMQ's where both were asked for. */
  readonly env: Readonly<Record<string, string>>;
  /** For people: where each is, and where its data is. */
  readonly lines: readonly string[];
}

interface Service extends AsyncDisposable {
  readonly setting: 'APURA_LOG' | 'APURA_TALLY' | 'APURA_LEDGER' | 'APURA_ARCHIVE';
  readonly url: string;
}

const REDIS_CONFIG = fileURLToPath(new URL('../deploy/redis/redis.conf', import.meta.url));
/** As it is shipped. Bounds are small enough for one machine that has all servers, and the roles beside them. */
const REDIS_SETTINGS = ['--include', REDIS_CONFIG, '--maxmemory', '512mb'];
const POSTGRES_SETTINGS = ['shared_buffers=64MB', 'max_wal_size=512MB', 'wal_compression=on'];

const FOLDER = fileURLToPath(new URL('../build/services', import.meta.url));

/** Resolves when all answer. What was asked for is kept between runs. @throws what is missing. */
export async function startServices(options: ServiceOptions): Promise<RunningServices> {
  const { what, kafkaNodes, ports = {}, folder: root = FOLDER } = options;
  mkdirSync(root, { recursive: true });
  const portOf = (name: ServiceName): number => ports[name] ?? PORTS[name];
  for (const name of what) {
    const count = name === 'kafka' ? kafkaNodes : 1;
    for (let port = portOf(name); port < portOf(name) + count; port += 1) {
      if (await isFree(port)) continue;
      throw new Error(
        `Port ${port} is taken: does ${name} run already? PORTS="${name}=…" moves it.`,
      );
    }
  }
  const started = new AsyncDisposableStack();
  const env: Record<string, string> = {};
  const lines: string[] = [];
  try {
    // Kafka before RabbitMQ in the list, and so the log if both are there.
    for (const name of SERVICES.filter((service) => what.includes(service))) {
      const folder = join(root, name === 'kafka' ? `kafka-${kafkaNodes}` : name);
      const service = await start(name, folder, portOf(name), kafkaNodes);
      started.use(service);
      env[service.setting] ??= service.url;
      lines.push(`${name.padEnd(9)} ${service.setting}=${service.url}   (data in ${folder})`);
    }
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
  return { env, lines, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

async function start(
  name: ServiceName,
  folder: string,
  port: number,
  kafkaNodes: number,
): Promise<Service> {
  const place = { folder, port };
  switch (name) {
    case 'redis': {
      const server = await startRedis(REDIS_SETTINGS, place);
      return as('APURA_TALLY', `${server.url}/0`, server);
    }
    case 'postgres': {
      const server = await startPostgres(POSTGRES_SETTINGS, place);
      return as('APURA_LEDGER', server.url, server);
    }
    case 'kafka': {
      const numbers = (from: number) => Array.from({ length: kafkaNodes }, (_, at) => from + at);
      const server = await startKafka({
        nodes: kafkaNodes,
        place: {
          folder,
          ports: numbers(port),
          controllerPorts: numbers(port + KAFKA_NODES_MAX),
        },
      });
      return as('APURA_LOG', `kafka://${server.brokers}/apura`, server);
    }
    case 'rabbitmq': {
      const server = await startRabbitmq(place);
      return as('APURA_LOG', server.url, server);
    }
    case 'cassandra': {
      const server = await startCassandra({ place });
      return as('APURA_ARCHIVE', server.url('apura'), server);
    }
  }
}

function as(setting: Service['setting'], url: string, server: AsyncDisposable): Service {
  return { setting, url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  return promise;
}

/** @throws what is wrong with the arguments. */
function optionsOf(argv: readonly string[]): ServiceOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      'kafka-nodes': { type: 'string', default: '1' },
      port: { type: 'string', multiple: true, default: [] },
    },
  });
  const isService = (name: string): name is ServiceName =>
    SERVICES.some((service) => service === name);
  const what = positionals.length === 0 ? SERVICES.slice(0, 3) : positionals;
  const unknown = what.filter((name) => !isService(name));
  if (unknown.length > 0) {
    throw new Error(`No such service: ${unknown.join(', ')}. There are ${SERVICES.join(', ')}.`);
  }
  const nodes = values['kafka-nodes'];
  if (nodes !== '1' && nodes !== '3') throw new Error('KAFKA_NODES is 1 or 3.');
  const ports = values.port.map((text) => {
    const [name = '', port = ''] = text.split('=');
    if (!isService(name) || !/^\d{1,5}$/.test(port)) {
      throw new Error(`PORTS names "${text}", not a service and its port like redis=6399.`);
    }
    return [name, Number(port)] as const;
  });
  return {
    what: what.filter(isService),
    kafkaNodes: Number(nodes),
    ports: Object.fromEntries(ports),
  };
}

async function main(argv: readonly string[], stop: AbortSignal): Promise<number> {
  const options = optionsOf(argv);
  console.log(`Starting ${options.what.join(', ')} …`);
  await using services = await startServices(options);
  console.log(['', ...services.lines, '', 'For a shell that runs Apura on them:'].join('\n'));
  for (const [name, value] of Object.entries(services.env)) {
    console.log(`  export ${name}='${value}'`);
  }
  console.log('\nCtrl-C stops them; their data stays.');
  const { promise, resolve } = Promise.withResolvers<void>();
  stop.addEventListener('abort', () => resolve(), { once: true });
  if (stop.aborted) resolve();
  await promise;
  console.log('\nStopping …');
  return 0;
}

if (import.meta.main) await inOwnSession(import.meta.path, main);
