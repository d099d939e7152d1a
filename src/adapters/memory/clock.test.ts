import { expect, test } from 'bun:test';
import { clockContract } from '../../ports/clock.contract.ts';
import { ManualClock } from './clock.ts';

const SATURDAY = Date.UTC(2026, 10, 21, 20);

clockContract('manual', () => {
  const clock = new ManualClock(SATURDAY);
  return {
    clock,
    pass: (ms) => clock.advance(ms),
    jump: (ms) => clock.jump(ms),
    [Symbol.dispose]: () => {},
  };
});

test('the manual clock stands still until it is told', () => {
  const clock = new ManualClock(SATURDAY);
  expect(clock.now()).toBe(SATURDAY);
  expect(clock.monotonic()).toBe(0);
  clock.advance(1_500);
  clock.jump(-500);
  expect(clock.now()).toBe(SATURDAY + 1_000);
  expect(clock.monotonic()).toBe(1_500);
  expect(() => clock.advance(-1)).toThrow(RangeError);
});
