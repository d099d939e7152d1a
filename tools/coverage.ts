/** Adds up what several runs covered, finds what none did, and holds the rooms that must be covered whole to it. */

export interface FileCoverage {
  readonly path: string;
  /** From each line that holds code to how often it ran. */
  readonly lines: ReadonlyMap<number, number>;
  readonly functionsFound: number;
  readonly functionsHit: number;
}

/** Reads an LCOV tracefile as Bun writes it: functions are counted, not named. */
export function parseLcov(text: string): FileCoverage[] {
  return text
    .split('end_of_record')
    .map((record) => {
      const lines = new Map<number, number>();
      for (const [, line, hits] of record.matchAll(/^DA:(\d+),(\d+)/gm)) {
        lines.set(Number(line), Number(hits));
      }
      return {
        path: /^SF:(.+)$/m.exec(record)?.[1] ?? '',
        lines,
        functionsFound: Number(/^FNF:(\d+)$/m.exec(record)?.[1] ?? 0),
        functionsHit: Number(/^FNH:(\d+)$/m.exec(record)?.[1] ?? 0),
      };
    })
    .filter(({ path }) => path !== '');
}

/**
 * A line is covered when any run reached it. Of functions each run tells only how many it reached, so the best
 * run stands for all: never more than the truth.
 */
export function mergeCoverage(runs: readonly (readonly FileCoverage[])[]): FileCoverage[] {
  const merged = new Map<string, FileCoverage>();
  for (const file of runs.flat()) {
    const before = merged.get(file.path);
    if (before === undefined) {
      merged.set(file.path, file);
      continue;
    }
    const lines = new Map(before.lines);
    for (const [line, hits] of file.lines) lines.set(line, (lines.get(line) ?? 0) + hits);
    merged.set(file.path, {
      path: file.path,
      lines,
      functionsFound: Math.max(before.functionsFound, file.functionsFound),
      functionsHit: Math.max(before.functionsHit, file.functionsHit),
    });
  }
  return [...merged.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function uncoveredLines(file: FileCoverage): number[] {
  return [...file.lines]
    .flatMap(([line, hits]) => (hits === 0 ? [line] : []))
    .sort((a, b) => a - b);
}

/** `3-5, 9`: neighbours drawn together. */
export function formatLines(lines: readonly number[]): string {
  const spans: [from: number, to: number][] = [];
  for (const line of lines) {
    const last = spans.at(-1);
    if (last !== undefined && line === last[1] + 1) last[1] = line;
    else spans.push([line, line]);
  }
  return spans.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

/**
 * What keeps the files under `folders` from being covered whole, in words. `sources` are all files that exist: one
 * that no test loads is in no report, so it is asked here whether it has code at all.
 */
export function findGaps(
  report: readonly FileCoverage[],
  folders: readonly string[],
  sources: ReadonlyMap<string, string>,
): string[] {
  const isHeld = (path: string): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
  const reported = new Set(report.map(({ path }) => path));
  const gaps = report
    .filter(({ path }) => isHeld(path))
    .flatMap((file) => {
      const lines = uncoveredLines(file);
      const functions = file.functionsFound - file.functionsHit;
      return [
        ...(lines.length > 0 ? [`${file.path}: no test reaches line ${formatLines(lines)}`] : []),
        ...(functions > 0 && lines.length === 0
          ? [`${file.path}: no test calls ${functions} of its ${file.functionsFound} functions`]
          : []),
      ];
    });
  const unloaded = [...sources]
    .filter(([path, text]) => isHeld(path) && !reported.has(path) && hasCode(text))
    .map(([path]) => `${path}: no test loads this file`);
  return [...gaps, ...unloaded];
}

/** False for a file of types alone, of which nothing is left to run. */
function hasCode(text: string): boolean {
  const transpiled = new Bun.Transpiler({ loader: 'ts' }).transformSync(text);
  const passedOn = /^(import\b[^;]*|export (\{[^}]*\}|\*)[^;]*);$/gm;
  return transpiled.replace(passedOn, '').trim() !== '';
}
