import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { USAGE_WINDOW_MS } from './usage.ts';
import { GRANULARITIES, usageBounds } from './usage-bounds.ts';
import { USAGE_DAY_MS, type UsageSpan, usageDayOf, usageSpans } from './usage-spans.ts';

const at = (text: string): number => Date.parse(text);
const told = (spans: readonly UsageSpan[]): readonly (readonly string[])[] =>
  spans.map(({ from, to, of }) => [
    of,
    ...[from, to].map((instant) => new Date(instant).toISOString().slice(0, 16)),
  ]);
const spansBy = (from: string, to: string, granularity: 'PT1H' | 'P1D' | 'P1M', zone: string) =>
  usageSpans(at(from), at(to), usageBounds(at(from), at(to), granularity, zone) ?? []);

test('a day is that of UTC, before 1970 too', () => {
  expect(usageDayOf(at('2026-07-01T23:59:59.999Z'))).toBe(at('2026-07-01T00:00Z'));
  expect(usageDayOf(at('2026-07-01T00:00Z'))).toBe(at('2026-07-01T00:00Z'));
  expect(usageDayOf(-1)).toBe(-USAGE_DAY_MS);
});

describe('usage is read', () => {
  test('by days, save those that the start of a month elsewhere or an end of the range cuts', () => {
    const spans = spansBy('2026-03-15T06:00Z', '2026-05-03T00:00Z', 'P1M', 'Europe/Berlin');
    expect(told(spans)).toEqual([
      ['window', '2026-03-15T06:00', '2026-03-16T00:00'],
      ['day', '2026-03-16T00:00', '2026-03-31T00:00'],
      ['window', '2026-03-31T00:00', '2026-04-01T00:00'],
      ['day', '2026-04-01T00:00', '2026-04-30T00:00'],
      ['window', '2026-04-30T00:00', '2026-05-01T00:00'],
      ['day', '2026-05-01T00:00', '2026-05-03T00:00'],
    ]);
  });

  test('by days in one go where no bound cuts one', () => {
    for (const granularity of ['P1D', 'P1M'] as const) {
      const spans = spansBy('2025-01-01T00:00Z', '2026-01-01T00:00Z', granularity, 'UTC');
      expect(told(spans)).toEqual([['day', '2025-01-01T00:00', '2026-01-01T00:00']]);
    }
  });

  test.each([
    ['PT1H', 'UTC'],
    ['P1D', 'Asia/Kolkata'],
  ] as const)('by windows in one go where %s of %s leaves no day whole', (granularity, zone) => {
    const spans = spansBy('2026-01-01T00:00Z', '2026-01-09T00:00Z', granularity, zone);
    expect(told(spans)).toEqual([['window', '2026-01-01T00:00', '2026-01-09T00:00']]);
  });

  test('of the range and the bounds together alone', () => {
    const bounds = [at('2026-01-02T00:00Z'), at('2026-01-05T00:00Z')];
    expect(told(usageSpans(0, Number.MAX_SAFE_INTEGER, bounds))).toEqual([
      ['day', '2026-01-02T00:00', '2026-01-05T00:00'],
    ]);
    const inside = usageSpans(at('2026-01-03T00:00Z'), at('2026-01-04T23:45Z'), bounds);
    expect(told(inside)).toEqual([
      ['day', '2026-01-03T00:00', '2026-01-04T00:00'],
      ['window', '2026-01-04T00:00', '2026-01-04T23:45'],
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
    expect(spans.length).toBeLessThanOrEqual(2 * among.length);
    const whole = start < end ? [start, end] : [];
    expect(spans.length === 0 ? [] : [spans[0]?.from, spans.at(-1)?.to]).toEqual(whole);
    for (const [place, span] of spans.entries()) {
      expect(span.from).toBeLessThan(span.to);
      const next = spans[place + 1] ?? { from: span.to, of: null };
      expect(next.from).toBe(span.to);
      expect(next.of).not.toBe(span.of);
    }
    const cuts = [...among, start, end];
    const isCut = (day: number) => cuts.some((cut) => cut > day && cut < day + USAGE_DAY_MS);
    for (let day = usageDayOf(start); day < end; day += USAGE_DAY_MS) {
      const isIn = ({ from: first, to: last }: UsageSpan) => first <= day && last > day;
      const isWhole = day >= start && day + USAGE_DAY_MS <= end && !isCut(day);
      const of = spans.find((span) => span.of === 'day' && isIn(span))?.of ?? 'window';
      expect(of).toBe(isWhole ? 'day' : 'window');
    }
    for (const span of spans.filter(({ of }) => of === 'day')) {
      expect([usageDayOf(span.from), usageDayOf(span.to)]).toEqual([span.from, span.to]);
    }
  }

  test('cover the range once, and hold every day that is whole, none that is cut', () => {
    fc.assert(fc.property(instant, instant, bounds, expectExact), { numRuns: 500 });
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
