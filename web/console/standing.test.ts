import { expect, test } from 'bun:test';
import { NOON, pollWith } from './live-fixtures.ts';
import type { LivePoll } from './live-state.ts';
import { EMPTY_SECONDS, withHistory } from './second-series.ts';
import { standingsOf } from './standing.ts';

const entry = (votes: Record<string, number>, seconds = EMPTY_SECONDS): LivePoll => ({
  poll: pollWith(),
  total: 0,
  votes,
  version: 1,
  stale: false,
  seconds,
});

test('options stand in order of votes, with their share', () => {
  const [first, second] = standingsOf(entry({ ana: 25, bia: 75 }), NOON);
  expect(first).toMatchObject({ position: 1, place: 1, votes: 75, share: 0.75 });
  expect(second).toMatchObject({ position: 0, place: 2, share: 0.25 });
});

test('equal votes share a place, in ballot order', () => {
  const rows = standingsOf(entry({ ana: 5, bia: 5 }), NOON);
  expect(rows.map((row) => [row.option.id, row.place])).toEqual([
    ['ana', 1],
    ['bia', 1],
  ]);
});

test('the pull is where the last minute differs from the whole', () => {
  const seconds = withHistory(EMPTY_SECONDS, {
    from: NOON - 61_000,
    votes: { ana: [900, ...new Array<number>(60).fill(3)], bia: new Array<number>(61).fill(1) },
  });
  const [ana] = standingsOf(entry({ ana: 500, bia: 500 }, seconds), NOON);
  expect(ana?.lastMinute).toBe(180);
  expect(ana?.pull).toBeCloseTo(0.25);
});

test('nothing is claimed before the first vote', () => {
  const [ana] = standingsOf(entry({}), NOON);
  expect(ana).toMatchObject({ share: null, pull: null, votes: 0 });
});
