import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  EMPTY_SECONDS,
  SECONDS_MAX,
  seriesEnd,
  votesBetween,
  withHistory,
  withSecond,
} from './second-series.ts';

const T = 1_800_000_000_000;
const at = (second: number) => T + second * 1000;
const iso = (second: number) => new Date(at(second)).toISOString();

describe('the seconds of a poll', () => {
  test('begin with the first one and grow by one each', () => {
    const first = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { a: 3, b: 1 } });
    const second = withSecond(first, { at: iso(1), votes: { a: 2 } });
    expect(second.from).toBe(T);
    expect(second.votes.get('a')).toEqual([3, 2]);
    expect(second.votes.get('b')).toEqual([1, 0]);
  });

  test('count a second without a message as zero', () => {
    const first = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { a: 3 } });
    const later = withSecond(first, { at: iso(3), votes: { a: 1 } });
    expect(later.votes.get('a')).toEqual([3, 0, 0, 1]);
  });

  test('keep one value for a second that is sent twice', () => {
    const once = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { a: 3 } });
    const twice = withSecond(once, { at: iso(0), votes: { a: 5 } });
    expect(twice.votes.get('a')).toEqual([5]);
  });

  test('take a history over what was missed, and keep what is older', () => {
    const known = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { a: 3 } });
    const merged = withHistory(known, { from: at(1), votes: { a: [4, 5], b: [0, 6] } });
    expect(merged.from).toBe(T);
    expect(merged.votes.get('a')).toEqual([3, 4, 5]);
    expect(merged.votes.get('b')).toEqual([0, 0, 6]);
  });

  test('let the history win where both speak', () => {
    const known = withSecond(EMPTY_SECONDS, { at: iso(1), votes: { a: 1 } });
    const merged = withHistory(known, { from: at(0), votes: { a: [7, 8, 9] } });
    expect(merged.votes.get('a')).toEqual([7, 8, 9]);
  });

  test('stay within their bound, dropping the oldest', () => {
    const long = withHistory(EMPTY_SECONDS, {
      from: at(0),
      votes: { a: Array.from({ length: SECONDS_MAX + 50 }, (_, i) => i) },
    });
    expect(long.length).toBe(SECONDS_MAX);
    expect(long.votes.get('a')?.[0]).toBe(50);
    expect(seriesEnd(long)).toBe(at(SECONDS_MAX + 50));
  });

  test('start anew after a gap longer than they remember', () => {
    const known = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { old: 3 } });
    const later = withSecond(known, { at: iso(SECONDS_MAX * 2), votes: { a: 1 } });
    expect(later.from).toBe(at(SECONDS_MAX * 2));
    expect([...later.votes.keys()]).toEqual(['a']);
  });

  test('ignore an empty history', () => {
    const known = withSecond(EMPTY_SECONDS, { at: iso(0), votes: { a: 3 } });
    expect(withHistory(known, { from: at(5), votes: {} })).toBe(known);
  });

  test('sum what was counted in any stretch, however the seconds arrived', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(200), fc.nat(1000)), {
          selector: ([second]) => second,
          minLength: 1,
        }),
        fc.nat(200),
        fc.nat(200),
        (seconds, one, other) => {
          const [from, until] = [Math.min(one, other), Math.max(one, other)];
          const series = seconds.reduce(
            (known, [second, count]) => withSecond(known, { at: at(second), votes: { a: count } }),
            EMPTY_SECONDS,
          );
          const expected = seconds
            .filter(([second]) => second >= from && second < until)
            .reduce((sum, [, count]) => sum + count, 0);
          expect(votesBetween(series, 'a', at(from), at(until))).toBe(expected);
        },
      ),
    );
  });

  test('hold nothing of an option that got no vote', () => {
    expect(votesBetween(EMPTY_SECONDS, 'nobody', at(0), at(10))).toBe(0);
  });
});
