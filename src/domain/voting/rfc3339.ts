/** Times as clients write and read them: RFC 3339, in and out, to the millisecond. */
import { MINUTE_MS, type ZoneOffset } from '../counting/time-window.ts';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** The instant in ms since the Unix epoch (finer digits are cut off), or null where there is none. */
export function instantOf(text: string): number | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  // The runtime rolls a 30 February over into March; no client means that.
  const [, year, month, day] = match;
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (midnight.getUTCDate() !== Number(day)) return null;
  const instant = Date.parse(text.replace(' ', 'T').toUpperCase());
  return Number.isNaN(instant) ? null : instant;
}

/** `2026-11-21T20:00:00.000Z` */
export function rfc3339Of(instant: number): string {
  return new Date(instant).toISOString();
}

/** The time on a zone's clocks with its distance from UTC: `2026-11-21T17:00:00.000-03:00`. */
export function zonedRfc3339Of(instant: number, offsetAt: ZoneOffset): string {
  const minutes = Math.round(offsetAt(instant) / MINUTE_MS);
  const wall = rfc3339Of(instant + minutes * MINUTE_MS).slice(0, -1);
  const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const sign = minutes < 0 ? '-' : '+';
  return `${wall}${sign}${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
