/** Reads what `bun test` says of a run: the totals that it prints, and its JUnit file for names and causes. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestOutcome {
  readonly file: string;
  readonly line: number | null;
  /** With the names of the groups around it: `a poll > opens once`. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What went wrong; empty unless it failed. */
  readonly cause: string;
}

/**
 * Null when the run ended before it could print its totals: killed, crashed, or out of time.
 * A file that does not load is among the failed here, and nowhere in the JUnit file.
 */
export function parseTotals(output: string): Totals | null {
  const counts = new Map<string, number>();
  for (const [, count, what] of output.matchAll(/^ *(\d+) (pass|fail|skip|todo|errors?)$/gm)) {
    if (count !== undefined && what !== undefined) counts.set(what, Number(count));
  }
  const passed = counts.get('pass');
  const failed = counts.get('fail');
  if (passed === undefined || failed === undefined) return null;
  return { passed, failed, skipped: (counts.get('skip') ?? 0) + (counts.get('todo') ?? 0) };
}

/** The errors that belong to no test: a file that does not load, a promise that nobody awaited. */
export function parseLoadErrors(output: string): string[] {
  const blocks = output.matchAll(/^# Unhandled error between tests\n-+\n([\s\S]*?)\n-+$/gm);
  return [...blocks].map((block) => (block[1] ?? '').trim());
}

/** Reads the subset of XML that Bun writes: one `testcase` a test, with `failure` or `skipped` inside. */
export function parseJunit(xml: string): TestOutcome[] {
  return [...xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)].map((match) => {
    const attributes = readAttributes(match[1] ?? '');
    const content = match[3] ?? '';
    const failure = /<failure\b([^>]*?)(\/>|>([\s\S]*?)<\/failure>)/.exec(content);
    const groups = attributes.get('classname') ?? '';
    const name = attributes.get('name') ?? '';
    const line = attributes.get('line');
    return {
      file: attributes.get('file') ?? '',
      line: line === undefined ? null : Number(line),
      name: groups === '' ? name : `${groups} > ${name}`,
      outcome: failure ? 'failed' : content.includes('<skipped') ? 'skipped' : 'passed',
      cause: failure ? causeOf(failure[1] ?? '', failure[3] ?? '') : '',
    };
  });
}

function causeOf(attributes: string, content: string): string {
  const text = unescapeXml(content).trim();
  return text === '' ? (readAttributes(attributes).get('message') ?? '') : text;
}

function readAttributes(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/([\w:-]+)="([^"]*)"/g)].map((match) => [
      match[1] ?? '',
      unescapeXml(match[2] ?? ''),
    ]),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

function unescapeXml(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
}

const CAUSE_SHOWN_MAX = 500;

/**
 * The first failure of every file, a line each: tests that tell one story fail one after the other, and the
 * first one says why.
 */
export function firstFailures(tests: readonly TestOutcome[]): string[] {
  const byFile = Map.groupBy(
    tests.filter(({ outcome }) => outcome === 'failed'),
    ({ file }) => file,
  );
  return [...byFile.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const more = others.length === 0 ? '' : ` (and ${others.length} more of this file)`;
    const cause = first.cause.replaceAll(/\s+/g, ' ').slice(0, CAUSE_SHOWN_MAX);
    return [`${first.file}:${first.line} ${first.name}${more}: ${cause}`];
  });
}

/** The tests that may be skipped in CI: test/skips.md names each in backticks at the start of a list item. */
export function parseAllowedSkips(page: string): Set<string> {
  const allowed = new Set<string>();
  for (const [, name, reason] of page.matchAll(/^- `([^`]+)`(.*)$/gm)) {
    if (name !== undefined && /\w{3}/.test(reason ?? '')) allowed.add(name);
  }
  return allowed;
}
