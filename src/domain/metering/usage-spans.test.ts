import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { USAGE_WINDOW_MS } from './usage.ts';
import { GRANULARITIES, usageBounds } from './usage-bounds.ts';
import {
  USAGE_DAY_MS,
  USAGE_HOUR_MS,
  USAGE_ROLLUPS_MS,
  type UsageSpan,
  usageRollupOf,
  usageRuns,
  usageSpans,
} from './usage-spans.ts';

const at = (text: string): number => Date.parse(text);
const told = (spans: readonly UsageSpan[]): readonly (readonly string[])[] =>
  spans.map(({ from, to, lengthMs }) => [
    `${lengthMs / 60_000} min`,
    ...[from, to].map((instant) => new Date(instant).toISOString().slice(0, 16)),
  ]);
const spansBy = (from: string, to: string, granularity: 'PT1H' | 'P1D' | 'P1M', zone: string) =>
  usageSpans(at(from), at(to), usageBounds(at(from), at(to), granularity, zone) ?? []);

const [WINDOW, HOUR, EIGHTH, DAY] = ['15 min', '60 min', '180 min', '1440 min'];

describe('a rollup', () => {
  test('is of a day or an hour of UTC, before 1970 too', () => {
    const instant = at('2026-07-01T23:59:59.999Z');
    expect(usageRollupOf(instant, USAGE_DAY_MS)).toBe(at('2026-07-01T00:00Z'));
    expect(usageRollupOf(instant, USAGE_HOUR_MS)).toBe(at('2026-07-01T23:00Z'));
    expect(usageRollupOf(at('2026-07-01T00:00Z'), USAGE_DAY_MS)).toBe(at('2026-07-01T00:00Z'));
    expect(usageRollupOf(-1, USAGE_DAY_MS)).toBe(-USAGE_DAY_MS);
  });

  test('has whole rollups of the next shorter length as its parts, or windows', () => {
    for (const [place, lengthMs] of USAGE_ROLLUPS_MS.entries()) {
      const shorterMs = USAGE_ROLLUPS_MS[place - 1] ?? USAGE_WINDOW_MS;
      expect([lengthMs > shorterMs, lengthMs % shorterMs]).toEqual([true, 0]);
    }
    expect(USAGE_ROLLUPS_MS.at(-1)).toBe(USAGE_DAY_MS);
  });
});

describe('usage is read', () => {
  test('by days, save those that the start of a month elsewhere or an end of the range cuts', () => {
    const spans = spansBy('2026-03-15T06:00Z', '2026-05-03T00:00Z', 'P1M', 'Europe/Berlin');
    expect(told(spans)).toEqual([
      [EIGHTH, '2026-03-15T06:00', '2026-03-16T00:00'],
      [DAY, '2026-03-16T00:00', '2026-03-31T00:00'],
      [EIGHTH, '2026-03-31T00:00', '2026-03-31T21:00'],
      [HOUR, '2026-03-31T21:00', '2026-04-01T00:00'],
      [DAY, '2026-04-01T00:00', '2026-04-30T00:00'],
      [EIGHTH, '2026-04-30T00:00', '2026-04-30T21:00'],
      [HOUR, '2026-04-30T21:00', '2026-05-01T00:00'],
      [DAY, '2026-05-01T00:00', '2026-05-03T00:00'],
    ]);
  });

  test('by days in one go where no bound cuts one', () => {
    for (const granularity of ['P1D', 'P1M'] as const) {
      const spans = spansBy('2025-01-01T00:00Z', '2026-01-01T00:00Z', granularity, 'UTC');
      expect(told(spans)).toEqual([[DAY, '2025-01-01T00:00', '2026-01-01T00:00']]);
    }
  });

  test('by eighths of a day in one go where days begin at one of these', () => {
    const spans = spansBy('2026-01-01T03:00Z', '2026-01-03T03:00Z', 'P1D', 'America/Sao_Paulo');
    expect(told(spans)).toEqual([[EIGHTH, '2026-01-01T03:00', '2026-01-03T03:00']]);
  });

  test('by eighths of a day and hours where days begin at another hour', () => {
    const spans = spansBy('2026-01-01T05:00Z', '2026-01-03T05:00Z', 'P1D', 'America/New_York');
    expect(told(spans)).toEqual([
      [HOUR, '2026-01-01T05:00', '2026-01-01T06:00'],
      [EIGHTH, '2026-01-01T06:00', '2026-01-02T03:00'],
      [HOUR, '2026-01-02T03:00', '2026-01-02T06:00'],
      [EIGHTH, '2026-01-02T06:00', '2026-01-03T03:00'],
      [HOUR, '2026-01-03T03:00', '2026-01-03T05:00'],
    ]);
  });

  test('by windows only in the hour that a day cuts', () => {
    const spans = spansBy('2026-01-01T00:00Z', '2026-01-02T00:00Z', 'P1D', 'Asia/Kolkata');
    expect(told(spans)).toEqual([
      [EIGHTH, '2026-01-01T00:00', '2026-01-01T18:00'],
      [WINDOW, '2026-01-01T18:00', '2026-01-01T19:00'],
      [HOUR, '2026-01-01T19:00', '2026-01-01T21:00'],
      [EIGHTH, '2026-01-01T21:00', '2026-01-02T00:00'],
    ]);
  });

  test.each([
    ['PT1H', 'Europe/Berlin', HOUR],
    ['PT1H', 'Asia/Kolkata', WINDOW],
  ] as const)('in one go where %s of %s leaves nothing longer whole', (granularity, zone, by) => {
    const spans = spansBy('2026-01-01T00:00Z', '2026-01-09T00:00Z', granularity, zone);
    expect(told(spans)).toEqual([[by, '2026-01-01T00:00', '2026-01-09T00:00']]);
  });

  test('of the range and the bounds together alone', () => {
    const bounds = [at('2026-01-02T00:00Z'), at('2026-01-05T00:00Z')];
    expect(told(usageSpans(0, Number.MAX_SAFE_INTEGER, bounds))).toEqual([
      [DAY, '2026-01-02T00:00', '2026-01-05T00:00'],
    ]);
    const inside = usageSpans(at('2026-01-03T00:00Z'), at('2026-01-04T23:45Z'), bounds);
    expect(told(inside)).toEqual([
      [DAY, '2026-01-03T00:00', '2026-01-04T00:00'],
      [EIGHTH, '2026-01-04T00:00', '2026-01-04T21:00'],
      [HOUR, '2026-01-04T21:00', '2026-01-04T23:00'],
      [WINDOW, '2026-01-04T23:00', '2026-01-04T23:45'],
    ]);
    expect(usageSpans(0, bounds[0] ?? 0, bounds)).toEqual([]);
    expect(usageSpans(bounds[1] ?? 0, Number.MAX_SAFE_INTEGER, bounds)).toEqual([]);
    expect(usageSpans(9, 9, bounds)).toEqual([]);
    for (const none of [[], [0]]) expect(usageSpans(0, USAGE_DAY_MS, none)).toEqual([]);
  });
});

