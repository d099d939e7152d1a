import { describe, expect, test } from 'bun:test';
import { books, count } from '../../../test/support/store-step-samples.ts';
import { compareCounts } from './compare-counts.ts';

const NOTHING = { counts: [], books: [] };

describe('two folds agree', () => {
  test('where counts and books are the same, in whatever order', () => {
    const one = { counts: [count({}), count({ item: 'bruno' })], books: [books({ logged: 2 })] };
    const other = { counts: [...one.counts].reverse(), books: one.books };
    expect(compareCounts(0, one, other)).toEqual([]);
    expect(compareCounts(0, NOTHING, NOTHING)).toEqual([]);
  });

  test('where one names a zero that the other leaves out', () => {
    const zeros = { counts: [count({ count: 0 })], books: [books({})] };
    expect(compareCounts(0, zeros, NOTHING)).toEqual([]);
    expect(compareCounts(0, NOTHING, zeros)).toEqual([]);
  });
});

describe('a difference', () => {
  test('of a count names partition, poll, option, minute and lane', () => {
    const expected = { ...NOTHING, counts: [count({ count: 3 }), count({ lane: 'flagged' })] };
    const found = { ...NOTHING, counts: [count({ count: 2 }), count({ lane: 'flagged' })] };
    expect(compareCounts(4, expected, found)).toEqual([
      {
        partition: 4,
        scope: 'poll-a',
        what: 'option ana, minute 2025-02-19T21:20Z, lane valid',
        expected: 3,
        found: 2,
      },
    ]);
  });

  test('of a count that only one has is one from zero', () => {
    const some = { ...NOTHING, counts: [count({ count: 3, item: 'bruno' })] };
    const at = { partition: 0, scope: 'poll-a', what: expect.stringContaining('option bruno') };
    expect(compareCounts(0, some, NOTHING)).toEqual([{ ...at, expected: 3, found: 0 }]);
    expect(compareCounts(0, NOTHING, some)).toEqual([{ ...at, expected: 0, found: 3 }]);
  });

  test.each(['logged', 'counted', 'duplicate', 'expired', 'late', 'voided'] as const)(
    'of the book “%s” is found',
    (book) => {
      const some = { ...NOTHING, books: [books({ [book]: 5 })] };
      const at = { partition: 1, scope: 'poll-a', what: book };
      expect(compareCounts(1, some, NOTHING)).toEqual([{ ...at, expected: 5, found: 0 }]);
      expect(compareCounts(1, NOTHING, some)).toEqual([{ ...at, expected: 0, found: 5 }]);
    },
  );

  test('is not hidden by names that read alike when put together', () => {
    const one = { ...NOTHING, counts: [count({ scope: 'a', item: 'b c' })] };
    const other = { ...NOTHING, counts: [count({ scope: 'a b', item: 'c' })] };
    expect(compareCounts(0, one, other)).toHaveLength(2);
  });
});
