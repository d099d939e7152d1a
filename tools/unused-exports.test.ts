/** Proves that an export counts as used exactly when another file takes it, however it is written. */
import { expect, test } from 'bun:test';
import { SourceTree } from './source-tree.ts';
import { findUnusedExports } from './unused-exports.ts';

function unused(files: Readonly<Record<string, string>>): string[] {
  return findUnusedExports(new SourceTree(files)).map(
    ({ path, line, name }) => `${path}:${line} ${name}`,
  );
}

test('an import in another folder uses what it names, and only that', () => {
  const files = {
    'src/domain/a.ts': 'export const one = 1;\nexport function two() {}\nexport class Three {}',
    'src/edge/b.ts': "import { one as uno } from '../domain/a.ts';",
  };
  expect(unused(files)).toEqual(['src/domain/a.ts:2 two', 'src/domain/a.ts:3 Three']);
});

test.each([
  "import * as a from './a.ts';",
  "const a = await import('./a.ts');",
  "type A = import('./a.ts').A;",
])('%s uses every export', (text) => {
  expect(unused({ 'src/a.ts': 'export const one = 1;', 'src/b.ts': text })).toEqual([]);
});

test('an export in braces is known by its new name', () => {
  const files = {
    'src/a.ts': 'const one = 1;\nexport { one as uno };',
    'src/b.ts': "import { uno } from './a.ts';",
  };
  expect(unused(files)).toEqual([]);
  expect(unused({ ...files, 'src/b.ts': '' })).toEqual(['src/a.ts:2 uno']);
});

test('an export that passes on a name uses it', () => {
  const files = {
    'src/a.ts': 'export const one = 1;',
    'src/b.ts': "export { one } from './a.ts';",
  };
  expect(unused(files)).toEqual(['src/b.ts:1 one']);
});

test('a type in the signature of an export needs no import of its own', () => {
  const files = {
    'src/a.ts': 'export interface Shape {}\nexport const draw = (shape: Shape) => shape;',
    'src/b.ts': "import { draw } from './a.ts';",
  };
  expect(unused(files)).toEqual([]);
});

test('a use inside its own file does not make a value anybody else’s business', () => {
  expect(unused({ 'src/a.ts': 'export const one = 1;\nconsole.log(one);' })).toEqual([
    'src/a.ts:1 one',
  ]);
});
