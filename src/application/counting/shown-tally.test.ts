import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { checkpoint, count } from '../../../test/support/store-step-samples.ts';
import type { MinuteTotal } from '../../domain/counting/step-totals.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { type ShownNews, ShownTally, WAITING_MOVES_MAX } from './shown-tally.ts';
import type { CountsMove } from './tally-view.ts';

/** Every block of these tests counts one vote for Ana, so counts equal offsets. */
const held = (nextOffset: number): PartitionCounts => ({
  checkpoint: checkpoint(nextOffset),
  counts: nextOffset === 0 ? [] : [count({ count: nextOffset })],
  books: [],
});

const move = (from: number, nextOffset = from + 1, partition = 0): CountsMove => ({
  partition,
  from,
  nextOffset,
  counts: [count({ count: nextOffset - from })],
});

const votesOf = (news: ShownNews): number | undefined => news.frames[0]?.items.get('ana');

function loaded(...offsets: readonly number[]): ShownTally {
  const shown = new ShownTally(offsets.length);
  offsets.forEach((offset, partition) => {
    shown.load(partition, held(offset));
  });
  return shown;
}

describe('what is shown', () => {
  test('is nothing, and stale, until every partition was read', () => {
    const shown = new ShownTally(2);
    expect(shown.adrift).toEqual([0, 1]);
    shown.load(0, held(3));
    const nothing = { frames: [], position: { asOf: 7, version: 0, stale: true } };
    expect(shown.take(7, false)).toEqual(nothing);
    shown.load(1, held(2));
    expect(shown.adrift).toEqual([]);
    const news = shown.take(8, false);
    expect(news.position).toEqual({ asOf: 8, version: 5, stale: false });
    expect(votesOf(news)).toBe(5);
    expect(news.frames[0]).toMatchObject({ version: 5, asOf: 8, stale: false });
  });

  test('moves on by every step that follows, and passes over what it has', () => {
    const shown = loaded(3);
    shown.take(0, false);
    shown.apply(move(2), 0);
    shown.apply(move(3), 5);
    const news = shown.take(1, false);
    expect([votesOf(news), news.position.version, news.frames[0]?.lagMs]).toEqual([4, 4, 5]);
    expect(shown.take(2, false).frames).toEqual([]);
  });

  test('is read anew where a step leaves a hole, with what was told meanwhile', () => {
    const shown = loaded(3);
    shown.apply(move(5), 0);
    expect(shown.adrift).toEqual([0]);
    for (const from of [6, 7, 8]) shown.apply(move(from), 0);
    expect(votesOf(shown.take(0, false))).toBe(3);
    shown.load(0, held(7));
    expect(shown.adrift).toEqual([]);
    expect(shown.nextOffset(0)).toBe(9);
    expect(votesOf(shown.take(0, false))).toBe(9);
  });

  test('is read once more where what was told meanwhile leaves a hole again', () => {
    const shown = loaded(3);
    shown.markAdrift(0);
    shown.apply(move(5), 0);
    shown.apply(move(6), 0);
    shown.load(0, held(4));
    expect(shown.adrift).toEqual([0]);
    shown.load(0, held(6));
    expect([shown.adrift, shown.nextOffset(0)]).toEqual([[], 7]);
  });

  test('keeps a bounded number of steps while it waits to be read, and then reads once more', () => {
    const shown = loaded(0);
    shown.markAdrift(0);
    for (let from = 0; from < WAITING_MOVES_MAX * 2; from += 1) shown.apply(move(from), 0);
    shown.load(0, held(0));
    expect(shown.nextOffset(0)).toBe(WAITING_MOVES_MAX + 1);
    expect(shown.adrift).toEqual([0]);
    shown.load(0, held(WAITING_MOVES_MAX * 2));
    expect(shown.adrift).toEqual([]);
  });

  test('stays as it was, and says so, while a store that fell back catches up', () => {
    const shown = loaded(10, 10);
    shown.take(1, false);
    shown.load(0, held(0));
    const fallen = shown.take(2, false);
    expect(fallen.position).toEqual({ asOf: 1, version: 20, stale: true });
    expect(fallen.frames).toMatchObject([
      { scope: 'poll-a', minutes: [], version: 20, asOf: 1, lagMs: 0, stale: true },
    ]);
    expect(votesOf(fallen)).toBe(20);
    // The other partition's steps raise the sum; but one that is behind may not be shown yet.
    shown.apply(move(10, 30, 1), 4);
    shown.apply(move(0, 9), 0);
    expect(shown.take(3, false)).toEqual({ frames: [], position: fallen.position });
    shown.apply(move(9), 0);
    const again = shown.take(4, false);
    expect(again.position).toEqual({ asOf: 4, version: 40, stale: false });
    expect(again.frames).toMatchObject([{ minutes: [count({ count: 40 })], stale: false }]);
  });

  test('is stale while it is in doubt, and tells every scope when it is not any more', () => {
    const shown = new ShownTally(1);
    shown.load(0, {
      ...held(3),
      counts: [count({ count: 3 }), count({ scope: 'poll-b', count: 1 })],
    });
    const first = shown.take(0, true);
    expect([first.position.stale, first.frames.length]).toEqual([true, 2]);
    shown.apply(move(3), 0);
    expect(shown.take(0, true)).toMatchObject({
      frames: [{ scope: 'poll-a', stale: true }],
      position: { version: 4, stale: true },
    });
    shown.apply(move(4), 0);
    expect(shown.take(0, false)).toMatchObject({
      frames: [
        { scope: 'poll-a', stale: false, minutes: [{ count: 5 }] },
        { scope: 'poll-b', stale: false, minutes: [] },
      ],
      position: { version: 5, stale: false },
    });
  });

  test('never falls back in doubt either', () => {
    const shown = loaded(4);
    shown.take(0, false);
    const cut = shown.take(1, true);
    expect([cut.position.stale, votesOf(cut)]).toEqual([true, 4]);
    shown.load(0, held(2));
    expect(shown.take(2, true)).toEqual({ frames: [], position: { ...cut.position } });
    shown.load(0, held(6));
    const again = shown.take(3, false);
    expect([again.position, votesOf(again)]).toEqual([{ asOf: 3, version: 6, stale: false }, 6]);
  });
});

