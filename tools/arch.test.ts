/** Proves that the dependency rule reads TypeScript: each of its rules is broken once here and must object. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Each run of the checker is a process of its own, and takes seconds where the machine is busy.
setDefaultTimeout(60_000);

const root = fileURLToPath(new URL('..', import.meta.url));
const configFile = join(root, '.dependency-cruiser.mjs');
const folder = mkdtempSync(join(tmpdir(), 'apura-arch-'));

/** A file that any layer may be asked to import. */
const TARGET = '/** A target. */\nexport interface Target {}\nexport const target = 1;\n';

const DEPENDENCIES = [
  ...['hono', 'ioredis', 'pg', 'pg-copy-streams', '@platformatic/kafka', 'amqplib'],
  ...['prom-client', 'pino', 'preact', 'uplot'],
  ...['cassandra-driver', '@grpc/grpc-js', 'hyparquet-writer'],
];
const DEV_DEPENDENCIES = ['axe-core'];

/** Files that break nothing by themselves. */
const HARMLESS: Readonly<Record<string, string>> = {
  'tsconfig.json': '{"compilerOptions":{"allowImportingTsExtensions":true}}',
  'src/domain/vote.ts': TARGET,
  'src/ports/ledger.ts':
    "import type { Target } from '../domain/vote.ts';\nexport interface Ledger { of: Target }\n",
  'src/ports/ledger.contract.ts':
    "import { test } from 'bun:test';\nexport const contract = () => test('x', () => {});\n",
  'src/ports/ledger.test.ts': "import { contract } from './ledger.contract.ts';\ncontract();\n",
  'src/application/cast-vote.ts':
    "import type { Ledger } from '../ports/ledger.ts';\nexport type Cast = Ledger;\n",
  'src/adapters/sqlite/ledger.ts':
    "import { DatabaseSync } from 'node:sqlite';\nimport type { Ledger } from '../../ports/ledger.ts';\nexport type Store = [DatabaseSync, Ledger];\n",
  'src/adapters/memory/ledger.ts':
    "import type { Ledger } from '../../ports/ledger.ts';\nexport type Store = Ledger;\n",
  'src/edge/http/app.ts':
    "import { library } from 'hono';\nimport type { Cast } from '../../application/cast-vote.ts';\nimport { page } from '../../../web/vote/page.ts';\nexport const app: [Cast?] = [library, page];\n",
  'src/compose.ts':
    "import type { Store } from './adapters/sqlite/ledger.ts';\nimport { app } from './edge/http/app.ts';\nexport type All = [Store, typeof app];\n",
  'src/main.ts': "import type { All } from './compose.ts';\nexport type Main = All;\n",
  'web/vote/page.ts': 'export const page = 1;\n',
  'web/vote/vote.ts': "import { page } from './page.ts';\nconsole.log(page);\n",
  'test/support/fake.ts': TARGET,
};

/** One file a rule, with the one import that the rule is there to refuse. */
const VIOLATIONS: readonly (readonly [rule: string, file: string, imported: string])[] = [
  ['domain-is-pure', 'src/domain/a.ts', '../ports/ledger.ts'],
  ['domain-is-pure', 'src/domain/b.ts', 'node:fs'],
  ['domain-is-pure', 'src/domain/c.ts', 'hono'],
  ['ports-know-only-domain', 'src/ports/a.ts', '../application/cast-vote.ts'],
  ['application-knows-domain-and-ports', 'src/application/a.ts', '../runtime/a.ts'],
  ['application-knows-domain-and-ports', 'src/application/b.ts', 'node:fs'],
  ['edge-never-touches-adapters', 'src/edge/http/a.ts', '../../adapters/sqlite/ledger.ts'],
  [
    'adapters-know-only-ports-and-domain',
    'src/adapters/memory/a.ts',
    '../../application/cast-vote.ts',
  ],
  ['adapter-islands', 'src/adapters/memory/b.ts', '../sqlite/ledger.ts'],
  ['only-compose-wires', 'src/config/a.ts', '../adapters/sqlite/ledger.ts'],
  ['main-only-runs-commands', 'src/main.ts', './edge/http/app.ts'],
  ['driver-belongs-to-one-adapter:sqlite', 'src/telemetry/a.ts', 'node:sqlite'],
  ['driver-belongs-to-one-adapter:ioredis', 'src/adapters/memory/c.ts', 'ioredis'],
  ['driver-belongs-to-one-adapter:pg', 'src/adapters/memory/d.ts', 'pg'],
  ['driver-belongs-to-one-adapter:pg', 'src/adapters/memory/e.ts', 'pg-copy-streams'],
  ['driver-belongs-to-one-adapter:kafka', 'src/adapters/memory/f.ts', '@platformatic/kafka'],
  ['driver-belongs-to-one-adapter:amqplib', 'src/adapters/memory/g.ts', 'amqplib'],
  ['driver-belongs-to-one-adapter:cassandra', 'src/adapters/memory/h.ts', 'cassandra-driver'],
  ['driver-belongs-to-one-adapter:grpc', 'src/edge/websocket/b.ts', '@grpc/grpc-js'],
  ['driver-belongs-to-one-adapter:parquet', 'src/edge/websocket/c.ts', 'hyparquet-writer'],
  ['driver-belongs-to-one-adapter:hono', 'src/edge/websocket/a.ts', 'hono'],
  ['driver-belongs-to-one-adapter:prom-client', 'src/edge/http/g.ts', 'prom-client'],
  ['driver-belongs-to-one-adapter:pino', 'src/edge/http/h.ts', 'pino'],
  ['driver-belongs-to-one-adapter:preact', 'src/edge/http/i.ts', 'preact'],
  ['driver-belongs-to-one-adapter:uplot', 'src/edge/http/j.ts', 'uplot'],
  ['runtime-knows-nothing-of-us', 'src/runtime/a.ts', '../domain/vote.ts'],
  ['contracts-only-from-tests', 'src/telemetry/b.ts', '../ports/ledger.contract.ts'],
  ['web-never-imports-src', 'web/vote/a.ts', '../../src/domain/vote.ts'],
  ['only-edge-renders-pages', 'src/telemetry/c.ts', '../../web/vote/page.ts'],
  ['no-circular', 'src/edge/http/b.ts', './c.ts'],
  ['not-to-dev-dep', 'src/edge/http/d.ts', 'axe-core'],
  ['not-to-test', 'src/edge/http/e.ts', '../../../test/support/fake.ts'],
  ['no-unresolvable', 'src/edge/http/f.ts', './absent.ts'],
];

