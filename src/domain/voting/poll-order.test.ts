import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { cursorAt, newestFirst, type PollPlace, placeOf } from './poll-order.ts';

const places: fc.Arbitrary<PollPlace> = fc.record({
  createdAt: fc.nat(3),
  id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,3}$/),
});

describe('the order of polls', () => {
  test('puts the newer first, then the lower id', () => {
    const sorted = [
      { createdAt: 1, id: 'a' },
      { createdAt: 2, id: 'b' },
      { createdAt: 2, id: 'a' },
    ].sort(newestFirst);
    expect(sorted.map(cursorAt)).toEqual(['2.a', '2.b', '1.a']);
  });

  test('tells any two places apart, both ways, and no place from itself', () => {
    fc.assert(
      fc.property(places, places, (left, right) => {
        const order = Math.sign(newestFirst(left, right));
        expect(Math.sign(newestFirst(right, left))).toBe(order === 0 ? 0 : -order);
        expect(order === 0).toBe(cursorAt(left) === cursorAt(right));
      }),
    );
  });

  test('a cursor names its place', () => {
    fc.assert(fc.property(places, (place) => expect(placeOf(cursorAt(place))).toEqual(place)));
  });

  test.each(['', '1', '1.', '.a', '1.A', '-1.a', 'x.a', '1.a/../b', `1.${'a'.repeat(64)}`])(
    'refuses %p as a cursor',
    (cursor) => {
      expect(() => placeOf(cursor)).toThrow(expect.objectContaining({ code: 'invalid_query' }));
    },
  );
});
