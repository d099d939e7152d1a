import { describe, expect, test } from 'bun:test';
import { event, eventsBlock, T0, type TestBlock } from '../../../test/support/blocks.ts';
import { CountingRoom, withMethods } from '../../../test/support/counting-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { TallyStep } from '../../ports/live-tally.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import type { FollowerDeps } from './partition-follower.ts';
import { StoreWorker, type StoreWorkerDeps } from './store-worker.ts';

const ROUND_MS = 50;
const RETRY_MS = 1_000;
const block = (number: number): TestBlock => eventsBlock([event(number)]);
const blocks = (count: number, from = 0): TestBlock[] =>
  Array.from({ length: count }, (_, number) => block(from + number));
const close: TestBlock = { kind: 'close', blockTime: T0, scope: 'final' };

/** A tally worker on a room; its waiting takes no time, and is written down. */
class Running implements AsyncDisposable {
  readonly room: CountingRoom;
  readonly worker: StoreWorker<TallyStep>;
  readonly waits: number[] = [];
  readonly troubles: unknown[] = [];
  readonly applied: number[] = [];
  readonly rounds: number[][] = [];
  readonly stop = new AbortController();
  readonly ended: Promise<void>;

  constructor(
    room: CountingRoom,
    deps: Partial<StoreWorkerDeps<TallyStep>> = {},
    follower: Partial<FollowerDeps<TallyStep>> = {},
  ) {
    this.room = room;
    const { partitions } = room.log.description;
    this.worker = new StoreWorker<TallyStep>({
      log: room.log,
      followers: Array.from({ length: partitions }, (_, partition) =>
        room.tallyFollower({ ...follower, partition }),
      ),
      read: (partition) => room.tally.read(partition),
      stepBytesMax: 1 << 20,
      roundMs: ROUND_MS,
      sleep: async (ms) => {
        this.waits.push(ms);
        await settled();
      },
      onApplied: ({ step }) => this.applied.push(step.checkpoint.nextOffset),
      onRound: (progress) =>
        this.rounds.push(progress.map(({ checkpoint }) => checkpoint.nextOffset)),
      onTrouble: (error) => this.troubles.push(error),
      ...deps,
    });
    this.ended = this.worker.run(this.stop.signal);
    // Whoever looks at `ended` still gets the failure.
    this.ended.catch(() => {});
  }

  async until(reached: () => boolean | Promise<boolean>): Promise<void> {
    for (let turns = 0; turns < 1_000; turns += 1) {
      if (await reached()) return;
      await settled();
    }
    throw new Error('The worker does not get there.');
  }

