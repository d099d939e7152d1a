/** Runs the checks and the groups of tests, and ends with one line that sums them all up. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type FileCoverage,
  findGaps,
  formatLines,
  mergeCoverage,
  parseLcov,
  uncoveredLines,
} from './coverage.ts';
import { COVERED_WHOLE, GROUPS, LINT_TARGETS, type TestGroup } from './test-groups.ts';
import {
  firstFailures,
  parseAllowedSkips,
  parseJunit,
  parseLoadErrors,
  parseTotals,
  type Totals,
} from './test-report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const resultsFolder = join(root, 'build/test-results');
const inCi = process.env.CI === 'true';
/** Groups that wait more than they reckon run so many at a time: alone they leave both cores of two idle. */
const LANES = 2;

/** What a group of tests or a check came to. */
interface Result extends Totals {
  readonly name: string;
  readonly seconds: number;
  /** One paragraph each, to be read at the end. */
  readonly failures: readonly string[];
  /** The first one of every file, a line each. */
  readonly first: readonly string[];
  readonly coverage: readonly FileCoverage[] | null;
}

interface Run {
  readonly output: string;
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly seconds: number;
}

const running = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const pid of running) killGroup(pid, 'SIGKILL');
    process.exit(130);
  });
}

/** Takes what is printed. */
type Print = (text: string | Uint8Array) => void;

const printAtOnce: Print = (text) => void process.stdout.write(text);

/** Passes on what the command prints. Out of time it is stopped together with every process that it started. */
async function run(command: readonly string[], timeoutMs: number, print: Print): Promise<Run> {
  const started = performance.now();
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, MAKEFLAGS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child.pid);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid, 'SIGKILL');
  }, timeoutMs);
  const [, errors] = await Promise.all([passOn(child.stdout, print), passOn(child.stderr, print)]);
  const exitCode = await child.exited;
  clearTimeout(timer);
  // A test that failed may have left its server behind.
  killGroup(child.pid, 'SIGKILL');
  running.delete(child.pid);
  return { output: errors, exitCode, timedOut, seconds: (performance.now() - started) / 1000 };
}

