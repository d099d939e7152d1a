/** Days as somebody picks them, `2026-11-21`, and the instants at which they begin in a time zone. */
import { instantOf, wallTimeOf } from '../zoned-time.ts';

const DAY_MS = 86_400_000;
const HOURS = ['00', '01', '02', '03'] as const;

/** The first instant of the day; where clocks jump over midnight, what they jump to. Null: no such day. */
export function dayStart(day: string, timeZone: string): number | null {
  for (const hour of HOURS) {
    const instant = instantOf(`${day}T${hour}:00`, timeZone);
    if (instant.kind === 'instant') return instant.ms;
    if (instant.kind === 'invalid') return null;
  }
  return null;
}

/** `[from, to)` of the days, the last one included; null where they are none or in the wrong order. */
export function daySpan(
  first: string,
  last: string,
  timeZone: string,
): { readonly from: number; readonly to: number } | null {
  const from = dayStart(first, timeZone);
  const to = dayStart(dayAfter(last, 1), timeZone);
  return from === null || to === null || to <= from ? null : { from, to };
}

export function dayOf(ms: number, timeZone: string): string {
  return wallTimeOf(ms, timeZone).slice(0, 10);
}

/** `days` later; earlier below 0. */
export function dayAfter(day: string, days: number): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(at) ? day : new Date(at + days * DAY_MS).toISOString().slice(0, 10);
}
