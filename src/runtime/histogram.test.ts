/** The histogram is judged against the sorted list of the same values. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Histogram } from './histogram.ts';

// Integers, scaled: fast-check draws doubles evenly over their bit patterns, nearly all next to 0.
const microseconds = (max: number) => fc.integer({ min: 0, max }).map((value) => value / 1000);
const valuesMs = fc.array(
  fc.oneof(
    microseconds(10),
    microseconds(50_000),
    microseconds(2_000_000_000),
    fc.integer({ min: 0, max: 2 ** 27 }),
    fc.double({ min: 0, max: 2 ** 27, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);
const percents = fc.integer({ min: 0, max: 1000 }).map((value) => value / 10);

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

function nearestRank(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil((p / 100) * sorted.length)));
  return sorted[rank - 1] ?? 0;
}

describe('a histogram', () => {
  test('gives every percentile within 1% of the sorted values, or within 1 µs', () => {
    fc.assert(
      fc.property(valuesMs, percents, (values, p) => {
        const exact = nearestRank(values, p);
        const found = histogramOf(values).percentile(p);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(exact * 0.01, 0.001));
      }),
      { numRuns: 1000 },
    );
  });

  test('never gives a lower value for a higher percentile', () => {
    fc.assert(
      fc.property(valuesMs, (values) => {
        const histogram = histogramOf(values);
        const found = [0, 10, 50, 90, 99, 99.9, 100].map((p) => histogram.percentile(p));
        expect(found).toEqual([...found].sort((a, b) => a - b));
      }),
    );
  });

  test('knows its count, least, greatest and mean value exactly', () => {
    fc.assert(
      fc.property(valuesMs, (values) => {
        const histogram = histogramOf(values);
        expect(histogram.count).toBe(values.length);
        expect(histogram.min).toBe(Math.min(...values));
        expect(histogram.max).toBe(Math.max(...values));
        expect(histogram.percentile(0)).toBe(Math.min(...values));
        expect(histogram.percentile(100)).toBe(Math.max(...values));
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        expect(histogram.mean).toBeCloseTo(mean, 3);
      }),
    );
  });

  test('merged from parts equals the histogram of the whole', () => {
    fc.assert(
      fc.property(valuesMs, valuesMs, (left, right) => {
        const merged = histogramOf(left);
        merged.merge(histogramOf(right));
        const whole = histogramOf([...left, ...right]);
        for (const p of [0, 25, 50, 90, 99, 99.9, 100]) {
          expect(merged.percentile(p)).toBe(whole.percentile(p));
        }
        expect(merged.count).toBe(whole.count);
        expect(merged.min).toBe(whole.min);
        expect(merged.max).toBe(whole.max);
        expect(merged.mean).toBeCloseTo(whole.mean, 3);
      }),
    );
  });

  test('merged with an empty one is unchanged, either way round', () => {
    const merged = new Histogram();
    merged.merge(histogramOf([3, 4]));
    merged.merge(new Histogram());
    expect([merged.count, merged.min, merged.max, merged.mean]).toEqual([2, 3, 4, 3.5]);
  });

  test('is empty at first and after a reset', () => {
    const used = histogramOf([1, 2, 3]);
    used.reset();
    for (const histogram of [new Histogram(), used]) {
      expect(histogram.count).toBe(0);
      expect(histogram.min).toBe(0);
      expect(histogram.max).toBe(0);
      expect(histogram.mean).toBe(0);
      expect(histogram.percentile(50)).toBe(0);
    }
    used.record(7);
    expect([used.count, used.min, used.max]).toEqual([1, 7, 7]);
  });

  test('takes what no clock should give without leaving its range', () => {
    const histogram = histogramOf([-5, Number.NaN, Number.POSITIVE_INFINITY, 1e300]);
    expect(histogram.count).toBe(4);
    expect(histogram.min).toBe(0);
    expect(histogram.max).toBe(2 ** 27);
    expect(histogram.percentile(75)).toBe(2 ** 27);
    expect(Number.isFinite(histogram.mean)).toBe(true);
  });
});
