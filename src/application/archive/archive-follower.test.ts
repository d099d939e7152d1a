import { describe, expect, test } from 'bun:test';
import { archiveRoom, framedBlock, WRITER } from '../../../test/support/archive-room.ts';
import { event, sealEvents, T0 } from '../../../test/support/blocks.ts';
import { encodedPulse } from '../../../test/support/pulse-bytes.ts';
import { HOUR_MS, logged, NOON } from '../../../test/support/pulse-samples.ts';
import { MemoryArchive } from '../../adapters/memory/archive.ts';
import { encodeTimeMark } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Archive } from '../../ports/archive.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { archivablePulses, archivableVotes } from './archive-decoder.ts';
import { ArchiveFollower, type ArchiveFollowerDeps } from './archive-follower.ts';

const follow = (
  { log, archive }: Pick<ArchiveFollowerDeps, 'log' | 'archive'>,
  stepBytesMax = 1 << 20,
  decode = archivablePulses,
) => new ArchiveFollower({ log, archive, partition: 0, decode, stepBytesMax });

/** The archive, whose `method` fails once after it has done its work, or before. */
function failingOnce(archive: Archive, method: 'put' | 'setPosition', done: boolean): Archive {
  let isDue = true;
  const failing =
    <Args extends readonly unknown[]>(name: string, call: (...args: Args) => Promise<void>) =>
    async (...args: Args): Promise<void> => {
      const fails = isDue && name === method;
      if (fails) isDue = false;
      if (!fails || done) await call(...args);
      if (fails) throw new ApuraError('store_unavailable', 'told to fail');
    };
  return {
    put: failing('put', archive.put.bind(archive)),
    setPosition: failing('setPosition', archive.setPosition.bind(archive)),
    position: archive.position.bind(archive),
    read: archive.read.bind(archive),
    async [Symbol.asyncDispose]() {},
  };
}

