import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import { updatePoll } from './update-poll.ts';

let room: VotingRoom;

beforeEach(() => {
  room = new VotingRoom();
});

const update = (body: unknown) => updatePoll(room, { poll: 'final', body, actor: 'operator' });

describe('a change of settings', () => {
  test('is stored, published and recorded with the names of what changed', async () => {
    await room.place();
    const result = await update({ title: 'New', look: { accentColor: '#123456' } });
    expect(result).toMatchObject({ kind: 'ok', poll: { title: 'New', version: 2 } });
    expect(room.directory.stored('final', START_TIME)?.title).toBe('New');
    expect(await room.acts()).toMatchObject([{ act: 'update', detail: 'title, look' }]);
  });

  test('that gives a draft its opening is recorded as scheduling it', async () => {
    await room.place();
    const result = await update({ opensAt: rfc3339Of(START_TIME + 1) });
    expect(result).toMatchObject({ kind: 'ok', poll: { state: 'scheduled' } });
    expect(await room.acts()).toMatchObject([{ act: 'schedule', detail: 'opensAt' }]);
  });

  test('that changes nothing is fine and stores nothing', async () => {
    const poll = await room.place({ state: 'open' });
    expect(await update({ title: poll.title })).toEqual({ kind: 'ok', poll });
    expect(room.controlLog).toHaveLength(1);
  });

  test('of a version that is no more is a conflict', async () => {
    await room.place({ version: 1 });
    expect(await update({ title: 'x', expectedVersion: 2 })).toEqual({
      kind: 'version_conflict',
      version: 1,
    });
    expect(await update({ title: 'x', expectedVersion: 1 })).toMatchObject({ kind: 'ok' });
  });

  test('that makes no sense is refused: by its form, by the times, by the state, by the poll', async () => {
    expect(await update({})).toEqual({ kind: 'poll_not_found' });
    expect(await update([])).toMatchObject({ kind: 'invalid' });
    await room.place();
    expect(await update({ closesAt: rfc3339Of(START_TIME) })).toMatchObject({
      kind: 'invalid',
      problems: [{ pointer: '/closesAt' }],
    });
  });

  test('of what voters were told is refused once the poll is open', async () => {
    await room.place({ state: 'open' });
    expect(await update({ title: 'x' })).toMatchObject({
      kind: 'settings_frozen',
      problems: [{ pointer: '/title', code: 'settings_frozen' }],
    });
    expect(await update({ resultsVisibility: 'never' })).toMatchObject({ kind: 'ok' });
  });

  test('of an archived poll is refused', async () => {
    await room.place({ state: 'archived' });
    expect(await update({ title: 'x' })).toEqual({
      kind: 'poll_state',
      state: 'archived',
      detail: 'The poll is archived.',
    });
  });
});
