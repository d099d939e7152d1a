/** Kafka servers of the tests' own: one KRaft node or three, to be killed, paused and started again. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Connection, metadataV12 } from '@platformatic/kafka';
import { freePorts } from './free-port.ts';
import { endInOrder } from './kept-place.ts';
import { waitUntil } from './wait-until.ts';

export interface KafkaNode {
  /** Its number in the cluster, from 1 on. */
  readonly id: number;
  readonly port: number;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
  /** Ends it in good order: its partitions are led by others first. */
  stop(): Promise<void>;
  /** On the same port and folder; resolves when it answers. */
  start(): Promise<void>;
  /** Stops it in the middle of what it does, and lets it go on. */
  pause(): void;
  resume(): void;
}

export interface KafkaServer extends AsyncDisposable {
  readonly nodes: readonly KafkaNode[];
  /** `host:port` of every node, or of what stands before the one, with commas. */
  readonly brokers: string;
}

export interface KafkaOptions {
  /** 1 or 3. */
  readonly nodes?: number;
  /** Further lines of server.properties. */
  readonly settings?: readonly string[];
  /** Puts something before the one node: gets its URL, and answers with the one that clients are told. */
  readonly behind?: (url: string) => Promise<{ readonly url: string }>;
  /** A user and password that clients must name, by SASL/PLAIN. */
  readonly user?: { readonly username: string; readonly password: string };
  /** Data and addresses that outlast the process: a port for each node, and one more for its controller. */
  readonly place?: {
    readonly folder: string;
    readonly ports: readonly number[];
    readonly controllerPorts: readonly number[];
  };
}

interface NodePlace {
  readonly id: number;
  readonly port: number;
  /** What clients are told to connect to. */
  readonly toldPort: number;
  readonly controllerPort: number;
}

