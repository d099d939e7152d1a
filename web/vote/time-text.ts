/** Says instants and spans of time in words, in the zone of the poll or of the one who reads. */
import type { Messages } from './messages.ts';

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Where an instant is told: the poll's zone by its name, or the reader's own. */
export type Zone = { readonly name: string; readonly isReaders: boolean };

/** `hoje, 22:30 (horário de Brasília)`; with the day when it is not the same as that of `now`. */
export function sayInstant(at: number, now: number, zone: Zone, messages: Messages): string {
  const timeZone = knownZone(zone.name);
  const say = (time: number, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(messages.language, { ...options, timeZone }).format(time);
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'long' };
  const withYear: Intl.DateTimeFormatOptions = { ...day, year: 'numeric' };
  const sameDay = say(at, withYear) === say(now, withYear);
  const sameYear = say(at, { year: 'numeric' }) === say(now, { year: 'numeric' });
  const date: Intl.DateTimeFormatOptions = sameYear ? { weekday: 'short', ...day } : withYear;
  const when = sameDay
    ? messages.time.today(say(at, clock))
    : `${say(at, date)}, ${say(at, clock)}`;
  return `${when} (${sayZone(at, timeZone, zone, messages)})`;
}

/** `22:01:07`, in the zone. */
export function sayClock(at: number, zone: Zone, messages: Messages): string {
  return new Intl.DateTimeFormat(messages.language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone: knownZone(zone.name),
  }).format(at);
}

/** The reader's zone when its clocks differ from those of the poll's at that instant, else the poll's. */
export function zoneToTell(at: number, pollZone: string, readersZone: string): Zone {
  const clockIn = (timeZone: string) =>
    new Intl.DateTimeFormat('en', {
      dateStyle: 'short',
      timeStyle: 'short',
      timeZone: knownZone(timeZone),
    }).format(at);
  return clockIn(pollZone) === clockIn(readersZone)
    ? { name: pollZone, isReaders: false }
    : { name: readersZone, isReaders: true };
}

/** `2 d 3 h 05 min`, `1 h 02 min 05 s`, `12 min 05 s` or `9 s`: whole seconds, rounded up. */
export function sayRemaining(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const days = Math.floor(seconds / DAY_S);
  const hours = Math.floor((seconds % DAY_S) / HOUR_S);
  const minutes = Math.floor((seconds % HOUR_S) / MINUTE_S);
  const rest = seconds % MINUTE_S;
  if (days > 0) return `${days} d ${hours} h ${padded(minutes)} min`;
  if (hours > 0) return `${hours} h ${padded(minutes)} min ${padded(rest)} s`;
  if (minutes > 0) return `${minutes} min ${padded(rest)} s`;
  return `${rest} s`;
}

/** The seconds before the end that are worth an announcement. */
const MILESTONES_S = [600, 300, 60, 10];

/** The milestone that was passed since the countdown stood at `beforeMs`, in seconds, or null. */
export function milestonePassed(beforeMs: number, nowMs: number): number | null {
  const passed = MILESTONES_S.filter((s) => beforeMs > s * SECOND_MS && nowMs <= s * SECOND_MS);
  return passed.at(-1) ?? null;
}

function sayZone(at: number, timeZone: string, zone: Zone, messages: Messages): string {
  if (zone.isReaders) return messages.time.yourTime;
  const known = messages.time.zones[timeZone];
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat(messages.language, { timeZone, timeZoneName: 'long' });
  const part = format.formatToParts(at).find(({ type }) => type === 'timeZoneName');
  return part?.value ?? timeZone;
}

function padded(value: number): string {
  return String(value).padStart(2, '0');
}

/** A zone that the browser knows, or UTC: an old device may not have the poll's. */
function knownZone(name: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return 'UTC';
  }
}
