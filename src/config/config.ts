/** The settings of a process, typed and checked once: a contradiction stops the start. */
import { resolve } from 'node:path';
import { DAY_MS } from '../domain/counting/retention.ts';
import { ApuraError } from '../domain/errors.ts';
import { LATENESS_MS } from '../domain/metering/pulse.ts';
import { parseDuration } from './duration.ts';
import type { Env, EnvName } from './env.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What stands behind a port, and where it is; the address is empty for what lies in the data folder. */
export interface Engine<Kind extends string> {
  readonly kind: Kind;
  /** May hold a password: never to be shown. */
  readonly url: string;
}

/** Through the broker, or straight to the rating service: `url` is that of its gRPC or of its HTTP port. */
export type UsageTransportKind =
  | { readonly kind: 'broker' }
  | { readonly kind: 'grpc' | 'connect'; readonly url: string };

export interface Config {
  /** Absolute path of the data folder. */
  readonly dataFolder: string;
  readonly httpHost: string;
  /** 0 lets the system choose. */
  readonly httpPort: number;
  /** Whether other processes of Apura may listen on the same port, and the kernel deals out (SO_REUSEPORT). */
  readonly sharePort: boolean;
  /** A port of their own for operators' routes, or null: with the rest. */
  readonly adminPort: number | null;
  /** Null: the one in the data folder, made at the first start. */
  readonly adminToken: string | null;
  /** Null: the one in the data folder, made at the first start. At least SECRET_BYTES_MIN bytes. */
  readonly secret: Uint8Array | null;
  readonly log: Engine<'sqlite' | 'kafka' | 'rabbitmq'>;
  readonly tally: Engine<'sqlite' | 'redis'>;
  /** Where ledger and catalogue are. */
  readonly ledger: Engine<'sqlite' | 'postgres'>;
  /** Port of gRPC; 0 lets the system choose. */
  readonly grpcPort: number;
  /** Where the raw backup of pulses is; null: none is kept. */
  readonly archive: Engine<'cassandra'> | null;
  /** Whether votes are kept there too. */
  readonly archiveVotes: boolean;
  /** From the end of one aggregation of pulses to the begin of the next, ms. */
  readonly aggregateEveryMs: number;
  /** How usage gets to rating. */
  readonly usageTransport: UsageTransportKind;
  /** Partitions of a new log; null: as many as is usual, or as the log at hand has. */
  readonly partitions: number | null;
  /** For how many days the ledger keeps single votes; null: for ever. Counts and windows always stay. */
  readonly ledgerRetentionDays: number | null;
  /** For how many days the ledger keeps single pulses; null: for ever. Their keys and usage always stay. */
  readonly pulseRetentionDays: number | null;
  readonly demo: boolean;
  /** Addresses or networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly tls: TlsFiles | null;
  readonly logLevel: LogLevel;
}

export const ADMIN_TOKEN_LENGTH_MIN = 16;
const SECRET_BYTES_MIN = 32;
const RETENTION_DAYS_MAX = 36_500;
/** A pulse that doors take without being told that it is a backfill is kept for a day at least. */
const PULSE_RETENTION_DAYS_MIN = LATENESS_MS / DAY_MS + 1;
export const PARTITIONS_MAX = 511;
const AGGREGATE_EVERY_MS = 1_000;
/** Shorter ones would cost a commit a partition for next to nothing. */
const AGGREGATE_EVERY_MS_MIN = 50;
const AGGREGATE_EVERY_MS_MAX = 86_400_000;

function invalid(name: EnvName, why: string): ApuraError {
  return new ApuraError('invalid_config', `${name} ${why}`);
}

function wholeNumber(env: Env, name: EnvName, otherwise: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw invalid(name, `is "${text}", not a whole number from ${min} to ${max}.`);
  }
  return value;
}

/** Null where all is kept. */
function retentionOf(env: Env, name: EnvName, min: number): number | null {
  return env[name] === undefined ? null : wholeNumber(env, name, min, min, RETENTION_DAYS_MAX);
}

/** The schemes by which a setting tells what it points to. */
const LOG_SCHEMES = { kafka: 'kafka', amqp: 'rabbitmq', amqps: 'rabbitmq' } as const;
const TALLY_SCHEMES = { redis: 'redis', rediss: 'redis' } as const;
const LEDGER_SCHEMES = { postgres: 'postgres', postgresql: 'postgres' } as const;

