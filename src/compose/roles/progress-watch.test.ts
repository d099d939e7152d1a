/** When a worker is said to stand still: behind the log, and unmoved for longer than a take-over takes. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { ProgressWatch, type Standstill } from './progress-watch.ts';

const STILL_MS = 30_000;
const LOOK_MS = 2_000;

function watching(...ends: number[]) {
  const clock = new ManualClock(0);
  const asked: number[] = [];
  const told: Standstill[] = [];
  const owned = new Set(ends.keys());
  const bounds = async (partition: number) => {
    asked.push(partition);
    return { start: 0, end: ends[partition] ?? 0 };
  };
  const onStill = (still: Standstill): void => void told.push(still);
  const watch = new ProgressWatch({ log: { bounds }, clock, owned: () => owned, onStill });
  const still = () => watch.still.map(({ partition }) => partition);
  const looks = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      clock.advance(LOOK_MS);
      await watch.look();
    }
  };
  return { clock, ends, asked, told, owned, watch, still, looks };
}

test('a worker at the end of its log is never still, however long nothing comes', async () => {
  const { watch, still, told, looks } = watching(5, 0);
  watch.saw([
    [0, 5],
    [1, 0],
  ]);
  await looks(50 * LOOK_MS);
  expect(still()).toEqual([]);
  expect(told).toEqual([]);
});

test('one that is behind is still after 30 s without a step, not before, and no more once it moves', async () => {
  const { clock, watch, still } = watching(5, 5);
  watch.saw([
    [0, 3],
    [1, 3],
  ]);
  await watch.look();
  clock.advance(STILL_MS);
  watch.saw([[1, 4]]);
  expect(still()).toEqual([]);
  clock.advance(1);
  expect(watch.still).toEqual([{ partition: 0, next: 3, end: 5, stillMs: STILL_MS + 1 }]);
  watch.saw([[0, 4]]);
  expect(still()).toEqual([]);
});

test('the time at the end of the log does not count against who falls behind later', async () => {
  const { clock, ends, watch, still } = watching(5);
  watch.saw([[0, 5]]);
  clock.advance(10 * STILL_MS);
  await watch.look();
  ends[0] = 6;
  await watch.look();
  clock.advance(STILL_MS);
  expect(still()).toEqual([]);
  clock.advance(1);
  expect(still()).toEqual([0]);
});

test('a round that brings nothing new is no progress', async () => {
  const { clock, watch, still } = watching(5);
  watch.saw([[0, 3]]);
  await watch.look();
  clock.advance(STILL_MS + 1);
  watch.saw([[0, 3]]);
  expect(still()).toEqual([0]);
});

test('one whose first step never ends is still, too, counted from when it was gained', async () => {
  const { clock, owned, watch, looks } = watching(5, 5);
  owned.delete(1);
  await looks(STILL_MS);
  watch.saw([[0, 5]]);
  owned.add(1);
  await watch.look();
  clock.advance(STILL_MS);
  await watch.look();
  expect(watch.still).toEqual([]);
  clock.advance(1);
  expect(watch.still).toEqual([{ partition: 1, next: null, end: 5, stillMs: STILL_MS + 1 }]);
});

test('of partitions that another worker has taken nothing is said; who gains one anew has its time', async () => {
  const { clock, owned, watch, still, looks } = watching(5, 5);
  watch.saw([
    [0, 3],
    [1, 3],
  ]);
  await watch.look();
  clock.advance(STILL_MS + 1);
  owned.delete(0);
  expect(still()).toEqual([1]);
  await watch.look();
  owned.add(0);
  await watch.look();
  expect(still()).toEqual([1]);
  await looks(STILL_MS + LOOK_MS);
  expect(still()).toEqual([1, 0]);
});

test('a standstill is told at once, then once a minute, and anew after a step', async () => {
  const { told, watch, looks } = watching(5);
  watch.saw([[0, 3]]);
  await looks(STILL_MS);
  expect(told).toEqual([]);
  await looks(LOOK_MS);
  expect(told).toMatchObject([{ partition: 0, next: 3, end: 5 }]);
  await looks(58_000);
  expect(told).toHaveLength(1);
  await looks(LOOK_MS);
  expect(told.map(({ stillMs }) => stillMs)).toEqual([32_000, 92_000]);
  watch.saw([[0, 4]]);
  await looks(60_000);
  expect(told.map(({ next }) => next)).toEqual([3, 3, 4]);
});

test('positions are those of the last round; the log is asked of the worker’s partitions alone', async () => {
  const { asked, owned, watch } = watching(5, 5);
  owned.delete(0);
  expect(watch.next(1)).toBe(0);
  watch.saw([[1, 3]]);
  await watch.look();
  expect([watch.next(0), watch.next(1)]).toEqual([0, 3]);
  expect(asked).toEqual([1]);
});

test('a log that does not answer of one partition leaves standing what is known, and hides no other', async () => {
  const clock = new ManualClock(0);
  let isAway = false;
  const bounds = async (partition: number) => {
    if (isAway && partition === 0) throw new Error('away');
    return { start: 0, end: partition === 0 ? 3 : 5 };
  };
  const told: Standstill[] = [];
  const watch = new ProgressWatch({
    log: { bounds },
    clock,
    owned: () => new Set([0, 1]),
    onStill: (still) => told.push(still),
  });
  watch.saw([[0, 3]]);
  await watch.look();
  isAway = true;
  clock.advance(STILL_MS + 1);
  await expect(watch.look()).rejects.toThrow('away');
  expect(watch.next(0)).toBe(3);
  expect(told).toMatchObject([{ partition: 1 }]);
  const stop = watch.start(() => {});
  await stop();
});
