import { describe, expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { doorAt } from './door.ts';

describe('the door', () => {
  const scheduled = samplePoll({ state: 'scheduled', opensAt: 100, closesAt: 200 });

  test('of a scheduled poll tells when it opens, opens by itself, and shuts by itself', () => {
    expect(doorAt(scheduled, 99)).toEqual({ kind: 'not_open', opensAt: 100 });
    expect(doorAt(scheduled, 100)).toEqual({ kind: 'open' });
    expect(doorAt(scheduled, 199)).toEqual({ kind: 'open' });
    expect(doorAt(scheduled, 200)).toEqual({ kind: 'closed' });
  });

  test('shuts at closesAt though the stored state still says open or paused', () => {
    expect(doorAt({ ...scheduled, state: 'open' }, 200)).toEqual({ kind: 'closed' });
    expect(doorAt({ ...scheduled, state: 'paused' }, 200)).toEqual({ kind: 'closed' });
  });

  test('of an open poll without a deadline stays open', () => {
    expect(doorAt(samplePoll({ state: 'open', opensAt: 100 }), 1e15)).toEqual({ kind: 'open' });
    expect(doorAt(samplePoll({ state: 'open' }), 0)).toEqual({ kind: 'open' });
  });

  test('of a poll whose opening is announced for an instant ahead waits for it', () => {
    const poll = samplePoll({ state: 'open', opensAt: 100 });
    expect(doorAt(poll, 99)).toEqual({ kind: 'not_open', opensAt: 100 });
    expect(doorAt(poll, 100)).toEqual({ kind: 'open' });
  });

  test('of a paused poll says so', () => {
    expect(doorAt(samplePoll({ state: 'paused', opensAt: 0 }), 50)).toEqual({ kind: 'paused' });
  });

  test('of a draft is not open, and not promised for any instant', () => {
    const draft = samplePoll({ opensAt: 10 });
    expect(doorAt(draft, 50)).toEqual({ kind: 'not_open', opensAt: null });
  });

  test.each(['closing', 'closed', 'published', 'archived'] as const)(
    'of a %s poll is closed',
    (state) => {
      expect(doorAt(samplePoll({ state, opensAt: 0, closesAt: 1e15 }), 5)).toEqual({
        kind: 'closed',
      });
    },
  );
});
