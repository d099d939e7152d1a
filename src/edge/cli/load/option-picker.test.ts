/** A run can be repeated with its seed, and no option is left out. */
import { expect, test } from 'bun:test';
import { OptionPicker } from './option-picker.ts';

function picks(options: number, skew: number, seed: number, count: number): number[] {
  const picker = new OptionPicker(options, skew, seed);
  return Array.from({ length: count }, () => picker.next());
}

function shares(options: number, skew: number): number[] {
  const count = 100_000;
  const totals = new Array<number>(options).fill(0);
  for (const pick of picks(options, skew, 7, count)) totals[pick] = (totals[pick] ?? 0) + 1;
  return totals.map((total) => total / count);
}

test('the same seed picks the same options; another seed picks others', () => {
  expect(picks(5, 1, 42, 1_000)).toEqual(picks(5, 1, 42, 1_000));
  expect(picks(5, 1, 42, 1_000)).not.toEqual(picks(5, 1, 43, 1_000));
});

test('without skew the options are even', () => {
  for (const share of shares(4, 0)) expect(share).toBeCloseTo(0.25, 2);
});

test('with skew 1 shares fall as 1, 1/2, 1/3', () => {
  const [first = 0, second = 0, third = 0] = shares(3, 1);
  expect(first).toBeCloseTo(6 / 11, 2);
  expect(second).toBeCloseTo(3 / 11, 2);
  expect(third).toBeCloseTo(2 / 11, 2);
});

test('every pick is an option of the poll, and each of 100 is picked', () => {
  const seen = new Set(picks(100, 1, 1, 100_000));
  expect(seen.size).toBe(100);
  expect(Math.max(...seen)).toBe(99);
});
