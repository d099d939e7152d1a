/** Proves that events are let go of only where that is set, and then by every store, by the days that are set. */
import { afterEach, expect, jest, test } from 'bun:test';
import { ManualClock } from '../adapters/memory/clock.ts';
import { startRetention } from './retention.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 600_000;
const NOON = 400.5 * DAY_MS;

afterEach(() => {
  jest.useRealTimers();
});

function start(days: number | null) {
  const asked: number[] = [];
  const forgotten: number[] = [];
  const troubles: unknown[] = [];
  const clock = new ManualClock(NOON);
  const forget = async (before: number): Promise<number> => asked.push(before) - 1;
  const stop = startRetention({
    days,
    clock,
    forget: [forget, forget, () => Promise.reject(new Error('away'))],
    onForgotten: (events) => forgotten.push(events),
    onTrouble: (error) => troubles.push(error),
  });
  return { asked, forgotten, troubles, clock, stop };
}

test('without a number of days everything is kept', async () => {
  const { asked, stop } = start(null);
  await stop();
  expect(asked).toEqual([]);
});

test('every store is asked to let go of the days that are older, what it let go of is told, and so is a failure', async () => {
  const { asked, forgotten, troubles, stop } = start(90);
  await stop();
  expect(asked).toEqual([310 * DAY_MS, 310 * DAY_MS]);
  expect(forgotten).toEqual([1]);
  expect(troubles).toHaveLength(1);
});

test('every store is asked at every look: what one could not let go of yet does not wait for the next day', async () => {
  jest.useFakeTimers();
  const { asked, troubles, clock, stop } = start(90);
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const look = async (): Promise<void> => {
    jest.advanceTimersByTime(LOOK_MS);
    await settle();
  };
  await settle();
  await look();
  expect(asked).toEqual(Array.from({ length: 4 }, () => 310 * DAY_MS));
  expect(troubles).toHaveLength(2);
  clock.advance(DAY_MS / 2);
  await look();
  expect(asked.slice(4)).toEqual([311 * DAY_MS, 311 * DAY_MS]);
  expect(troubles).toHaveLength(3);
  await stop();
});
