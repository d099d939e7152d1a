import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { zoneOffset } from '../counting/time-window.ts';
import { instantOf, rfc3339Of, zonedRfc3339Of } from './rfc3339.ts';

describe('RFC 3339', () => {
  test.each([
    ['2026-11-21T20:00:00.000Z', 1_795_291_200_000],
    ['2026-11-21T20:00:00Z', 1_795_291_200_000],
    ['2026-11-21T17:00:00-03:00', 1_795_291_200_000],
    ['2026-11-22T01:45:00.5+05:45', 1_795_291_200_500],
    ['2026-11-21t20:00:00z', 1_795_291_200_000],
    ['2026-11-21 20:00:00Z', 1_795_291_200_000],
    ['2026-11-21T20:00:00.123456789Z', 1_795_291_200_123],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
  ])('%s is read', (text, instant) => {
    expect(instantOf(text)).toBe(instant);
  });

  test.each([
    '',
    'now',
    '1795291200000',
    '2026-11-21',
    '2026-11-21T20:00Z',
    '2026-11-21T20:00:00',
    '2026-11-21T25:00:00Z',
    '2026-11-21T20:61:00Z',
    '2026-13-21T20:00:00Z',
    '2026-02-30T20:00:00Z',
    '2025-02-29T20:00:00Z',
    '2026-04-31T20:00:00Z',
    '2026-00-10T20:00:00Z',
    '2026-11-21T20:00:00+0300',
    '2026-11-21T20:00:00.Z',
    ' 2026-11-21T20:00:00Z',
  ])('%p is refused', (text) => {
    expect(instantOf(text)).toBeNull();
  });

  test('what is written is read as the same instant', () => {
    expect(rfc3339Of(1_795_291_200_000)).toBe('2026-11-21T20:00:00.000Z');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (instant) => {
        expect(instantOf(rfc3339Of(instant))).toBe(instant);
      }),
    );
  });
});

describe('the time on a zone’s clocks', () => {
  const instant = Date.parse('2026-11-21T20:00:00.250Z');

  test.each([
    ['America/Sao_Paulo', '2026-11-21T17:00:00.250-03:00'],
    ['UTC', '2026-11-21T20:00:00.250+00:00'],
    ['Asia/Kathmandu', '2026-11-22T01:45:00.250+05:45'],
    ['America/St_Johns', '2026-11-21T16:30:00.250-03:30'],
  ])('in %s is written with its distance from UTC', (zone, text) => {
    expect(zonedRfc3339Of(instant, zoneOffset(zone))).toBe(text);
    expect(instantOf(text)).toBe(instant);
  });
});
