import { expect, test } from 'bun:test';
import { alarmsOf, PATIENCE_MS } from './alarms.ts';
import type { Overview } from './metering.ts';
import { sampleOf } from './pulse-rate.ts';

const BOOKS = { received: 9, counted: 9, duplicates: 0, conflicts: 0, voided: 0, deadLetters: 0 };
const CALM: Overview = {
  partitions: [{ partition: 0, end: 7, next: 7, books: BOOKS }],
  usageBehind: 0,
  usagePending: 0,
  ratingDue: 0,
  deadLetters: {},
};
const BEHIND = { ...CALM, partitions: [{ partition: 0, end: 9, next: 7, books: BOOKS }] };

const kinds = (overview: Overview, forMs: number) =>
  alarmsOf(overview, [sampleOf(overview, 0), sampleOf(overview, forMs)]).map(
    ({ kind, level, count }) => `${kind} ${level} ${count}`,
  );

test('a calm overview has no alarm', () => {
  expect(kinds(CALM, 1_000_000)).toEqual([]);
  expect(alarmsOf(CALM, [])).toEqual([]);
});

test('what waits is an alarm only after a while, and a worse one later', () => {
  expect(kinds(BEHIND, PATIENCE_MS - 1)).toEqual([]);
  expect(kinds(BEHIND, PATIENCE_MS)).toEqual(['messages warning 2']);
  expect(kinds(BEHIND, 5 * PATIENCE_MS)).toEqual(['messages bad 2']);
});

test('what only people can decide is said at once, behind what is worse', () => {
  const overview = {
    ...BEHIND,
    deadLetters: { 'resource-usage.dlq': 3 },
    partitions: [{ partition: 0, end: 9, next: 7, books: { ...BOOKS, conflicts: 4 } }],
  };
  expect(kinds(overview, 0)).toEqual(['letters warning 3', 'conflicts warning 4']);
  expect(kinds(overview, 5 * PATIENCE_MS)[0]).toBe('messages bad 2');
});
