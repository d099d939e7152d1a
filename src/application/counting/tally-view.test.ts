import { describe, expect, test } from 'bun:test';
import { checkpoint, count, step } from '../../../test/support/store-step-samples.ts';
import { TallyView } from './tally-view.ts';

const counts = (nextOffset: number, ...entries: Parameters<typeof count>[0][]) => ({
  checkpoint: checkpoint(nextOffset),
  counts: entries.map(count),
  books: [],
});

describe('the view of the tally', () => {
  test('adds up what the store held and every step since, over all partitions', () => {
    const view = new TallyView();
    view.load(0, counts(4, { count: 10 }));
    view.load(1, counts(2, { count: 5, item: 'bruno' }, { count: 1, minute: 29_000_001 }));
    view.apply(step({ epoch: 1, from: 4, counts: [count({ count: 3 })] }), 7);
    const [frame] = view.takeFrames(99, false);
    expect(frame).toMatchObject({ scope: 'poll-a', asOf: 99, stale: false, lagMs: 7, version: 7 });
    expect(frame?.items).toEqual(
      new Map([
        ['ana', 14],
        ['bruno', 5],
      ]),
    );
  });

  test('takes off what a step voids', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }));
    view.apply(step({ epoch: 1, from: 1, counts: [count({ count: -2 })] }), 0);
    const [frame] = view.takeFrames(0, false);
    expect(frame?.items.get('ana')).toBe(0);
    expect(frame?.minutes).toEqual([count({ count: 0 })]);
  });

  test('keeps flagged votes apart from valid ones, in totals and minutes', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 3, lane: 'flagged' }));
    const [frame] = view.wholeFrames(0, false);
    expect([frame?.items.get('ana'), frame?.flagged.get('ana')]).toEqual([2, 3]);
    expect(frame?.minutes).toEqual([count({ count: 2 }), count({ count: 3, lane: 'flagged' })]);
  });

  test('has as its version the sum of the next offsets, loaded and moved', () => {
    const view = new TallyView();
    expect(view.version).toBe(0);
    view.load(0, counts(4));
    view.load(1, counts(0));
    expect(view.version).toBe(4);
    view.apply(step({ epoch: 1, partition: 1, from: 0, length: 3 }), 0);
    view.apply(step({ epoch: 1, partition: 0, from: 4, length: 1 }), 0);
    expect(view.version).toBe(8);
  });
});

describe('frames', () => {
  test('come for scopes that changed, with the changed minutes as they are now', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 4, minute: 29_000_001 }, { scope: 'poll-b' }));
    expect(view.takeFrames(0, true).map(({ scope, stale }) => [scope, stale])).toEqual([
      ['poll-a', true],
      ['poll-b', true],
    ]);
    expect(view.takeFrames(0, false)).toEqual([]);
    view.apply(step({ epoch: 1, from: 1, counts: [count({ count: 5, minute: 29_000_001 })] }), 0);
    const frames = view.takeFrames(0, false);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.minutes).toEqual([count({ count: 9, minute: 29_000_001 })]);
    expect(frames[0]?.items.get('ana')).toBe(11);
  });

  test('of everything hold every minute, and take nothing from the next changed ones', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 4, minute: 29_000_001 }));
    expect(view.wholeFrames(3, true)).toMatchObject([
      { scope: 'poll-a', minutes: [{ count: 2 }, { count: 4 }], asOf: 3, stale: true, version: 1 },
    ]);
    expect(view.takeFrames(3, false)[0]?.minutes).toHaveLength(2);
  });

  test('keep their totals when the view moves on', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 1, lane: 'flagged' }));
    const [frame] = view.takeFrames(0, false);
    const more = [count({ count: 5 }), count({ count: 5, lane: 'flagged' })];
    view.apply(step({ epoch: 1, from: 1, counts: more }), 0);
    expect([frame?.items.get('ana'), frame?.flagged.get('ana')]).toEqual([2, 1]);
  });

  test('tell the longest lag of the steps since the last ones', () => {
    const view = new TallyView();
    const lagOf = (...lags: readonly number[]): number | undefined => {
      for (const lag of lags) view.apply(step({ epoch: 1, counts: [count({})] }), lag);
      return view.takeFrames(0, false)[0]?.lagMs;
    };
    expect([lagOf(3, 9, 4), lagOf(2), lagOf(0)]).toEqual([9, 2, 0]);
  });
});
