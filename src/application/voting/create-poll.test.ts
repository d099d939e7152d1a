import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { createPoll } from './create-poll.ts';

let room: VotingRoom;
const body = { title: 'Who wins?', options: [{ name: 'Ana' }, { name: 'Bruno' }] };

beforeEach(() => {
  room = new VotingRoom();
});

const create = (fields: object) => {
  const { catalogue, clock, publisher, effectDelayMs } = room;
  const deps = {
    catalogue,
    clock,
    publisher,
    effectDelayMs,
    newPollId: () => 'made-id',
    log: () => 'log-2',
  };
  return createPoll(deps, { body: { ...body, ...fields }, actor: 'operator' });
};

describe('a poll is created', () => {
  test('in catalogue, log and directory at once, with the act', async () => {
    const result = await create({});
    expect(result).toMatchObject({ kind: 'created', poll: { id: 'made-id', version: 1 } });
    expect(room.directory.stored('made-id', START_TIME)).toMatchObject({ title: 'Who wins?' });
    expect(await room.catalogue.unpublished()).toEqual([]);
    expect(await room.acts('made-id')).toEqual([
      { at: START_TIME, actor: 'operator', act: 'create', poll: 'made-id', detail: 'Who wins?' },
    ]);
  });

  test('on the log that is the newest then', async () => {
    await create({ id: 'final' });
    expect((await room.catalogue.poll('final'))?.log).toBe('log-2');
    expect(room.directory.newest('final')?.poll.log).toBe('log-2');
  });

  test('under an id of its own: another of the same id is refused and changes nothing', async () => {
    await create({ id: 'final' });
    expect(await create({ id: 'final', title: 'Mine' })).toEqual({
      kind: 'poll_exists',
      poll: 'final',
    });
    expect((await room.catalogue.poll('final'))?.title).toBe('Who wins?');
  });

  test('from a valid body only', async () => {
    const result = await create({ title: '', size: 1 });
    expect(result).toMatchObject({
      kind: 'invalid',
      problems: [{ pointer: '/title' }, { pointer: '/size', code: 'unknown_field' }],
    });
    expect(room.controlLog).toHaveLength(0);
  });
});