describe('spans', () => {
  const quarter = fc.integer({ min: -600, max: 600 }).map((at) => at * USAGE_WINDOW_MS);
  const midnight = fc.integer({ min: -6, max: 6 }).map((at) => at * USAGE_DAY_MS);
  const instant = fc.oneof(quarter, midnight);
  const bounds = fc
    .array(instant, { maxLength: 9 })
    .map((some) => some.toSorted((left, right) => left - right));

  function expectExact(from: number, to: number, among: readonly number[]): void {
    const spans = usageSpans(from, to, among);
    const start = Math.max(from, among[0] ?? to);
    const end = Math.min(to, among.at(-1) ?? from);
    expect(spans.length).toBeLessThanOrEqual(7 * among.length);
    const whole = start < end ? [start, end] : [];
    expect(spans.length === 0 ? [] : [spans[0]?.from, spans.at(-1)?.to]).toEqual(whole);
    for (const [place, span] of spans.entries()) {
      expect(span.from).toBeLessThan(span.to);
      const next = spans[place + 1] ?? { from: span.to, lengthMs: null };
      expect(next.from).toBe(span.to);
      expect(next.lengthMs).not.toBe(span.lengthMs);
    }
    const cuts = [...among, start, end];
    const longestAt = (window: number): number => {
      const isWhole = (lengthMs: number) => {
        const first = usageRollupOf(window, lengthMs);
        const past = first + lengthMs;
        return first >= start && past <= end && !cuts.some((cut) => cut > first && cut < past);
      };
      return USAGE_ROLLUPS_MS.findLast(isWhole) ?? USAGE_WINDOW_MS;
    };
    for (const span of spans) {
      const ends = [span.from, span.to];
      expect(ends.map((instant) => usageRollupOf(instant, span.lengthMs))).toEqual(ends);
      const count = (span.to - span.from) / USAGE_WINDOW_MS;
      const windows = Array.from({ length: count }, (_, at) => span.from + at * USAGE_WINDOW_MS);
      expect(windows.filter((window) => longestAt(window) !== span.lengthMs)).toEqual([]);
    }
  }

  test('cover the range once, and by the longest rollups that are whole, none that is cut', () => {
    fc.assert(fc.property(instant, instant, bounds, expectExact), { numRuns: 500 });
  });

  test('are the totals of their runs, save those that these are without', () => {
    const totals = (
      spans: readonly UsageSpan[],
      isIn: (start: number, lengthMs: number) => boolean,
    ) =>
      spans.flatMap(({ from, to, lengthMs }) => {
        const starts = Array.from(
          { length: (to - from) / lengthMs },
          (_, at) => from + at * lengthMs,
        );
        return starts
          .filter((start) => isIn(start, lengthMs))
          .map((start) => `${start} ${lengthMs}`);
      });
    fc.assert(
      fc.property(instant, instant, bounds, (from, to, among) => {
        const spans = usageSpans(from, to, among);
        const runs = usageRuns(spans);
        const isIn = (start: number, lengthMs: number): boolean =>
          !runs.some((run) => run.lengthMs === lengthMs && run.without.includes(start));
        const expected = totals(spans, () => true);
        expect(totals(runs, isIn).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 500 },
    );
  });

  test('of a year of days are few runs in any zone that is whole hours from UTC', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'UTC']) {
      const spans = spansBy('2025-01-01T00:00Z', '2026-01-01T00:00Z', 'P1D', zone);
      const runs = usageRuns(spans);
      expect(runs.filter(({ lengthMs }) => lengthMs > USAGE_HOUR_MS)).toHaveLength(1);
      expect(runs.length).toBeLessThanOrEqual(1 + 366);
    }
  });

  test('do so for the hours, days and months of any zone', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Pacific/Apia');
    const begin = fc.integer({ min: 0, max: 2_000_000 }).map((at) => at * USAGE_WINDOW_MS);
    const length = fc.integer({ min: 1, max: 9_000 }).map((count) => count * USAGE_WINDOW_MS);
    fc.assert(
      fc.property(zones, fc.constantFrom(...GRANULARITIES), begin, length, (zone, by, from, ms) => {
        expectExact(from, from + ms, usageBounds(from, from + ms, by, zone) ?? []);
      }),
      { numRuns: 40 },
    );
  });
});
