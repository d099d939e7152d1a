/** Cuts a span of time into the hours, days or months of a time zone, as bounds for usage queries. */
import { hourWindows, zoneOffset } from '../counting/time-window.ts';
import { USAGE_WINDOW_MS } from './usage.ts';
import { calendarStarts } from './zone-calendar.ts';

/** ISO 8601 durations, by the zone's clocks: a `P1D` may have 23 or 25 hours. */
export const GRANULARITIES = ['PT1H', 'P1D', 'P1M'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** More bounds than this are refused: over a year of hours, 27 years of days. */
export const USAGE_BOUNDS_MAX = 10_000;

/** No hour, day or month is longer, ms: a span that surely has too many is refused unreckoned. */
const LONGEST_MS: { readonly [G in Granularity]: number } = {
  PT1H: 2 * 3_600_000,
  P1D: 49 * 3_600_000,
  P1M: 32 * 86_400_000,
};

/**
 * `from`, every start of an hour (day, month) of the zone in between, and `to`, ascending: the first and
 * the last window may be cut. Null where they would be more than USAGE_BOUNDS_MAX.
 *
 * @throws RangeError: `from` and `to` are not whole usage windows, or in the wrong order; not a time zone.
 */
export function usageBounds(
  from: number,
  to: number,
  granularity: Granularity,
  timeZone: string,
): readonly number[] | null {
  if (from >= to || from % USAGE_WINDOW_MS !== 0 || to % USAGE_WINDOW_MS !== 0) {
    throw new RangeError(`[${from}, ${to}) is no span of whole usage windows.`);
  }
  if ((to - from) / LONGEST_MS[granularity] > USAGE_BOUNDS_MAX) return null;
  const inside = starts(from, to, granularity, timeZone).filter((at) => at > from && at < to);
  return inside.length + 2 > USAGE_BOUNDS_MAX ? null : [from, ...inside, to];
}

function starts(
  from: number,
  to: number,
  granularity: Granularity,
  timeZone: string,
): readonly number[] {
  if (granularity === 'PT1H') {
    // Shifts have been at odd minutes; usage has no finer windows than its own.
    const hours = hourWindows(timeZone, from, to).map(
      (hour) => Math.ceil(hour.from / USAGE_WINDOW_MS) * USAGE_WINDOW_MS,
    );
    return [...new Set(hours)];
  }
  return calendarStarts(zoneOffset(timeZone), granularity === 'P1D' ? 'day' : 'month', from, to);
}
