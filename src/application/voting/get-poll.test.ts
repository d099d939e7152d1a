import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { getPoll } from './get-poll.ts';

let room: VotingRoom;

beforeEach(() => {
  room = new VotingRoom();
});

describe('a poll is shown', () => {
  test('with the state that the clock gives, and the time of the answer', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 10 });
    room.clock.advance(10);
    expect(getPoll(room, { poll: 'final', audience: 'public' })).toMatchObject({
      kind: 'ok',
      poll: { id: 'final', state: 'open' },
      now: START_TIME + 10,
    });
  });

  test('as a draft to operators only', async () => {
    await room.place();
    expect(getPoll(room, { poll: 'final', audience: 'operator' }).kind).toBe('ok');
    expect(getPoll(room, { poll: 'final', audience: 'voter' }).kind).toBe('poll_not_found');
    expect(getPoll(room, { poll: 'final', audience: 'public' }).kind).toBe('poll_not_found');
  });

  test('to nobody where there is none', () => {
    expect(getPoll(room, { poll: 'x', audience: 'operator' })).toEqual({ kind: 'poll_not_found' });
  });
});