describe('the archive follower', () => {
  test('archives what is in the log, as it stands there, and then finds nothing more', async () => {
    const room = archiveRoom();
    const pulses = [logged({ id: 'a' }), logged({ id: 'b', occurredAt: NOON - HOUR_MS })];
    await room.append(0, pulses);
    await room.append(0, [logged({ id: 'c' })]);
    await room.append(1, [logged({ id: 'elsewhere' })]);
    const follower = follow(room);
    expect([follower.partition, follower.position]).toEqual([0, null]);
    expect(await follower.advance()).toMatchObject({
      from: 0,
      nextOffset: 2,
      events: 3,
      unreadable: 0,
    });
    expect(await follower.advance()).toBeNull();
    expect(follower.position).toBe(2);
    expect(await room.archive.position(LOG_ID, 0)).toBe(2);
    const [page = []] = await Array.fromAsync(room.archive.read(LOG_ID, 0, NOON + 1));
    expect(page.map(({ bytes }) => Buffer.from(bytes))).toEqual(
      [pulses[1], pulses[0], logged({ id: 'c' })].map((one) =>
        Buffer.from(encodedPulse((one ?? logged()).pulse)),
      ),
    );
    expect(page.map(({ receivedAt }) => receivedAt)).toEqual([NOON, NOON, NOON]);
  });

  test('goes on where the archive stands, also one that another has filled', async () => {
    const room = archiveRoom();
    for (const id of ['a', 'b']) await room.append(0, [logged({ id })]);
    await follow(room).advance();
    await room.append(0, [logged({ id: 'c' })]);
    expect(await follow(room).advance()).toMatchObject({ from: 2, nextOffset: 3, events: 1 });
    expect(await room.archived()).toEqual([0, 1, 2]);
  });

  test('takes no more of the log at once than it may', async () => {
    const room = archiveRoom();
    for (let n = 0; n < 5; n += 1) await room.append(0, [logged({ id: String(n) })]);
    const follower = follow(room, 1);
    for (let n = 0; n < 5; n += 1) {
      expect(await follower.advance()).toMatchObject({ from: n, nextOffset: n + 1 });
    }
    expect(await follower.advance()).toBeNull();
    expect(await room.archived()).toEqual([0, 1, 2, 3, 4]);
  });

  test.each([
    ['put', false],
    ['put', true],
    ['setPosition', false],
    ['setPosition', true],
  ] as const)(
    'does again what failed in %s (done: %p), and each pulse is there once',
    async (method, done) => {
      const room = archiveRoom();
      for (const id of ['a', 'b', 'c']) await room.append(0, [logged({ id })]);
      const follower = follow({ ...room, archive: failingOnce(room.archive, method, done) });
      await expect(follower.advance()).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(follower.position).toBeNull();
      expect(await room.archive.position(LOG_ID, 0)).toBe(method === 'setPosition' && done ? 3 : 0);
      await follower.advance();
      expect(await follower.advance()).toBeNull();
      expect(await room.archived()).toEqual([0, 1, 2]);
      expect(await room.archive.position(LOG_ID, 0)).toBe(3);
    },
  );

  test('asks anew after a failure where the archive stands', async () => {
    const room = archiveRoom();
    await room.append(0, [logged({ id: 'a' })]);
    const { archive } = room;
    let isAway = false;
    const follower = follow({
      ...room,
      archive: {
        async put(...args) {
          if (isAway) throw new ApuraError('store_unavailable', 'away');
          await archive.put(...args);
        },
        position: archive.position.bind(archive),
        setPosition: archive.setPosition.bind(archive),
      },
    });
    await follower.advance();
    for (const id of ['b', 'c']) await room.append(0, [logged({ id })]);
    isAway = true;
    await expect(follower.advance()).rejects.toThrow('away');
    await follow(room).advance();
    isAway = false;
    expect(await follower.advance()).toBeNull();
    expect(follower.position).toBe(3);
  });

  test('never says that something is archived before it is', async () => {
    const room = archiveRoom();
    await room.append(0, [logged()]);
    const failing = {
      ...failingOnce(room.archive, 'put', false),
      setPosition: room.archive.setPosition.bind(room.archive),
    };
    await expect(follow({ ...room, archive: failing }).advance()).rejects.toThrow('told to fail');
    expect(await room.archive.position(LOG_ID, 0)).toBe(0);
  });

  test('passes over what is no pulse, and says how much that is', async () => {
    const room = archiveRoom();
    const { pulse } = logged({ id: 'sound' });
    await room.log.append([
      { partition: 0, bytes: encodeTimeMark(0, NOON, WRITER) },
      { partition: 0, bytes: Uint8Array.of(1, 2, 3) },
      { partition: 0, bytes: framedBlock(0, [Uint8Array.of(0xff), encodedPulse(pulse)]) },
      { partition: 0, bytes: framedBlock(1, [encodedPulse(pulse)]) },
    ]);
    expect(await follow(room).advance()).toMatchObject({ nextOffset: 4, events: 1, unreadable: 3 });
    expect(await room.archived()).toEqual([2]);
  });

  test('archives what the log has of the kind that it is told of, and nothing else', async () => {
    const room = archiveRoom();
    await room.append(0, [logged({ id: 'a pulse' })]);
    await room.log.append([{ partition: 0, bytes: sealEvents([event(1), event(2)], T0) }]);
    const [votes, pulses] = [new MemoryArchive(), new MemoryArchive()];
    const step = { from: 0, nextOffset: 2, unreadable: 0 };
    expect(
      await follow({ ...room, archive: votes }, 1 << 20, archivableVotes).advance(),
    ).toMatchObject({ ...step, events: 2 });
    expect(await follow({ ...room, archive: pulses }).advance()).toMatchObject({
      ...step,
      events: 1,
    });
    const offsets = async (archive: Archive) =>
      (await Array.fromAsync(archive.read(LOG_ID, 0, Number.MAX_SAFE_INTEGER)))
        .flat()
        .map(({ offset }) => offset);
    expect([await offsets(votes), await offsets(pulses)]).toEqual([[1, 1], [0]]);
  });

  test('says so where the log no longer reaches back to what is not archived', async () => {
    const room = archiveRoom();
    for (const id of ['a', 'b']) await room.append(0, [logged({ id })]);
    room.store.trim(0, 1);
    await expect(follow(room).advance()).rejects.toMatchObject({ code: 'log_trimmed' });
  });
});
