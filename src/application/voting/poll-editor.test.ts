import { beforeEach, describe, expect, test } from 'bun:test';
import { sampleChange } from '../../../test/support/catalogue-samples.ts';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { type Edit, editPoll } from './poll-editor.ts';

let room: VotingRoom;
const target = { poll: 'final', actor: 'operator' };

beforeEach(() => {
  room = new VotingRoom();
});

const rename = (poll: Poll, title: string): Edit<never> => ({
  kind: 'store',
  poll: { ...poll, title, version: poll.version + 1 },
  act: 'update',
  detail: 'title',
  image: null,
});

describe('an edit', () => {
  test('is decided on the newest version, with the time at which the doors will know', async () => {
    room = new VotingRoom(2_000);
    await room.place();
    const outcome = await editPoll(room, target, (poll, at) => {
      expect(at).toEqual({ now: START_TIME, effectiveAt: START_TIME + 2_000 });
      return rename(poll, 'New');
    });
    expect(outcome).toMatchObject({ kind: 'ok', poll: { title: 'New', version: 2 } });
    expect(room.records().at(-1)?.poll.title).toBe('New');
    expect(await room.acts()).toEqual([
      { at: START_TIME, actor: 'operator', act: 'update', poll: 'final', detail: 'title' },
    ]);
  });

  test('of no poll is not found', async () => {
    const outcome = await editPoll(room, target, (poll) => rename(poll, 'New'));
    expect(outcome).toEqual({ kind: 'poll_not_found' });
  });

  test('that settles without a change stores nothing', async () => {
    const poll = await room.place();
    const outcome = await editPoll<{ kind: 'no' }>(room, target, () => ({
      kind: 'settled',
      outcome: { kind: 'no' },
    }));
    expect(outcome).toEqual({ kind: 'no' });
    expect(await room.catalogue.poll('final')).toEqual(poll);
    expect(room.controlLog).toHaveLength(1);
  });

  test('that loses a race decides again, on what won', async () => {
    const poll = await room.place();
    let decisions = 0;
    const outcome = await editPoll(room, target, (newest) => {
      decisions += 1;
      // Somebody else's change lands between the reading and the writing.
      if (decisions === 1) {
        void room.catalogue.putPoll(sampleChange({ ...poll, version: 2, timeZone: 'UTC' }));
      }
      return rename(newest, 'New');
    });
    expect(outcome).toMatchObject({
      kind: 'ok',
      poll: { version: 3, title: 'New', timeZone: 'UTC' },
    });
    expect(decisions).toBe(2);
  });

  test('of a version that is no more is a conflict that names the newest', async () => {
    const poll = await room.place();
    await editPoll(room, target, (newest) => rename(newest, 'Theirs'));
    const outcome = await editPoll(room, { ...target, expectedVersion: poll.version }, (newest) =>
      rename(newest, 'Mine'),
    );
    expect(outcome).toEqual({ kind: 'version_conflict', version: 2 });
    expect((await room.catalogue.poll('final'))?.title).toBe('Theirs');
    const now = await editPoll(room, { ...target, expectedVersion: 2 }, (newest) =>
      rename(newest, 'Mine'),
    );
    expect(now).toMatchObject({ kind: 'ok', poll: { title: 'Mine' } });
  });

  test('that loses every race gives up', async () => {
    const poll = await room.place();
    const losing = { ...room, clock: room.clock, catalogue: Object.create(room.catalogue) };
    losing.catalogue.poll = async () => poll;
    losing.catalogue.putPoll = async () => 'conflict';
    const outcome = await editPoll(losing, target, (newest) => rename(newest, 'New'));
    expect(outcome).toEqual({ kind: 'version_conflict', version: 1 });
  });

  test('that the log does not take is not called done, and is published by the next round', async () => {
    await room.place();
    room.appendFaults.push('refused');
    const edit = editPoll(room, target, (poll) => rename(poll, 'New'));
    await expect(edit).rejects.toMatchObject({ code: 'log_unavailable' });
    expect(room.directory.stored('final', START_TIME)?.title).toBe('Who wins?');
    await room.publisher.run();
    expect(room.directory.stored('final', START_TIME)?.title).toBe('New');
  });
});
