import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

test('waits double, and stay within a bound', () => {
  expect([0, 1, 2, 3].map((attempt) => backoffMs(attempt, 0))).toEqual([250, 500, 1_000, 2_000]);
  expect(backoffMs(1_000, 0.999)).toBeLessThanOrEqual(15_000);
});

test('chance spreads a wait over its upper half', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, r) => {
        const wait = backoffMs(n, r);
        expect(wait).toBeGreaterThanOrEqual(backoffMs(n, 0));
        expect(wait).toBeLessThanOrEqual(backoffMs(n, 0) * 2);
      },
    ),
  );
});
