/** Says which part of a usage question whole days answer, so that a year is not read by the quarter of an hour. */

/** The length of a UTC day, ms: of the totals that a ledger keeps beside its usage windows. */
export const USAGE_DAY_MS = 86_400_000;

/** The start of the UTC day that holds an instant (ms since the Unix epoch). */
export function usageDayOf(instant: number): number {
  return Math.floor(instant / USAGE_DAY_MS) * USAGE_DAY_MS;
}

/** `[from, to)` in ms: answered by the totals of its UTC days, or by its usage windows. */
export interface UsageSpan {
  readonly from: number;
  readonly to: number;
  readonly of: 'day' | 'window';
}

/**
 * The part of `[from, to)` that lies in the windows `[bounds[i], bounds[i + 1])` of a question, as
 * spans that ascend, touch, and change their kind each time: at most twice as many as bounds. Each day
 * of a `day` span lies wholly in the range and in one window of the question, the one that holds its
 * start; all else is left to usage windows. `bounds` ascend.
 */
export function usageSpans(
  from: number,
  to: number,
  bounds: readonly number[],
): readonly UsageSpan[] {
  const spans: UsageSpan[] = [];
  const add = (of: UsageSpan['of'], start: number, end: number): void => {
    if (start >= end) return;
    const last = spans.at(-1);
    if (last?.of === of) spans[spans.length - 1] = { ...last, to: end };
    else spans.push({ from: start, to: end, of });
  };
  for (const [at, bound] of bounds.entries()) {
    const start = Math.max(from, bound);
    const end = Math.min(to, bounds[at + 1] ?? bound);
    const firstDay = usageDayOf(start + USAGE_DAY_MS - 1);
    const lastDay = usageDayOf(end);
    if (firstDay < lastDay) {
      add('window', start, firstDay);
      add('day', firstDay, lastDay);
      add('window', lastDay, end);
    } else add('window', start, end);
  }
  return spans;
}
