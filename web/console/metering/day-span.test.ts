import { expect, test } from 'bun:test';
import { dayAfter, dayOf, daySpan, dayStart } from './day-span.ts';

const HOUR_MS = 3_600_000;

test('a day lasts from midnight to midnight on the clocks of the zone', () => {
  const hours = (day: string, zone: string) => {
    const span = daySpan(day, day, zone);
    return span === null ? null : (span.to - span.from) / HOUR_MS;
  };
  expect(hours('2026-03-28', 'Europe/Paris')).toBe(24);
  expect(hours('2026-03-29', 'Europe/Paris')).toBe(23);
  expect(hours('2026-10-25', 'Europe/Paris')).toBe(25);
  expect(dayStart('2026-03-28', 'Europe/Paris')).toBe(Date.parse('2026-03-27T23:00:00Z'));
});

test('a day whose midnight the clocks jump over begins at what they jump to', () => {
  expect(dayStart('2018-11-04', 'America/Sao_Paulo')).toBe(Date.parse('2018-11-04T03:00:00Z'));
  expect(dayOf(Date.parse('2018-11-04T03:00:00Z'), 'America/Sao_Paulo')).toBe('2018-11-04');
});

test('no day, no zone, or days in the wrong order are no span', () => {
  expect(daySpan('', '2026-01-01', 'UTC')).toBeNull();
  expect(daySpan('2026-01-02', '2026-01-01', 'UTC')).toBeNull();
  expect(daySpan('2026-01-01', '2026-01-01', 'Mars/Olympus')).toBeNull();
  expect(dayAfter('2026-02-28', 1)).toBe('2026-03-01');
  expect(dayAfter('', 1)).toBe('');
});
