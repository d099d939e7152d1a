import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  shareOut,
} from './group-protocol.ts';

const PARTITIONS_MAX = 40;
const partitions = fc.array(fc.nat(PARTITIONS_MAX), { maxLength: PARTITIONS_MAX });
const members = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 9 })
  .chain((ids) => fc.tuple(...ids.map((id) => partitions.map((had) => ({ id, had })))));

test('every partition is one member’s, and shares differ by one at most', () => {
  fc.assert(
    fc.property(members, fc.nat(PARTITIONS_MAX), (group, count) => {
      const shares = shareOut(group, count);
      expect([...shares.keys()].toSorted()).toEqual(group.map(({ id }) => id).toSorted());
      const all = [...shares.values()].flat().toSorted((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: count }, (_, partition) => partition));
      const sizes = [...shares.values()].map((share) => share.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test('a group that is balanced stays as it is', () => {
  fc.assert(
    fc.property(members, fc.nat(PARTITIONS_MAX), (group, count) => {
      const before = shareOut(group, count);
      const again = [...before].map(([id, had]) => ({ id, had }));
      expect(shareOut(again, count)).toEqual(before);
    }),
  );
});

test('nobody loses more than its surplus when a member comes', () => {
  const shares = shareOut(
    [
      { id: 'a', had: [0, 1, 2] },
      { id: 'b', had: [3, 4, 5] },
      { id: 'new', had: [] },
    ],
    6,
  );
  expect(shares).toEqual(new Map(Object.entries({ a: [0, 1], b: [3, 4], new: [2, 5] })));
});

test('what members say of themselves and are given comes through', () => {
  fc.assert(
    fc.property(fc.string(), partitions, (topic, list) => {
      expect(decodeSubscription(encodeSubscription(topic, list))).toEqual(list);
      expect(decodeAssignment(encodeAssignment(topic, list))).toEqual(list);
    }),
  );
  expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
});

test('what a stranger says of itself counts for nothing', () => {
  expect(decodeSubscription(Buffer.of(0, 1))).toEqual([]);
});
