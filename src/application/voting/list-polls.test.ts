import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { type ListPollsInput, listPolls, POLLS_PAGE_MAX } from './list-polls.ts';

let room: VotingRoom;

beforeEach(async () => {
  room = new VotingRoom();
  const polls = { e: 'open', d: 'draft', c: 'scheduled', b: 'archived', a: 'published' } as const;
  for (const [index, [id, state]] of Object.entries(polls).entries()) {
    await room.place({ id, state, createdAt: 100 - index, opensAt: START_TIME + 5 });
  }
});

const list = (input: Partial<ListPollsInput> = {}) => {
  const { items, nextCursor } = listPolls(room, {
    audience: 'operator',
    cursor: null,
    limit: 10,
    ...input,
  });
  return [items.map(({ id }) => id).join(''), nextCursor];
};

describe('polls are listed', () => {
  test('newest first: all to operators, to the public neither drafts nor archived ones', () => {
    expect(list()).toEqual(['edcba', null]);
    expect(list({ audience: 'public' })).toEqual(['eca', null]);
    expect(list({ audience: 'voter' })).toEqual(['eca', null]);
  });

  test('by state as the clock gives it', () => {
    expect(list({ states: ['open'] })).toEqual(['e', null]);
    room.clock.advance(5);
    expect(list({ states: ['open'] })).toEqual(['ec', null]);
    expect(list({ states: ['archived', 'draft'], audience: 'public' })).toEqual(['b', null]);
  });

  test('in pages that leave nothing out and repeat nothing', () => {
    expect(list({ limit: 2 })).toEqual(['ed', '99.d']);
    expect(list({ limit: 2, cursor: '99.d' })).toEqual(['cb', '97.b']);
    expect(list({ limit: 2, cursor: '97.b' })).toEqual(['a', null]);
    expect(list({ limit: 5 })).toEqual(['edcba', null]);
    expect(list({ limit: 2, audience: 'public', cursor: '99.d' })).toEqual(['ca', null]);
  });

  test('in pages of bounded length', async () => {
    for (let index = 0; index <= POLLS_PAGE_MAX; index += 1) {
      await room.place({ id: `p${index}`, createdAt: 1_000 });
    }
    expect(listPolls(room, { audience: 'operator', cursor: null, limit: 1e9 }).items).toHaveLength(
      POLLS_PAGE_MAX,
    );
  });

  test('behind a cursor of such a list only', () => {
    expect(() => list({ cursor: 'x' })).toThrow(expect.objectContaining({ code: 'invalid_query' }));
  });
});
