import { expect, test } from 'bun:test';
import { zoomed } from './zoom.ts';

const BOUNDS = { min: 0, max: 600 };

test('looking closer at the present stays at the present', () => {
  expect(zoomed({ min: 300, max: 600 }, BOUNDS, 'in')).toEqual({ min: 450, max: 600 });
});

test('looking closer at the past keeps its middle', () => {
  expect(zoomed({ min: 100, max: 300 }, BOUNDS, 'in')).toEqual({ min: 150, max: 250 });
});

test('looking wider than everything follows the present again', () => {
  expect(zoomed({ min: 200, max: 500 }, BOUNDS, 'out')).toBeNull();
  expect(zoomed({ min: 400, max: 500 }, BOUNDS, 'out')).toEqual({ min: 350, max: 550 });
});

test('moving stops at the edges', () => {
  expect(zoomed({ min: 50, max: 150 }, BOUNDS, 'earlier')).toEqual({ min: 0, max: 100 });
  expect(zoomed({ min: 400, max: 500 }, BOUNDS, 'later')).toEqual({ min: 450, max: 550 });
  expect(zoomed({ min: 560, max: 600 }, BOUNDS, 'later')).toEqual({ min: 560, max: 600 });
});

test('a window is never narrower than a few seconds', () => {
  expect(zoomed({ min: 590, max: 600 }, BOUNDS, 'in')).toEqual({ min: 590, max: 600 });
});
