/** Where the days and months of a time zone begin, as whole usage windows, on days of 23 and 25 hours too. */
import type { ZoneOffset } from '../counting/time-window.ts';
import { USAGE_WINDOW_MS } from './usage.ts';

/** A day on the wall calendar; `day` may lie outside the month and counts on from it, as in Date.UTC. */
interface CalendarDay {
  readonly year: number;
  /** 0–11. */
  readonly month: number;
  readonly day: number;
}

const DAY_MS = 86_400_000;

/** The day on a zone's calendar in which an instant lies. */
function calendarDayAt(offsetAt: ZoneOffset, instant: number): CalendarDay {
  const wall = new Date(instant + offsetAt(instant));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth(), day: wall.getUTCDate() };
}

/**
 * The starts of the zone's months (or days) from the one that holds `from` to the first at or after `to`,
 * ascending. A day that the zone has leapt over (Apia, 30 December 2011) has none.
 */
export function calendarStarts(
  zone: ZoneOffset,
  unit: 'day' | 'month',
  from: number,
  to: number,
): readonly number[] {
  const offsetAt = remembered(zone);
  const { year, month, day } = calendarDayAt(offsetAt, from);
  const startOf = (step: number): number =>
    unit === 'day'
      ? dayStart(offsetAt, { year, month, day: day + step })
      : dayStart(offsetAt, { year, month: month + step, day: 1 });
  // The calendar may say the day before where clocks go back over midnight: a day begins but once.
  let step = -1;
  let last = startOf(step);
  let starts = [last];
  while (last < to) {
    step += 1;
    const next = startOf(step);
    if (next <= from) starts = [next];
    else if (next > last) starts.push(next);
    last = next;
  }
  return starts;
}

/** Each midnight is asked for by the day before it and by the one behind. */
function remembered(zone: ZoneOffset): ZoneOffset {
  const known = new Map<number, number>();
  return (instant) => {
    const offset = known.get(instant) ?? zone(instant);
    known.set(instant, offset);
    return offset;
  };
}

/** The first usage window at whose start the zone's clocks show the day, or a later one. */
function dayStart(offsetAt: ZoneOffset, { year, month, day }: CalendarDay): number {
  const midnight = Date.UTC(year, month, day);
  const offsets = [offsetAt(midnight - DAY_MS), offsetAt(midnight + DAY_MS)];
  // The clocks may be moved in these two days: try every window from the earliest that it can be.
  let start = Math.ceil((midnight - Math.max(...offsets)) / USAGE_WINDOW_MS) * USAGE_WINDOW_MS;
  while (start + offsetAt(start) < midnight) start += USAGE_WINDOW_MS;
  return start;
}
