/** Curves and bars show what they are given, in exactly the room they have. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { shareBar, sparkline } from './sparkline.ts';

test('a curve is scaled to its greatest value and ends with the newest', () => {
  expect(sparkline([0, 1, 2, 4, 8], 5)).toBe(' ▁▂▄█');
  expect(sparkline([8, 8], 4)).toBe('  ██');
  expect(sparkline([1, 2, 3, 4, 8, 0], 2)).toBe('█ ');
  expect(sparkline([0, 0], 2)).toBe('  ');
  expect(sparkline([1, 1_000_000], 2)).toBe('▁█');
});

test('a bar is filled by its share', () => {
  expect(shareBar(0.5, 4)).toBe('██  ');
  expect(shareBar(1, 3)).toBe('███');
  expect(shareBar(1 / 16, 2)).toBe('▏ ');
  expect(shareBar(7, 2)).toBe('██');
});

test('both are exactly as wide as asked', () => {
  const share = fc.integer({ min: -10, max: 110 }).map((percent) => percent / 100);
  fc.assert(
    fc.property(
      share,
      fc.array(fc.nat()),
      fc.integer({ min: 1, max: 90 }),
      (part, values, width) => {
        expect([...shareBar(part, width)].length).toBe(width);
        expect([...sparkline(values, width)].length).toBe(width);
      },
    ),
  );
});
