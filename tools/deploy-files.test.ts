/** What deploy/ says of Apura holds: settings exist, ports meet, images are pinned, memory is bounded, no secret is baked in. */
import { afterEach, describe, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ENV_VARIABLES } from '../src/config/env.ts';

const ROOT = resolve(import.meta.dir, '..');
const COMPOSE = 'deploy/compose';
const MIB_OF_6_GIB = 6 * 1024;
const MIB_OF_LITE = 2.5 * 1024;
const ROLES = ['migrate', 'ingest', 'tally', 'ledger', 'query', 'sync', 'aggregate', 'rate'];
const PINNED = /^[a-z0-9./-]+:\d+\.\d+[\w.-]*$/;

const serviceSchema = z.looseObject({
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  tmpfs: z.array(z.string().startsWith('/')).optional(),
  profiles: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).optional(),
  healthcheck: z.looseObject({}).optional(),
  deploy: z
    .looseObject({
      replicas: z.number().optional(),
      resources: z.looseObject({ limits: z.looseObject({ memory: z.string() }) }).optional(),
    })
    .optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.null()),
});
type Service = z.infer<typeof serviceSchema>;

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** A tag of Compose's own is no part of YAML's. */
const compose = (name: string) =>
  composeSchema.parse(Bun.YAML.parse(read(`${COMPOSE}/${name}`).replaceAll('!override ', '')));

const whole = compose('compose.yaml');
const lite = compose('compose.lite.yaml');
const dockerfile = read('deploy/docker/Dockerfile');
const knownSettings = new Set<string>(ENV_VARIABLES.map(({ name }) => name));

/** Of services that start by default, so without RabbitMQ. */
function memoryMib(services: Readonly<Record<string, Service>>): number {
  return Object.values(services)
    .filter(({ profiles = ['kafka'] }) => profiles.includes('kafka'))
    .reduce((sum, { deploy }) => {
      // What is meant where a setting may say otherwise.
      const memory = deploy?.resources?.limits.memory.replace(/^\$\{\w+:-(\w+)\}$/, '$1') ?? '';
      const limit = /^(\d+)M$/.exec(memory)?.[1];
      expect(limit).toBeDefined();
      return sum + Number(limit) * (deploy?.replicas ?? 1);
    }, 0);
}

let folder: string | null = null;
afterEach(() => {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  folder = null;
});

