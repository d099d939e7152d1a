import { expect, test } from 'bun:test';
import { NOON, pollWith } from './live-fixtures.ts';
import { pollClock } from './poll-clock.ts';

const LATER = new Date(NOON + 90_000).toISOString();

test('an open or paused poll counts down to its close, by the server clock', () => {
  for (const state of ['open', 'paused'] as const) {
    expect(pollClock(pollWith({ state, closesAt: LATER }), NOON)).toEqual({
      kind: 'closes',
      at: NOON + 90_000,
      leftMs: 90_000,
    });
  }
  expect(pollClock(pollWith(), NOON).kind).toBe('open-ended');
});

test('a countdown stops at zero', () => {
  expect(pollClock(pollWith({ closesAt: LATER }), NOON + 99_000)).toMatchObject({ leftMs: 0 });
});

test('before and after there is no close to count to', () => {
  expect(pollClock(pollWith({ state: 'scheduled', opensAt: LATER }), NOON).kind).toBe('opens');
  expect(pollClock(pollWith({ state: 'draft', closesAt: LATER }), NOON).kind).toBe('not-open');
  expect(pollClock(pollWith({ state: 'closing' }), NOON).kind).toBe('closing');
  for (const state of ['closed', 'published', 'archived'] as const) {
    expect(pollClock(pollWith({ state }), NOON).kind).toBe('final');
  }
});
