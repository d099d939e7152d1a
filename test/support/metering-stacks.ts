/** The installations that the story of metering is told on: all in one process, and the roles apart. */
import { randomBytes } from 'node:crypto';
import type { ApiClient } from './api-client.ts';
import { Installation } from './installation.ts';
import { type InstallationApart, startApart } from './installation-apart.ts';
import { type CommandEnd, runApura } from './serve.ts';

/** A process that takes pulses, by all protocols. */
export interface PulseDoorProcess {
  readonly name: string;
  readonly url: string;
  readonly grpcUrl: string;
}

export interface MeteringStack extends AsyncDisposable {
  readonly token: string;
  readonly doors: readonly [PulseDoorProcess, ...PulseDoorProcess[]];
  /** Answers questions. */
  readonly client: ApiClient;
  readonly url: string;
  /** Runs a command on the installation. */
  run(argv: readonly string[]): Promise<CommandEnd>;
  /** Null where all is in one process. */
  readonly apart: InstallationApart | null;
  /** What all processes have said, for the message of a failure. */
  readonly logs: string;
}

/** Votes are not what this is about; metering's workers are two, to share the partitions. */
const ROLES = { tally: 0, ledger: 0, sync: 0, aggregate: 2, rate: 1 } as const;
const PARTITIONS = 3;
const ENV = { APURA_AGGREGATE_EVERY: '200ms', APURA_LOG_LEVEL: 'info' };

export const METERING_STACKS: Readonly<Record<string, () => Promise<MeteringStack>>> = {
  sqlite: embedded,
  'kafka/postgres/cassandra, usage through the broker': kafka,
  'rabbitmq/postgres, usage by gRPC': rabbitmq,
};

async function embedded(): Promise<MeteringStack> {
  const token = randomBytes(16).toString('hex');
  const apura = await Installation.start({
    env: { ...ENV, APURA_PARTITIONS: String(PARTITIONS), APURA_ADMIN_TOKEN: token },
  });
  const { url, grpcUrl } = apura.serving;
  return {
    token,
    doors: [{ name: 'serve', url, grpcUrl }],
    client: apura.client,
    url,
    run: (argv) => runApura([...argv, '--data', apura.dataDir]),
    apart: null,
    get logs() {
      return apura.serving.log;
    },
    [Symbol.asyncDispose]: () => apura[Symbol.asyncDispose](),
  };
}

async function kafka(): Promise<MeteringStack> {
  const roles = { ...ROLES, archive: 1 };
  return stackOf(
    await startApart({ log: 'kafka', archive: true, roles, partitions: PARTITIONS, env: ENV }),
  );
}

async function rabbitmq(): Promise<MeteringStack> {
  const roles = { ...ROLES, aggregate: 0 };
  const apart = await startApart({ log: 'rabbitmq', roles, partitions: PARTITIONS, env: ENV });
  const { grpcUrl, url } = apart.process('rate-1');
  // By one and the other: who of both has a partition brings its usage.
  await Promise.all([
    apart.start('aggregate', { APURA_USAGE_TRANSPORT: 'grpc', APURA_RATING_URL: grpcUrl }),
    apart.start('aggregate', { APURA_USAGE_TRANSPORT: 'connect', APURA_RATING_URL: url }),
  ]);
  return stackOf(apart);
}

function stackOf(apart: InstallationApart): MeteringStack {
  const doorOf = (name: string): PulseDoorProcess => {
    const { url, grpcUrl } = apart.process(name);
    return { name, url, grpcUrl };
  };
  return {
    token: apart.token,
    doors: [doorOf('ingest-1'), doorOf('query-1')],
    client: apart.client,
    url: `${apart.queryUrls[0]}`,
    run: (argv) => apart.run(argv),
    apart,
    get logs() {
      return apart.logs;
    },
    [Symbol.asyncDispose]: () => apart[Symbol.asyncDispose](),
  };
}
