import { describe, expect, test } from 'bun:test';
import { isAbsolute, resolve } from 'node:path';
import { checkApart, checkEmbedded, configOf } from './config.ts';
import type { Env } from './env.ts';

describe('without any setting', () => {
  test('everything is embedded, local and as the documents say', () => {
    expect(configOf({})).toEqual({
      dataFolder: resolve('data'),
      httpHost: '127.0.0.1',
      httpPort: 8080,
      sharePort: false,
      adminPort: null,
      adminToken: null,
      secret: null,
      log: { kind: 'sqlite', url: '' },
      tally: { kind: 'sqlite', url: '' },
      ledger: { kind: 'sqlite', url: '' },
      partitions: null,
      ledgerRetentionDays: null,
      pulseRetentionDays: null,
      grpcPort: 8081,
      archive: null,
      archiveVotes: false,
      aggregateEveryMs: 1_000,
      usageTransport: { kind: 'broker' },
      demo: false,
      trustedProxies: [],
      corsOrigins: [],
      tls: null,
      logLevel: 'info',
    });
  });
});

describe('a setting is taken', () => {
  test('each as it is meant', () => {
    const config = configOf({
      APURA_DATA: 'somewhere/else',
      APURA_HTTP_HOST: '0.0.0.0',
      APURA_HTTP_PORT: '0',
      APURA_ADMIN_PORT: '65535',
      APURA_ADMIN_TOKEN: 'sixteen-or-more!',
      APURA_LOG: 'sqlite',
      APURA_TALLY: 'sqlite',
      APURA_LEDGER: 'sqlite',
      APURA_PARTITIONS: '511',
      APURA_DEMO: '1',
      APURA_TRUSTED_PROXIES: '10.0.0.0/8, ,192.0.2.7,',
      APURA_CORS_ORIGINS: 'https://tv.example , http://localhost:3000',
      APURA_TLS_CERT: 'cert.pem',
      APURA_TLS_KEY: 'key.pem',
      APURA_LOG_LEVEL: 'silent',
    });
    expect(config).toMatchObject({
      httpHost: '0.0.0.0',
      httpPort: 0,
      adminPort: 65_535,
      adminToken: 'sixteen-or-more!',
      partitions: 511,
      demo: true,
      trustedProxies: ['10.0.0.0/8', '192.0.2.7'],
      corsOrigins: ['https://tv.example', 'http://localhost:3000'],
      tls: { certFile: 'cert.pem', keyFile: 'key.pem' },
      logLevel: 'silent',
    });
    expect(isAbsolute(config.dataFolder)).toBe(true);
    expect(config.dataFolder.endsWith('else')).toBe(true);
  });

  test('two ports that the system chooses are two ports', () => {
    expect(configOf({ APURA_HTTP_PORT: '0', APURA_ADMIN_PORT: '0' })).toMatchObject({
      httpPort: 0,
      adminPort: 0,
    });
  });
});

const APART: Env = {
  APURA_LOG: 'kafka://a:9092,b:9092/votes?replication=3',
  APURA_TALLY: 'rediss://cache:6379',
  APURA_LEDGER: 'postgresql://db/apura',
  APURA_SECRET: '0aF'.repeat(22),
  APURA_ADMIN_TOKEN: 'sixteen-or-more!',
};

const METERING: Env = {
  APURA_GRPC_PORT: '0',
  APURA_ARCHIVE: 'cassandra://cassandra:9042/apura',
  APURA_ARCHIVE_VOTES: '1',
  APURA_AGGREGATE_EVERY: '2m',
  APURA_USAGE_TRANSPORT: 'grpc',
  APURA_RATING_URL: 'https://rating:8081',
};

