/** Wall-clock times of an IANA time zone, as a form asks for them, to instants and back. */

/** `gap`: the clocks jump over this time. `isAmbiguous`: they show it twice; the first is meant. */
export type ZonedInstant =
  | { readonly kind: 'instant'; readonly ms: number; readonly isAmbiguous: boolean }
  | { readonly kind: 'gap' }
  | { readonly kind: 'invalid' };

const WALL = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?$/;

/** No zone has ever moved its clocks by more than this around one instant. */
const SHIFT_MAX_MS = 26 * 3_600_000;

/** The instant of `2026-11-21T20:00` (seconds optional) in a time zone. */
export function instantOf(wall: string, timeZone: string): ZonedInstant {
  const match = WALL.exec(wall);
  if (match === null || !isTimeZone(timeZone)) return { kind: 'invalid' };
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  const check = new Date(asUtc);
  if (check.getUTCMonth() !== month - 1 || check.getUTCDate() !== day || hour > 23 || minute > 59) {
    return { kind: 'invalid' };
  }

  // The zone's offsets a day before and a day after are the only ones this wall time can have.
  const offsets = new Set([
    offsetAt(asUtc - SHIFT_MAX_MS, timeZone),
    offsetAt(asUtc + SHIFT_MAX_MS, timeZone),
  ]);
  const instants = [...offsets]
    .map((offset) => asUtc - offset)
    .filter((ms) => ms + offsetAt(ms, timeZone) === asUtc)
    .sort((a, b) => a - b);
  const [first] = instants;
  if (first === undefined) return { kind: 'gap' };
  return { kind: 'instant', ms: first, isAmbiguous: instants.length > 1 };
}

/** `2026-11-21T20:00` of an instant in a time zone: what `<input type="datetime-local">` takes. */
export function wallTimeOf(ms: number, timeZone: string): string {
  return new Date(ms + offsetAt(ms, timeZone)).toISOString().slice(0, 16);
}

export function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return timeZone !== '';
  } catch {
    return false;
  }
}

/** Zone time minus UTC at an instant, ms. */
function offsetAt(ms: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms);
  const read = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  const zoned = Date.UTC(
    read('year'),
    read('month') - 1,
    read('day'),
    read('hour'),
    read('minute'),
    read('second'),
  );
  return zoned - Math.floor(ms / 1000) * 1000;
}
