import { describe, expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { POLL_STATES, type PollState, RESULTS_DETAILS, RESULTS_VISIBILITIES } from './poll.ts';
import { type Audience, isPollShown, resultsDisclosure } from './visibility.ts';

const AUDIENCES: readonly Audience[] = ['public', 'voter', 'operator'];
const NOW = 1_000;

const isVisible = (visibility: (typeof RESULTS_VISIBILITIES)[number], state: PollState) => {
  const poll = samplePoll({ resultsVisibility: visibility, state });
  return AUDIENCES.map((audience) => resultsDisclosure(poll, audience, NOW).visible);
};

describe('results', () => {
  test('are always whole for operators', () => {
    for (const resultsVisibility of RESULTS_VISIBILITIES) {
      for (const resultsDetail of RESULTS_DETAILS) {
        for (const state of POLL_STATES) {
          const poll = samplePoll({ resultsVisibility, resultsDetail, state });
          const whole = { visible: true, detail: 'count' } as const;
          expect(resultsDisclosure(poll, 'operator', NOW)).toEqual(whole);
        }
      }
    }
  });

  // Whether the public, a voter and an operator see them, by the poll's state.
  test.each([
    ['never', [], []],
    ['after_publish', ['published', 'archived'], ['published', 'archived']],
    ['after_close', ['closed', 'published', 'archived'], ['closed', 'published', 'archived']],
    ['after_vote', ['closed', 'published', 'archived'], POLL_STATES],
    ['always', POLL_STATES, POLL_STATES],
  ] as const)('%s: the public sees them in %p, a voter in %p', (visibility, toPublic, toVoter) => {
    for (const state of POLL_STATES) {
      const expected = [
        toPublic.some((each) => each === state),
        toVoter.some((each) => each === state),
        true,
      ];
      expect(isVisible(visibility, state)).toEqual(expected);
    }
  });

  test('are never shown by a stricter visibility where a more open one hides them', () => {
    for (const state of POLL_STATES) {
      let previous = [false, false, true];
      for (const visibility of RESULTS_VISIBILITIES) {
        const visible = isVisible(visibility, state);
        visible.forEach((shown, index) => {
          expect(shown || !previous[index]).toBe(true);
        });
        previous = visible;
      }
    }
  });

  test('are not shown as closed while votes may still be on their way', () => {
    const poll = samplePoll({ state: 'open', resultsVisibility: 'after_close', closesAt: 500 });
    expect(resultsDisclosure(poll, 'public', NOW)).toEqual({
      visible: false,
      reason: 'after_close',
    });
  });

  test('that are hidden say what has to happen first; shown ones, in which detail', () => {
    const hidden = samplePoll({ state: 'open', resultsVisibility: 'after_vote' });
    expect(resultsDisclosure(hidden, 'public', NOW)).toEqual({
      visible: false,
      reason: 'after_vote',
    });
    for (const resultsDetail of RESULTS_DETAILS) {
      const poll = samplePoll({ state: 'open', resultsVisibility: 'always', resultsDetail });
      const shown = { visible: true, detail: resultsDetail } as const;
      expect(resultsDisclosure(poll, 'public', NOW)).toEqual(shown);
    }
  });
});

test('a draft exists for operators only', () => {
  for (const state of POLL_STATES) {
    const shown = AUDIENCES.map((audience) => isPollShown({ state }, audience));
    const isPublic = state !== 'draft';
    expect(shown).toEqual([isPublic, isPublic, true]);
  }
});
