/** The house rules that no formatter, compiler or dependency rule can check, each with its reason. */
import { posix } from 'node:path';
import ts from 'typescript';
import { ERROR_CODES } from '../src/domain/error-codes.ts';
import { isText, type SourceTree } from './source-tree.ts';
import { findUnusedExports } from './unused-exports.ts';

export interface Violation {
  readonly path: string;
  /** Counted from 1; null where the whole file, or its absence, is meant. */
  readonly line: number | null;
  readonly words: string;
}

export interface Check {
  readonly name: string;
  readonly reason: string;
  find(tree: SourceTree): Violation[];
}

const CODE = /^(src|web|test|tools|bench)\/.*\.tsx?$/;
const PROGRAM = /^src\/.*(?<!\.(test|contract))\.tsx?$/;
const PURE = /^src\/(domain|application)\/.*(?<!\.(test|contract))\.ts$/;
const TEST = /\.(test|contract)\.tsx?$/;

const ENV_FILE = 'src/config/env.ts';
const ENV_PAGE = 'docs/operating/configuration.md';
const ERRORS_FILE = 'src/domain/error-codes.ts';
const ERRORS_PAGE = 'docs/errors.md';

/** In a comment. Spelt so that this very line is none. */
const UNPLANNED = /(\/\/|\/\*|^\s*\*|#|--).*\b(TO[D]O(?!\(#\d+\))|FIX[M]E|HAC[K])\b/;

/** Looks into the executable first. */
const ASSETS_FILE = 'src/edge/http/assets.ts';

const LOCK_FILE = 'package-lock.json';

const LARGEST_FILE_BYTES = 200_000;

export const CHECKS: readonly Check[] = [
  {
    name: 'settings-in-one-place',
    reason: `Only ${ENV_FILE} reads the environment, so that every setting is known, typed and documented.`,
    find: (tree) =>
      tree
        .paths(PROGRAM)
        .filter((path) => path !== ENV_FILE)
        .flatMap((path) => [
          ...usesOf(tree, path, ['process.env', 'Bun.env', 'import.meta.env']),
          ...importsOf(tree, path, /^(node:)?process$/),
        ]),
  },
  {
    name: 'settings-documented',
    reason: `An operator finds every variable in ${ENV_PAGE}, and nothing there that is not read.`,
    find: (tree) => {
      if (!tree.has(ENV_FILE)) return [missing(ENV_FILE)];
      if (!tree.has(ENV_PAGE)) return [missing(ENV_PAGE)];
      const read = new Set<string>();
      for (const node of tree.nodes(ENV_FILE)) {
        if (!ts.isStringLiteralLike(node) && !ts.isIdentifier(node)) continue;
        if (/^APURA_[A-Z0-9_]+$/.test(node.text)) read.add(node.text);
      }
      const documented = new Set(firstColumn(tree.text(ENV_PAGE), /^APURA_[A-Z0-9_]+$/));
      return compare({ path: ENV_FILE, words: read }, { path: ENV_PAGE, words: documented });
    },
  },
  {
    name: 'errors-documented',
    reason: `Clients rely on error codes, so ${ERRORS_PAGE} explains each, and nothing that is never sent.`,
    find: (tree) => {
      if (!tree.has(ERRORS_PAGE)) return [missing(ERRORS_PAGE)];
      return compare(
        { path: ERRORS_FILE, words: new Set(Object.keys(ERROR_CODES)) },
        { path: ERRORS_PAGE, words: new Set(firstColumn(tree.text(ERRORS_PAGE), /^[a-z0-9_]+$/)) },
      );
    },
  },
  {
    name: 'time-and-chance-come-in',
    reason:
      'Domain and application get time and ids as values: a rule that reads a clock cannot be replayed.',
    find: (tree) =>
      tree
        .paths(PURE)
        .flatMap((path) => [
          ...usesOf(tree, path, [
            'Date.now',
            'Math.random',
            'performance.now',
            'crypto.randomUUID',
            'crypto.getRandomValues',
            'Temporal.Now',
          ]),
          ...clocklessDates(tree, path),
        ]),
  },
  {
    name: 'domain-uses-no-runtime',
    reason:
      'The domain is arithmetic on values; timers, requests and the process belong to who calls it.',
    find: (tree) =>
      tree
        .paths(PURE)
        .filter((path) => path.startsWith('src/domain/'))
        .flatMap((path) =>
          globalsOf(tree, path, [
            'Bun',
            'process',
            'fetch',
            'setTimeout',
            'setInterval',
            'setImmediate',
          ]),
        ),
  },
  {
    name: 'no-console',
    reason:
      'The program speaks through its logger or a writer that it was given, so that tests can listen.',
    find: (tree) => tree.paths(PROGRAM).flatMap((path) => globalsOf(tree, path, ['console'])),
  },
  {
    name: 'named-exports',
    reason:
      'One name for one thing everywhere: no default exports, no `export *` that hides where a name is from.',
    find: (tree) =>
      tree.paths(CODE).flatMap((path) =>
        tree.parse(path).statements.flatMap((statement) => {
          const isStar = ts.isExportDeclaration(statement) && statement.exportClause === undefined;
          const isDefault =
            ts.isExportAssignment(statement) ||
            (ts.canHaveModifiers(statement) &&
              ts
                .getModifiers(statement)
                ?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword));
          return isStar || isDefault ? [at(tree, path, statement, 'export by name')] : [];
        }),
      ),
  },
  {
    name: 'used-exports',
    reason: 'What nobody imports is dead, or is nobody else’s business.',
    find: (tree) =>
      findUnusedExports(tree).map(({ path, line, name }) => ({
        path,
        line,
        words: `no other file imports ${name}: remove it, or its \`export\``,
      })),
  },
  {
    name: 'file-names',
    reason:
      'A file is named after its main export, in kebab-case; a name like `utils` says that it has none.',
    find: (tree) =>
      tree.paths(CODE).flatMap((path) => {
        const name = posix.basename(path).replace(/(\.(test|contract|d))?\.tsx?$/, '');
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [whole(path, 'is not kebab-case')];
        const vague = [...path.split('/').slice(0, -1), ...name.split('-')].find((word) =>
          /^(utils?|helpers?|common|misc|index|managers?|impl|base|stuff)$/.test(word),
        );
        return vague === undefined ? [] : [whole(path, `“${vague}” says nothing`)];
      }),
  },
  {
    name: 'files-open-with-their-purpose',
    reason: 'A reader learns from the first sentence whether this is the file that they look for.',
    find: (tree) =>
      tree
        .paths(/\.(tsx?|mjs|css|sh)$|^Makefile$|^bin\/|^\.ci\/run$/)
        .filter((path) => !isBesideItsSubject(tree, path))
        .filter((path) => !opensWithSentence(tree.text(path)))
        .map((path) => ({
          path,
          line: 1,
          words: 'open with a sentence that says why this file exists',
        })),
  },
  {
    name: 'adapters-keep-their-contract',
    reason:
      'Every adapter of a port runs the port’s one contract suite, or its promise is a guess.',
    find: (tree) =>
      tree.paths(/^src\/adapters\/[^/]+\/[^/]+(?<!\.test)\.ts$/).flatMap((path) => {
        const port = posix.basename(path, '.ts');
        if (!tree.has(`src/ports/${port}.ts`)) return [];
        const contract = `src/ports/${port}.contract.ts`;
        if (!tree.has(contract)) return [whole(path, `its port has no ${contract}`)];
        const test = path.replace(/\.ts$/, '.test.ts');
        if (!tree.has(test)) return [missing(test)];
        const runs =
          importsOf(tree, test, new RegExp(`/ports/${port}\\.contract\\.ts$`)).length > 0;
        return runs ? [] : [whole(test, `does not run ${contract}`)];
      }),
  },
  {
    name: 'files-are-found-from-the-root',
    reason:
      'In the executable every module of the program has the address of src/, so a file beside it (a thread, say) is found only from a module directly in src/.',
    find: (tree) =>
      tree
        .paths(PROGRAM)
        .filter((path) => posix.dirname(path) !== 'src' && path !== ASSETS_FILE)
        .flatMap((path) =>
          usesOf(tree, path, ['import.meta.url', 'import.meta.dir', 'import.meta.path']),
        ),
  },
  {
    name: 'no-lone-test',
    reason: 'One `.only` left behind silences every other test of its file.',
    find: (tree) =>
      tree
        .paths(TEST)
        .flatMap((path) => usesOf(tree, path, ['test.only', 'describe.only', 'it.only'])),
  },
  {
    name: 'todos-have-an-issue',
    reason: 'What is left to do is found where work is planned; a comment alone is forgotten.',
    find: (tree) =>
      tree
        .paths(/\.(tsx?|mjs|css|sh|sql|ya?ml)$|^Makefile$|^bin\//)
        .flatMap((path) => linesLike(tree, path, UNPLANNED, 'write TODO(#12)')),
  },
  {
    name: 'no-machine-paths',
    reason: 'A path of one person’s machine is wrong on every other.',
    find: (tree) =>
      tree
        .paths(/./)
        .filter((path) => isText(path))
        .flatMap((path) =>
          linesLike(
            tree,
            path,
            /(^|[\s"'`(=])\/(home|Users|root|work)\/[\w.-]+/,
            'a path of one machine',
          ),
        ),
  },
  {
    name: 'small-files',
    reason: 'What is large and made by a tool does not belong in every clone for ever.',
    find: (tree) =>
      tree
        .paths(/./)
        .filter((path) => path !== LOCK_FILE)
        .filter((path) => tree.text(path).length > LARGEST_FILE_BYTES)
        .map((path) => whole(path, `is larger than ${LARGEST_FILE_BYTES / 1000} kB`)),
  },
  {
    name: 'exact-versions',
    reason:
      'The same commit must install the same programs, from whichever registry, next year too.',
    find: (tree) => [
      ...linesLike(tree, 'package.json', /^\s+"[^"]+": "[\^~*]/, 'pin the exact version'),
      ...linesLike(
        tree,
        LOCK_FILE,
        /"resolved": "https?:/,
        'an address that others do not have: see .npmrc',
      ),
    ],
  },
  {
    name: 'whole-lock',
    reason:
      '`npm ci` refuses a lock without the builds for other systems, which only a complete registry gives.',
    find: (tree) => (tree.has(LOCK_FILE) ? missingBuilds(tree.text(LOCK_FILE)) : []),
  },
  {
    name: 'links-lead-somewhere',
    reason:
      'A page that points at a file which is gone teaches its reader not to trust the others.',
    find: (tree) => tree.paths(/\.md$/).flatMap((path) => brokenLinks(tree, path)),
  },
];

function whole(path: string, words: string): Violation {
  return { path, line: null, words };
}

function missing(path: string): Violation {
  return whole(path, 'is missing');
}

function at(tree: SourceTree, path: string, node: ts.Node, words: string): Violation {
  const source = tree.parse(path);
  return {
    path,
    line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
    words,
  };
}

/** Uses of `object.property`, however it is spaced or called. */
function usesOf(tree: SourceTree, path: string, names: readonly string[]): Violation[] {
  return [...tree.nodes(path)].flatMap((node) => {
    if (!ts.isPropertyAccessExpression(node)) return [];
    const object = node.expression.getText().replace(/^globalThis\./, '');
    const used = `${object}.${node.name.text}`;
    return names.includes(used) ? [at(tree, path, node, used)] : [];
  });
}

/** Uses of a global by its bare name, as a value. */
function globalsOf(tree: SourceTree, path: string, names: readonly string[]): Violation[] {
  return [...tree.nodes(path)].flatMap((node) => {
    const isUse =
      (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) &&
      ts.isIdentifier(node.expression) &&
      names.includes(node.expression.text);
    return isUse ? [at(tree, path, node, node.expression.getText())] : [];
  });
}

function importsOf(tree: SourceTree, path: string, target: RegExp): Violation[] {
  return tree.parse(path).statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement)) return [];
    const specifier = statement.moduleSpecifier;
    const matches = ts.isStringLiteral(specifier) && target.test(specifier.text);
    return matches ? [at(tree, path, statement, specifier.text)] : [];
  });
}

