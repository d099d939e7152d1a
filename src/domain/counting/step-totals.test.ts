import { describe, expect, test } from 'bun:test';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  T0,
  type TestBlock,
  type TestEvent,
  targetOf,
} from '../../../test/support/blocks.ts';
import { decodeBlock } from './block.ts';
import { START } from './checkpoint.ts';
import { PartitionFold } from './partition-fold.ts';
import { StepTotals } from './step-totals.ts';

const MINUTE = T0 / 60_000;

/** The totals of some blocks of a log, as of one step among others. */
function totalsOf(blocks: readonly TestBlock[], from = 0): StepTotals {
  const fold = new PartitionFold(600_000, { checkpoint: START, closes: [], acts: [] }, 1);
  const totals = new StepTotals();
  for (const [offset, block] of blocks.entries()) {
    const decision = fold.decide(offset, decodeBlock(encodeTestBlock(block)));
    if (offset >= from) totals.add(decision);
  }
  return totals;
}

const voidOf = (actId: string, ...events: readonly TestEvent[]): TestBlock => ({
  kind: 'act',
  blockTime: T0,
  type: 'void',
  actId,
  scope: 'final',
  targets: events.map(targetOf),
});

const NO_BOOKS = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };

describe('counts', () => {
  test('stand in the minute of acceptance, also where one block crosses the boundary', () => {
    const events = [-60_001, -60_000, -1, 0, 59_999].map((ahead, number) =>
      event(number, { acceptedAt: T0 + ahead }),
    );
    expect(totalsOf([eventsBlock(events)]).counts()).toEqual([
      expect.objectContaining({ minute: MINUTE - 2, count: 1 }),
      expect.objectContaining({ minute: MINUTE - 1, count: 2 }),
      expect.objectContaining({ minute: MINUTE, count: 2 }),
    ]);
  });

  test('of a block inside one minute stand there to its last millisecond', () => {
    const events = [0, 59_999].map((ahead, number) => event(number, { acceptedAt: T0 + ahead }));
    const totals = totalsOf([eventsBlock(events, T0 + 60_000)]);
    expect(totals.counts()).toEqual([expect.objectContaining({ minute: MINUTE, count: 2 })]);
    const inside = totalsOf([eventsBlock(events)]);
    expect(inside.counts()).toEqual([expect.objectContaining({ minute: MINUTE, count: 2 })]);
  });

  test('are apart for scope, item and lane, however their names are put together', () => {
    const keys = [
      { scope: 'a', item: 'b c' },
      { scope: 'a b', item: 'c' },
      { scope: 'a', item: 'b' },
      { scope: 'a', item: 'b', lane: 'flagged' as const },
    ];
    const counts = totalsOf([
      eventsBlock(keys.flatMap((key, number) => [event(number, key), event(number + 10, key)])),
      eventsBlock(keys.map((key, number) => event(number + 20, key))),
    ]).counts();
    expect(counts).toEqual(
      keys.map((key) => ({ lane: 'valid', ...key, minute: MINUTE, count: 3 })),
    );
  });

  test('leave out what does not count, in a block of one minute and in one of two', () => {
    for (const acceptedAt of [T0, T0 - 90_000]) {
      const counted = event(1, { acceptedAt, time: T0 });
      const blocks = [eventsBlock([counted]), eventsBlock([counted, event(2), counted])];
      const counts = totalsOf(blocks, 1).counts();
      expect(counts).toEqual([expect.objectContaining({ minute: MINUTE, count: 1 })]);
    }
  });

  test('are negative in a step whose acts take off more than it counts', () => {
    const events = [event(1), event(2), event(3)];
    const totals = totalsOf(
      [eventsBlock(events), voidOf('a', ...events), eventsBlock([event(4)])],
      1,
    );
    expect(totals.counts()).toEqual([expect.objectContaining({ minute: MINUTE, count: -2 })]);
    expect(totals.books()).toEqual([
      { scope: 'final', ...NO_BOOKS, logged: 1, counted: -2, voided: 3 },
    ]);
  });

  test('that come to nothing are left out, but not from the books', () => {
    const totals = totalsOf([eventsBlock([event(1)]), voidOf('a', event(1))]);
    expect(totals.counts()).toEqual([]);
    expect(totals.books()).toEqual([{ scope: 'final', ...NO_BOOKS, logged: 1, voided: 1 }]);
  });
});

describe('books', () => {
  test('tell of each scope what became of its events', () => {
    const old = event(9, { time: T0 - 600_001 });
    const blocks: TestBlock[] = [
      eventsBlock([event(1), event(1), event(2, { scope: 'semi' }), old]),
      { kind: 'close', blockTime: T0, scope: 'semi' },
      eventsBlock([event(3, { scope: 'semi' }), event(2, { scope: 'semi' }), event(4)]),
    ];
    expect(totalsOf(blocks).books()).toEqual([
      { scope: 'final', ...NO_BOOKS, logged: 4, counted: 2, duplicate: 1, expired: 1 },
      { scope: 'semi', ...NO_BOOKS, logged: 3, counted: 1, duplicate: 1, late: 1 },
    ]);
  });

  test('of an act without effect do not appear', () => {
    const totals = totalsOf(
      [eventsBlock([event(1)]), voidOf('a', event(1)), voidOf('b', event(1))],
      2,
    );
    expect([totals.counts(), totals.books()]).toEqual([[], []]);
  });

  test('of marks and closes are empty', () => {
    const totals = totalsOf([
      { kind: 'mark', blockTime: T0 },
      { kind: 'close', blockTime: T0, scope: 'final' },
    ]);
    expect([totals.counts(), totals.books()]).toEqual([[], []]);
  });
});
