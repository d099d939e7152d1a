/** Proves that one job runs a turn, in order, and that a failing one does not stop the rest. */
import { expect, test } from 'bun:test';
import { createTurnQueue } from './turn-queue.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('jobs run one a turn, in their order, with room for others between', async () => {
  const queue = createTurnQueue();
  const log: string[] = [];
  for (const name of ['a', 'b', 'c']) queue.add(() => log.push(name));
  const counts: number[] = [];
  while (log.length < 3) {
    await turn();
    counts.push(log.length);
  }
  expect(log).toEqual(['a', 'b', 'c']);
  expect(counts.every((count, index) => count <= (counts[index - 1] ?? 0) + 1)).toBe(true);
});

test('a job that waits already is not put there twice', async () => {
  const queue = createTurnQueue();
  let runs = 0;
  const job = () => {
    runs += 1;
  };
  queue.add(job);
  queue.add(job);
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(runs).toBe(1);
  queue.add(job);
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(runs).toBe(2);
});

test('what was cleared does not run, what comes later does', async () => {
  const queue = createTurnQueue();
  const log: string[] = [];
  queue.add(() => log.push('cleared'));
  queue.clear();
  queue.add(() => log.push('later'));
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(log).toEqual(['later']);
});
