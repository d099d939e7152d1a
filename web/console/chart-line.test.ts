import { describe, expect, test } from 'bun:test';
import { curvesOf } from './chart-line.ts';
import { NOON, pollWith } from './live-fixtures.ts';
import type { LivePoll } from './live-state.ts';
import { EMPTY_SECONDS, withHistory } from './second-series.ts';

const entryWith = (change: Partial<LivePoll> = {}): LivePoll => ({
  poll: pollWith(),
  total: 8,
  votes: { ana: 6, bia: 2 },
  version: 1,
  stale: false,
  seconds: withHistory(EMPTY_SECONDS, {
    from: NOON - 2_000,
    votes: { ana: [2, 4], bia: [2, 0] },
  }),
  ...change,
});
const restName = (count: number) => `${count} others`;
const series = {
  poll: 'final',
  step: '1m' as const,
  asOf: new Date(NOON - 30_000).toISOString(),
  points: [
    { from: new Date(NOON - 120_000).toISOString(), total: 60, options: { ana: 60 } },
    { from: new Date(NOON - 60_000).toISOString(), total: 30, options: { ana: 30 } },
  ],
};

describe('curves', () => {
  test('of five minutes are the live seconds, in a window that ends with the newest', () => {
    const curves = curvesOf(entryWith(), '5m', null, NOON, 'light', restName);
    expect(curves.xs).toEqual([NOON / 1000 - 1, NOON / 1000]);
    expect(curves.stacked.at(-1)).toEqual([4, 4]);
    expect(curves.shares[0]).toEqual([0.5, 0.75]);
    expect(curves.window.max).toBe(NOON / 1000);
  });

  test('fill their window while the poll is younger than it, and no more than it later', () => {
    const young = curvesOf(entryWith(), '5m', null, NOON, 'light', restName);
    expect(young.window.min).toBe(NOON / 1000 - 60);
    const long = { from: NOON - 500_000, votes: { ana: new Array<number>(500).fill(1) } };
    const seconds = withHistory(EMPTY_SECONDS, long);
    const old = curvesOf(entryWith({ seconds }), '5m', null, NOON, 'light', restName);
    expect(old.window.min).toBe(NOON / 1000 - 300);
  });

  test('of a poll that the seconds have seen from its start are as fine as they are', () => {
    const points = { ...series, points: [] };
    const curves = curvesOf(entryWith(), '1h', points, NOON, 'light', restName);
    expect(curves.xs).toHaveLength(2);
    expect(curves.buckets.seconds).toEqual([1, 1]);
  });

  test('of an hour wait for the server', () => {
    const curves = curvesOf(entryWith(), '1h', null, NOON, 'light', restName);
    expect(curves.xs).toEqual([]);
  });

  test('of the whole begin with the first point, and span a minute at least', () => {
    const curves = curvesOf(entryWith(), 'all', series, NOON, 'light', restName);
    expect(curves.window).toEqual({ min: NOON / 1000 - 90, max: NOON / 1000 - 30 });
    expect(curves.rates[0]).toEqual([1, 1]);
  });

  test('of a closed poll do not run on as zeros', () => {
    const closed = entryWith({ poll: pollWith({ state: 'closed' }) });
    const curves = curvesOf(closed, '5m', null, NOON + 3_600_000, 'light', restName);
    expect(curves.xs.at(-1)).toBe(NOON / 1000);
    const whole = curvesOf(closed, 'all', series, NOON + 3_600_000, 'light', restName);
    expect(whole.xs).toHaveLength(2);
  });

  test('of many options draw the strongest, sum the rest, and give the rest no share', () => {
    const options = Array.from({ length: 20 }, (_, i) => ({
      id: `o${i}`,
      name: `Option ${i}`,
      imageUrl: null,
    }));
    const votes = Object.fromEntries(options.map((option, i) => [option.id, 100 - i]));
    const entry = entryWith({ poll: pollWith({ options }), votes });
    const curves = curvesOf(entry, '5m', null, NOON, 'dark', restName);
    expect(curves.lines).toHaveLength(12);
    expect(curves.lines.at(-1)).toMatchObject({ option: null, name: '9 others' });
    expect(curves.shares).toHaveLength(11);
    expect(curves.buckets.votes).toHaveLength(20);
  });
});
