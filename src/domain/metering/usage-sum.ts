/** Adds usage windows up: over the partitions of the log, and into the windows of a question. */
import { ApuraError } from '../errors.ts';
import { compareTexts } from '../text-order.ts';
import type { UsageSeries } from './pulse.ts';
import { NO_USAGE, type UsageTotal, type UsageWindow } from './usage.ts';

/** Usage of one series in one window of the question, `[start, end)`. */
export interface UsageSum extends UsageWindow {
  readonly end: number;
}

interface SumUnderWay extends Pick<UsageSum, 'series' | 'start' | 'end'> {
  total: UsageTotal;
}

/** The total of both; amounts are of any sign. */
export function addTotals(left: UsageTotal, right: UsageTotal): UsageTotal {
  const later = isLater(right, left) ? right : left;
  return {
    sum: left.sum + right.sum,
    count: left.count + right.count,
    min: left.min < right.min ? left.min : right.min,
    max: left.max > right.max ? left.max : right.max,
    last: later.last,
    lastAt: later.lastAt,
    lastKey: later.lastKey,
  };
}

/**
 * What the windows come to in each `[bounds[i], bounds[i + 1])`; `bounds` ascend. Windows that start
 * outside, and those without a pulse, add nothing. In the order of (tenant, sku, unit, start).
 *
 * @throws ApuraError `too_many_rows`: there are more than `rowsMax`. None is kept beyond that.
 */
export function addUpUsage(
  windows: Iterable<UsageWindow>,
  bounds: readonly number[],
  rowsMax = Number.POSITIVE_INFINITY,
): readonly UsageSum[] {
  const sums = new Map<string, SumUnderWay>();
  let latest: SumUnderWay | null = null;
  let latestSeries: UsageSeries | null = null;
  for (const window of windows) {
    const at = placeAmong(bounds, window.start);
    const start = bounds[at];
    const end = bounds[at + 1];
    if (start === undefined || end === undefined || window.count === 0) continue;
    // Windows mostly come series by series, in the order of time: a name for each would cost the most.
    if (latest === null || latest.start !== start || latestSeries !== window.series) {
      latestSeries = window.series;
      const { tenant, sku, unit } = window.series;
      const name = JSON.stringify([tenant, sku, unit, start]);
      const known = sums.get(name);
      latest = known ?? { series: { tenant, sku, unit }, start, end, total: NO_USAGE };
      if (known === undefined) {
        if (sums.size >= rowsMax) throw tooManyUsageRows(rowsMax);
        sums.set(name, latest);
      }
    }
    latest.total = latest.total.count === 0 ? totalOf(window) : addTotals(latest.total, window);
  }
  return [...sums.values()].map(({ total, ...sum }) => ({ ...sum, ...total })).sort(inOrder);
}

/** What a question is refused with whose answer would have more rows: series times windows. */
export function tooManyUsageRows(rowsMax: number): ApuraError {
  return new ApuraError(
    'too_many_rows',
    `The question takes in more than ${rowsMax} windows of series: ask for less time, coarser ` +
      'windows, or one tenant, sku or unit.',
  );
}

function isLater(one: UsageTotal, other: UsageTotal): boolean {
  if (one.lastAt !== other.lastAt) return one.lastAt > other.lastAt;
  return one.lastKey > other.lastKey;
}

function totalOf({ sum, count, min, max, last, lastAt, lastKey }: UsageTotal): UsageTotal {
  return { sum, count, min, max, last, lastAt, lastKey };
}

/** The index of the last bound at or before `instant`; -1 where there is none. */
function placeAmong(bounds: readonly number[], instant: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] ?? 0) <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function inOrder(left: UsageSum, right: UsageSum): number {
  return (
    compareTexts(left.series.tenant, right.series.tenant) ||
    compareTexts(left.series.sku, right.series.sku) ||
    compareTexts(left.series.unit, right.series.unit) ||
    left.start - right.start
  );
}