const PARTITIONS = 3;
const BLOCKS = 30;

/** A store that is a fold of a log, or was until somebody edited it, and what it tells of itself. */
class ToldStore {
  readonly #log: readonly (readonly MinuteTotal[])[][];
  readonly offsets: number[] = Array(PARTITIONS).fill(0);
  readonly edits: number[] = Array(PARTITIONS).fill(0);

  constructor(log: readonly (readonly MinuteTotal[])[][]) {
    this.#log = log;
  }

  /** What the first blocks of a partition add. */
  fold(partition: number, from: number, to: number): MinuteTotal[] {
    return summed((this.#log[partition] ?? []).slice(from, to).flat());
  }

  read(partition: number): PartitionCounts {
    const offset = this.offsets[partition] ?? 0;
    const edit = count({ count: this.edits[partition] ?? 0 });
    const counts = summed([...this.fold(partition, 0, offset), edit]);
    return { checkpoint: checkpoint(offset), counts, books: [] };
  }

  advance(partition: number, length: number): CountsMove | null {
    const from = this.offsets[partition] ?? 0;
    const nextOffset = Math.min(BLOCKS, from + length);
    if (nextOffset === from) return null;
    this.offsets[partition] = nextOffset;
    return { partition, from, nextOffset, counts: this.fold(partition, from, nextOffset) };
  }

  /** What all partitions come to at these offsets. */
  totals(offsets: readonly number[]): Record<string, number> {
    return totalsOf(offsets.flatMap((offset, partition) => this.fold(partition, 0, offset)));
  }
}

const nameOf = ({ scope, item, lane, minute }: MinuteTotal): string =>
  [scope, item, lane, minute].join(' ');

function summed(counts: readonly MinuteTotal[]): MinuteTotal[] {
  const sums = new Map<string, MinuteTotal>();
  for (const one of counts) {
    const before = sums.get(nameOf(one))?.count ?? 0;
    sums.set(nameOf(one), { ...one, count: before + one.count });
  }
  return [...sums.values()].filter((one) => one.count !== 0);
}

function totalsOf(counts: readonly MinuteTotal[]): Record<string, number> {
  return Object.fromEntries(summed(counts).map((one) => [nameOf(one), one.count]));
}

/** A viewer: only what frames tell it. Checks that a frame's totals are those of all its minutes. */
class Viewer {
  readonly #minutes = new Map<string, MinuteTotal>();
  position = { asOf: 0, version: 0, stale: true };

  take({ frames, position }: ShownNews): void {
    expect(position.version).toBeGreaterThanOrEqual(this.position.version);
    this.position = position;
    for (const frame of frames) {
      expect([frame.version, frame.stale]).toEqual([position.version, position.stale]);
      for (const minute of frame.minutes) this.#minutes.set(nameOf(minute), minute);
      for (const [lane, totals] of [
        ['valid', frame.items],
        ['flagged', frame.flagged],
      ] as const) {
        const of = [...this.#minutes.values()].filter(
          (one) => one.scope === frame.scope && one.lane === lane,
        );
        for (const [item, total] of totals) {
          const sum = of.reduce((all, one) => all + (one.item === item ? one.count : 0), 0);
          expect(total).toBe(sum);
        }
      }
    }
  }

  totals(): Record<string, number> {
    return totalsOf([...this.#minutes.values()]);
  }
}

const partitionOf = fc.nat(PARTITIONS - 1);
const blocks = fc.array(
  fc.array(
    fc.record({
      scope: fc.constantFrom('poll-a', 'poll-b'),
      item: fc.constantFrom('ana', 'bruno'),
      lane: fc.constantFrom('valid' as const, 'flagged' as const),
      minute: fc.constantFrom(29_000_000, 29_000_001),
      count: fc.integer({ min: -2, max: 5 }),
    }),
    { maxLength: 3 },
  ),
  { minLength: BLOCKS, maxLength: BLOCKS },
);
const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      partition: partitionOf,
      length: fc.integer({ min: 1, max: 4 }),
      fate: fc.constantFrom('told', 'told', 'told', 'lost', 'late'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('take' as const), isDoubtful: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('reload' as const), partition: partitionOf }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fall back' as const),
      partition: partitionOf,
      by: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('edit' as const), partition: partitionOf }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell late' as const) }) },
);

test('whatever is lost, flushed, repaired or told late: exact and fresh, or as last shown and stale', () => {
  const logs = fc.array(blocks, { minLength: PARTITIONS, maxLength: PARTITIONS });
  const property = fc.property(logs, fc.array(event, { maxLength: 80 }), (log, events) => {
    const store = new ToldStore(log);
    const shown = new ShownTally(PARTITIONS);
    const viewer = new Viewer();
    const late: CountsMove[] = [];
    /** Whether an edited partition was read, so that its counts may be wrong until it is repaired. */
    let isEdited = false;
    let last: Record<string, number> = {};
    const reload = (partition: number): void => {
      shown.markAdrift(partition);
      if (store.edits[partition] !== 0) isEdited = true;
      shown.load(partition, store.read(partition));
    };
    const take = (isDoubtful: boolean): void => {
      viewer.take(shown.take(0, isDoubtful));
      const offsets = store.offsets.map((_, partition) => shown.nextOffset(partition) ?? 0);
      const { version, stale } = viewer.position;
      if (!stale) expect(version).toBe(offsets.reduce((sum, offset) => sum + offset, 0));
      if (!isEdited) {
        const newest = JSON.stringify(sorted(store.totals(offsets)));
        const allowed = stale ? [newest, JSON.stringify(sorted(last))] : [newest];
        expect(allowed).toContain(JSON.stringify(sorted(viewer.totals())));
      }
      last = viewer.totals();
    };
    for (const one of events) {
      switch (one.kind) {
        case 'step': {
          const told = store.advance(one.partition, one.length);
          if (told !== null && one.fate === 'told') shown.apply(told, 0);
          if (told !== null && one.fate === 'late') late.push(told);
          break;
        }
        case 'tell late':
          for (const told of late.splice(0)) shown.apply(told, 0);
          break;
        case 'take':
          take(one.isDoubtful);
          break;
        case 'reload':
          reload(one.partition);
          break;
        case 'flush':
          store.offsets.fill(0);
          store.edits.fill(0);
          break;
        case 'fall back':
          store.offsets[one.partition] = Math.max(0, (store.offsets[one.partition] ?? 0) - one.by);
          break;
        case 'edit':
          store.edits[one.partition] = 7;
          break;
      }
    }
    // In the end the store is repaired and whole, and whoever missed something reads it again.
    store.edits.fill(0);
    store.offsets.fill(BLOCKS);
    store.offsets.forEach((_, partition) => {
      reload(partition);
    });
    isEdited = false;
    expect(shown.adrift).toEqual([]);
    take(false);
    expect(viewer.position).toMatchObject({ version: PARTITIONS * BLOCKS, stale: false });
    expect(viewer.totals()).toEqual(store.totals(store.offsets));
  });
  fc.assert(property, { numRuns: 300 });
});

function sorted(totals: Record<string, number>): [string, number][] {
  return Object.entries(totals).sort(([a], [b]) => (a < b ? -1 : 1));
}
