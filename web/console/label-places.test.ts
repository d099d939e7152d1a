import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { spreadLabels } from './label-places.ts';

test('labels that do not overlap stay where they are', () => {
  expect(spreadLabels([10, 50, 90], 15, 0, 100)).toEqual([10, 50, 90]);
});

test('labels on one spot are moved apart', () => {
  expect(spreadLabels([50, 50], 15, 0, 100)).toEqual([50, 65]);
});

test('labels that fit never overlap, leave the frame or change their order', () => {
  const positions = fc.array(fc.integer({ min: -20, max: 220 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(positions, (given) => {
      const placed = spreadLabels(given, 15, 0, 200);
      const order = given.map((_, i) => i).sort((a, b) => (given[a] ?? 0) - (given[b] ?? 0));
      const sorted = order.map((i) => placed[i] ?? Number.NaN);
      sorted.forEach((y, i) => {
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(200);
        if (i > 0) expect(y - (sorted[i - 1] ?? 0)).toBeGreaterThanOrEqual(15);
      });
    }),
  );
});

test('labels that can not all fit share the room evenly', () => {
  expect(spreadLabels([5, 5, 5], 15, 0, 10)).toEqual([0, 5, 10]);
});
