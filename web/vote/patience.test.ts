/** Proves the pauses: at least what was asked, bounded, growing, and spread. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { backoffAfter, QUIET_MAX_MS, quietAfter } from './patience.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a backoff doubles from about a second to half a minute, within a factor of two', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 99].map((failures) => backoffAfter(failures, 0))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ]);
  fc.assert(
    fc.property(fc.nat(), random, (failures, chance) => {
      const least = backoffAfter(failures, 0);
      const pause = backoffAfter(failures, chance);
      expect(pause).toBeGreaterThanOrEqual(least);
      expect(pause).toBeLessThanOrEqual(least * 2);
    }),
  );
});

test('a Retry-After is kept to, with a spread, and never believed beyond two minutes', () => {
  fc.assert(
    fc.property(fc.nat(), random, (asked, chance) => {
      const pause = quietAfter(asked, chance);
      expect(pause).toBeGreaterThanOrEqual(Math.min(asked, 120_000));
      expect(pause).toBeLessThanOrEqual(QUIET_MAX_MS);
    }),
  );
  expect(quietAfter(0, 0.5)).toBe(500);
  expect(quietAfter(60_000, 0.5)).toBe(75_000);
});
