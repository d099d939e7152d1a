/** Adds usage windows up: over the partitions of the log, and into the windows of a question. */
import { compareTexts } from '../text-order.ts';
import type { UsageTotal, UsageWindow } from './usage.ts';

/** Usage of one series in one window of the question, `[start, end)`. */
export interface UsageSum extends UsageWindow {
  readonly end: number;
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
 */
export function addUpUsage(
  windows: Iterable<UsageWindow>,
  bounds: readonly number[],
): readonly UsageSum[] {
  const sums = new Map<string, UsageSum>();
  for (const window of windows) {
    const at = placeAmong(bounds, window.start);
    const start = bounds[at];
    const end = bounds[at + 1];
    if (start === undefined || end === undefined || window.count === 0) continue;
    const { tenant, sku, unit } = window.series;
    const key = JSON.stringify([tenant, sku, unit, start]);
    const before = sums.get(key);
    const total = before === undefined ? totalOf(window) : addTotals(before, window);
    sums.set(key, { series: { tenant, sku, unit }, start, end, ...total });
  }
  return [...sums.values()].sort(inOrder);
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
