import { describe, expect, test } from 'bun:test';
import { checkpoint, count } from '../../../test/support/store-step-samples.ts';
import { type CountsMove, TallyView } from './tally-view.ts';

type Counts = readonly Parameters<typeof count>[0][];

const counts = (nextOffset: number, ...entries: Counts) => ({
  checkpoint: checkpoint(nextOffset),
  counts: entries.map(count),
  books: [],
});

const move = (from: number, entries: Counts, length = 1, partition = 0): CountsMove => ({
  partition,
  from,
  nextOffset: from + length,
  counts: entries.map(count),
});

describe('the view of the tally', () => {
  test('adds up what the store held and every step since, over all partitions', () => {
    const view = new TallyView();
    view.load(0, counts(4, { count: 10 }));
    view.load(1, counts(2, { count: 5, item: 'bruno' }, { count: 1, minute: 29_000_001 }));
    expect(view.apply(move(4, [{ count: 3 }]), 7)).toBe('applied');
    const [frame] = view.takeFrames(99, false, false);
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
    view.apply(move(1, [{ count: -2 }]), 0);
    const [frame] = view.takeFrames(0, false, false);
    expect(frame?.items.get('ana')).toBe(0);
    expect(frame?.minutes).toEqual([count({ count: 0 })]);
  });

  test('keeps flagged votes apart from valid ones, in totals and minutes', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 3, lane: 'flagged' }));
    const [frame] = view.takeFrames(0, false, false);
    expect([frame?.items.get('ana'), frame?.flagged.get('ana')]).toEqual([2, 3]);
    expect(frame?.minutes).toEqual([count({ count: 2 }), count({ count: 3, lane: 'flagged' })]);
  });

  test('has as its version the sum of the next offsets, loaded and moved', () => {
    const view = new TallyView();
    expect(view.version).toBe(0);
    view.load(0, counts(4));
    view.load(1, counts(0));
    expect(view.version).toBe(4);
    view.apply(move(0, [], 3, 1), 0);
    view.apply(move(4, []), 0);
    expect(view.version).toBe(8);
    expect([view.nextOffset(0), view.nextOffset(1), view.nextOffset(2)]).toEqual([5, 3, null]);
  });

  test('takes no step twice, and none that leaves a hole', () => {
    const view = new TallyView();
    expect(view.apply(move(0, [{}]), 0)).toBe('hole');
    view.load(0, counts(4, { count: 10 }));
    expect(view.apply(move(3, [{}]), 0)).toBe('behind');
    expect(view.apply(move(3, [{}], 2), 0)).toBe('hole');
    expect(view.apply(move(5, [{}]), 0)).toBe('hole');
    expect(view.takeFrames(0, false, false)[0]?.items.get('ana')).toBe(10);
    expect(view.version).toBe(4);
  });

  test('takes a partition anew in place of what it had contributed, and only of that', () => {
    const view = new TallyView();
    const gone = { item: 'bruno', minute: 29_000_001 };
    view.load(0, counts(4, { count: 10 }, { ...gone, count: 2 }, { item: 'carla', count: 6 }));
    view.load(1, counts(3, { count: 5 }));
    view.apply(move(4, [{ count: 1 }, { ...gone, lane: 'flagged' }]), 0);
    view.takeFrames(0, false, false);
    view.load(0, counts(9, { count: 4 }, { count: 3 }, { item: 'carla', count: 6 }));
    const [frame] = view.takeFrames(0, false, false);
    expect(frame?.version).toBe(12);
    expect(frame?.items).toEqual(
      new Map([
        ['ana', 12],
        ['bruno', 0],
        ['carla', 6],
      ]),
    );
    expect(frame?.flagged).toEqual(new Map([['bruno', 0]]));
    expect(frame?.minutes).toEqual([
      count({ ...gone, count: 0 }),
      count({ ...gone, lane: 'flagged', count: 0 }),
      count({ count: 12 }),
    ]);
  });
});

describe('frames', () => {
  test('come for scopes that changed, with the changed minutes as they are now', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 4, minute: 29_000_001 }, { scope: 'poll-b' }));
    expect(view.takeFrames(0, true, false).map(({ scope, stale }) => [scope, stale])).toEqual([
      ['poll-a', true],
      ['poll-b', true],
    ]);
    expect(view.takeFrames(0, false, false)).toEqual([]);
    view.apply(move(1, [{ count: 5, minute: 29_000_001 }]), 0);
    const frames = view.takeFrames(0, false, false);
    expect(frames).toHaveLength(1);
    expect(frames[0]?.minutes).toEqual([count({ count: 9, minute: 29_000_001 })]);
    expect(frames[0]?.items.get('ana')).toBe(11);
  });

  test('of every scope have no minutes where none changed', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { scope: 'poll-b' }));
    view.takeFrames(3, true, false);
    view.apply(move(1, [{ scope: 'poll-b' }]), 0);
    expect(view.takeFrames(3, false, true)).toMatchObject([
      { scope: 'poll-a', minutes: [], stale: false, version: 2 },
      { scope: 'poll-b', minutes: [{ count: 2 }], stale: false, version: 2 },
    ]);
  });

  test('keep their counts when the view moves on', () => {
    const view = new TallyView();
    view.load(0, counts(1, { count: 2 }, { count: 1, lane: 'flagged' }));
    const [frame] = view.takeFrames(0, false, false);
    view.apply(move(1, [{ count: 5 }, { count: 5, lane: 'flagged' }]), 0);
    expect([frame?.items.get('ana'), frame?.flagged.get('ana')]).toEqual([2, 1]);
    expect(frame?.minutes.map((minute) => minute.count)).toEqual([2, 1]);
  });

  test('tell the longest lag of the steps since the last ones', () => {
    const view = new TallyView();
    view.load(0, counts(0));
    let at = 0;
    const lagOf = (...lags: readonly number[]): number | undefined => {
      for (const lag of lags) {
        view.apply(move(at, [{}]), lag);
        at += 1;
      }
      return view.takeFrames(0, false, false)[0]?.lagMs;
    };
    expect([lagOf(3, 9, 4), lagOf(2), lagOf(0)]).toEqual([9, 2, 0]);
  });
});
