/** The environment variables that Apura knows: the only reader of `process.env`. */

export interface EnvVariable {
  /** As in `APURA_HTTP_PORT`; the flag is `--http-port`. */
  readonly name: `APURA_${string}`;
  /** What help and docs say of it. */
  readonly help: string;
  /** What stands for the value in help. */
  readonly placeholder: string;
}

export const ENV_VARIABLES = [
  { name: 'APURA_DATA', placeholder: 'FOLDER', help: 'folder of log, stores, token and secrets' },
  { name: 'APURA_HTTP_HOST', placeholder: 'ADDRESS', help: 'address to listen on' },
  { name: 'APURA_HTTP_PORT', placeholder: 'PORT', help: 'port of pages, API and feeds' },
  {
    name: 'APURA_SHARE_PORT',
    placeholder: '1',
    help: 'let several ingest processes listen on one port',
  },
  {
    name: 'APURA_GRPC_PORT',
    placeholder: 'PORT',
    help: 'port of gRPC: pulses, and usage for rating',
  },
  { name: 'APURA_ADMIN_PORT', placeholder: 'PORT', help: 'a port for operators alone' },
  { name: 'APURA_ADMIN_TOKEN', placeholder: 'TOKEN', help: "the operators' token" },
  { name: 'APURA_LOG', placeholder: 'ADDRESS', help: 'event log: sqlite, kafka://… or amqp://…' },
  { name: 'APURA_TALLY', placeholder: 'ADDRESS', help: 'live tally: sqlite or redis://…' },
  {
    name: 'APURA_LEDGER',
    placeholder: 'ADDRESS',
    help: 'ledger and catalogue: sqlite or postgres://…',
  },
  {
    name: 'APURA_ARCHIVE',
    placeholder: 'ADDRESS',
    help: 'raw backup of pulses: none or cassandra://…',
  },
  { name: 'APURA_ARCHIVE_VOTES', placeholder: '1', help: 'keep a raw backup of votes there too' },
  {
    name: 'APURA_AGGREGATE_EVERY',
    placeholder: 'DURATION',
    help: 'period of the aggregation of pulses',
  },
  {
    name: 'APURA_USAGE_TRANSPORT',
    placeholder: 'WAY',
    help: "usage's way to rating: broker, grpc or connect",
  },
  {
    name: 'APURA_RATING_URL',
    placeholder: 'ADDRESS',
    help: 'address of apura rate, for the transports grpc and connect',
  },
  {
    name: 'APURA_SECRET',
    placeholder: 'HEX',
    help: 'key of results tokens, one for all processes',
  },
  { name: 'APURA_PARTITIONS', placeholder: 'COUNT', help: 'partitions of a new log' },
  {
    name: 'APURA_LEDGER_RETENTION_DAYS',
    placeholder: 'DAYS',
    help: 'for how long the ledger keeps single votes',
  },
  {
    name: 'APURA_PULSE_RETENTION_DAYS',
    placeholder: 'DAYS',
    help: 'for how long the ledger keeps single pulses',
  },
  { name: 'APURA_DEMO', placeholder: '1', help: 'make an open demo poll if there is none yet' },
  { name: 'APURA_TRUSTED_PROXIES', placeholder: 'CIDRS', help: 'whose X-Forwarded-For to believe' },
  { name: 'APURA_CORS_ORIGINS', placeholder: 'ORIGINS', help: 'who may call the public API' },
  { name: 'APURA_TLS_CERT', placeholder: 'FILE', help: 'PEM certificate chain' },
  { name: 'APURA_TLS_KEY', placeholder: 'FILE', help: "the certificate's PEM key" },
  {
    name: 'APURA_LOG_LEVEL',
    placeholder: 'LEVEL',
    help: 'trace, debug, info, warn, error, silent',
  },
] as const satisfies readonly EnvVariable[];

export type EnvName = (typeof ENV_VARIABLES)[number]['name'];
export type Env = Readonly<Partial<Record<EnvName, string>>>;

/** The process's environment, as commands get it. */
export function processEnv(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** The flag of a variable, without its dashes: APURA_HTTP_PORT is `http-port`. */
export function flagName(name: EnvName): string {
  return name.slice('APURA_'.length).toLowerCase().replaceAll('_', '-');
}

/**
 * The known variables of an environment, and the names of variables that start as ours but are none:
 * most likely a slip of the pen. Empty values are as if unset.
 */
export function readEnv(environment: Readonly<Record<string, string | undefined>>): {
  readonly env: Env;
  readonly unknown: readonly string[];
} {
  const env: Partial<Record<EnvName, string>> = {};
  for (const { name } of ENV_VARIABLES) {
    const value = environment[name];
    if (value !== undefined && value !== '') env[name] = value;
  }
  const known = new Set<string>(ENV_VARIABLES.map(({ name }) => name));
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('APURA_') && !known.has(name),
  );
  return { env, unknown };
}