describe('engines', () => {
  test('of metering: an archive, and a way of usage to rating', () => {
    expect(configOf(METERING)).toMatchObject({
      grpcPort: 0,
      archive: { kind: 'cassandra', url: METERING.APURA_ARCHIVE },
      archiveVotes: true,
      aggregateEveryMs: 120_000,
      usageTransport: { kind: 'grpc', url: METERING.APURA_RATING_URL },
    });
  });

  test('are told by the scheme of their addresses', () => {
    expect(configOf(APART)).toMatchObject({
      log: { kind: 'kafka', url: APART.APURA_LOG },
      tally: { kind: 'redis', url: APART.APURA_TALLY },
      ledger: { kind: 'postgres', url: APART.APURA_LEDGER },
      secret: Uint8Array.fromHex(APART.APURA_SECRET ?? ''),
    });
    for (const url of ['amqp://rabbit', 'amqps://rabbit']) {
      expect(configOf({ APURA_LOG: url }).log).toEqual({ kind: 'rabbitmq', url });
    }
  });

  test('of a role in a process of its own are servers, and its doors sign with one key', () => {
    for (const role of ['ingest', 'tally', 'ledger', 'query', 'sync', 'aggregate', 'rate']) {
      checkApart(role, configOf(APART));
      for (const name of ['APURA_LOG', 'APURA_TALLY', 'APURA_LEDGER'] as const) {
        expect(() => checkApart(role, configOf({ ...APART, [name]: 'sqlite' }))).toThrow(name);
      }
    }
    for (const name of ['APURA_SECRET', 'APURA_ADMIN_TOKEN'] as const) {
      const config = configOf({ ...APART, [name]: undefined });
      expect(() => checkApart('ingest', config)).toThrow(name);
      expect(() => checkApart('query', config)).toThrow(name);
      checkApart('tally', config);
      checkApart('aggregate', config);
    }
    const { APURA_ADMIN_TOKEN: _, ...anonymous } = APART;
    expect(() => checkApart('rate', configOf(anonymous))).toThrow('APURA_ADMIN_TOKEN');
    for (const kind of ['grpc', 'connect'] as const) {
      const direct = { APURA_USAGE_TRANSPORT: kind, APURA_RATING_URL: 'http://rating:8081' };
      const config = configOf({ ...anonymous, ...direct });
      expect(config.usageTransport).toEqual({ kind, url: 'http://rating:8081' });
      expect(() => checkApart('aggregate', config)).toThrow('APURA_ADMIN_TOKEN');
    }
    expect(() => checkApart('archive', configOf(APART))).toThrow('APURA_ARCHIVE');
    checkApart('archive', configOf({ ...APART, APURA_ARCHIVE: 'cassandra://c:9042/apura' }));
  });

  test('of serve are embedded', () => {
    checkEmbedded(configOf({ APURA_PULSE_RETENTION_DAYS: '36' }));
    const kept = configOf({ APURA_LEDGER_RETENTION_DAYS: '90' });
    expect(kept.ledgerRetentionDays).toBe(90);
    expect(() => checkEmbedded(kept)).toThrow('APURA_LEDGER_RETENTION_DAYS');
    expect(() => checkEmbedded(configOf(METERING))).toThrow('APURA_ARCHIVE');
    const unarchived = { APURA_ARCHIVE: 'none', APURA_ARCHIVE_VOTES: '0' };
    expect(() => checkEmbedded(configOf({ ...METERING, ...unarchived }))).toThrow(
      'APURA_USAGE_TRANSPORT',
    );
    for (const name of ['APURA_LOG', 'APURA_TALLY', 'APURA_LEDGER'] as const) {
      expect(() => checkEmbedded(configOf({ [name]: APART[name] }))).toThrow(name);
    }
  });
});