function engine<Kind extends string>(
  env: Env,
  name: EnvName,
  schemes: Readonly<Record<string, Kind>>,
): Engine<Kind | 'sqlite'> {
  const url = env[name] ?? 'sqlite';
  if (url === 'sqlite') return { kind: 'sqlite', url: '' };
  const kind = schemes[/^([a-z]+):\/\//.exec(url)?.[1] ?? ''];
  if (kind !== undefined) return { kind, url };
  const known = Object.keys(schemes).map((scheme) => `${scheme}://…`);
  // A password may stand before the last @, also where the form is wrong.
  const shown = url.replace(/^([a-z]+:\/\/)?.*@/s, '$1…@');
  throw invalid(name, `is "${shown}", not sqlite or ${known.join(' or ')}.`);
}

function archiveOf(env: Env): Engine<'cassandra'> | null {
  const url = env.APURA_ARCHIVE ?? 'none';
  if (url === 'none') return null;
  if (/^cassandras?:\/\//.test(url)) return { kind: 'cassandra', url };
  const shown = url.replace(/^([a-z]+:\/\/)?.*@/s, '$1…@');
  throw invalid('APURA_ARCHIVE', `is "${shown}", not none or cassandra://…`);
}

function durationOf(env: Env, name: EnvName, otherwise: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined) return otherwise;
  const ms = parseDuration(text);
  if (ms === null || ms < min || ms > max) {
    throw invalid(name, `is "${text}", not a duration such as 500ms, 30s or 1h, at most a day.`);
  }
  return ms;
}

function usageTransportOf(env: Env): UsageTransportKind {
  const kind = env.APURA_USAGE_TRANSPORT ?? 'broker';
  const url = env.APURA_RATING_URL;
  if (kind === 'broker') {
    if (url === undefined) return { kind };
    throw invalid('APURA_RATING_URL', 'is set, but APURA_USAGE_TRANSPORT is not grpc or connect.');
  }
  if (kind !== 'grpc' && kind !== 'connect') {
    throw invalid('APURA_USAGE_TRANSPORT', `is "${kind}", not broker, grpc or connect.`);
  }
  if (url === undefined) {
    throw invalid('APURA_RATING_URL', `is missing: APURA_USAGE_TRANSPORT is ${kind}.`);
  }
  if (!/^https?:\/\/[^/?#@]+:\d{1,5}$/.test(url)) {
    throw invalid('APURA_RATING_URL', `is "${url}", not http://host:port or https://host:port.`);
  }
  return { kind, url };
}

function secretOf(env: Env): Uint8Array | null {
  const text = env.APURA_SECRET;
  if (text === undefined) return null;
  // Not shown: it is, but for a slip, the secret.
  if (!/^([0-9a-f]{2})*$/i.test(text) || text.length < 2 * SECRET_BYTES_MIN) {
    throw invalid('APURA_SECRET', `is not ${SECRET_BYTES_MIN} or more bytes in hex digits.`);
  }
  return Uint8Array.fromHex(text);
}

function list(env: Env, name: EnvName): string[] {
  const parts = (env[name] ?? '').split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

function originsOf(env: Env): string[] {
  return list(env, 'APURA_CORS_ORIGINS').map((text) => {
    const url = URL.parse(text);
    if (url === null || url.origin !== text || !/^https?:$/.test(url.protocol)) {
      throw invalid(
        'APURA_CORS_ORIGINS',
        `names "${text}", not an origin like https://tv.example.`,
      );
    }
    return text;
  });
}

function tlsOf(env: Env): TlsFiles | null {
  const { APURA_TLS_CERT: certFile, APURA_TLS_KEY: keyFile } = env;
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined) throw invalid('APURA_TLS_CERT', 'is missing: APURA_TLS_KEY is set.');
  if (keyFile === undefined) throw invalid('APURA_TLS_KEY', 'is missing: APURA_TLS_CERT is set.');
  return { certFile, keyFile };
}

function tokenOf(env: Env): string | null {
  const token = env.APURA_ADMIN_TOKEN;
  if (token === undefined) return null;
  if (token.length < ADMIN_TOKEN_LENGTH_MIN || /\s/.test(token)) {
    throw invalid(
      'APURA_ADMIN_TOKEN',
      `must have at least ${ADMIN_TOKEN_LENGTH_MIN} characters and no white space.`,
    );
  }
  return token;
}

function levelOf(env: Env): LogLevel {
  const text = env.APURA_LOG_LEVEL ?? 'info';
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) {
    throw invalid('APURA_LOG_LEVEL', `is "${text}", not one of ${LOG_LEVELS.join(', ')}.`);
  }
  return level;
}

function switchOf(env: Env, name: EnvName): boolean {
  const text = env[name] ?? '0';
  if (text !== '0' && text !== '1') throw invalid(name, `is "${text}", not 0 or 1.`);
  return text === '1';
}

/** @throws ApuraError `invalid_config`: which setting, what is wrong with it. */
export function configOf(env: Env): Config {
  const config: Config = {
    dataFolder: resolve(env.APURA_DATA ?? 'data'),
    httpHost: env.APURA_HTTP_HOST ?? '127.0.0.1',
    httpPort: wholeNumber(env, 'APURA_HTTP_PORT', 8080, 0, 65_535),
    adminPort:
      env.APURA_ADMIN_PORT === undefined
        ? null
        : wholeNumber(env, 'APURA_ADMIN_PORT', 0, 0, 65_535),
    adminToken: tokenOf(env),
    secret: secretOf(env),
    log: engine(env, 'APURA_LOG', LOG_SCHEMES),
    tally: engine(env, 'APURA_TALLY', TALLY_SCHEMES),
    ledger: engine(env, 'APURA_LEDGER', LEDGER_SCHEMES),
    grpcPort: wholeNumber(env, 'APURA_GRPC_PORT', 8081, 0, 65_535),
    archive: archiveOf(env),
    archiveVotes: switchOf(env, 'APURA_ARCHIVE_VOTES'),
    aggregateEveryMs: durationOf(
      env,
      'APURA_AGGREGATE_EVERY',
      AGGREGATE_EVERY_MS,
      AGGREGATE_EVERY_MS_MIN,
      AGGREGATE_EVERY_MS_MAX,
    ),
    usageTransport: usageTransportOf(env),
    partitions:
      env.APURA_PARTITIONS === undefined
        ? null
        : wholeNumber(env, 'APURA_PARTITIONS', 1, 1, PARTITIONS_MAX),
    sharePort: switchOf(env, 'APURA_SHARE_PORT'),
    ledgerRetentionDays: retentionOf(env, 'APURA_LEDGER_RETENTION_DAYS', 1),
    pulseRetentionDays: retentionOf(env, 'APURA_PULSE_RETENTION_DAYS', PULSE_RETENTION_DAYS_MIN),
    demo: switchOf(env, 'APURA_DEMO'),
    trustedProxies: list(env, 'APURA_TRUSTED_PROXIES'),
    corsOrigins: originsOf(env),
    tls: tlsOf(env),
    logLevel: levelOf(env),
  };
  if (config.archiveVotes && config.archive === null) {
    throw invalid('APURA_ARCHIVE_VOTES', 'is 1, but APURA_ARCHIVE names no archive.');
  }
  const ports = [
    ['APURA_HTTP_PORT', config.httpPort],
    ['APURA_ADMIN_PORT', config.adminPort ?? 0],
    ['APURA_GRPC_PORT', config.grpcPort],
  ] as const;
  for (const [at, [name, port]] of ports.entries()) {
    const taken = ports.slice(0, at).find(([, other]) => other !== 0 && other === port);
    if (taken !== undefined) throw invalid(name, `is ${port}, and ${taken[0]} too.`);
  }
  return config;
}

/**
 * The settings of a role that runs in a process of its own.
 *
 * @throws ApuraError `invalid_config`: an embedded engine, which one process alone can have open; or a
 *   secret that the processes would not share.
 */
export function checkApart(role: string, config: Config): void {
  const engines = [
    ['APURA_LOG', config.log, 'kafka://… or amqp://…'],
    ['APURA_TALLY', config.tally, 'redis://…'],
    ['APURA_LEDGER', config.ledger, 'postgres://…'],
  ] as const;
  for (const [name, { kind }, wanted] of engines) {
    if (kind !== 'sqlite') continue;
    throw invalid(
      name,
      `is sqlite, which one process has to itself: apura ${role} needs ${wanted}. ` +
        'With embedded engines, run apura serve.',
    );
  }
  if (role === 'archive' && config.archive === null) {
    throw invalid('APURA_ARCHIVE', 'is missing: apura archive needs cassandra://….');
  }
  const isDoor = role === 'ingest' || role === 'query';
  if (isDoor && config.secret === null) {
    throw invalid(
      'APURA_SECRET',
      'is missing: all doors sign with one key (openssl rand -hex 32).',
    );
  }
  const sendsUsage = role === 'aggregate' && config.usageTransport.kind !== 'broker';
  if ((isDoor || role === 'rate' || sendsUsage) && config.adminToken === null) {
    throw invalid(
      'APURA_ADMIN_TOKEN',
      'is missing: processes apart share no folder to keep one in.',
    );
  }
}

/** @throws ApuraError `invalid_config`: `serve` keeps everything in its data folder. */
export function checkEmbedded(config: Config): void {
  const engines = [
    ['APURA_LOG', config.log],
    ['APURA_TALLY', config.tally],
    ['APURA_LEDGER', config.ledger],
  ] as const;
  for (const [name, { kind }] of engines) {
    if (kind === 'sqlite') continue;
    throw invalid(
      name,
      `is ${kind}, and apura serve is the embedded form: run the roles ` +
        '(ingest, tally, ledger, query, sync) against servers.',
    );
  }
  if (config.archive !== null) {
    throw invalid('APURA_ARCHIVE', 'is kept by apura archive: serve keeps all in its folder.');
  }
  if (config.usageTransport.kind !== 'broker') {
    throw invalid('APURA_USAGE_TRANSPORT', 'is for roles apart: serve rates in its own process.');
  }
  if (config.ledgerRetentionDays === null) return;
  throw invalid(
    'APURA_LEDGER_RETENTION_DAYS',
    'is kept by apura sync, on Postgres: serve keeps all.',
  );
}
