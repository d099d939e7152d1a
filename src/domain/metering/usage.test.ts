import { describe, expect, test } from 'bun:test';
import {
  isSameUsage,
  NO_USAGE,
  USAGE_WINDOW_MS,
  usageOf,
  usageVersion,
  usageWindowOf,
} from './usage.ts';

describe('usage', () => {
  test('belongs to the quarter of an hour that holds its instant', () => {
    expect(usageWindowOf(0)).toBe(0);
    expect(usageWindowOf(USAGE_WINDOW_MS - 1)).toBe(0);
    expect(usageWindowOf(USAGE_WINDOW_MS)).toBe(USAGE_WINDOW_MS);
  });

  test('of one pulse is its amount in every respect', () => {
    const [amount, key] = [-5n, 'f'.repeat(32)];
    const all = { sum: amount, min: amount, max: amount, last: amount };
    expect(usageOf(amount, 7, key)).toEqual({ ...all, count: 1, lastAt: 7, lastKey: key });
  });

  test('differs where any part of it differs', () => {
    const total = usageOf(3n, 7, 'a'.repeat(32));
    expect(isSameUsage(total, { ...total })).toBe(true);
    expect(isSameUsage(NO_USAGE, total)).toBe(false);
    for (const part of [
      { sum: 4n },
      { count: 2 },
      { min: 2n },
      { max: 4n },
      { last: 4n },
      { lastAt: 8 },
      { lastKey: 'b'.repeat(32) },
    ]) {
      expect(isSameUsage(total, { ...total, ...part })).toBe(false);
    }
  });

  test('has versions that rise with the epoch, then with the offset', () => {
    expect(usageVersion(1, 0)).toBe(2 ** 32);
    expect(usageVersion(1, 2 ** 32 - 1)).toBeLessThan(usageVersion(2, 0));
    expect(() => usageVersion(1, 2 ** 32)).toThrow(RangeError);
    expect(() => usageVersion(2 ** 21, 0)).toThrow(RangeError);
  });
});
