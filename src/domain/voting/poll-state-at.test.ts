import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { POLL_STATES } from './poll.ts';
import { pollAt, stateAt } from './poll-state-at.ts';

const times = fc.option(fc.nat(20), { nil: null });

describe('the state by the clock', () => {
  test('a scheduled poll opens at opensAt, to the millisecond', () => {
    const poll = samplePoll({ state: 'scheduled', opensAt: 100 });
    expect(stateAt(poll, 99)).toBe('scheduled');
    expect(stateAt(poll, 100)).toBe('open');
  });

  test.each(['scheduled', 'open', 'paused'] as const)(
    'a poll that is %s shuts at closesAt, to the millisecond',
    (state) => {
      const poll = samplePoll({ state, opensAt: 0, closesAt: 100 });
      expect(stateAt(poll, 99)).toBe(state === 'scheduled' ? 'open' : state);
      expect(stateAt(poll, 100)).toBe('closing');
    },
  );

  test('a poll whose whole time passed unnoticed is closing, not open', () => {
    const poll = samplePoll({ state: 'scheduled', opensAt: 100, closesAt: 200 });
    expect(stateAt(poll, 5_000)).toBe('closing');
  });

  test.each(['draft', 'closing', 'closed', 'published', 'archived'] as const)(
    'a poll that is %s stays so whatever the clock says',
    (state) => {
      const poll = samplePoll({ state, opensAt: 100, closesAt: 200 });
      expect([0, 150, 1_000].map((now) => stateAt(poll, now))).toEqual([state, state, state]);
    },
  );

  test('a poll without times waits for an operator', () => {
    expect(stateAt(samplePoll({ state: 'scheduled' }), 1e15)).toBe('scheduled');
    expect(stateAt(samplePoll({ state: 'open' }), 1e15)).toBe('open');
  });

  test('never goes back as time goes on', () => {
    const state = fc.constantFrom(...POLL_STATES);
    fc.assert(
      fc.property(
        state,
        times,
        times,
        fc.nat(20),
        fc.nat(20),
        (stored, opensAt, closesAt, a, b) => {
          const poll = samplePoll({ state: stored, opensAt, closesAt });
          const rank = (now: number) => POLL_STATES.indexOf(stateAt(poll, now));
          expect(rank(Math.max(a, b))).toBeGreaterThanOrEqual(rank(Math.min(a, b)));
        },
      ),
    );
  });

  test('a shown poll is the stored one but for its state', () => {
    const poll = samplePoll({ state: 'scheduled', opensAt: 100 });
    expect(pollAt(poll, 99)).toBe(poll);
    expect(pollAt(poll, 100)).toEqual({ ...poll, state: 'open' });
  });
});
