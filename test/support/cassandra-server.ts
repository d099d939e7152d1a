/** A Cassandra node of the tests' own: its own folder and ports, to be killed, paused and started again. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { auth, Client } from 'cassandra-driver';
import { freePort } from './free-port.ts';
import { endInOrder, type KeptPlace } from './kept-place.ts';
import { waitUntil } from './wait-until.ts';

export interface CassandraServer extends AsyncDisposable {
  /** `host:port` of the node. */
  readonly address: string;
  /** `cassandra://address/keyspace?replication=1…`, with what the node asks of its clients. */
  url(keyspace: string): string;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** On the same ports and folder; resolves when it answers. */
  start(): Promise<void>;
  /** Stops it in the middle of what it does, and lets it go on. */
  pause(): void;
  resume(): void;
}

export interface CassandraOptions {
  readonly place?: KeptPlace;
  /** Clients must log in. */
  readonly login?: boolean;
  /** Clients must speak TLS: PEM files of the node's certificate and key. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** The user that a new node has, and its password. */
const USER = 'cassandra';

const LIBS = resolve(import.meta.dir, '../../build/servers/cassandra-5.0.5/libs');
const START_TIMEOUT_MS = 120_000;
const LOG_BYTES_SHOWN = 4_000;
/** Small: several servers stand beside each other on the machines that run tests. */
const MEMORY = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=256m'];
/** What Cassandra 5 reaches into on Java 17, as the distribution's jvm17-server.options has it. */
const MODULES = [
  ...[
    'java.base/jdk.internal.misc',
    'java.base/jdk.internal.ref',
    'java.base/sun.nio.ch',
    'java.management.rmi/com.sun.jmx.remote.internal.rmi',
    'java.rmi/sun.rmi.registry',
    'java.rmi/sun.rmi.server',
    'java.sql/java.sql',
  ].map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...[
    'java.base/java.lang',
    'java.base/java.lang.module',
    'java.base/java.io',
    'java.base/java.nio',
    'java.base/java.util',
    'java.base/java.util.concurrent',
    'java.base/java.util.concurrent.atomic',
    'java.base/jdk.internal.loader',
    'java.base/jdk.internal.ref',
    'java.base/jdk.internal.reflect',
    'java.base/jdk.internal.math',
    'java.base/jdk.internal.module',
    'java.base/jdk.internal.util.jar',
    'java.base/sun.nio.ch',
    'jdk.compiler/com.sun.tools.javac.file',
    'jdk.management/com.sun.management.internal',
  ].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];
const SYSTEM = [
  '-Djdk.attach.allowAttachSelf=true',
  '-Dcassandra-foreground=yes',
  // Alone: it need not learn of others before it answers.
  '-Dcassandra.ring_delay_ms=0',
  '-Dcassandra.skip_wait_for_gossip_to_settle=0',
  '-Dcassandra.superuser_setup_delay_ms=0',
];

/** @throws when Cassandra is not there: these tests are never skipped. */
export async function startCassandra(options: CassandraOptions = {}): Promise<CassandraServer> {
  if (!existsSync(LIBS) || Bun.which('java') === null) {
    throw new Error(
      'There is no Cassandra for the tests: `tools/cassandra/install.sh`, or `make test`.',
    );
  }
  const { place } = options;
  const folder = place?.folder ?? mkdtempSync(join(tmpdir(), 'apura-cassandra-'));
  mkdirSync(folder, { recursive: true });
  const port = place?.port ?? (await freePort());
  const log = join(folder, 'server.log');
  let child: Bun.Subprocess | null = null;
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child !== null) await endInOrder(child, signal);
    child = null;
  };
  const start = async (): Promise<void> => {
    const config = join(folder, 'cassandra.yaml');
    writeFileSync(config, JSON.stringify(await configuration(folder, port, options)));
    const started = Bun.spawn(
      [
        ...['java', ...MEMORY, ...MODULES, ...SYSTEM],
        `-Dcassandra.config=file://${config}`,
        `-Dcassandra.storagedir=${folder}`,
        `-Dlogback.configurationFile=${logging(folder)}`,
        ...['-cp', `${LIBS}/*`, 'org.apache.cassandra.service.CassandraDaemon'],
      ],
      { cwd: folder, stdout: Bun.file(log), stderr: Bun.file(`${log}.err`) },
    );
    child = started;
    await waitUntil(
      `Cassandra answers on port ${port}`,
      () => started.exitCode !== null || answers(port, options),
      START_TIMEOUT_MS,
    );
    if (started.exitCode !== null) {
      const words = readFileSync(log, 'utf8') + readFileSync(`${log}.err`, 'utf8');
      throw new Error(`Cassandra has ended:\n${words.slice(-LOG_BYTES_SHOWN)}`);
    }
  };
  const dispose = async (): Promise<void> => {
    await end(place === undefined ? 'SIGKILL' : 'SIGTERM');
    if (place === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  const user = options.login === true ? `${USER}:${USER}@` : '';
  const [scheme, ca] =
    options.tls === undefined
      ? ['cassandra', '']
      : ['cassandras', `&ca=${encodeURIComponent(options.tls.cert)}`];
  return {
    address: `127.0.0.1:${port}`,
    url: (keyspace) =>
      `${scheme}://${user}127.0.0.1:${port}/${keyspace}?replication=1&dc=datacenter1${ca}`,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: dispose,
  };
}

/** JSON is YAML. */
async function configuration(
  folder: string,
  port: number,
  options: CassandraOptions,
): Promise<Readonly<Record<string, unknown>>> {
  // Nobody is told of the port among nodes: this node has no peers.
  const storagePort = await freePort();
  return {
    cluster_name: 'apura',
    num_tokens: 1,
    auto_bootstrap: false,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storagePort}` }],
      },
    ],
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    storage_port: storagePort,
    native_transport_port: port,
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    saved_caches_directory: join(folder, 'saved_caches'),
    hints_directory: join(folder, 'hints'),
    // A write is on the disk before it is confirmed: a node alone has no other to ask.
    commitlog_sync: 'batch',
    commitlog_segment_size: '16MiB',
    commitlog_total_space: '128MiB',
    memtable_heap_space: '64MiB',
    memtable_offheap_space: '64MiB',
    file_cache_size: '32MiB',
    key_cache_size: '4MiB',
    networking_cache_size: '32MiB',
    concurrent_reads: 8,
    concurrent_writes: 8,
    concurrent_compactors: 1,
    auto_snapshot: false,
    ...(options.login === true
      ? { authenticator: 'PasswordAuthenticator', authorizer: 'CassandraAuthorizer' }
      : {}),
    ...(options.tls === undefined
      ? {}
      : { client_encryption_options: encryption(folder, options.tls) }),
  };
}

/** The node's certificate and key as the PEM store that Cassandra reads. */
function encryption(folder: string, tls: { readonly cert: string; readonly key: string }) {
  const keystore = join(folder, 'node.pem');
  writeFileSync(keystore, readFileSync(tls.key, 'utf8') + readFileSync(tls.cert, 'utf8'));
  return {
    enabled: true,
    optional: false,
    ssl_context_factory: {
      class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory',
    },
    keystore,
  };
}

function logging(folder: string): string {
  const file = join(folder, 'logback.xml');
  writeFileSync(
    file,
    `<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder>
     <pattern>%level %date %logger %msg%n</pattern></encoder></appender>
     <root level="WARN"><appender-ref ref="OUT"/></root></configuration>`,
  );
  return file;
}

async function answers(port: number, options: CassandraOptions): Promise<boolean> {
  const client = new Client({
    contactPoints: [`127.0.0.1:${port}`],
    localDataCenter: 'datacenter1',
    socketOptions: { connectTimeout: 1_000, readTimeout: 2_000 },
    ...(options.login === true ? { authProvider: new auth.PlainTextAuthProvider(USER, USER) } : {}),
    ...(options.tls === undefined ? {} : { sslOptions: { ca: [readFileSync(options.tls.cert)] } }),
  });
  try {
    await client.execute('SELECT release_version FROM system.local');
    return true;
  } finally {
    await client.shutdown();
  }
}
