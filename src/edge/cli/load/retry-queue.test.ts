/** Retries come out when they are due, the earliest first, each once. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { RetryQueue } from './retry-queue.ts';

test('an empty queue has nothing due, ever', () => {
  const queue = new RetryQueue();
  expect(queue.take(Number.MAX_VALUE)).toBe(-1);
  expect(queue.nextDueAt).toBe(Number.POSITIVE_INFINITY);
});

test('votes come out once each, by their instant, none before it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 80 }), (instants) => {
      const queue = new RetryQueue();
      for (const [vote, dueAt] of instants.entries()) queue.add(vote, dueAt);
      expect(queue.size).toBe(instants.length);
      const taken: number[] = [];
      for (let now = 0; now <= 50; now += 1) {
        for (let vote = queue.take(now); vote >= 0; vote = queue.take(now)) {
          expect(instants[vote]).toBe(now);
          taken.push(vote);
        }
        expect(queue.nextDueAt).toBeGreaterThan(now);
      }
      expect(taken.sort((a, b) => a - b)).toEqual(instants.map((_, vote) => vote));
    }),
  );
});