describe('the start is refused', () => {
  test.each<Env>([
    { APURA_HTTP_PORT: '-1' },
    { APURA_HTTP_PORT: '65536' },
    { APURA_HTTP_PORT: '80.5' },
    { APURA_HTTP_PORT: '1e3' },
    { APURA_HTTP_PORT: ' 80' },
    { APURA_HTTP_PORT: '0x50' },
    { APURA_HTTP_PORT: 'http' },
    { APURA_ADMIN_PORT: '65536' },
    { APURA_ADMIN_PORT: '8080' },
    { APURA_ADMIN_PORT: '9000', APURA_HTTP_PORT: '9000' },
    { APURA_ADMIN_TOKEN: 'fifteen-chars-!' },
    { APURA_ADMIN_TOKEN: 'with a blank in between' },
    { APURA_ADMIN_TOKEN: 'with-a-line-break-behind\n' },
    { APURA_LOG: 'redis://localhost' },
    { APURA_LOG: 'broker:9092/votes' },
    { APURA_TALLY: 'kafka://broker:9092/votes' },
    { APURA_LEDGER: 'mysql://localhost/apura' },
    { APURA_LOG: 'SQLite' },
    { APURA_SECRET: 'abcd' },
    { APURA_SECRET: 'f'.repeat(65) },
    { APURA_SECRET: 'x'.repeat(64) },
    { APURA_SHARE_PORT: 'yes' },
    { APURA_GRPC_PORT: '65536' },
    { APURA_GRPC_PORT: '8080' },
    { APURA_ADMIN_PORT: '8081' },
    { APURA_ARCHIVE: 'scylla://localhost' },
    { APURA_ARCHIVE_VOTES: '1' },
    { APURA_ARCHIVE: 'cassandra://localhost/apura', APURA_ARCHIVE_VOTES: 'yes' },
    { APURA_AGGREGATE_EVERY: '10' },
    { APURA_AGGREGATE_EVERY: '10ms' },
    { APURA_AGGREGATE_EVERY: '48h' },
    { APURA_USAGE_TRANSPORT: 'pigeon' },
    { APURA_USAGE_TRANSPORT: 'grpc' },
    { APURA_USAGE_TRANSPORT: 'connect' },
    { APURA_RATING_URL: 'localhost:8082', APURA_USAGE_TRANSPORT: 'grpc' },
    { APURA_RATING_URL: 'http://localhost:8082' },
    { APURA_LEDGER_RETENTION_DAYS: '0' },
    { APURA_LEDGER_RETENTION_DAYS: 'a year' },
    { APURA_PULSE_RETENTION_DAYS: '35' },
    { APURA_PULSE_RETENTION_DAYS: '36d' },
    { APURA_PARTITIONS: '0' },
    { APURA_PARTITIONS: '512' },
    { APURA_PARTITIONS: 'many' },
    { APURA_DEMO: 'true' },
    { APURA_DEMO: '2' },
    { APURA_CORS_ORIGINS: '*' },
    { APURA_CORS_ORIGINS: 'tv.example' },
    { APURA_CORS_ORIGINS: 'https://tv.example/' },
    { APURA_CORS_ORIGINS: 'https://tv.example/path' },
    { APURA_CORS_ORIGINS: 'https://TV.example' },
    { APURA_CORS_ORIGINS: 'https://tv.example:443' },
    { APURA_CORS_ORIGINS: 'ftp://tv.example' },
    { APURA_CORS_ORIGINS: 'null' },
    { APURA_CORS_ORIGINS: 'https://tv.example,evil' },
    { APURA_TLS_CERT: 'cert.pem' },
    { APURA_TLS_KEY: 'key.pem' },
    { APURA_LOG_LEVEL: 'verbose' },
    { APURA_LOG_LEVEL: 'INFO' },
  ])('by %j, naming the variable', (env) => {
    const [name = ''] = Object.keys(env);
    expect(() => configOf(env)).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(name),
      }),
    );
  });

  test('without showing a password that stood in the address', () => {
    const refused = (env: Env): string => {
      try {
        configOf(env);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    const told = refused({ APURA_LEDGER: 'mysql://apura:hunter2@db/apura' });
    expect(told).toContain('APURA_LEDGER');
    expect(told).not.toContain('hunter2');
    for (const address of ['apura:hunter2@db/apura', 'mysql:apura:hunter2@db', '//a:hunter2@b@c']) {
      expect(refused({ APURA_LOG: address })).toMatch(/^(?!.*hunter2).*"(\/\/)?…@/);
    }
    expect(refused({ APURA_ADMIN_TOKEN: 'hunter2' })).not.toContain('hunter2');
    expect(refused({ APURA_SECRET: 'hunter2' })).not.toContain('hunter2');
  });
});
