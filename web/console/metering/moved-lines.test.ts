import { expect, test } from 'bun:test';
import { movedLines } from './moved-lines.ts';

test('a line whose amount stays has not moved, however it is reckoned', () => {
  const line = (difference: string) => ({ before: null, after: null, currency: 'EUR', difference });
  const lines = ['0.00', '0.01', '-0.01', '0', '-0.00'].map(line);
  const moved = movedLines({ lines, totals: [] });
  expect(moved.map(({ difference }) => difference)).toEqual(['0.01', '-0.01']);
});
