/** The groups of tests in the order that they begin: cheap and telling first, then the longest. */

export interface TestGroup {
  readonly name: string;
  /** Globs from the root of the project. */
  readonly files: readonly string[];
  /** Globs of files that another group has. */
  readonly without?: readonly string[];
  /** A group without a file fails if it is expected: tests that were lost must not pass for tests that hold. */
  readonly expected: boolean;
  readonly testTimeoutMs: number;
  readonly groupTimeoutMs: number;
  /** Whether the code runs in the process of the tests, where lines can be counted. */
  readonly coverage: boolean;
  /** Whether it spends most of its time waiting for servers and clocks, so that another can run beside it. */
  readonly waits: boolean;
}

const MINUTE = 60_000;

/** Tests that start servers of their own: a group of their own, or no quick run would be quick. */
const SERVER_TESTS = [
  'src/adapters/{redis,postgres,kafka,rabbitmq,cassandra}/**/*.test.ts',
  'test/component/*-on-servers.test.ts',
];

export const GROUPS: readonly TestGroup[] = [
  {
    name: 'unit',
    files: ['src', 'web', 'clients', 'tools', 'bench', 'test/support'].map(
      (dir) => `${dir}/**/*.test.{ts,tsx}`,
    ),
    without: SERVER_TESTS,
    expected: true,
    testTimeoutMs: 2 * MINUTE,
    groupTimeoutMs: 15 * MINUTE,
    coverage: true,
    waits: false,
  },
  {
    name: 'servers',
    files: SERVER_TESTS,
    expected: true,
    testTimeoutMs: 2 * MINUTE,
    groupTimeoutMs: 25 * MINUTE,
    coverage: true,
    waits: true,
  },
  {
    name: 'crash',
    files: ['test/crash/**/*.test.ts'],
    expected: true,
    testTimeoutMs: 20 * MINUTE,
    groupTimeoutMs: 35 * MINUTE,
    coverage: false,
    waits: true,
  },
  {
    name: 'system',
    files: ['test/system/**/*.test.ts'],
    expected: true,
    testTimeoutMs: 5 * MINUTE,
    groupTimeoutMs: 25 * MINUTE,
    coverage: false,
    waits: true,
  },
  {
    name: 'browser',
    files: ['test/browser/**/*.test.ts'],
    expected: true,
    testTimeoutMs: 2 * MINUTE,
    groupTimeoutMs: 15 * MINUTE,
    coverage: false,
    waits: true,
  },
  {
    name: 'examples',
    files: ['test/examples/**/*.test.ts'],
    expected: true,
    testTimeoutMs: 2 * MINUTE,
    // The first time it brings the tools of two languages.
    groupTimeoutMs: 30 * MINUTE,
    coverage: false,
    waits: true,
  },
  {
    name: 'component',
    files: ['test/component/**/*.test.ts'],
    without: SERVER_TESTS,
    expected: true,
    testTimeoutMs: 2 * MINUTE,
    groupTimeoutMs: 15 * MINUTE,
    coverage: true,
    waits: true,
  },
];

/** The checks of `make lint`, each a target of the Makefile. */
export const LINT_TARGETS: readonly string[] = ['format', 'types', 'arch', 'tidy', 'proto'];

/** What the unit tests alone must reach whole, every line and function. */
export const COVERED_WHOLE: readonly string[] = ['src/domain', 'src/application'];
