import { describe, expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { MINUTE_MS, stepWindows } from '../counting/time-window.ts';
import type { Poll } from './poll.ts';
import { isSeriesHidden, shapeResults, shapeSeries } from './shown-results.ts';

const NOW = 1_000_000;
const POSITION = { asOf: 999_000, version: 42, stale: false };
const VOTES = new Map([
  ['ana', 3],
  ['bruno', 1],
]);
const HEAD = { poll: 'final', state: 'open', ...POSITION } as const;

const poll = (fields: Partial<Poll> = {}): Poll =>
  samplePoll({ state: 'open', resultsVisibility: 'always', ...fields });

describe('results are cut down', () => {
  const shown = (fields: Partial<Poll>) =>
    shapeResults(poll(fields), 'public', VOTES, POSITION, NOW);

  test('to nothing but votes, shares, leaders and the total for detail count', () => {
    expect(shown({ resultsDetail: 'count' })).toEqual({
      ...HEAD,
      visible: true,
      detail: 'count',
      total: 4,
      options: [
        { id: 'ana', votes: 3, share: 0.75, leader: true },
        { id: 'bruno', votes: 1, share: 0.25, leader: false },
      ],
    });
  });

  test('to shares and leaders for detail percentage: no count leaves', () => {
    expect(shown({ resultsDetail: 'percentage' })).toEqual({
      ...HEAD,
      visible: true,
      detail: 'percentage',
      total: null,
      options: [
        { id: 'ana', votes: null, share: 0.75, leader: true },
        { id: 'bruno', votes: null, share: 0.25, leader: false },
      ],
    });
  });

  test('to the leader alone for detail winner', () => {
    expect(shown({ resultsDetail: 'winner' })).toEqual({
      ...HEAD,
      visible: true,
      detail: 'winner',
      total: null,
      options: [
        { id: 'ana', votes: null, share: null, leader: true },
        { id: 'bruno', votes: null, share: null, leader: false },
      ],
    });
  });

  test('to a reason where they are hidden, with how fresh they would be', () => {
    const hidden = poll({ resultsVisibility: 'after_vote' });
    expect(shapeResults(hidden, 'public', VOTES, { ...POSITION, stale: true }, NOW)).toEqual({
      ...HEAD,
      stale: true,
      visible: false,
      reason: 'after_vote',
    });
    expect(shapeResults(hidden, 'voter', VOTES, POSITION, NOW).visible).toBe(true);
  });

  test('for no operator', () => {
    const strict = poll({ resultsVisibility: 'never', resultsDetail: 'winner' });
    expect(shapeResults(strict, 'operator', VOTES, POSITION, NOW)).toMatchObject({
      detail: 'count',
      total: 4,
    });
  });

  test('by the state that the clock gives', () => {
    const past = poll({ closesAt: NOW });
    expect(shapeResults(past, 'public', VOTES, POSITION, NOW).state).toBe('closing');
  });
});

describe('a series is cut down', () => {
  const series = {
    minutes: [
      { minute: 0, votes: VOTES },
      { minute: 1, votes: new Map([['bruno', 5]]) },
    ],
    windows: stepWindows(0, 2 * MINUTE_MS, MINUTE_MS),
  };

  test('to votes for detail count, and for operators always', () => {
    const expected = {
      ...HEAD,
      visible: true,
      detail: 'count',
      timeZone: 'America/Sao_Paulo',
      windows: [
        { from: 0, to: 60_000, total: 4, options: { ana: 3, bruno: 1 } },
        { from: 60_000, to: 120_000, total: 5, options: { ana: 0, bruno: 5 } },
      ],
    } as const;
    const counting = poll({ resultsDetail: 'count' });
    expect(shapeSeries(counting, 'public', series, POSITION, NOW)).toEqual(expected);
    const secret = poll({ resultsVisibility: 'never', resultsDetail: 'winner' });
    expect(shapeSeries(secret, 'operator', series, POSITION, NOW)).toEqual(expected);
  });

  test('to shares of each window for detail percentage: no count leaves', () => {
    const shown = shapeSeries(poll(), 'public', series, POSITION, NOW);
    expect(shown).toMatchObject({
      detail: 'percentage',
      windows: [
        { total: null, options: { ana: 0.75, bruno: 0.25 } },
        { total: null, options: { ana: 0, bruno: 1 } },
      ],
    });
  });

  test('to a reason where only the winner is told: shares over time would tell more', () => {
    const winner = poll({ resultsDetail: 'winner' });
    expect(isSeriesHidden(winner, 'public', NOW)).toBe('winner_only');
    expect(shapeSeries(winner, 'public', series, POSITION, NOW)).toEqual({
      ...HEAD,
      visible: false,
      reason: 'winner_only',
    });
  });

  test('to a reason where results are hidden', () => {
    const hidden = poll({ resultsVisibility: 'after_close', resultsDetail: 'winner' });
    expect(isSeriesHidden(hidden, 'voter', NOW)).toBe('after_close');
    expect(isSeriesHidden(hidden, 'operator', NOW)).toBeNull();
  });
});
