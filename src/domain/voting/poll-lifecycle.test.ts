import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { doorAt } from './door.ts';
import { POLL_STATES, type Poll } from './poll.ts';
import {
  decideAct,
  decideByClock,
  decideClosed,
  POLL_ACTS,
  type PollAct,
} from './poll-lifecycle.ts';
import { stateAt } from './poll-state-at.ts';

const NOW = 1_000;
const AT = { now: NOW, effectiveAt: NOW + 2_000 };

describe('acts', () => {
  // From draft, scheduled, open, paused, closing, closed, published, archived.
  const no = 'refused';
  test.each([
    ['open', ['open', 'open', 'open', no, no, no, no, no]],
    ['pause', [no, no, 'paused', 'paused', no, no, no, no]],
    ['resume', [no, no, 'open', 'open', no, no, no, no]],
    ['close', [no, no, 'closing', 'closing', 'closing', 'closed', no, no]],
    ['publish', [no, no, no, no, no, 'published', 'published', no]],
    ['archive', ['archived', 'archived', no, no, no, no, 'archived', 'archived']],
  ] as const)('%s leads from each state where the life of a poll has it', (act, expected) => {
    const after = POLL_STATES.map((state) => {
      // The opening of a scheduled poll is still to come.
      const poll = samplePoll({ state, opensAt: state === 'scheduled' ? NOW + 1 : 10 });
      const decision = decideAct(poll, act, AT);
      return decision.kind === 'refused' ? no : decision.poll.state;
    });
    expect(after).toEqual([...expected]);
  });

  test('make a new version, at the time of the decision', () => {
    const poll = samplePoll({ state: 'open', version: 7 });
    const decision = decideAct(poll, 'pause', AT);
    expect(decision).toEqual({
      kind: 'changed',
      poll: { ...poll, state: 'paused', version: 8, updatedAt: NOW },
    });
  });

  test('that have had their effect change nothing: a lost answer may be asked for again', () => {
    const paused = samplePoll({ state: 'paused' });
    expect(decideAct(paused, 'pause', AT)).toEqual({ kind: 'unchanged', poll: paused });
    const closed = samplePoll({ state: 'closed' });
    expect(decideAct(closed, 'close', AT)).toEqual({ kind: 'unchanged', poll: closed });
  });

  test('that are refused say in which state the poll is', () => {
    expect(decideAct(samplePoll(), 'pause', AT)).toEqual({
      kind: 'refused',
      state: 'draft',
      detail: 'A poll can pause from open; this one is draft.',
    });
  });

  test('go by the clock: a scheduled poll whose time has come can be paused, not opened again', () => {
    const due = samplePoll({ state: 'scheduled', opensAt: NOW });
    expect(decideAct(due, 'pause', AT)).toMatchObject({ kind: 'changed' });
    expect(decideAct(due, 'open', AT)).toEqual({ kind: 'unchanged', poll: due });
    const over = samplePoll({ state: 'paused', closesAt: NOW });
    expect(decideAct(over, 'resume', AT)).toMatchObject({ kind: 'refused', state: 'closing' });
  });

  test('to open tell the instant at which the doors really open', () => {
    const scheduled = samplePoll({ state: 'scheduled', opensAt: NOW + 60_000 });
    const decision = decideAct(scheduled, 'open', AT);
    expect(decision).toMatchObject({ poll: { state: 'open', opensAt: AT.effectiveAt } });
  });

  test('to open a poll that would be over by then are refused', () => {
    const draft = samplePoll({ closesAt: AT.effectiveAt });
    expect(decideAct(draft, 'open', AT)).toMatchObject({ kind: 'refused', state: 'draft' });
    const later = samplePoll({ closesAt: AT.effectiveAt + 1 });
    expect(decideAct(later, 'open', AT)).toMatchObject({ kind: 'changed' });
  });

  test('to close shut the doors at that instant, or at an earlier deadline', () => {
    const closing = (closesAt: number | null): number | null => {
      const decision = decideAct(samplePoll({ state: 'open', closesAt }), 'close', AT);
      return decision.kind === 'changed' ? decision.poll.closesAt : Number.NaN;
    };
    expect(closing(null)).toBe(AT.effectiveAt);
    expect(closing(NOW + 60_000)).toBe(AT.effectiveAt);
    expect(closing(NOW + 500)).toBe(NOW + 500);
  });
});

describe('the clock', () => {
  test('opens and shuts, and leaves the rest alone', () => {
    const poll = samplePoll({ state: 'scheduled', opensAt: 100, closesAt: 200, version: 3 });
    expect(decideByClock(poll, 99)).toBeNull();
    expect(decideByClock(poll, 100)).toEqual({
      ...poll,
      state: 'open',
      version: 4,
      updatedAt: 100,
    });
    expect(decideByClock(poll, 200)?.state).toBe('closing');
    expect(decideByClock({ ...poll, state: 'closed' }, 1e15)).toBeNull();
  });

  test('closes for good only what is closing, when every store has passed the CLOSE', () => {
    const closing = samplePoll({ state: 'closing', version: 5 });
    expect(decideClosed(closing, NOW)).toMatchObject({ state: 'closed', version: 6 });
    for (const state of POLL_STATES.filter((each) => each !== 'closing')) {
      expect(decideClosed(samplePoll({ state }), NOW)).toBeNull();
    }
  });
});

test('whatever operators and the clock do, a door that has shut for good never opens again', () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom<PollAct | 'tick'>(...POLL_ACTS, 'tick'), fc.nat(50)),
    {
      maxLength: 30,
    },
  );
  const deadlines = fc.option(fc.nat(300), { nil: null });
  fc.assert(
    fc.property(steps, deadlines, deadlines, (sequence, opensAt, closesAt) => {
      let now = 0;
      let poll: Poll = samplePoll({
        state: opensAt === null ? 'draft' : 'scheduled',
        opensAt,
        closesAt,
      });
      let hasShut = false;
      for (const [step, wait] of sequence) {
        now += wait;
        const before = POLL_STATES.indexOf(stateAt(poll, now));
        if (step === 'tick') {
          poll = decideByClock(poll, now) ?? decideClosed(poll, now) ?? poll;
        } else {
          const decision = decideAct(poll, step, { now, effectiveAt: now });
          if (decision.kind === 'changed') poll = decision.poll;
        }
        const after = POLL_STATES.indexOf(stateAt(poll, now));
        // Only resuming goes back, from paused to open.
        expect(after >= before || (step === 'resume' && after === before - 1)).toBe(true);
        const isShut = doorAt(poll, now).kind === 'closed';
        expect(isShut || !hasShut).toBe(true);
        hasShut = isShut;
      }
    }),
  );
});