async function passOn(from: ReadableStream<Uint8Array>, print: Print): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of from) {
    print(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

async function runLint(): Promise<Result> {
  console.log('\n== lint');
  const failures: string[] = [];
  let seconds = 0;
  for (const target of LINT_TARGETS) {
    const check = await run(['make', '--no-print-directory', target], 5 * 60_000, printAtOnce);
    seconds += check.seconds;
    if (check.exitCode !== 0) failures.push(`lint: \`make ${target}\` objects; see above.`);
  }
  const failed = failures.length;
  const passed = LINT_TARGETS.length - failed;
  return { name: 'lint', passed, failed, skipped: 0, seconds, failures, first: [], coverage: null };
}

async function runGroup(
  group: TestGroup,
  allowedSkips: ReadonlySet<string>,
  print: Print,
): Promise<Result> {
  const { name } = group;
  print(`\n== ${name}\n`);
  const files = await findFiles(group.files, group.without);
  if (files.length === 0) {
    const failures = group.expected
      ? [`${name}: there is no test in ${group.files.join(', ')}.`]
      : [];
    if (!group.expected) print('There is no test here yet.\n');
    const failed = failures.length;
    return { name, passed: 0, failed, skipped: 0, seconds: 0, failures, first: [], coverage: null };
  }

  const junitFile = join(resultsFolder, `${name}.xml`);
  const coverageFolder = join(resultsFolder, `${name}-coverage`);
  rmSync(junitFile, { force: true });
  rmSync(coverageFolder, { recursive: true, force: true });
  const coverageFlags = [
    '--coverage',
    '--coverage-reporter=lcov',
    `--coverage-dir=${coverageFolder}`,
  ];
  const { output, exitCode, timedOut, seconds } = await run(
    [
      ...[process.execPath, 'test', '--only-failures', `--timeout=${group.testTimeoutMs}`],
      ...['--reporter=junit', `--reporter-outfile=${junitFile}`],
      ...(group.coverage ? coverageFlags : []),
      ...files.map((file) => `./${file}`),
    ],
    group.groupTimeoutMs,
    print,
  );

  const tests = existsSync(junitFile) ? parseJunit(readFileSync(junitFile, 'utf8')) : [];
  const failures = tests
    .filter((test) => test.outcome === 'failed')
    .map((test) => `${name}: ${test.file}:${test.line} ${test.name}\n${indent(test.cause)}`);
  failures.push(
    ...parseLoadErrors(output).map((cause) => `${name}: outside of any test\n${indent(cause)}`),
  );

  const totals = parseTotals(output) ?? { passed: 0, failed: 0, skipped: 0 };
  let { failed, skipped } = totals;
  if (inCi) {
    const unexplained = tests.filter(
      (test) => test.outcome === 'skipped' && !allowedSkips.has(test.name),
    );
    failed += unexplained.length;
    skipped -= unexplained.length;
    failures.push(
      ...unexplained.map(
        (test) => `${name}: ${test.name}\n  is skipped, and test/skips.md does not say why`,
      ),
    );
  }
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    const end = timedOut
      ? `was stopped after ${group.groupTimeoutMs / 60_000} minutes`
      : `ended with exit code ${exitCode}`;
    failures.push(`${name}: the run ${end}; see above.`);
  }
  const lcov = join(coverageFolder, 'lcov.info');
  const coverage = existsSync(lcov) ? parseLcov(readFileSync(lcov, 'utf8')) : null;
  const first = firstFailures(tests);
  return { name, passed: totals.passed, failed, skipped, seconds, failures, first, coverage };
}

/** Two groups at a time, each of which is printed when it has ended; one alone as it goes. */
async function runSideBySide(
  groups: readonly TestGroup[],
  allowedSkips: ReadonlySet<string>,
): Promise<readonly Result[]> {
  const waiting = [...groups];
  const results = new Map<TestGroup, Result>();
  const lane = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const printed: (string | Uint8Array)[] = [];
      const print: Print = (text) => void printed.push(text);
      if (groups.length > 1) console.log(`\n${group.name} has begun`);
      results.set(
        group,
        await runGroup(group, allowedSkips, groups.length > 1 ? print : printAtOnce),
      );
      printed.forEach(printAtOnce);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return groups.flatMap((group) => results.get(group) ?? []);
}

async function findFiles(
  globs: readonly string[],
  without: readonly string[] = [],
): Promise<string[]> {
  const found = await Promise.all(
    globs.map((glob) => Array.fromAsync(new Bun.Glob(glob).scan({ cwd: root }))),
  );
  const excluded = without.map((glob) => new Bun.Glob(glob));
  return found
    .flat()
    .filter((file) => !excluded.some((glob) => glob.match(file)))
    .sort();
}

/** Every file of src that runs in the program, with its text. */
async function readSources(): Promise<Map<string, string>> {
  const files = await findFiles(['src/**/*.{ts,tsx}']);
  const program = files.filter((file) => !/\.(test|contract)\.tsx?$/.test(file));
  return new Map(program.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

function checkCoverage(
  unit: readonly FileCoverage[],
  sources: ReadonlyMap<string, string>,
): Result {
  const failures = findGaps(unit, COVERED_WHOLE, sources).map((gap) => `coverage: ${gap}`);
  const failed = failures.length === 0 ? 0 : 1;
  return {
    name: 'coverage',
    passed: 1 - failed,
    failed,
    skipped: 0,
    seconds: 0,
    failures,
    first: [],
    coverage: null,
  };
}

/** By folder of src; by file, with the lines that nothing reached, where `detailed`. */
function printCoverage(
  report: readonly FileCoverage[],
  sources: ReadonlyMap<string, string>,
  detailed: boolean,
): void {
  const folders = new Map<
    string,
    { hit: number; found: number; functionsHit: number; functionsFound: number }
  >();
  for (const file of report) {
    if (!sources.has(file.path)) continue;
    const missed = uncoveredLines(file);
    const functionsMissed = file.functionsFound - file.functionsHit;
    if (detailed && (missed.length > 0 || functionsMissed > 0)) {
      const words = [
        ...(missed.length > 0 ? [`lines ${formatLines(missed)}`] : []),
        ...(functionsMissed > 0 ? [`${functionsMissed} functions`] : []),
      ];
      console.log(`  not reached: ${file.path}: ${words.join('; ')}`);
    }
    for (const folder of ['src', file.path.split('/').slice(0, 2).join('/')]) {
      const sum = folders.get(folder) ?? { hit: 0, found: 0, functionsHit: 0, functionsFound: 0 };
      sum.hit += file.lines.size - missed.length;
      sum.found += file.lines.size;
      sum.functionsHit += file.functionsHit;
      sum.functionsFound += file.functionsFound;
      folders.set(folder, sum);
    }
  }
  console.log('\nCoverage in process     lines   functions');
  for (const [folder, sum] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const lines = percent(sum.hit, sum.found);
    console.log(
      `  ${folder.padEnd(20)} ${lines}     ${percent(sum.functionsHit, sum.functionsFound)}`,
    );
  }
  const reported = new Set(report.map(({ path }) => path));
  const unloaded = findGaps(report, ['src'], sources).filter((gap) =>
    gap.endsWith('loads this file'),
  );
  if (unloaded.length === 0) return;
  console.log(
    `  of ${reported.size + unloaded.length} files ${unloaded.length} are loaded by no in-process test`,
  );
  if (detailed) for (const gap of unloaded) console.log(`  ${gap}`);
}

function percent(part: number, whole: number): string {
  // Rounded down, so that 100 % is said of nothing less.
  const value = whole === 0 ? 100 : Math.floor((part / whole) * 1000) / 10;
  return `${value.toFixed(1).padStart(6)} %`;
}

function indent(text: string): string {
  const lines = text.split('\n').slice(0, 40);
  return lines.map((line) => `  ${line}`).join('\n');
}

function printResults(results: readonly Result[]): void {
  console.log('');
  for (const { name, passed, failed, skipped, seconds } of results) {
    const time = `${seconds.toFixed(1)} s`.padStart(9);
    console.log(`  ${name.padEnd(10)} ${time}   ${formatTotals({ passed, failed, skipped })}`);
  }
  const failures = results.flatMap((result) => result.failures);
  if (failures.length === 0) return;
  const paragraphs = failures.map((words) => (words.includes('\n') ? `${words}\n` : words));
  console.log(`\nFailures\n\n${paragraphs.join('\n').trimEnd()}`);
  const first = results.flatMap((result) => result.first);
  if (first.length === 0) return;
  // The end of a long output is what is read first, and at times all that is kept of it.
  console.log(`\nThe first failure of every file\n\n${first.join('\n')}`);
}

function formatTotals({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const known = ['lint', ...GROUPS.map((group) => group.name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no group ${unknown}, only ${known.join(', ')}.`);
  const isWanted = (name: string): boolean => names.length === 0 || names.includes(name);

  mkdirSync(resultsFolder, { recursive: true });
  const skipsPage = join(root, 'test/skips.md');
  const allowedSkips = parseAllowedSkips(
    existsSync(skipsPage) ? readFileSync(skipsPage, 'utf8') : '',
  );
  const results: Result[] = [];
  if (isWanted('lint')) results.push(await runLint());
  const wanted = GROUPS.filter(({ name }) => isWanted(name));
  for (const group of wanted.filter(({ waits }) => !waits)) {
    results.push(await runGroup(group, allowedSkips, printAtOnce));
  }
  results.push(
    ...(await runSideBySide(
      wanted.filter(({ waits }) => waits),
      allowedSkips,
    )),
  );

  const sources = await readSources();
  const unit = results.find((result) => result.name === 'unit')?.coverage;
  if (unit) results.push(checkCoverage(unit, sources));
  const covered = results.flatMap((result) => (result.coverage ? [result.coverage] : []));
  if (covered.length > 0)
    printCoverage(mergeCoverage(covered), sources, args.includes('--coverage'));
  printResults(results);

  const sum = (key: keyof Totals): number =>
    results.reduce((total, result) => total + result[key], 0);
  const totals = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
  console.log(`\n${formatTotals(totals)}`);
}

await main(process.argv.slice(2));
