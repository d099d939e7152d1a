import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { hourWindows, MINUTE_MS, stepWindows } from '../counting/time-window.ts';
import { type MinuteVotes, resultsByWindow, resultsOf, sharesOf } from './results.ts';

const votes = (entries: Record<string, number>) => new Map(Object.entries(entries));
const counts = fc.array(fc.oneof(fc.nat(10), fc.nat({ max: 2 ** 43 })), {
  minLength: 2,
  maxLength: 100,
});
const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);
const millionths = (share: number) => Math.round(share * 1_000_000);

describe('results', () => {
  test('hold every option in the poll’s order, also those without votes', () => {
    expect(resultsOf(['a', 'b', 'c'], votes({ c: 1, a: 3 }))).toEqual({
      total: 4,
      options: [
        { id: 'a', votes: 3, share: 0.75, leader: true },
        { id: 'b', votes: 0, share: 0, leader: false },
        { id: 'c', votes: 1, share: 0.25, leader: false },
      ],
    });
  });

  test('leave out votes of what is no option of the poll', () => {
    expect(resultsOf(['a', 'b'], votes({ a: 1, x: 100 })).total).toBe(1);
  });

  test('have as many leaders as share the most votes, and none without votes', () => {
    const leaders = (entries: Record<string, number>) =>
      resultsOf(['a', 'b', 'c'], votes(entries)).options.map(({ leader }) => leader);
    expect(leaders({ a: 2, b: 5, c: 5 })).toEqual([false, true, true]);
    expect(leaders({})).toEqual([false, false, false]);
  });
});

describe('shares', () => {
  test('of three equal options differ by a millionth, the first has it', () => {
    expect(sharesOf([1, 1, 1], 3)).toEqual([0.333334, 0.333333, 0.333333]);
  });

  test('are those of the record paredão to the last digit', () => {
    // 1,532,944,337 votes: 56.73 %, 42.51 % and 0.76 %.
    const record = [869_639_322, 651_654_638, 11_650_377];
    expect(sharesOf(record, sum(record))).toEqual([0.5673, 0.4251, 0.0076]);
  });

  test('of nothing are zero', () => {
    expect(sharesOf([0, 0], 0)).toEqual([0, 0]);
  });

  test('add up to exactly one, are each within a millionth of the truth, and keep the order', () => {
    fc.assert(
      fc.property(counts, (some) => {
        const total = sum(some);
        fc.pre(total > 0);
        const shares = sharesOf(some, total);
        expect(sum(shares.map(millionths))).toBe(1_000_000);
        for (const [index, count] of some.entries()) {
          const share = shares[index] ?? Number.NaN;
          expect(Math.abs(share - count / total)).toBeLessThan(1.000_001e-6);
          if (count === 0) expect(share).toBe(0);
          for (const [other, otherCount] of some.entries()) {
            if (count > otherCount) expect(share).toBeGreaterThanOrEqual(shares[other] ?? 0);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('are written with six places at the most', () => {
    fc.assert(
      fc.property(counts, (some) => {
        for (const share of sharesOf(some, sum(some))) {
          expect(String(share)).toMatch(/^(0|1|0\.\d{1,6}|[1-9](\.\d)?e-[56])$/);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('results by window', () => {
  const minute = (at: number, entries: Record<string, number>): MinuteVotes => ({
    minute: at,
    votes: votes(entries),
  });

  test('put a minute into the window that it begins in, and leave out the rest', () => {
    const minutes = [
      minute(1, { a: 100 }),
      minute(5, { a: 1 }),
      minute(9, { b: 2 }),
      minute(10, { a: 4 }),
      minute(15, { a: 100 }),
    ];
    const windows = stepWindows(5 * MINUTE_MS, 15 * MINUTE_MS, 5 * MINUTE_MS);
    const results = resultsByWindow(['a', 'b'], minutes, windows);
    expect(results.map(({ from, to, total }) => [from, to, total])).toEqual([
      [300_000, 600_000, 3],
      [600_000, 900_000, 4],
    ]);
    expect(results[0]?.options.map(({ share }) => share)).toEqual([0.333333, 0.666667]);
  });

  test('hold empty windows too', () => {
    const windows = stepWindows(0, 3 * MINUTE_MS, MINUTE_MS);
    const totals = resultsByWindow(['a', 'b'], [minute(2, { b: 1 })], windows);
    expect(totals.map(({ total }) => total)).toEqual([0, 0, 1]);
    expect(resultsByWindow(['a', 'b'], [], windows)).toHaveLength(3);
  });

  test('sum to the total in any zone, over a shift of the clocks', () => {
    const start = Date.parse('2026-04-04T12:00Z') / MINUTE_MS;
    const day = fc.uniqueArray(fc.nat(1_439), { maxLength: 200 });
    const zone = fc.constantFrom('Australia/Lord_Howe', 'America/New_York', 'Asia/Kathmandu');
    fc.assert(
      fc.property(day, zone, (offsets, timeZone) => {
        const minutes = offsets
          .sort((a, b) => a - b)
          .map((offset) => minute(start + offset, { a: offset, b: 1 }));
        const to = (start + 1_440) * MINUTE_MS;
        const windows = hourWindows(timeZone, start * MINUTE_MS, to);
        const results = resultsByWindow(['a', 'b'], minutes, windows);
        expect(sum(results.map(({ total }) => total))).toBe(sum(offsets) + offsets.length);
      }),
    );
  });
});
