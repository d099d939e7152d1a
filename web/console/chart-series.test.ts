import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type Buckets,
  busiestSecond,
  chooseLines,
  countsBefore,
  coversPoints,
  groupLines,
  liveEnd,
  ratesOf,
  secondBuckets,
  sharesOf,
  stackOf,
  stepForSpan,
  stitchedBuckets,
  withoutGaps,
} from './chart-series.ts';
import { EMPTY_SECONDS, type SecondSeries, withHistory } from './second-series.ts';

const T = 1_800_000_000_000;
const MINUTE = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const seconds = (from: number, a: readonly number[]): SecondSeries =>
  withHistory(EMPTY_SECONDS, { from, votes: { a } });
const ones = (n: number) => new Array<number>(n).fill(1);

describe('the step of a series', () => {
  test('is the finest that stays readable', () => {
    expect(stepForSpan(2 * 3_600_000)).toBe('1m');
    expect(stepForSpan(24 * 3_600_000)).toBe('5m');
    expect(stepForSpan(30 * 24 * 3_600_000)).toBe('1h');
  });
});

describe('the end of the live curve', () => {
  test('is the newest counted second while votes arrive', () => {
    expect(liveEnd(seconds(T, [1, 2]), T + 2_400)).toBe(T + 2_000);
  });

  test('moves on when the server does and no vote comes', () => {
    expect(liveEnd(seconds(T, [1]), T + 60_500)).toBe(T + 57_000);
    expect(liveEnd(EMPTY_SECONDS, T + 60_500)).toBe(T + 57_000);
  });
});

describe('buckets of seconds', () => {
  test('are zero where nothing was counted', () => {
    const buckets = secondBuckets(seconds(T, [4, 5]), ['a', 'b'], T, T + 4_000);
    expect(buckets.votes).toEqual([
      [4, 5, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  test('do not reach back before the first known second', () => {
    expect(secondBuckets(seconds(T, [4]), ['a'], T - 60_000, T + 1_000).starts).toEqual([T]);
    expect(secondBuckets(EMPTY_SECONDS, ['a'], T, T + 5_000).starts).toEqual([]);
  });
});

describe('stitched buckets', () => {
  const points = [0, 1, 2].map((i) => ({
    from: iso(T + i * MINUTE),
    total: 60,
    options: { a: 60 },
  }));

  test('take whole points from the server and the newest minutes from the seconds', () => {
    const live = seconds(T + 100_000, ones(60));
    const asOf = T + 2 * MINUTE + 30_000;
    const buckets = stitchedBuckets(points, '1m', asOf, live, ['a'], T + 160_000);
    expect(buckets.starts).toEqual([T, T + MINUTE, T + 2 * MINUTE]);
    expect(buckets.seconds).toEqual([60, 60, 40]);
    expect(buckets.votes).toEqual([[60, 60, 40]]);
  });

  test('draw no vote twice and leave none out, wherever the cut falls', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 299 }),
        fc.integer({ min: 1, max: 60 }),
        (cutS, tail) => {
          const end = 300 + tail;
          const asOf = T + cutS * 1000;
          const server = [0, 1, 2, 3, 4].flatMap((i) => {
            const votes = Math.min(60, Math.max(0, cutS - i * 60));
            return votes === 0
              ? []
              : [{ from: iso(T + i * MINUTE), total: votes, options: { a: votes } }];
          });
          const live = seconds(T, ones(end));
          const buckets = stitchedBuckets(server, '1m', asOf, live, ['a'], T + end * 1000);
          const sum = buckets.votes[0]?.reduce((total, votes) => total + votes, 0);
          expect(sum).toBe(end);
        },
      ),
    );
  });

  test('keep the unfinished point when the seconds do not reach back to it', () => {
    const asOf = T + 2 * MINUTE + 30_000;
    const live = seconds(asOf, ones(5));
    const buckets = stitchedBuckets(points, '1m', asOf, live, ['a', 'b'], asOf + 5_000);
    expect(buckets.seconds).toEqual([60, 60, 30]);
    expect(buckets.votes).toEqual([
      [60, 60, 60],
      [0, 0, 0],
    ]);
  });
});

