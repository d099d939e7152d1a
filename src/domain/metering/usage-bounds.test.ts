import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { USAGE_WINDOW_MS } from './usage.ts';
import { GRANULARITIES, USAGE_BOUNDS_MAX, usageBounds } from './usage-bounds.ts';

const at = (text: string): number => Date.parse(text);
const told = (bounds: readonly number[] | null): readonly string[] | undefined =>
  bounds?.map((bound) => new Date(bound).toISOString().slice(0, 16));
const hours = (bounds: readonly number[] | null): readonly number[] =>
  (bounds ?? []).slice(1).map((bound, index) => (bound - (bounds?.[index] ?? 0)) / 3_600_000);

describe('days', () => {
  test('have 23 hours where the clocks go forward, and 25 where they go back', () => {
    const spring = usageBounds(
      at('2026-03-27T23:00Z'),
      at('2026-03-30T22:00Z'),
      'P1D',
      'Europe/Paris',
    );
    expect(hours(spring)).toEqual([24, 23, 24]);
    const autumn = usageBounds(
      at('2026-10-24T22:00Z'),
      at('2026-10-26T23:00Z'),
      'P1D',
      'Europe/Paris',
    );
    expect(hours(autumn)).toEqual([25, 24]);
  });

  test('begin at one where midnight does not exist', () => {
    // Beirut goes forward at midnight: 29 March 2026 begins at 01:00, 22:00 UTC.
    const days = usageBounds(
      at('2026-03-28T10:00Z'),
      at('2026-03-30T10:00Z'),
      'P1D',
      'Asia/Beirut',
    );
    expect(told(days)).toEqual([
      '2026-03-28T10:00',
      '2026-03-28T22:00',
      '2026-03-29T21:00',
      '2026-03-30T10:00',
    ]);
  });

  test('begin once where midnight comes twice', () => {
    // Havana goes back from one to midnight on 1 November 2026.
    const days = usageBounds(
      at('2026-10-31T04:00Z'),
      at('2026-11-02T05:00Z'),
      'P1D',
      'America/Havana',
    );
    expect(told(days)).toEqual(['2026-10-31T04:00', '2026-11-01T04:00', '2026-11-02T05:00']);
    // Santiago goes back from midnight to 23:00 of the day before.
    const santiago = usageBounds(
      at('2026-04-04T03:00Z'),
      at('2026-04-06T04:00Z'),
      'P1D',
      'America/Santiago',
    );
    expect(hours(santiago)).toEqual([25, 24]);
  });

  test('that a zone has leapt over are none', () => {
    // Apia went from the end of 29 December 2011 to 31 December.
    const days = usageBounds(
      at('2011-12-29T10:00Z'),
      at('2012-01-01T10:00Z'),
      'P1D',
      'Pacific/Apia',
    );
    expect(told(days)).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
      '2012-01-01T10:00',
    ]);
  });
});

describe('hours', () => {
  test('are those of the zone, of half-hour zones too', () => {
    const bounds = usageBounds(
      at('2026-01-01T00:00Z'),
      at('2026-01-01T02:00Z'),
      'PT1H',
      'Asia/Kolkata',
    );
    expect(told(bounds)).toEqual([
      '2026-01-01T00:00',
      '2026-01-01T00:30',
      '2026-01-01T01:30',
      '2026-01-01T02:00',
    ]);
  });

  test('cut by a shift of half an hour stay whole usage windows', () => {
    const bounds = usageBounds(
      at('2026-04-04T13:00Z'),
      at('2026-04-04T17:00Z'),
      'PT1H',
      'Australia/Lord_Howe',
    );
    expect(hours(bounds)).toEqual([1, 1, 0.5, 1, 0.5]);
  });

  test('cut by a shift of odd minutes stay whole usage windows', () => {
    // Monrovia went from 44 minutes and 30 seconds behind to UTC on 7 January 1972.
    const bounds = usageBounds(
      at('1972-01-06T23:00Z'),
      at('1972-01-07T03:00Z'),
      'PT1H',
      'Africa/Monrovia',
    );
    expect(told(bounds)).toEqual([
      '1972-01-06T23:00',
      '1972-01-06T23:45',
      '1972-01-07T00:45',
      '1972-01-07T01:00',
      '1972-01-07T02:00',
      '1972-01-07T03:00',
    ]);
  });
});

describe('months', () => {
  test('begin where the zone says', () => {
    const bounds = usageBounds(
      at('2026-01-15T00:00Z'),
      at('2026-04-15T00:00Z'),
      'P1M',
      'Europe/Paris',
    );
    expect(told(bounds)).toEqual([
      '2026-01-15T00:00',
      '2026-01-31T23:00',
      '2026-02-28T23:00',
      '2026-03-31T22:00',
      '2026-04-15T00:00',
    ]);
  });
});

test('bounds ascend from the first to the last, all whole usage windows', () => {
  const zones = fc.constantFrom(
    'UTC',
    'America/St_Johns',
    'Asia/Kathmandu',
    'Africa/Monrovia',
    'Pacific/Apia',
    'Africa/Casablanca',
    'Australia/Lord_Howe',
  );
  fc.assert(
    fc.property(
      zones,
      fc.constantFrom(...GRANULARITIES),
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.integer({ min: 1, max: 3_000 }),
      (zone, granularity, start, span) => {
        const from = start * USAGE_WINDOW_MS;
        const to = from + span * USAGE_WINDOW_MS;
        const bounds = usageBounds(from, to, granularity, zone) ?? [];
        expect([bounds[0], bounds.at(-1)]).toEqual([from, to]);
        expect(bounds.every((bound) => bound % USAGE_WINDOW_MS === 0)).toBe(true);
        expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
      },
    ),
    { numRuns: 60 },
  );
});

describe('the number of bounds', () => {
  test('is at most USAGE_BOUNDS_MAX', () => {
    const to = (USAGE_BOUNDS_MAX - 1) * 3_600_000;
    expect(usageBounds(0, to, 'PT1H', 'UTC')).toHaveLength(USAGE_BOUNDS_MAX);
    expect(usageBounds(0, to + 3_600_000, 'PT1H', 'UTC')).toBeNull();
  });

  test('that is far too large is refused at once', () => {
    const started = performance.now();
    expect(usageBounds(0, at('9999-01-01T00:00Z'), 'PT1H', 'UTC')).toBeNull();
    expect(usageBounds(0, at('9999-01-01T00:00Z'), 'P1D', 'UTC')).toBeNull();
    expect(usageBounds(-at('9999-01-01T00:00Z'), at('9999-01-01T00:00Z'), 'P1M', 'UTC')).toBeNull();
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

test.each([
  [900_000, 900_000],
  [1_800_000, 900_000],
  [1, 900_000],
  [0, 900_001],
])('[%d, %d) is refused', (from, to) => {
  expect(() => usageBounds(from, to, 'P1D', 'UTC')).toThrow(RangeError);
});
