import { beforeEach, describe, expect, test } from 'bun:test';
import { FixedResultsBoard } from '../../../test/support/fixed-results-board.ts';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import { getResults } from './get-results.ts';

let room: VotingRoom;
let board: FixedResultsBoard;

beforeEach(() => {
  room = new VotingRoom();
  board = new FixedResultsBoard();
  board.position = { asOf: START_TIME - 40, version: 17, stale: true };
  board.put('final', 1, { ana: 2 });
  board.put('final', 2, { ana: 1, bruno: 1 });
  board.put('semi', 2, { ana: 100 });
});

const results = (audience: Audience, poll: string = 'final') =>
  getResults({ directory: room.directory, clock: room.clock, board }, { poll, audience });

describe('results', () => {
  test('are the poll’s own counts, and tell how fresh they are', async () => {
    await room.place({ state: 'open' });
    expect(results('operator')).toEqual({
      kind: 'ok',
      now: START_TIME,
      results: {
        poll: 'final',
        state: 'open',
        visible: true,
        detail: 'count',
        total: 4,
        options: [
          { id: 'ana', votes: 3, share: 0.75, leader: true },
          { id: 'bruno', votes: 1, share: 0.25, leader: false },
        ],
        asOf: START_TIME - 40,
        version: 17,
        stale: true,
      },
    });
  });

  test('are shown as far as the poll allows', async () => {
    await room.place({ state: 'open' });
    expect(results('public')).toMatchObject({ results: { visible: false, reason: 'after_vote' } });
    expect(results('voter')).toMatchObject({ results: { visible: true, total: null } });
  });

  test('of a poll without votes are all zero', async () => {
    await room.place({ id: 'new', state: 'open', resultsVisibility: 'always' });
    expect(results('public', 'new')).toMatchObject({
      results: { options: [{ share: 0 }, { share: 0 }] },
    });
  });

  test('of no poll, or to the public of a draft, are not found', async () => {
    expect(results('operator')).toEqual({ kind: 'poll_not_found' });
    await room.place();
    expect(results('public')).toEqual({ kind: 'poll_not_found' });
  });
});