describe('gaps', () => {
  test('become zeros', () => {
    const buckets: Buckets = { starts: [T, T + 3 * MINUTE], seconds: [60, 20], votes: [[6, 2]] };
    expect(withoutGaps(buckets, '1m')).toEqual({
      starts: [T, T + MINUTE, T + 2 * MINUTE, T + 3 * MINUTE],
      seconds: [60, 60, 60, 20],
      votes: [[6, 0, 0, 2]],
    });
  });
});

describe('rates and stacks', () => {
  test('divide by the time that each bucket covers', () => {
    expect(ratesOf({ starts: [T, T + MINUTE], seconds: [60, 20], votes: [[120, 120]] })).toEqual([
      [2, 6],
    ]);
  });

  test('end in the sum of all lines', () => {
    expect(
      stackOf([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ).toEqual([
      [1, 2],
      [4, 6],
      [9, 12],
    ]);
  });
});

describe('cumulative shares', () => {
  const of = (a: number[], b: number[]): Buckets => ({
    starts: a.map((_, i) => T + i * 1000),
    seconds: a.map(() => 1),
    votes: [a, b],
  });

  test('grow from what was counted before the window', () => {
    const buckets = of([1, 2], [3, 4]);
    const before = countsBefore(buckets, [30, 70], 5);
    expect(before).toEqual([27, 63]);
    const shares = sharesOf(buckets, before);
    expect(shares[0]?.[0]).toBeCloseTo(28 / 94);
    expect(shares[0]?.[1]).toBeCloseTo(0.3);
  });

  test('take the incomplete second for no older vote', () => {
    expect(countsBefore(of([5, 5], [5, 5]), [14, 11], 10)).toEqual([0, 0]);
    expect(busiestSecond(of([5, 6], [5, 7]))).toBe(13);
    expect(busiestSecond(of([], []))).toBe(0);
  });

  test('are unknown before the first vote', () => {
    expect(sharesOf(of([0, 1], [0, 1]), [0, 0])[0]).toEqual([null, 0.5]);
  });

  test('always sum to one', () => {
    const lines = fc.array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lines, fc.nat(5_000), fc.nat(5_000), (pairs, baseA, baseB) => {
        const buckets = of(
          pairs.map(([votes]) => votes),
          pairs.map(([, votes]) => votes),
        );
        const [a = [], b = []] = sharesOf(buckets, [baseA, baseB]);
        a.forEach((share, i) => {
          if (share !== null) expect(share + (b[i] ?? 0)).toBeCloseTo(1);
        });
      }),
    );
  });
});

describe('the live seconds', () => {
  const points = [{ from: iso(T), total: 60, options: { a: 60 } }];
  const asOf = T + MINUTE + 10_000;

  test('draw the whole of a poll that they have seen from its first vote', () => {
    expect(coversPoints(points, '1m', asOf, seconds(T, ones(70)))).toBe(true);
    expect(coversPoints([], '1m', asOf, seconds(T, ones(70)))).toBe(true);
  });

  test('do not when they began later', () => {
    expect(coversPoints(points, '1m', asOf, seconds(T + 30_000, ones(40)))).toBe(false);
  });
});

describe('the lines of a chart', () => {
  const options = ['a', 'b', 'c', 'd'];
  const votes = { a: 1, b: 9, c: 5, d: 2 };

  test('are all options while they fit', () => {
    expect(chooseLines(options, votes, 4)).toEqual({ shown: options, grouped: [] });
  });

  test('are the strongest ones in ballot order, and the rest as one', () => {
    const choice = chooseLines(options, votes, 3);
    expect(choice).toEqual({ shown: ['b', 'c'], grouped: ['a', 'd'] });
    const buckets: Buckets = { starts: [T], seconds: [1], votes: [[1], [9], [5], [2]] };
    expect(groupLines(buckets, options, choice).votes).toEqual([[9], [5], [3]]);
    expect(groupLines(buckets, options, { shown: options, grouped: [] })).toBe(buckets);
  });
});
