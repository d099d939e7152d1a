/** The settings of `apura serve`, typed and checked once: a contradiction stops the start. */
import { resolve } from 'node:path';
import { ApuraError } from '../domain/errors.ts';
import type { Env, EnvName } from './env.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Config {
  /** Absolute path of the data folder. */
  readonly dataFolder: string;
  readonly httpHost: string;
  /** 0 lets the system choose. */
  readonly httpPort: number;
  /** A port of their own for operators' routes, or null: with the rest. */
  readonly adminPort: number | null;
  /** Null: the one in the data folder, made at the first start. */
  readonly adminToken: string | null;
  /** Which log, tally and ledger. */
  readonly log: { readonly kind: 'sqlite' };
  readonly tally: { readonly kind: 'sqlite' };
  readonly ledger: { readonly kind: 'sqlite' };
  /** Partitions of a new log; null: one, or what the log at hand has. */
  readonly partitions: number | null;
  readonly demo: boolean;
  /** Addresses or networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly tls: TlsFiles | null;
  readonly logLevel: LogLevel;
}

export const ADMIN_TOKEN_LENGTH_MIN = 16;
const PARTITIONS_MAX = 511;

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

function store(env: Env, name: EnvName): { readonly kind: 'sqlite' } {
  const text = env[name] ?? 'sqlite';
  if (text !== 'sqlite') {
    throw invalid(name, `is "${text.replace(/\/\/.*@/, '//…@')}"; this version knows sqlite only.`);
  }
  return { kind: 'sqlite' };
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
    log: store(env, 'APURA_LOG'),
    tally: store(env, 'APURA_TALLY'),
    ledger: store(env, 'APURA_LEDGER'),
    partitions:
      env.APURA_PARTITIONS === undefined
        ? null
        : wholeNumber(env, 'APURA_PARTITIONS', 1, 1, PARTITIONS_MAX),
    demo: switchOf(env, 'APURA_DEMO'),
    trustedProxies: list(env, 'APURA_TRUSTED_PROXIES'),
    corsOrigins: originsOf(env),
    tls: tlsOf(env),
    logLevel: levelOf(env),
  };
  if (config.adminPort !== null && config.adminPort !== 0 && config.adminPort === config.httpPort) {
    throw invalid('APURA_ADMIN_PORT', `is ${config.adminPort}, and APURA_HTTP_PORT too.`);
  }
  return config;
}
