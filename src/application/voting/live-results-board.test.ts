import { describe, expect, test } from 'bun:test';
import type { MinuteTotal } from '../../domain/counting/step-totals.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import { LiveResultsBoard } from './live-results-board.ts';

const minute = (at: number, item: string, count: number, fields: Partial<MinuteTotal> = {}) => ({
  scope: 'final',
  item,
  lane: 'valid' as const,
  minute: at,
  count,
  ...fields,
});

function frame(fields: Partial<TallyFrame> = {}): TallyFrame {
  return {
    scope: 'final',
    items: new Map([['ana', 1]]),
    flagged: new Map(),
    minutes: [],
    version: 1,
    asOf: 1_000,
    lagMs: 0,
    stale: false,
    ...fields,
  };
}

describe('the board', () => {
  test('is empty and stale until the tally has told anything', () => {
    const board = new LiveResultsBoard();
    const nothing = { asOf: 0, version: 0, stale: true };
    expect(board.totals('final')).toEqual({ ...nothing, votes: new Map() });
    expect(board.minutes('final', 0, 100)).toEqual({ ...nothing, minutes: [] });
    expect(board.span('final')).toBeNull();
  });

  test('shows each poll’s newest counts', () => {
    const board = new LiveResultsBoard();
    board.accept(frame());
    board.accept(frame({ scope: 'semi', items: new Map([['bia', 7]]), version: 2 }));
    board.accept(frame({ items: new Map([['ana', 4]]), version: 3, asOf: 2_000 }));
    expect(board.totals('final')).toEqual({
      votes: new Map([['ana', 4]]),
      version: 3,
      asOf: 2_000,
      stale: false,
    });
    expect(board.totals('semi').votes).toEqual(new Map([['bia', 7]]));
  });

  test('tells nobody of one poll what it was told of another', () => {
    const board = new LiveResultsBoard();
    board.accept(frame());
    const minutes = [minute(10, 'bia', 7, { scope: 'semi' })];
    board.accept(frame({ scope: 'semi', items: new Map([['bia', 7]]), minutes, version: 2 }));
    const position = { version: 2, asOf: 1_000, stale: false };
    expect(board.totals('final')).toEqual({ ...position, votes: new Map([['ana', 1]]) });
    expect(board.minutes('final', 0, 100)).toEqual({ ...position, minutes: [] });
  });

  test('that nobody fills any more says so of every poll, and keeps its counts', () => {
    const board = new LiveResultsBoard();
    board.accept(frame());
    board.markStale();
    expect(board.totals('final')).toMatchObject({ stale: true, votes: new Map([['ana', 1]]) });
    expect(board.totals('semi')).toMatchObject({ stale: true });
  });

  test('tells for every poll how far the tally as a whole has got', () => {
    const board = new LiveResultsBoard();
    board.accept(frame({ version: 5, asOf: 1_000 }));
    board.advance({ version: 9, asOf: 3_000, stale: false });
    const position = { version: 9, asOf: 3_000, stale: false };
    expect(board.totals('final')).toMatchObject(position);
    expect(board.minutes('final', 0, 1)).toMatchObject(position);
    expect(board.totals('nobody')).toMatchObject(position);
  });

  test('never goes back to an older version', () => {
    const board = new LiveResultsBoard();
    board.advance({ version: 9, asOf: 3_000, stale: false });
    board.advance({ version: 8, asOf: 4_000, stale: false });
    expect(board.totals('final')).toMatchObject({ version: 9, asOf: 3_000 });
    board.advance({ version: 9, asOf: 5_000, stale: true });
    expect(board.totals('final')).toMatchObject({ version: 9, asOf: 5_000, stale: true });
  });
});

describe('minutes', () => {
  test('come in order, whatever order they were told in, from the first asked to before the last', () => {
    const board = new LiveResultsBoard();
    board.accept(frame({ minutes: [minute(12, 'ana', 3), minute(10, 'ana', 1)] }));
    board.accept(frame({ minutes: [minute(11, 'bia', 2), minute(13, 'ana', 4)] }));
    const shown = (from: number, to: number) =>
      board.minutes('final', from, to).minutes.map((each) => each.minute);
    expect(shown(0, 100)).toEqual([10, 11, 12, 13]);
    expect(shown(11, 13)).toEqual([11, 12]);
    expect(board.span('final')).toEqual({ first: 10, last: 13 });
  });

  test('hold the newest count of each option, not the sum of what was told', () => {
    const board = new LiveResultsBoard();
    board.accept(frame({ minutes: [minute(10, 'ana', 3), minute(10, 'bia', 1)] }));
    board.minutes('final', 0, 100);
    board.accept(frame({ minutes: [minute(10, 'ana', 5)] }));
    expect(board.minutes('final', 0, 100).minutes).toEqual([
      {
        minute: 10,
        votes: new Map([
          ['ana', 5],
          ['bia', 1],
        ]),
      },
    ]);
  });

  test('leave out the lane of flagged votes', () => {
    const board = new LiveResultsBoard();
    board.accept(
      frame({ minutes: [minute(10, 'ana', 3), minute(10, 'ana', 9, { lane: 'flagged' })] }),
    );
    board.accept(frame({ minutes: [minute(11, 'ana', 9, { lane: 'flagged' })] }));
    expect(board.minutes('final', 0, 100).minutes).toEqual([
      { minute: 10, votes: new Map([['ana', 3]]) },
    ]);
  });
});