  async untilAt(offset: number, partition = 0): Promise<void> {
    await this.until(
      async () => (await this.room.tally.read(partition)).checkpoint.nextOffset === offset,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended.catch(() => {});
  }
}

describe('a worker', () => {
  test('keeps every partition of its store up with the log', async () => {
    const room = new CountingRoom(3);
    await using running = new Running(room);
    for (let round = 0; round < 3; round += 1) {
      for (const partition of [0, 1, 2]) {
        await room.append(blocks(2 + partition, round * 10), partition);
      }
      for (const partition of [0, 1, 2])
        await running.untilAt((round + 1) * (2 + partition), partition);
    }
    for (const partition of [0, 1, 2]) {
      expect(CountingRoom.contents(await room.tally.read(partition))).toEqual(
        room.expected(partition),
      );
    }
    await running.until(() => running.rounds.at(-1)?.join() === '6,9,12');
    expect(running.applied.length).toBeGreaterThanOrEqual(9);
  });

  test('ends when the signal aborts, also while it waits for the log', async () => {
    for (const partitions of [1, 2]) {
      const running = new Running(new CountingRoom(partitions));
      await running.until(() => running.rounds.length > 0);
      running.stop.abort();
      await running.ended;
    }
  });

  test('of one partition sleeps until the log grows', async () => {
    const room = new CountingRoom();
    await using running = new Running(room);
    await running.until(() => running.rounds.length === 1);
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect(running.rounds).toHaveLength(1);
    await room.append(blocks(1));
    await running.untilAt(1);
  });

  test('leaves roundMs between two rounds while it keeps up', async () => {
    const room = new CountingRoom();
    await using running = new Running(room);
    for (let number = 0; number < 5; number += 1) {
      await room.append(blocks(1, number));
      await running.untilAt(number + 1);
    }
    expect(running.applied).toHaveLength(5);
    await running.until(() => running.waits.length >= 5);
    expect(new Set(running.waits)).toEqual(new Set([ROUND_MS]));
  });

  test('does not wait while it is behind, but lets others have a turn', async () => {
    const room = new CountingRoom();
    await room.append(blocks(6));
    await using running = new Running(room, { stepBytesMax: 1 });
    await running.untilAt(6);
    expect(running.applied).toEqual([1, 2, 3, 4, 5, 6]);
    expect(running.waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  test('tells of each step before the next one begins', async () => {
    const room = new CountingRoom();
    await room.append(blocks(4));
    const seen: number[] = [];
    await using running = new Running(room, {
      stepBytesMax: 1,
      onApplied: ({ step }) => {
        expect(room.tallyStore.partition(0).nextOffset).toBe(step.checkpoint.nextOffset);
        seen.push(step.from);
      },
    });
    await running.untilAt(4);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  test('has passed a CLOSE when every partition has', async () => {
    const room = new CountingRoom(2);
    await using running = new Running(room);
    await room.append([close], 0);
    await running.untilAt(1, 0);
    await running.until(() => running.applied.length === 1);
    expect(running.worker.hasPassedClose('final')).toBe(false);
    await room.append([close], 1);
    await running.untilAt(1, 1);
    await running.until(() => running.worker.hasPassedClose('final'));
    expect(running.worker.hasPassedClose('semi')).toBe(false);
  });
});

describe('a failure', () => {
  test.each([
    new Error('a lost connection'),
    new ApuraError('log_unavailable', 'not now'),
    new ApuraError('internal', 'for once'),
  ])('of the moment is told and tried again: %s', async (failure) => {
    const room = new CountingRoom();
    await room.append(blocks(2));
    const failures = [failure, failure];
    const store = {
      takeOver: (partition: number) => room.tally.takeOver(partition),
      commit: async (step: TallyStep) => {
        const next = failures.shift();
        if (next !== undefined) throw next;
        return room.tally.commit(step);
      },
    };
    await using running = new Running(room, {}, { store });
    await running.untilAt(2);
    expect(running.troubles).toEqual([failure, failure]);
    expect(running.waits.slice(0, 2)).toEqual([RETRY_MS, RETRY_MS]);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test.each<ErrorCode>([
    'fenced',
    'log_rewound',
    'log_trimmed',
    'log_mismatch',
    'log_corrupt',
    'ledger_key_conflict',
    'store_corrupt',
  ])('that no other try can mend halts the worker: %s', async (code) => {
    const room = new CountingRoom();
    await room.append(blocks(1));
    const failure = new ApuraError(code, 'for good');
    const log = withMethods(room.log, {
      read: async () => {
        throw failure;
      },
    });
    const running = new Running(room, {}, { log });
    await expect(running.ended).rejects.toBe(failure);
    expect(running.troubles).toEqual([]);
  });

  test('of a worker that another one has replaced halts it', async () => {
    const room = new CountingRoom();
    await using zombie = new Running(room);
    await zombie.until(() => zombie.rounds.length === 1);
    await using owner = new Running(room);
    await owner.until(() => owner.rounds.length === 1);
    await room.append(blocks(1));
    await expect(zombie.ended).rejects.toMatchObject({ code: 'fenced' });
    await owner.untilAt(1);
  });
});

describe('the counts at an offset', () => {
  const contentsOf = (counts: PartitionCounts | null) =>
    counts === null ? null : { at: counts.checkpoint.nextOffset, ...CountingRoom.contents(counts) };

  test('are those of the blocks below it and of no others, in whichever order they are asked for', async () => {
    const room = new CountingRoom(2);
    await using running = new Running(room);
    await running.until(() => running.rounds.length > 0);
    const asked = [4, 2, 7, 2].map((offset) => running.worker.countsAt(1, offset));
    const other = running.worker.countsAt(0, 1);
    await room.append(blocks(9), 1);
    await room.append(blocks(1), 0);
    for (const [index, offset] of [4, 2, 7, 2].entries()) {
      expect(contentsOf(await (asked[index] ?? null))).toEqual({
        at: offset,
        ...room.expected(1, offset),
      });
    }
    expect(contentsOf(await other)).toEqual({ at: 1, ...room.expected(0, 1) });
    await running.untilAt(9, 1);
  });

  test('wait for the log to reach it', async () => {
    const room = new CountingRoom();
    await using running = new Running(room);
    await running.until(() => running.rounds.length === 1);
    let counts: PartitionCounts | null | undefined;
    const asked = running.worker.countsAt(0, 3).then((found) => {
      counts = found;
    });
    await room.append(blocks(2));
    await running.untilAt(2);
    for (let turn = 0; turn < 10; turn += 1) await settled();
    expect(counts).toBeUndefined();
    await room.append(blocks(2, 2));
    await asked;
    expect(contentsOf(counts ?? null)).toEqual({ at: 3, ...room.expected(0, 3) });
    await running.untilAt(4);
  });

  test('are none where the store is past it', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    expect(await running.worker.countsAt(0, 2)).toBeNull();
  });

  test('are there at once where the store stands, also while the worker sleeps on an idle log', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    const rounds = running.rounds.length;
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect(running.rounds.length).toBeLessThanOrEqual(rounds + 2);
    const counts = await running.worker.countsAt(0, 3);
    expect(contentsOf(counts)).toEqual({ at: 3, ...room.expected() });
  });

  test('are asked for again where the store could not be read', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    let failures = 2;
    await using running = new Running(room, {
      read: async (partition) => {
        if (failures > 0) {
          failures -= 1;
          throw new Error('busy');
        }
        return room.tally.read(partition);
      },
    });
    const counts = await running.worker.countsAt(0, 2);
    expect(contentsOf(counts)).toEqual({ at: 2, ...room.expected(0, 2) });
    expect(running.troubles).toHaveLength(2);
  });

  test('are none where somebody else has moved the store meanwhile', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room, {
      read: async (partition) => {
        const counts = await room.tally.read(partition);
        return { ...counts, checkpoint: { ...counts.checkpoint, nextOffset: 9 } };
      },
    });
    expect(await running.worker.countsAt(0, 2)).toBeNull();
  });

  test('are none once the worker has ended: nobody waits for it for ever', async () => {
    const running = new Running(new CountingRoom());
    const waiting = running.worker.countsAt(0, 5);
    await running.until(() => running.rounds.length > 0);
    running.stop.abort();
    expect(await waiting).toBeNull();
    await running.ended;
    expect(await running.worker.countsAt(0, 0)).toBeNull();
  });
});

test('a worker without partitions ends like any other', async () => {
  const running = new Running(new CountingRoom(), { followers: [] });
  await running.until(() => running.rounds.length >= 2);
  running.stop.abort();
  await running.ended;
});