interface Cruise {
  readonly violated: readonly string[];
  readonly modules: readonly string[];
}

function cruise(cwd: string): Cruise {
  const { stdout, stderr } = Bun.spawnSync(
    [
      join(root, 'node_modules/.bin/depcruise'),
      ...['--config', configFile, '--output-type', 'json'],
      ...['src', 'web', 'test'],
    ],
    { cwd },
  );
  if (stdout.byteLength === 0) throw new Error(stderr.toString());
  const report: {
    readonly modules: readonly { readonly source: string }[];
    readonly summary: {
      readonly violations: readonly {
        readonly from: string;
        readonly rule: { readonly name: string };
      }[];
    };
  } = JSON.parse(stdout.toString());
  return {
    violated: report.summary.violations.map(({ rule, from }) => `${rule.name} in ${from}`),
    modules: report.modules.map((module) => module.source),
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

beforeAll(() => {
  for (const [path, text] of Object.entries(HARMLESS)) write(path, text);
  const pins = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, '1.0.0']));
  const dependencies = pins(DEPENDENCIES);
  const devDependencies = pins(DEV_DEPENDENCIES);
  write('package.json', JSON.stringify({ dependencies, devDependencies }));
  for (const name of [...DEPENDENCIES, ...DEV_DEPENDENCIES]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    write(`node_modules/${name}/index.js`, 'export const library = 1;\n');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the dependency rule', () => {
  test('lets the intended layers through', () => {
    expect(cruise(folder).violated).toEqual([]);
  });

  test('objects to every import that it forbids, also where only a type is imported', () => {
    for (const [, file, imported] of VIOLATIONS) {
      const before = HARMLESS[file] ?? '';
      write(
        file,
        `import type * as forbidden from '${imported}';\nexport type A = typeof forbidden;\n${before}`,
      );
    }
    write('src/edge/http/c.ts', "import type * as b from './b.ts';\nexport type C = typeof b;\n");
    write('src/runtime/alone.ts', TARGET);
    const { violated } = cruise(folder);
    for (const [rule, file] of VIOLATIONS) expect(violated).toContain(`${rule} in ${file}`);
    expect(violated).toContain('no-orphans in src/runtime/alone.ts');
  });

  test('has no rule that this file does not break', async () => {
    const { default: config }: { default: { forbidden: { name: string }[] } } = await import(
      configFile
    );
    const broken = new Set([...VIOLATIONS.map(([rule]) => rule), 'no-orphans']);
    expect([...broken].sort()).toEqual(config.forbidden.map(({ name }) => name).sort());
  });

  test('reads every TypeScript file of the project', async () => {
    const files = await Array.fromAsync(
      new Bun.Glob('{src,web,test}/**/*.{ts,tsx}').scan({ cwd: root }),
    );
    const { modules } = cruise(root);
    expect(files.filter((file) => !modules.includes(file) && !file.endsWith('.d.ts'))).toEqual([]);
  });
});
