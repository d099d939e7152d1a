/** Windows over which events are reported: minutes, steps, and the clock hours of a time zone. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** `[from, to)`, ms since the Unix epoch, whole minutes. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** Minutes since the Unix epoch. */
export function minuteOf(instant: number): number {
  return Math.floor(instant / MINUTE_MS);
}

/** Whether the name is an IANA time zone that this runtime knows. Fixed offsets are not. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The steps of a fixed length, aligned to the Unix epoch, that cover `[from, to)`. */
export function stepWindows(from: number, to: number, stepMs: number): readonly TimeWindow[] {
  const windows: TimeWindow[] = [];
  for (let start = Math.floor(from / stepMs) * stepMs; start < to; start += stepMs) {
    windows.push({ from: start, to: start + stepMs });
  }
  return windows;
}

/**
 * The clock hours of a zone that cover `[from, to)`: from each full hour on the zone's clocks to the
 * next. Where the clocks are put forward or back the day has more or fewer of them; a shift by a part
 * of an hour (Lord Howe) cuts the hour in which it falls. The windows never overlap and leave no gap.
 */
export function hourWindows(timeZone: string, from: number, to: number): readonly TimeWindow[] {
  const offsetAt = zoneOffset(timeZone);
  const windows: TimeWindow[] = [];
  let start = hourStart(offsetAt, from);
  while (start < to) {
    const end = hourEnd(offsetAt, start);
    windows.push({ from: start, to: end });
    start = end;
  }
  return windows;
}

/** A zone's distance from UTC in ms (positive east) at an instant. */
export type ZoneOffset = (instant: number) => number;

export function zoneOffset(timeZone: string): ZoneOffset {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    // By the text, which takes a fifth of the time that its parts take: the order is the locale's.
    const fields = format.format(instant).match(/\d+/g) ?? [];
    const [month = 1, day = 1, year = 0, hour = 0, minute = 0, second = 0] = fields.map(Number);
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    return wall - Math.floor(instant / 1000) * 1000;
  };
}

function hourStart(offsetAt: ZoneOffset, instant: number): number {
  const offset = offsetAt(instant);
  const start = Math.floor((instant + offset) / HOUR_MS) * HOUR_MS - offset;
  return offsetAt(start) === offset ? start : firstAt(offsetAt, offset, start, instant);
}

function hourEnd(offsetAt: ZoneOffset, start: number): number {
  const offset = offsetAt(start);
  const end = (Math.floor((start + offset) / HOUR_MS) + 1) * HOUR_MS - offset;
  const last = end - MINUTE_MS;
  return offsetAt(last) === offset ? end : firstAt(offsetAt, offsetAt(last), start, last);
}

/** The first minute in `(low, high]` from which the zone keeps `offset`; it does at `high`, not at `low`. */
function firstAt(offsetAt: ZoneOffset, offset: number, low: number, high: number): number {
  let before = Math.floor(low / MINUTE_MS);
  let since = Math.floor(high / MINUTE_MS);
  while (since - before > 1) {
    const middle = Math.floor((before + since) / 2);
    if (offsetAt(middle * MINUTE_MS) === offset) since = middle;
    else before = middle;
  }
  return since * MINUTE_MS;
}
