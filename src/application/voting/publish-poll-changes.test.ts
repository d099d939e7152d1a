import { beforeEach, describe, expect, test } from 'bun:test';
import { sampleChange, samplePoll } from '../../../test/support/catalogue-samples.ts';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';

let room: VotingRoom;

beforeEach(() => {
  room = new VotingRoom(2_000);
});

const put = (version: number, id: string = 'final') =>
  room.catalogue.putPoll(sampleChange(samplePoll({ id, version, title: `v${version}` })));
const written = () => room.records().map(({ poll }) => `${poll.id} ${poll.version}`);

describe('publishing', () => {
  test('writes every version in order, for an instant ahead, and then goes by it', async () => {
    await put(1);
    await put(1, 'semi');
    await put(2);
    await room.publisher.run();
    expect(written()).toEqual(['final 1', 'semi 1', 'final 2']);
    expect(room.records()[2]?.effectiveAt).toBe(START_TIME + 2_000);
    expect(room.directory.newest('final')?.poll.title).toBe('v2');
    expect(await room.catalogue.unpublished()).toEqual([]);
    await room.publisher.run();
    expect(room.controlLog).toHaveLength(3);
  });

  test('that fails leaves the rest for the next time, and the doors as they were', async () => {
    await put(1);
    await put(2);
    room.appendFaults.push('refused');
    await expect(room.publisher.run()).rejects.toMatchObject({ code: 'log_unavailable' });
    expect(room.directory.newest('final')).toBeUndefined();
    await room.publisher.run();
    expect(written()).toEqual(['final 1', 'final 2']);
  });

  test('that may have been written writes it again: twice in the log is once in the directory', async () => {
    await put(1);
    room.appendFaults.push('unknown');
    await expect(room.publisher.run()).rejects.toMatchObject({ code: 'append_unknown' });
    await room.publisher.run();
    expect(written()).toEqual(['final 1', 'final 1']);
    expect(await room.catalogue.unpublished()).toEqual([]);
    room.restart();
    expect(room.directory.newest('final')?.poll.version).toBe(1);
  });

  test('after a crash between catalogue and log brings the log up', async () => {
    await put(1);
    room.restart();
    await room.publisher.run();
    expect(written()).toEqual(['final 1']);
  });

  test('after a crash between log and confirmation writes nothing anew', async () => {
    await put(1);
    room.appendFaults.push('unknown');
    await room.publisher.run().catch(() => {});
    room.restart();
    await room.publisher.run();
    expect(written()).toEqual(['final 1']);
    expect(await room.catalogue.unpublished()).toEqual([]);
  });

  test('asked for many times at once writes each version once, in order', async () => {
    await put(1);
    const runs = [room.publisher.run(), room.publisher.run()];
    await put(2);
    runs.push(room.publisher.run());
    await Promise.all(runs);
    expect(written()).toEqual(['final 1', 'final 2']);
  });

  test('goes on after a failure of another caller', async () => {
    await put(1);
    room.appendFaults.push('refused');
    const [first, second] = await Promise.allSettled([room.publisher.run(), room.publisher.run()]);
    expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled']);
    expect(written()).toEqual(['final 1']);
  });
});
