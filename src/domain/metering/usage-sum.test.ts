import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { usageRecord } from '../../../test/support/rating-samples.ts';
import { addTotals, addUpUsage } from './usage-sum.ts';

const total = (sum: bigint, lastAt: number, lastKey: string) => ({
  sum,
  count: 2,
  min: sum - 1n,
  max: sum + 1n,
  last: sum,
  lastAt,
  lastKey,
});

describe('usage is added up', () => {
  test('exactly, with the last pulse by time and then by key', () => {
    const early = total(-(10n ** 40n), 1, 'f');
    const late = total(1n, 2, 'a');
    const both = {
      sum: 1n - 10n ** 40n,
      count: 4,
      min: early.min,
      max: 2n,
      last: 1n,
      lastAt: 2,
      lastKey: 'a',
    };
    expect(addTotals(early, late)).toEqual(both);
    expect(addTotals(late, early)).toEqual(both);
    expect(addTotals(total(1n, 1, 'a'), total(2n, 1, 'b')).last).toBe(2n);
    expect(addTotals(total(2n, 1, 'b'), total(1n, 1, 'a')).last).toBe(2n);
  });

  test('into the windows of the question, each window in one of them', () => {
    const starts = [0, 1, 4, 5, 9, 10, 11];
    const windows = starts.map((start) => usageRecord({ start, sum: 10n ** BigInt(start) }));
    const sums = addUpUsage(windows, [1, 5, 10]);
    expect(sums.map(({ start, end, sum }) => [start, end, sum])).toEqual([
      [1, 5, 10n + 10n ** 4n],
      [5, 10, 10n ** 5n + 10n ** 9n],
    ]);
    expect(addUpUsage(windows, [])).toEqual([]);
    expect(addUpUsage(windows, [1])).toEqual([]);
  });

  test('also where windows share their series, and one comes back to a window of before', () => {
    const shared = usageRecord({}).series;
    const windows = [0, 1, 5, 2, 6].map((start) => {
      return { ...usageRecord({ start, sum: 10n ** BigInt(start) }), series: shared };
    });
    const sums = addUpUsage(windows, [0, 5, 10]);
    expect(sums.map(({ start, sum }) => [start, sum])).toEqual([
      [0, 111n],
      [5, 1_100_000n],
    ]);
  });

  test('for each series apart, in order, and not where nothing counts', () => {
    const named = [
      ['b', 's', 'u'],
      ['a', 't', 'u'],
      ['a', 's', 'v'],
      ['a', 's', 'u'],
    ] as const;
    const windows = named.map(([tenant, sku, unit]) =>
      usageRecord({ tenant, sku, unit, start: 3 }),
    );
    const nothing = usageRecord({ tenant: 'c', start: 3, count: 0, min: -9n });
    const sums = addUpUsage([...windows, nothing], [0, 9]);
    expect(sums.map(({ series }) => Object.values(series))).toEqual(
      [...named].reverse().map((parts) => [...parts]),
    );
    const { partition, version, ...rest } = usageRecord({ start: 3 });
    expect(addUpUsage([{ ...rest }, nothing], [0, 9])).toEqual([{ ...rest, start: 0, end: 9 }]);
  });

  test('to no more rows than may be kept, whatever they would come to', () => {
    const windows = [0, 1, 5, 6].map((start) => usageRecord({ start }));
    const others = windows.map((window) => ({ ...window, series: { ...window.series, sku: 'b' } }));
    const bounds = [0, 5, 10];
    expect(addUpUsage([...windows, ...others], bounds, 4)).toHaveLength(4);
    expect(() => addUpUsage([...windows, ...others], bounds, 3)).toThrow('more than 3');
  });

  test('to the same in any order', () => {
    const windows = Array.from({ length: 8 }, (_, index) =>
      usageRecord({ start: index % 4, sum: BigInt(index * index), lastKey: String(index) }),
    );
    const run = fc.property(fc.shuffledSubarray(windows, { minLength: 8 }), (shuffled) => {
      expect(addUpUsage(shuffled, [0, 2, 4])).toEqual(addUpUsage(windows, [0, 2, 4]));
    });
    fc.assert(run, { numRuns: 30 });
  });
});
