import { expect, test } from 'bun:test';
import { pollWith } from './live-fixtures.ts';
import type { LivePoll } from './live-state.ts';
import type { Poll } from './poll.ts';
import { firstPoll, sectionsOf } from './poll-list-order.ts';
import { EMPTY_SECONDS } from './second-series.ts';

const entry = (id: string, change: Partial<Poll>): LivePoll => ({
  poll: pollWith({ id, ...change }),
  total: null,
  votes: {},
  version: 0,
  stale: false,
  seconds: EMPTY_SECONDS,
});

test('what is on air comes first, and there what closes first', () => {
  const polls = [
    entry('draft', { state: 'draft' }),
    entry('late', { state: 'open', closesAt: '2026-11-22T00:00:00.000Z' }),
    entry('endless', { state: 'open' }),
    entry('soon', { state: 'paused', closesAt: '2026-11-21T21:00:00.000Z' }),
  ];
  const [onAir, drafts] = sectionsOf(polls);
  expect(onAir?.polls.map(({ poll }) => poll.id)).toEqual(['soon', 'late', 'endless']);
  expect(drafts?.group).toBe('draft');
  expect(firstPoll(polls)?.poll.id).toBe('soon');
});

test('the newest of what is over comes first', () => {
  const [ended] = sectionsOf([
    entry('old', { state: 'closed', createdAt: '2026-01-01T00:00:00.000Z' }),
    entry('new', { state: 'published', createdAt: '2026-02-01T00:00:00.000Z' }),
  ]);
  expect(ended?.polls.map(({ poll }) => poll.id)).toEqual(['new', 'old']);
});

test('without polls there is nothing to show', () => {
  expect(sectionsOf([])).toEqual([]);
  expect(firstPoll([])).toBeNull();
});
