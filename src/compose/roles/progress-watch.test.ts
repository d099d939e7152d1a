/** When a worker is said to stand still: behind the log, and unmoved for longer than a take-over takes. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { ProgressWatch } from './progress-watch.ts';

const STILL_MS = 30_000;

function watching(...ends: number[]) {
  const clock = new ManualClock(0);
  const asked: number[] = [];
  const bounds = async (partition: number) => {
    asked.push(partition);
    return { start: 0, end: ends[partition] ?? 0 };
  };
  return { clock, ends, asked, watch: new ProgressWatch({ log: { bounds }, clock }) };
}

const OWNED = new Set([0, 1]);

test('a worker at the end of its log is never still, however long nothing comes', async () => {
  const { clock, watch } = watching(5, 0);
  watch.saw([
    [0, 5],
    [1, 0],
  ]);
  for (let look = 0; look < 50; look += 1) {
    clock.advance(2_000);
    await watch.look();
  }
  expect(watch.still(OWNED)).toEqual([]);
});

test('one that is behind is still after 30 s without a step, not before, and no more once it moves', async () => {
  const { clock, watch } = watching(5, 5);
  watch.saw([
    [0, 3],
    [1, 3],
  ]);
  await watch.look();
  clock.advance(STILL_MS);
  watch.saw([[1, 4]]);
  expect(watch.still(OWNED)).toEqual([]);
  clock.advance(1);
  expect(watch.still(OWNED)).toEqual([0]);
  watch.saw([[0, 4]]);
  expect(watch.still(OWNED)).toEqual([]);
});

test('the time at the end of the log does not count against who falls behind later', async () => {
  const { clock, ends, watch } = watching(5);
  watch.saw([[0, 5]]);
  clock.advance(10 * STILL_MS);
  await watch.look();
  ends[0] = 6;
  await watch.look();
  clock.advance(STILL_MS);
  expect(watch.still(OWNED)).toEqual([]);
  clock.advance(1);
  expect(watch.still(OWNED)).toEqual([0]);
});

test('a round that brings nothing new is no progress', async () => {
  const { clock, watch } = watching(5);
  watch.saw([[0, 3]]);
  await watch.look();
  clock.advance(STILL_MS + 1);
  watch.saw([[0, 3]]);
  expect(watch.still(OWNED)).toEqual([0]);
});

test('of partitions that another worker has taken nothing is said', async () => {
  const { clock, watch } = watching(5, 5);
  watch.saw([
    [0, 3],
    [1, 3],
  ]);
  await watch.look();
  clock.advance(STILL_MS + 1);
  expect(watch.still(new Set([1]))).toEqual([1]);
  expect(watch.still(new Set())).toEqual([]);
});

test('positions are those of the last round; the log is asked of no partition that was not seen', async () => {
  const { asked, watch } = watching(5, 5);
  expect(watch.next(1)).toBe(0);
  watch.saw([[1, 3]]);
  await watch.look();
  expect([watch.next(0), watch.next(1)]).toEqual([0, 3]);
  expect(asked).toEqual([1]);
});

test('a log that does not answer leaves standing what is known', async () => {
  const clock = new ManualClock(0);
  const bounds = () => Promise.reject(new Error('away'));
  const watch = new ProgressWatch({ log: { bounds }, clock });
  watch.saw([[0, 3]]);
  await expect(watch.look()).rejects.toThrow('away');
  expect([watch.next(0), watch.still(OWNED)]).toEqual([3, []]);
  const stop = watch.start(() => {});
  await stop();
});
