/** Proves that each house rule sees what it is there to see, and leaves alone what is allowed. */
import { describe, expect, test } from 'bun:test';
import { ERROR_CODES } from '../src/domain/error-codes.ts';
import { SourceTree } from './source-tree.ts';
import { CHECKS } from './tidy-checks.ts';

type Files = Readonly<Record<string, string>>;

interface Case {
  /** Each of these trees breaks the rule at the named place. */
  readonly broken: readonly (readonly [place: string, files: Files])[];
  /** None of these does. */
  readonly allowed: readonly Files[];
}

const PURPOSE = '/** A purpose, said in a sentence. */\n';
const ENV = { 'src/config/env.ts': "export const read = ['APURA_DATA', env.APURA_LOG];" };
const ALL_CODES = Object.keys(ERROR_CODES).map((code) => `| \`${code}\` | words |`);
const CONTRACT = {
  'src/ports/ledger.ts': '',
  'src/ports/ledger.contract.ts': '',
  'src/adapters/sqlite/ledger.ts': '',
};

// Written in two parts, so that the rules do not find them in this file.
const UNPLANNED = ['TO', 'DO: later'].join('');
const HOME = ['/ho', 'me/ana/apura'].join('');

const CASES: Readonly<Record<string, Case>> = {
  'settings-in-one-place': {
    broken: [
      ['src/a.ts:2', { 'src/a.ts': '\nconst port = process.env.PORT;' }],
      ['src/a.ts:1', { 'src/a.ts': 'const port = globalThis.process.env.PORT;' }],
      ['src/a.ts:1', { 'src/a.ts': "const port = Bun.env['PORT'];" }],
      ['src/a.ts:1', { 'src/a.ts': "import { env } from 'node:process';" }],
    ],
    allowed: [
      { 'src/config/env.ts': 'const port = process.env.PORT;' },
      { 'src/a.ts': '// process.env is read elsewhere\nconst words = "process.env";' },
      { 'src/a.test.ts': 'const port = process.env.PORT;' },
    ],
  },
  'settings-documented': {
    broken: [
      ['src/config/env.ts', {}],
      ['docs/operating/configuration.md', ENV],
      [
        'docs/operating/configuration.md says nothing of APURA_LOG',
        { ...ENV, 'docs/operating/configuration.md': '| `APURA_DATA` | x |' },
      ],
      [
        'docs/operating/configuration.md explains APURA_GONE',
        {
          ...ENV,
          'docs/operating/configuration.md': '| `APURA_DATA` |\n| `APURA_LOG` |\n| `APURA_GONE` |',
        },
      ],
    ],
    allowed: [{ ...ENV, 'docs/operating/configuration.md': '| `APURA_DATA` |\n| `APURA_LOG` |' }],
  },
  'errors-documented': {
    broken: [
      ['docs/errors.md', {}],
      [
        `docs/errors.md says nothing of invalid_json`,
        { 'docs/errors.md': ALL_CODES.slice(1).join('\n') },
      ],
      [
        'docs/errors.md explains no_such_code',
        { 'docs/errors.md': [...ALL_CODES, '| `no_such_code` | words |'].join('\n') },
      ],
    ],
    allowed: [{ 'docs/errors.md': ALL_CODES.join('\n') }],
  },
  'time-and-chance-come-in': {
    broken: [
      ['src/domain/a.ts:1', { 'src/domain/a.ts': 'const now = Date.now();' }],
      ['src/domain/a.ts:1', { 'src/domain/a.ts': 'const now = new Date();' }],
      ['src/domain/a.ts:1', { 'src/domain/a.ts': 'const now = Date();' }],
      ['src/application/a.ts:1', { 'src/application/a.ts': 'const r = Math.random();' }],
      ['src/application/a.ts:1', { 'src/application/a.ts': 'const t = performance\n  .now();' }],
      ['src/application/a.ts:1', { 'src/application/a.ts': 'const id = crypto.randomUUID();' }],
    ],
    allowed: [
      { 'src/domain/a.ts': '// not Date.now()\nconst date = new Date(0);' },
      { 'src/domain/a.test.ts': 'const now = Date.now();' },
      { 'src/adapters/system/clock.ts': 'const now = Date.now();' },
    ],
  },
  'domain-uses-no-runtime': {
    broken: [
      ['src/domain/a.ts:1', { 'src/domain/a.ts': 'setTimeout(run, 5);' }],
      ['src/domain/a.ts:1', { 'src/domain/a.ts': 'const file = Bun.file("x");' }],
    ],
    allowed: [{ 'src/runtime/a.ts': 'setTimeout(run, 5);' }],
  },
  'no-console': {
    broken: [['src/edge/cli/a.ts:1', { 'src/edge/cli/a.ts': "console.log('x');" }]],
    allowed: [
      { 'tools/a.ts': "console.log('x');" },
      { 'src/a.ts': "const path = '/console';\nconst console_ = { log() {} };" },
    ],
  },
  'named-exports': {
    broken: [
      ['src/a.ts:1', { 'src/a.ts': 'export default 1;' }],
      ['src/a.ts:1', { 'src/a.ts': 'export default function run() {}' }],
      ['src/a.ts:1', { 'src/a.ts': "export * from './b.ts';" }],
    ],
    allowed: [{ 'src/a.ts': 'export const a = 1;\nexport type { B } from "./b.ts";' }],
  },
  'used-exports': {
    broken: [['src/a.ts:1', { 'src/a.ts': 'export const a = 1;' }]],
    allowed: [{ 'src/a.ts': 'export const a = 1;', 'src/b.ts': "import { a } from './a.ts';" }],
  },
  'file-names': {
    broken: [
      ['src/utils.ts', { 'src/utils.ts': '' }],
      ['src/helpers/a.ts', { 'src/helpers/a.ts': '' }],
      ['src/poll-manager.ts', { 'src/poll-manager.ts': '' }],
      ['src/index.ts', { 'src/index.ts': '' }],
      ['src/castVote.ts', { 'src/castVote.ts': '' }],
      ['src/test-helpers.test.ts', { 'src/test-helpers.test.ts': '' }],
    ],
    allowed: [
      { 'src/database.ts': '', 'src/crc32c.test.ts': '', 'src/ports/ledger.contract.ts': '' },
    ],
  },
  'files-open-with-their-purpose': {
    broken: [
      ['src/a.ts:1', { 'src/a.ts': 'export const a = 1;' }],
      ['src/a.ts:1', { 'src/a.ts': '/** A. */\n' }],
      ['test/crash/kill.test.ts:1', { 'test/crash/kill.test.ts': "test('x', run);" }],
      ['bin/apura:1', { 'bin/apura': '#!/bin/sh\nset -eu\n' }],
    ],
    allowed: [
      { 'src/a.ts': PURPOSE, 'web/a.css': '/* How the page looks: calm. */', 'docs/a.md': '' },
      { 'bin/apura': '#!/bin/sh\n# Runs Apura from its checkout.\nset -eu\n' },
      { 'src/a.ts': PURPOSE, 'src/a.test.ts': "test('x', run);" },
      { 'src/a.ts': '// Why this is here,\n// in two lines.\n' },
    ],
  },
  'adapters-keep-their-contract': {
    broken: [
      [
        'src/adapters/sqlite/ledger.ts its port has no',
        { 'src/ports/ledger.ts': '', 'src/adapters/sqlite/ledger.ts': '' },
      ],
      ['src/adapters/sqlite/ledger.test.ts is missing', CONTRACT],
      [
        'src/adapters/sqlite/ledger.test.ts does not run',
        { ...CONTRACT, 'src/adapters/sqlite/ledger.test.ts': "import { test } from 'bun:test';" },
      ],
    ],
    allowed: [
      {
        ...CONTRACT,
        'src/adapters/sqlite/database.ts': '',
        'src/adapters/sqlite/ledger.test.ts': "import { c } from '../../ports/ledger.contract.ts';",
      },
    ],
  },
  'files-are-found-from-the-root': {
    broken: [
      [
        'src/runtime/a.ts:1',
        { 'src/runtime/a.ts': "new Worker(new URL('../threads/b.ts', import.meta.url));" },
      ],
    ],
    allowed: [
      { 'src/compose.ts': "new Worker(new URL('./threads/b.ts', import.meta.url));" },
      { 'src/runtime/a.ts': 'new Worker(url);' },
    ],
  },
  'no-lone-test': {
    broken: [['src/a.test.ts:1', { 'src/a.test.ts': ['test', "only('x', run);"].join('.') }]],
    allowed: [{ 'src/a.test.ts': "test('x', run);" }],
  },
  'todos-have-an-issue': {
    broken: [['src/a.ts:2', { 'src/a.ts': `\n// ${UNPLANNED}` }]],
    allowed: [{ 'src/a.ts': '// TODO(#12): later\nconst todo = 1;', 'docs/a.md': UNPLANNED }],
  },
  'no-machine-paths': {
    broken: [
      ['docs/a.md:1', { 'docs/a.md': `Run it in ${HOME} please.` }],
      ['src/a.ts:1', { 'src/a.ts': `const at = '${HOME}';` }],
    ],
    allowed: [{ 'docs/a.md': `https://example.org${HOME} and ./data and /var/lib/apura` }],
  },
  'small-files': {
    broken: [['docs/a.png', { 'docs/a.png': 'x'.repeat(200_001) }]],
    allowed: [{ 'docs/a.png': 'x'.repeat(200_000), 'package-lock.json': 'x'.repeat(200_001) }],
  },
  'exact-versions': {
    broken: [
      ['package.json:1', { 'package.json': '    "hono": "^4.0.0"' }],
      [
        'package-lock.json:1',
        { 'package-lock.json': '"resolved": "https://mirror.example/x.tgz"' },
      ],
    ],
    allowed: [
      {
        'package.json': '    "hono": "4.0.0",\n    "node": ">=20"',
        'package-lock.json': '"integrity": "sha512-x"',
      },
    ],
  },
  'whole-lock': {
    broken: [
      [
        'package-lock.json has no fast-mac',
        {
          'package-lock.json':
            '{"packages":{"node_modules/fast":{"optionalDependencies":{"fast-mac":"1","fast-linux":"1"}},"node_modules/fast-linux":{}}}',
        },
      ],
    ],
    allowed: [{ 'package-lock.json': '{"packages":{"node_modules/plain":{}}}' }],
  },
  'links-lead-somewhere': {
    broken: [['docs/a.md:2', { 'docs/a.md': '\n[b](b.md)' }]],
    allowed: [
      {
        'docs/a.md': '[b](./b.md#part) [src](../src) [here](#part) [web](https://example.org)',
        'docs/b.md': '```\n[not](a-link.md)\n```',
        'src/a.ts': '',
      },
    ],
  },
};

test('every house rule has its proof here', () => {
  expect(Object.keys(CASES).sort()).toEqual(CHECKS.map((check) => check.name).sort());
});

for (const check of CHECKS) {
  const { broken, allowed } = CASES[check.name] ?? { broken: [], allowed: [] };
  const run = (files: Files): string[] =>
    check
      .find(new SourceTree(files))
      .map(({ path, line, words }) => `${path}${line === null ? '' : `:${line}`} ${words}`);

  describe(check.name, () => {
    test.each(broken)('objects: %s', (place, files) => {
      const found = run(files);
      expect(found).not.toEqual([]);
      for (const violation of found) expect(violation).toStartWith(place);
    });

    test('leaves alone what is allowed', () => {
      expect(allowed.flatMap(run)).toEqual([]);
    });
  });
}
