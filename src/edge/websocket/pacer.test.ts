/** Proves that a burst becomes one run now and one later, never more often than the interval. */
import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { createPacer, type Pacer } from './pacer.ts';

let now = 0;
let runs: number[] = [];
let pacer: Pacer;

beforeEach(() => {
  jest.useFakeTimers();
  now = 0;
  runs = [];
  pacer = createPacer(
    () => now,
    250,
    () => runs.push(now),
  );
});
afterEach(() => {
  pacer.stop();
  jest.useRealTimers();
});

function pass(ms: number): void {
  for (let step = 0; step < ms; step += 1) {
    now += 1;
    jest.advanceTimersByTime(1);
  }
}

test('the first call runs at once, a burst once more when the interval is over', () => {
  pacer.poke();
  pass(1);
  expect(runs).toHaveLength(1);
  for (let call = 0; call < 100; call += 1) pacer.poke();
  pass(200);
  expect(runs).toHaveLength(1);
  pass(60);
  expect(runs).toHaveLength(2);
});

test('however often it is called, it runs four times a second', () => {
  for (let step = 0; step < 1_000; step += 1) {
    pacer.poke();
    pass(1);
  }
  expect(runs.length).toBeLessThanOrEqual(5);
  expect(runs.length).toBeGreaterThanOrEqual(4);
});

test('a later date gives way to an earlier one, and not the other way round', () => {
  pacer.pokeIn(1_000);
  pacer.poke();
  pass(1);
  expect(runs).toHaveLength(1);
  pacer.poke();
  pacer.pokeIn(5_000);
  pass(251);
  expect(runs).toHaveLength(2);
  pass(5_000);
  expect(runs).toHaveLength(2);
});

test('stopped it does not run', () => {
  pacer.poke();
  pacer.stop();
  pass(1_000);
  expect(runs).toEqual([]);
});