describe('deploy/compose', () => {
  test('names settings that exist, and no others', () => {
    for (const file of ['compose.yaml', 'compose.lite.yaml', '.env.example']) {
      const text = read(`${COMPOSE}/${file}`).replaceAll('APURA_LOG_LITE', 'APURA_LOG');
      const named = [...text.matchAll(/\bAPURA_[A-Z_]+/g)].map(([name]) => name);
      expect(named.filter((name) => !knownSettings.has(name))).toEqual([]);
    }
  });

  test('has every role, and pins every image', () => {
    for (const role of ROLES) expect(whole.services[role]?.command).toEqual([role]);
    for (const [name, { image }] of Object.entries(whole.services)) {
      expect([name, image]).toEqual([name, expect.stringMatching(PINNED)]);
    }
  });

  test('bounds the memory of every service, 6 GiB and 2.5 GiB in all', () => {
    expect(memoryMib(whole.services)).toBeLessThanOrEqual(MIB_OF_6_GIB);
    const merged = Object.fromEntries(
      Object.entries(whole.services).map(([name, service]) => {
        const over = lite.services[name];
        return [name, { ...service, ...over }];
      }),
    );
    expect(memoryMib(merged)).toBeLessThanOrEqual(MIB_OF_LITE);
  });

  test('waits for what it needs, which says that it is healthy', () => {
    for (const [name, { depends_on: needs = {} }] of Object.entries(whole.services)) {
      for (const [need, { condition }] of Object.entries(needs)) {
        const service = whole.services[need];
        expect([name, need, service === undefined]).toEqual([name, need, false]);
        if (condition !== 'service_healthy') continue;
        const isOurs = service?.image?.startsWith('apura:') === true;
        expect([need, isOurs || service?.healthcheck !== undefined]).toEqual([need, true]);
      }
    }
  });

  test('mounts files that are there, and volumes that it has', () => {
    for (const file of [whole, lite]) {
      for (const { volumes = [] } of Object.values(file.services)) {
        for (const volume of volumes) {
          const source = volume.split(':')[0] ?? '';
          const isThere = source.startsWith('.')
            ? existsSync(join(ROOT, COMPOSE, source))
            : source in file.volumes;
          expect([volume, isThere]).toEqual([volume, true]);
        }
      }
    }
  });

  test('lets the gateway knock where the roles listen', () => {
    const port = whole.services.ingest?.environment?.APURA_HTTP_PORT ?? '';
    const { environment = {} } = whole.services.gateway ?? {};
    expect(environment.GATEWAY_INGEST_SERVERS).toContain(`server ingest:${port} `);
    expect(environment.GATEWAY_QUERY_SERVERS).toContain(`server query:${port} `);
    const names = [...read('deploy/gateway/nginx.conf').matchAll(/\$\{(GATEWAY_[A-Z_]+)\}/g)];
    for (const [, name = ''] of names) expect([name, name in environment]).toEqual([name, true]);
  });

  test('bakes no secret in, and makes fresh ones by one command', () => {
    const secrets = ['APURA_ADMIN_TOKEN', 'APURA_SECRET', 'POSTGRES_PASSWORD', 'RABBITMQ_PASSWORD'];
    const example = read(`${COMPOSE}/.env.example`);
    for (const name of secrets) {
      expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
      const uses = [...read(`${COMPOSE}/compose.yaml`).matchAll(/\$\{(\w+)(:[-?])?/g)];
      const own = uses.filter(([, used]) => used === name);
      expect(own.length).toBeGreaterThan(0);
      for (const [, , otherwise] of own) expect(otherwise).toBe(':?');
    }
    folder = mkdtempSync(join(tmpdir(), 'apura-compose-'));
    cpSync(join(ROOT, COMPOSE), folder, { recursive: true });
    rmSync(join(folder, '.env'), { force: true });
    const command = [join(folder, 'make-env.sh')];
    expect(Bun.spawnSync(command).exitCode).toBe(0);
    const made = readFileSync(join(folder, '.env'), 'utf8');
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(made).toMatch(/^APURA_SECRET=[0-9a-f]{64}$/m);
    expect(made).toMatch(/^KAFKA_CLUSTER_ID=[\w-]{22}$/m);
    for (const name of secrets) expect(made).toMatch(new RegExp(`^${name}=[0-9a-f]{32,}$`, 'm'));
    // What is there is kept: it holds the only copy.
    expect(Bun.spawnSync(command).exitCode).toBe(1);
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(made);
  });
});

describe('deploy/docker', () => {
  test('pins its bases, drops root, names its health and what it is', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(bases).toHaveLength(2);
    for (const base of bases) expect(base).toMatch(PINNED);
    const last = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(last).toMatch(/^HEALTHCHECK .*CMD \["healthy"\]$/m);
    expect(last).toContain('org.opencontainers.image.licenses="Apache-2.0"');
    expect(dockerfile).not.toMatch(/\bADD\b|:latest|sudo|apt-get upgrade/);
  });

  test('sets settings that exist, and copies what the build context lets in', () => {
    const settings = [...dockerfile.matchAll(/\b(APURA_[A-Z_]+)=/g)].map(([, name = '']) => name);
    expect(settings.length).toBeGreaterThan(0);
    expect(settings.filter((name) => !knownSettings.has(name))).toEqual([]);
    const allowed = read('.dockerignore').split('\n');
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
      for (const source of sources.split(' ').filter((word) => !word.startsWith('--'))) {
        const isIn = allowed.some(
          (line) => line.startsWith('!') && source.startsWith(line.slice(1)),
        );
        expect([source, existsSync(join(ROOT, source)), isIn]).toEqual([source, true, true]);
      }
    }
  });

  test('its health check follows the answer of the process', async () => {
    let status = 200;
    await using server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('{}', { status }),
    });
    const health = () =>
      Bun.spawn([join(ROOT, 'deploy/docker/healthy')], {
        env: { PATH: process.env.PATH, APURA_HTTP_PORT: String(server.port) },
        stderr: 'ignore',
      }).exited;
    expect(await health()).toBe(0);
    status = 503;
    expect(await health()).not.toBe(0);
    await server.stop(true);
    expect(await health()).not.toBe(0);
  });
});