const LIBS = resolve(import.meta.dir, '../../build/servers/kafka-4.1.0/libs');
const START_TIMEOUT_MS = 90_000;
/** Small: several servers stand beside each other on the machines that run tests. */
const JAVA = ['-Xmx384m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const LOG_BYTES_SHOWN = 4_000;

/** @throws when Kafka is not there: these tests are never skipped. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  if (!existsSync(LIBS) || Bun.which('java') === null) {
    throw new Error('There is no Kafka for the tests: `tools/kafka/install.sh`, or `make test`.');
  }
  const { place: kept } = options;
  const folder = kept?.folder ?? mkdtempSync(join(tmpdir(), 'apura-kafka-'));
  const count = options.nodes ?? 1;
  const ports =
    kept === undefined
      ? await freePorts(2 * count)
      : [...kept.ports.slice(0, count), ...kept.controllerPorts.slice(0, count)];
  const voters = Array.from(
    { length: count },
    (_, at) => `${at + 1}@127.0.0.1:${ports[count + at]}`,
  );
  const clusterId = clusterIdOf(folder);
  const front = await options.behind?.(`tcp://127.0.0.1:${ports[0]}`);
  const nodes = Array.from({ length: count }, (_, at) => {
    const port = ports[at] ?? 0;
    const toldPort = front === undefined ? port : Number(new URL(front.url).port);
    const place = { id: at + 1, port, toldPort, controllerPort: ports[count + at] ?? 0 };
    return prepareNode(join(folder, String(place.id)), place, voters, clusterId, options);
  });
  const dispose = async (): Promise<void> => {
    if (kept !== undefined) {
      await Promise.all(nodes.map((node) => node.stop()));
      return;
    }
    await Promise.all(nodes.map((node) => node.kill()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    for (const { port } of nodes) {
      await waitUntil('every node knows every other', async () => {
        return (await brokersSeen(port, options)) === count;
      });
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    nodes,
    brokers:
      front === undefined
        ? nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
        : new URL(front.url).host,
    [Symbol.asyncDispose]: dispose,
  };
}

function prepareNode(
  folder: string,
  place: NodePlace,
  voters: readonly string[],
  clusterId: string,
  options: KafkaOptions,
): KafkaNode {
  const { id, port } = place;
  mkdirSync(folder, { recursive: true });
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, serverProperties(folder, place, voters, options).join('\n'));
  const java = ['java', ...JAVA, '-cp', `${LIBS}/*`];
  const log = join(folder, 'server.log');
  let child: Bun.Subprocess | null = null;
  let isFormatted = existsSync(join(folder, 'data', 'meta.properties'));
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child !== null) await endInOrder(child, signal);
    child = null;
  };
  return {
    id,
    port,
    async start() {
      if (!isFormatted) {
        const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
        const formatting = Bun.spawn([...java, ...format], { stdout: 'ignore', stderr: 'ignore' });
        if ((await formatting.exited) !== 0) throw new Error(`Kafka can not use ${folder}`);
        isFormatted = true;
      }
      const started = Bun.spawn(
        [...java, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', 'kafka.Kafka', properties],
        { stdout: Bun.file(log), stderr: Bun.file(`${log}.err`) },
      );
      child = started;
      await waitUntil(
        `Kafka answers on port ${port}`,
        () => {
          if (started.exitCode !== null) return true;
          return brokersSeen(port, options).then((brokers) => brokers > 0);
        },
        START_TIMEOUT_MS,
      );
      if (started.exitCode !== null) {
        const words = readFileSync(`${log}.err`, 'utf8').slice(-LOG_BYTES_SHOWN);
        throw new Error(`Kafka has ended:\n${words}`);
      }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
}

/** Minted once for a folder: nodes of one cluster refuse another's. */
function clusterIdOf(folder: string): string {
  const file = join(folder, 'cluster-id');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const bytes = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex');
  // An id that began with "-" would be taken for an option of the command that formats the folder.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  const id = bytes.toString('base64url');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, id);
  return id;
}

function serverProperties(
  folder: string,
  place: NodePlace,
  voters: readonly string[],
  options: KafkaOptions,
): readonly string[] {
  const replicas = voters.length >= 3 ? 3 : 1;
  const inSync = voters.length >= 3 ? 2 : 1;
  const clients = options.user === undefined ? 'PLAINTEXT' : 'SASL_PLAINTEXT';
  const login =
    options.user === undefined
      ? []
      : [
          'sasl.enabled.mechanisms=PLAIN',
          'sasl.mechanism.inter.broker.protocol=PLAIN',
          'listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.' +
            `PlainLoginModule required username="${options.user.username}" ` +
            `password="${options.user.password}" ` +
            `user_${options.user.username}="${options.user.password}";`,
        ];
  return [
    'process.roles=broker,controller',
    `node.id=${place.id}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=CLIENTS://127.0.0.1:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    `advertised.listeners=CLIENTS://127.0.0.1:${place.toldPort}`,
    `listener.security.protocol.map=CLIENTS:${clients},CONTROLLER:PLAINTEXT`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=CLIENTS',
    `log.dirs=${join(folder, 'data')}`,
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${inSync}`,
    `min.insync.replicas=1`,
    'offsets.topic.num.partitions=3',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    'num.network.threads=2',
    'num.io.threads=4',
    'log.cleaner.enable=false',
    // A node that was killed is given up soon, and a follower that hangs is waited for not long.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'replica.lag.time.max.ms=3000',
    ...login,
    ...(options.settings ?? []),
  ];
}

/** How many brokers the node knows of. */
async function brokersSeen(port: number, { user }: KafkaOptions): Promise<number> {
  const sasl = user === undefined ? {} : { sasl: { mechanism: 'PLAIN' as const, ...user } };
  const limits = { connectTimeout: 1_000, requestTimeout: 2_000 };
  const connection = new Connection('tests', { ...limits, ...sasl });
  connection.on('error', () => {});
  try {
    await connection.connect('127.0.0.1', port);
    return (await metadataV12.api.async(connection, [], false, false)).brokers.length;
  } finally {
    await connection.close();
  }
}
