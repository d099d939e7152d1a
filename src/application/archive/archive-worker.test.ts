import { describe, expect, test } from 'bun:test';
import { type ArchiveRoom, archiveRoom } from '../../../test/support/archive-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { logged } from '../../../test/support/pulse-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { ApuraError } from '../../domain/errors.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { archivablePulses as decode } from './archive-decoder.ts';
import { ArchiveFollower } from './archive-follower.ts';
import {
  ARCHIVE_RETRY_MS,
  ARCHIVE_STEPS_AT_ONCE_MAX,
  ArchiveWorker,
  type ArchiveWorkerDeps,
} from './archive-worker.ts';

const STEP_BYTES_MAX = 1_000;
const PAUSE_MS = 50;

/** A worker on a room's log; sleeping takes no time and is written down. */
function working(room: ArchiveRoom, change: Partial<ArchiveWorkerDeps> = {}) {
  const owned = new Set([0, 1]);
  const listeners = new Set<() => void>();
  const told = {
    slept: [] as number[],
    positions: [] as [number, number][],
    troubles: [] as [number, unknown][],
    halted: [] as [number, string][],
  };
  const worker = new ArchiveWorker({
    log: room.log,
    ownership: {
      owned,
      subscribe(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    follower: (partition) =>
      new ArchiveFollower({ ...room, partition, decode, stepBytesMax: STEP_BYTES_MAX }),
    stepBytesMax: STEP_BYTES_MAX,
    pauseMs: PAUSE_MS,
    sleep: async (ms) => {
      told.slept.push(ms);
    },
    onPosition: (partition, nextOffset) => told.positions.push([partition, nextOffset]),
    onTrouble: (partition, error) => told.troubles.push([partition, error]),
    onHalted: (partition, { code }) => told.halted.push([partition, code]),
    ...change,
  });
  const stop = new AbortController();
  const ended = worker.run(stop.signal);
  return {
    worker,
    told,
    own(...partitions: readonly number[]) {
      owned.clear();
      for (const partition of partitions) owned.add(partition);
      for (const listener of listeners) listener();
    },
    listeners,
    async end() {
      stop.abort();
      await ended;
    },
  };
}

const stands = (room: ArchiveRoom, partition: number) => room.archive.position(LOG_ID, partition);

describe('the archive worker', () => {
  test('keeps up with every partition that is its own, and ends when it is told to', async () => {
    const room = archiveRoom(3);
    for (const partition of [0, 1, 2]) await room.append(partition, [logged()]);
    const work = working(room);
    await waitUntil('what is there is archived', async () => (await stands(room, 1)) === 1);
    await room.append(1, [logged({ id: 'later' })]);
    await waitUntil('what comes is archived', async () => (await stands(room, 1)) === 2);
    await work.end();
    await room.append(0, [logged({ id: 'too late' })]);
    expect([await stands(room, 0), await stands(room, 1), await stands(room, 2)]).toEqual([
      1, 2, 0,
    ]);
    const told = new Set(work.told.positions.map(([partition, next]) => `${partition}: ${next}`));
    expect([...told].sort()).toEqual(['0: 1', '1: 1', '1: 2']);
    expect(work.listeners.size).toBe(0);
  });

  test('tells where it stands also where there is nothing more to archive', async () => {
    const room = archiveRoom();
    await room.append(0, [logged()]);
    await room.archive.setPosition(LOG_ID, 0, 1);
    const work = working(room);
    await waitUntil('it is told', () => work.told.positions.length === 2);
    await work.end();
    expect(work.told.positions.toSorted()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('pauses between steps where it keeps up, and not where it is behind', async () => {
    const room = archiveRoom();
    const attributes = { note: 'x'.repeat(250), more: 'y'.repeat(250) };
    for (let n = 0; n < 6; n += 1) await room.append(0, [logged({ id: String(n), attributes })]);
    const work = working(room);
    await waitUntil('all is archived', async () => (await stands(room, 0)) === 6);
    expect(work.told.slept).toEqual([]);
    await room.append(1, [logged()]);
    await waitUntil('a small step has been taken', () => work.told.slept.length > 0);
    expect(work.told.slept).toEqual([PAUSE_MS]);
    await work.end();
  });

  test('takes up what it gains and leaves what it loses', async () => {
    const room = archiveRoom(3);
    const work = working(room);
    work.own(2, 1);
    await room.append(2, [logged()]);
    await waitUntil('the new one is archived', async () => (await stands(room, 2)) === 1);
    await room.append(0, [logged()]);
    await room.append(1, [logged()]);
    await waitUntil('the kept one is archived', async () => (await stands(room, 1)) === 1);
    expect(await stands(room, 0)).toBe(0);
    work.own(0);
    await waitUntil('the regained one is archived', async () => (await stands(room, 0)) === 1);
    await work.end();
  });

  test('waits out an archive that is away, and loses nothing', async () => {
    const room = archiveRoom();
    let isAway = true;
    const archive = {
      position: room.archive.position.bind(room.archive),
      put: async (...args: Parameters<typeof room.archive.put>) => {
        if (isAway) throw new ApuraError('store_unavailable', 'away');
        await room.archive.put(...args);
      },
      setPosition: room.archive.setPosition.bind(room.archive),
    };
    await room.append(0, [logged()]);
    const slept: number[] = [];
    const work = working(room, {
      follower: (partition) =>
        new ArchiveFollower({
          log: room.log,
          archive,
          partition,
          decode,
          stepBytesMax: STEP_BYTES_MAX,
        }),
      sleep: async (ms) => {
        slept.push(ms);
        if (slept.length === 3) isAway = false;
      },
    });
    await waitUntil('the archive has it', async () => (await stands(room, 0)) === 1);
    await work.end();
    expect(slept.slice(0, 3)).toEqual([ARCHIVE_RETRY_MS, ARCHIVE_RETRY_MS, ARCHIVE_RETRY_MS]);
    expect(work.told.troubles).toHaveLength(3);
    expect(work.told.troubles[0]).toMatchObject([0, { code: 'store_unavailable' }]);
    expect(await room.archived()).toEqual([0]);
  });

  test('halts a partition whose log is gone, says so once, and goes on with the others', async () => {
    const room = archiveRoom();
    for (const id of ['a', 'b']) await room.append(0, [logged({ id })]);
    room.store.trim(0, 1);
    const work = working(room);
    await waitUntil('it is halted', () => work.told.halted.length > 0);
    work.own(1);
    work.own(0, 1);
    await room.append(1, [logged()]);
    await waitUntil('the other goes on', async () => (await stands(room, 1)) === 1);
    await work.end();
    expect(work.told.halted).toEqual([[0, 'log_trimmed']]);
    expect([...work.worker.halted.keys()]).toEqual([0]);
  });

  test('takes so many steps at the same time and no more, and ends after the last', async () => {
    const room = archiveRoom(8);
    let underWay = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const work = working(room, {
      follower: () => ({
        position: 0,
        async advance() {
          underWay += 1;
          most = Math.max(most, underWay);
          await gate.promise;
          underWay -= 1;
          return null;
        },
      }),
    });
    work.own(0, 1, 2, 3, 4, 5, 6, 7);
    await waitUntil('the first are under way', () => underWay === ARCHIVE_STEPS_AT_ONCE_MAX);
    let hasEnded = false;
    const ended = work.end().then(() => {
      hasEnded = true;
    });
    await settled();
    expect(hasEnded).toBe(false);
    gate.resolve();
    await ended;
    expect(underWay).toBe(0);
    expect(most).toBe(ARCHIVE_STEPS_AT_ONCE_MAX);
  });

  test('does not begin where it has been told to end', async () => {
    const room = archiveRoom();
    const { worker } = working(room);
    await worker.run(AbortSignal.abort());
    expect(worker.halted.size).toBe(0);
  });
});
