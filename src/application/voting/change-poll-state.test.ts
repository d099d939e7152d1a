import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import type { PollAct } from '../../domain/voting/poll-lifecycle.ts';
import { changePollState } from './change-poll-state.ts';

let room: VotingRoom;

beforeEach(() => {
  room = new VotingRoom();
});

const act = (name: PollAct, expectedVersion?: number) =>
  changePollState(room, { poll: 'final', act: name, actor: 'operator', expectedVersion });

describe('an act', () => {
  test('takes effect in catalogue, log and directory, and is recorded', async () => {
    await room.place();
    expect(await act('open')).toMatchObject({ kind: 'ok', poll: { state: 'open', version: 2 } });
    expect(await act('pause')).toMatchObject({ kind: 'ok', poll: { state: 'paused' } });
    expect(room.directory.stored('final', START_TIME)?.state).toBe('paused');
    expect(await act('resume')).toMatchObject({ kind: 'ok', poll: { state: 'open' } });
    expect(await act('close')).toMatchObject({
      kind: 'ok',
      poll: { state: 'closing', closesAt: START_TIME },
    });
    expect((await room.acts()).map(({ actor, act: name }) => `${actor} ${name}`)).toEqual([
      'operator open',
      'operator pause',
      'operator resume',
      'operator close',
    ]);
  });

  test('takes effect ahead where there are several doors, and says for when', async () => {
    room = new VotingRoom(2_000);
    await room.place({ state: 'open' });
    expect(await act('close')).toMatchObject({ poll: { closesAt: START_TIME + 2_000 } });
    expect(room.directory.stored('final', START_TIME + 1_999)?.state).toBe('open');
    expect(room.directory.stored('final', START_TIME + 2_000)?.state).toBe('closing');
  });

  test('repeated is fine and recorded once', async () => {
    await room.place({ state: 'open' });
    await act('pause');
    expect(await act('pause')).toMatchObject({ kind: 'ok', poll: { state: 'paused', version: 2 } });
    expect(await room.acts()).toHaveLength(1);
  });

  test('that the state does not allow is refused', async () => {
    expect(await act('open')).toEqual({ kind: 'poll_not_found' });
    await room.place({ state: 'closing' });
    expect(await act('publish')).toEqual({
      kind: 'poll_state',
      state: 'closing',
      detail: 'A poll can publish from closed; this one is closing.',
    });
  });

  test('on a version that is no more is a conflict', async () => {
    await room.place();
    expect(await act('open', 7)).toEqual({ kind: 'version_conflict', version: 1 });
  });
});
