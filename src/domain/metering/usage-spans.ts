/** Says which part of a question longer totals answer, so that no year is read by quarters of hours. */
import { USAGE_WINDOW_MS } from './usage.ts';

export const USAGE_HOUR_MS = 3_600_000;
export const USAGE_DAY_MS = 86_400_000;

/**
 * The lengths, ms, of the totals that a ledger keeps beside its usage windows, of hours, eighths of a
 * day and days of UTC. Ascending, each a multiple of the one before, the first one of a window: the
 * shorter a total, the less of it is cut by a day that begins elsewhere; the longer, the fewer to be
 * read. Where days begin a multiple of three hours from UTC's, as in most of Brazil, a year of them is
 * one run of eighths.
 */
export const USAGE_ROLLUPS_MS = [USAGE_HOUR_MS, 3 * USAGE_HOUR_MS, USAGE_DAY_MS] as const;

const FROM_LONGEST = USAGE_ROLLUPS_MS.toReversed();

/** The start of the total of this length that holds an instant (ms since the Unix epoch). */
export function usageRollupOf(instant: number, lengthMs: number): number {
  return Math.floor(instant / lengthMs) * lengthMs;
}

/** `[from, to)` in ms: answered by totals of this length, one of USAGE_ROLLUPS_MS or a window's. */
export interface UsageSpan {
  readonly from: number;
  readonly to: number;
  readonly lengthMs: number;
}

/**
 * The part of `[from, to)` that lies in the windows `[bounds[i], bounds[i + 1])` of a question, as
 * spans that ascend, touch, and change their length each time: at most seven for each bound. Each total
 * of a span lies wholly in the range and in one window of the question, the one that holds its start, and
 * no longer one does; what is left goes to usage windows. `bounds` ascend.
 */
export function usageSpans(
  from: number,
  to: number,
  bounds: readonly number[],
): readonly UsageSpan[] {
  const spans: UsageSpan[] = [];
  const add = (start: number, end: number, lengthMs: number): void => {
    const last = spans.at(-1);
    if (last?.lengthMs === lengthMs) spans[spans.length - 1] = { ...last, to: end };
    else spans.push({ from: start, to: end, lengthMs });
  };
  const cover = (start: number, end: number, depth: number): void => {
    if (start >= end) return;
    const lengthMs = FROM_LONGEST[depth];
    if (lengthMs === undefined) {
      add(start, end, USAGE_WINDOW_MS);
      return;
    }
    const first = usageRollupOf(start + lengthMs - 1, lengthMs);
    const last = usageRollupOf(end, lengthMs);
    if (first < last) {
      cover(start, first, depth + 1);
      add(first, last, lengthMs);
      cover(last, end, depth + 1);
    } else cover(start, end, depth + 1);
  };
  for (const [at, bound] of bounds.entries()) {
    cover(Math.max(from, bound), Math.min(to, bounds[at + 1] ?? bound), 0);
  }
  return spans;
}

/** A span that leaps over totals of its length: those that begin at these instants are not in it. */
export interface UsageRun extends UsageSpan {
  readonly without: readonly number[];
}

/**
 * Spans as runs, in the order in which their lengths come first: two of one length that one total lies
 * between are one run without it. To step over a total takes a store less than to look for the next
 * span: a year of days in Berlin is one run of eighths of a day where it is 364 spans of them.
 */
export function usageRuns(spans: readonly UsageSpan[]): readonly UsageRun[] {
  return [...Map.groupBy(spans, ({ lengthMs }) => lengthMs)].flatMap(([lengthMs, alike]) => {
    const runs: { from: number; to: number; lengthMs: number; without: number[] }[] = [];
    for (const { from, to } of alike) {
      const last = runs.at(-1);
      if (last !== undefined && from - last.to === lengthMs) {
        last.without.push(last.to);
        last.to = to;
      } else runs.push({ from, to, lengthMs, without: [] });
    }
    return runs;
  });
}
