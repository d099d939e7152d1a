import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { instantOf, isTimeZone, wallTimeOf } from './zoned-time.ts';

const ZONES = ['America/Sao_Paulo', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC'];
const ms = (iso: string) => Date.parse(iso);

describe('a wall-clock time', () => {
  test('is an instant of its zone', () => {
    expect(instantOf('2026-11-21T20:00', 'America/Sao_Paulo')).toEqual({
      kind: 'instant',
      ms: ms('2026-11-21T23:00:00Z'),
      isAmbiguous: false,
    });
  });

  test('that the clocks jump over is a gap', () => {
    expect(instantOf('2026-03-08T02:30', 'America/New_York').kind).toBe('gap');
  });

  test('that the clocks show twice is the first one, and says so', () => {
    expect(instantOf('2026-11-01T01:30', 'America/New_York')).toEqual({
      kind: 'instant',
      ms: ms('2026-11-01T05:30:00Z'),
      isAmbiguous: true,
    });
  });

  test('of a day that a zone skipped is a gap', () => {
    expect(instantOf('2011-12-30T12:00', 'Pacific/Apia').kind).toBe('gap');
  });

  test('that no calendar or zone has is invalid', () => {
    for (const wall of ['', 'soon', '2026-02-30T10:00', '2026-13-01T10:00', '2026-01-01T25:00']) {
      expect(instantOf(wall, 'UTC').kind).toBe('invalid');
    }
    expect(instantOf('2026-11-21T20:00', 'America/Atlantis').kind).toBe('invalid');
  });

  test('comes back from the instant that it became', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: ms('2000-01-01T00:00:00Z'), max: ms('2040-01-01T00:00:00Z') }),
        fc.constantFrom(...ZONES),
        (instant, zone) => {
          const wall = wallTimeOf(instant, zone);
          const back = instantOf(wall, zone);
          expect(back.kind).toBe('instant');
          if (back.kind === 'instant') expect(wallTimeOf(back.ms, zone)).toBe(wall);
        },
      ),
    );
  });
});

test('a time zone is known by its IANA name', () => {
  expect(isTimeZone('America/Sao_Paulo')).toBe(true);
  expect(isTimeZone('Sao Paulo')).toBe(false);
  expect(isTimeZone('')).toBe(false);
});