/** `new Date()` and `Date()` read the clock; `new Date(ms)` does not. */
function clocklessDates(tree: SourceTree, path: string): Violation[] {
  return [...tree.nodes(path)].flatMap((node) => {
    const readsClock =
      (ts.isNewExpression(node) &&
        node.expression.getText() === 'Date' &&
        !node.arguments?.length) ||
      (ts.isCallExpression(node) && node.expression.getText() === 'Date');
    return readsClock ? [at(tree, path, node, 'a date made from the clock')] : [];
  });
}

function linesLike(tree: SourceTree, path: string, pattern: RegExp, words: string): Violation[] {
  if (!tree.has(path)) return [];
  return tree
    .text(path)
    .split('\n')
    .flatMap((text, index) => (pattern.test(text) ? [{ path, line: index + 1, words }] : []));
}

/** `poll.test.ts` beside `poll.ts` has said its purpose in its name. */
function isBesideItsSubject(tree: SourceTree, path: string): boolean {
  const subject = path.replace(/\.test\.tsx?$/, '');
  return subject !== path && (tree.has(`${subject}.ts`) || tree.has(`${subject}.tsx`));
}

function opensWithSentence(text: string): boolean {
  const opening = text.replace(/^#!.*\n/, '').trimStart();
  const comment = /^(\/\*[\s\S]*?\*\/|(\/\/.*\n)+|(#.*\n)+)/.exec(opening)?.[0] ?? '';
  const words = comment.replace(/^\s*(\/\*\*?|\*\/?|\/\/|#)/gm, ' ').trim();
  return words.split(/\s+/).length >= 4 && /[.:?!](\s|\*|$)/.test(words);
}

/** What stands in backticks in the first column of a page's tables. */
function firstColumn(page: string, pattern: RegExp): string[] {
  return [...page.matchAll(/^\|\s*`([^`]+)`\s*\|/gm)]
    .map((match) => match[1] ?? '')
    .filter((word) => pattern.test(word));
}

interface Words {
  readonly path: string;
  readonly words: ReadonlySet<string>;
}

function compare(code: Words, page: Words): Violation[] {
  return [
    ...[...code.words.difference(page.words)].map((word) =>
      whole(page.path, `says nothing of ${word}`),
    ),
    ...[...page.words.difference(code.words)].map((word) =>
      whole(page.path, `explains ${word}, which ${code.path} does not know`),
    ),
  ];
}

function missingBuilds(lock: string): Violation[] {
  const {
    packages,
  }: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } =
    JSON.parse(lock);
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      )
      .map((name) => whole(LOCK_FILE, `has no ${name}, which ${path} names`)),
  );
}

function brokenLinks(tree: SourceTree, path: string): Violation[] {
  const isFolder = (target: string): boolean =>
    tree.paths(/./).some((file) => file.startsWith(`${target}/`));
  return tree
    .text(path)
    .replace(/```[\s\S]*?```/g, (block) => block.replace(/[^\n]/g, ' '))
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const target = posix.join(posix.dirname(path), decodeURI(link)).replace(/\/$/, '');
          return !tree.has(target) && !isFolder(target);
        })
        .map((link) => ({ path, line: index + 1, words: `${link} does not exist` })),
    );
}
