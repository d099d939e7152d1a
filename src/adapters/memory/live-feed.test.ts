import { expect, test } from 'bun:test';
import { liveFeedContract } from '../../ports/live-feed.contract.ts';
import { MemoryLiveFeed } from './live-feed.ts';

liveFeedContract('memory', async () => {
  const feed = new MemoryLiveFeed();
  return { publisher: feed, subscriber: feed, [Symbol.asyncDispose]: async () => {} };
});

test('what a subscriber throws reaches the publisher after everyone was called', () => {
  const feed = new MemoryLiveFeed();
  const seen: number[] = [];
  feed.subscribe(() => {
    throw new Error('injected');
  });
  feed.subscribe(({ version }) => seen.push(version));
  const counts = new Map([['ana', 1]]);
  const times = { asOf: 1, lagMs: 0, stale: false };
  const frame = {
    scope: 'poll',
    items: counts,
    flagged: counts,
    minutes: [],
    version: 1,
    ...times,
  };
  expect(() => feed.publish(frame)).toThrow(AggregateError);
  expect(seen).toEqual([1]);
});
