import { describe, expect, test } from 'bun:test';
import { event, eventsBlock, T0, type TestBlock } from '../../../test/support/blocks.ts';
import { CountingRoom, withMethods } from '../../../test/support/counting-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { TurnedTime } from '../../../test/support/turned-time.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { TallyStep } from '../../ports/live-tally.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { CommitOutcome, PartitionCounts } from '../../ports/store-step.ts';
import { FENCED_PAUSE_MS, FENCED_PAUSE_MS_MAX } from './fence-backoff.ts';
import type { FollowerDeps, StepStore } from './partition-follower.ts';
import { soleOwnership } from './sole-ownership.ts';
import {
  HEARTBEAT_MS,
  RETRY_MS,
  STEP_MS_MAX,
  STEPS_AT_ONCE_MAX,
  StoreWorker,
  type StoreWorkerDeps,
} from './store-worker.ts';

const ROUND_MS = 50;
const block = (number: number): TestBlock => eventsBlock([event(number)]);
const blocks = (count: number, from = 0): TestBlock[] =>
  Array.from({ length: count }, (_, number) => block(from + number));
const close: TestBlock = { kind: 'close', blockTime: T0, scope: 'final' };

/** Which partitions a worker is told to own, as the test says. */
class TestOwnership implements Pick<PartitionOwnership, 'owned' | 'subscribe'> {
  owned: ReadonlySet<number>;
  readonly #listeners = new Set<() => void>();

  constructor(partitions: readonly number[]) {
    this.owned = new Set(partitions);
  }

  give(...partitions: number[]): void {
    this.owned = new Set(partitions);
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

/** A tally worker on a room. Its waiting is written down, and lasts as long as the test turns. */
class Running extends TurnedTime implements AsyncDisposable {
  readonly room: CountingRoom;
  readonly worker: StoreWorker<TallyStep>;
  readonly ownership: TestOwnership;
  readonly troubles: unknown[] = [];
  readonly halts: [number, ApuraError][] = [];
  readonly applied: number[] = [];
  readonly rounds: Map<number, number>[] = [];
  readonly stop = new AbortController();
  readonly ended: Promise<void>;

  constructor(
    room: CountingRoom,
    deps: Partial<StoreWorkerDeps<TallyStep>> = {},
    follower: Partial<FollowerDeps<TallyStep>> = {},
    owned = [...soleOwnership(room.log.description.partitions).owned],
  ) {
    super();
    this.room = room;
    this.ownership = new TestOwnership(owned);
    this.worker = new StoreWorker<TallyStep>({
      log: room.log,
      ownership: this.ownership,
      follower: (partition) => room.tallyFollower({ ...follower, partition }),
      read: (partition) => room.tally.read(partition),
      stepBytesMax: 1 << 20,
      roundMs: ROUND_MS,
      sleep: this.sleep,
      onApplied: ({ step }) => this.applied.push(step.checkpoint.nextOffset),
      onRound: (progress) =>
        this.rounds.push(
          new Map(progress.map(({ partition, checkpoint }) => [partition, checkpoint.nextOffset])),
        ),
      onTrouble: (error) => this.troubles.push(error),
      onHalted: (partition, error) => this.halts.push([partition, error]),
      ...deps,
    });
    this.ended = this.worker.run(this.stop.signal);
  }

  /** Waits but for the heartbeat, which every wait for something goes with. */
  get pauses(): readonly number[] {
    return this.waits.filter((ms) => ms !== HEARTBEAT_MS && ms !== STEP_MS_MAX);
  }

  async untilAt(offset: number, partition = 0): Promise<void> {
    await this.until(
      async () => (await this.room.tally.read(partition)).checkpoint.nextOffset === offset,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.ended;
  }
}

/** A store on which the test's own steps go wrong or take long. */
function storeOf(
  room: CountingRoom,
  methods: Partial<StepStore<TallyStep>>,
): { readonly store: StepStore<TallyStep> } {
  return {
    store: {
      takeOver: (partition) => room.tally.takeOver(partition),
      commit: (step) => room.tally.commit(step),
      ...methods,
    },
  };
}

/** Empties the room's tally as a flush or a repair does: nobody tells its worker. */
async function empty(room: CountingRoom, partition = 0): Promise<void> {
  const { checkpoint } = await room.tally.read(partition);
  const nothing = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
  expect(await room.tally.replace(partition, checkpoint.nextOffset, nothing)).toBe(true);
}

describe('a step that never ends', () => {
  test('is given up, told, and the partition taken over anew; nothing of it counts twice', async () => {
    const room = new CountingRoom();
    await room.append(blocks(2));
    const gate = Promise.withResolvers<void>();
    let commits = 0;
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          commits += 1;
          if (commits === 1) await gate.promise;
          return room.tally.commit(step);
        },
      }),
    );
    await running.until(() => commits === 1);
    await running.turnsFor(STEP_MS_MAX - 2 * HEARTBEAT_MS);
    expect(running.troubles).toEqual([]);
    await running.untilAt(2);
    expect(running.troubles).toMatchObject([{ code: 'store_unavailable' }]);
    const before = await room.tally.read(0);
    gate.resolve();
    await running.turnsFor(3 * HEARTBEAT_MS);
    expect(await room.tally.read(0)).toEqual(before);
    expect(CountingRoom.contents(before)).toEqual(room.expected());
    expect(running.applied).toEqual([2]);
  });
});

describe('a store that was emptied while nothing comes in', () => {
  test('is filled again without a new block', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    await running.turnsFor(3 * HEARTBEAT_MS);
    await empty(room);
    await running.untilAt(3);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test('is filled again while other partitions have much to do', async () => {
    const room = new CountingRoom(2);
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    await empty(room);
    for (let round = 0; round < 60; round += 1) {
      await room.append(blocks(1, 100 + round), 1);
      await running.turnsFor(ROUND_MS);
    }
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test('is asked about once a second, not every round', async () => {
    const room = new CountingRoom(2);
    await room.append(blocks(1));
    const commits: number[] = [];
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: (step) => {
          if (step.partition === 0) commits.push(running.now);
          return room.tally.commit(step);
        },
      }),
    );
    for (let round = 0; round < 100; round += 1) {
      await room.append(blocks(1, 100 + round), 1);
      await running.turnsFor(ROUND_MS);
    }
    expect(commits.length).toBeGreaterThan(2);
    expect(commits.length).toBeLessThan(10);
  });
});

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
    const last = () => [...(running.rounds.at(-1) ?? [])].join(' ');
    await running.until(() => last() === '0,6 1,9 2,12');
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

  test.each([1, 3])('of %p partitions sleeps until the log grows in one of them', async (many) => {
    const room = new CountingRoom(many);
    await using running = new Running(room);
    await running.until(() => running.rounds.length === 1);
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect(running.rounds).toHaveLength(1);
    await room.append(blocks(1), many - 1);
    await running.untilAt(1, many - 1);
    expect(running.now).toBeLessThan(HEARTBEAT_MS / 2);
  });

  test('tells where it stands once a second though nothing happens', async () => {
    await using running = new Running(new CountingRoom(2));
    await running.turnsFor(20 * HEARTBEAT_MS);
    const expected = (20 * HEARTBEAT_MS) / (HEARTBEAT_MS + ROUND_MS);
    expect(running.rounds.length).toBeGreaterThan(0.9 * expected);
    expect(running.rounds.length).toBeLessThan(1.2 * expected);
  });

  test('leaves roundMs between two rounds while it keeps up', async () => {
    const room = new CountingRoom();
    await using running = new Running(room);
    for (let number = 0; number < 5; number += 1) {
      await room.append(blocks(1, number));
      await running.untilAt(number + 1);
    }
    expect(running.applied).toHaveLength(5);
    await running.until(() => running.pauses.length >= 5);
    expect(new Set(running.pauses)).toEqual(new Set([ROUND_MS]));
  });

  test('does not wait while it is behind, but lets others have a turn', async () => {
    const room = new CountingRoom();
    await room.append(blocks(6));
    await using running = new Running(room, { stepBytesMax: 1 });
    await running.untilAt(6);
    expect(running.applied).toEqual([1, 2, 3, 4, 5, 6]);
    expect(running.pauses.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
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
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          const next = failures.shift();
          if (next !== undefined) throw next;
          return room.tally.commit(step);
        },
      }),
    );
    await running.untilAt(2);
    expect(running.troubles).toEqual([failure, failure]);
    expect(running.now).toBeGreaterThanOrEqual(2 * RETRY_MS);
    expect(running.now).toBeLessThan(3 * RETRY_MS);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test('of the moment holds up its own partition alone', async () => {
    const room = new CountingRoom(3);
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: (step) =>
          step.partition === 1 ? Promise.reject(new Error('busy')) : room.tally.commit(step),
      }),
    );
    for (let number = 0; number < 10; number += 1) {
      for (const partition of [0, 1, 2]) await room.append(blocks(1, number), partition);
      await running.untilAt(number + 1, 0);
      await running.untilAt(number + 1, 2);
    }
    expect(running.now).toBeLessThan(11 * (ROUND_MS + 2 * 25));
    expect((await room.tally.read(1)).checkpoint.nextOffset).toBe(0);
    await running.until(() => running.rounds.at(-1)?.has(1) === false);
  });

  test('whose effect is not known leaves the position open until the store was asked', async () => {
    const room = new CountingRoom();
    let isLost = false;
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          const outcome = await room.tally.commit(step);
          if (isLost) throw new Error('the answer is lost');
          return outcome;
        },
      }),
    );
    await room.append(blocks(1));
    await running.untilAt(1);
    isLost = true;
    await room.append(blocks(1, 1));
    await running.until(() => running.troubles.length === 1);
    await running.until(() => running.rounds.at(-1)?.size === 0);
    isLost = false;
    await running.until(() => running.rounds.at(-1)?.get(0) === 2);
    expect(running.applied).toEqual([1]);
  });

  test('of the log’s own wait is told and waited off', async () => {
    const room = new CountingRoom();
    const failures = [new Error('no route'), new Error('no route')];
    const log = withMethods(room.log, {
      changed: async (positions, signal) => {
        const next = failures.shift();
        if (next !== undefined) throw next;
        await room.log.changed(positions, signal);
      },
    });
    await using running = new Running(room, { log });
    await running.turnsFor(3 * RETRY_MS);
    expect(running.troubles).toHaveLength(2);
    await room.append(blocks(1));
    await running.untilAt(1);
  });

  test.each<ErrorCode>([
    'log_rewound',
    'log_trimmed',
    'log_mismatch',
    'log_corrupt',
    'ledger_key_conflict',
    'store_corrupt',
  ])('that no other try can mend halts the partition, once and alone: %s', async (code) => {
    const room = new CountingRoom(2);
    const failure = new ApuraError(code, 'for good');
    let reads = 0;
    const log = withMethods(room.log, {
      read: async (partition, from, maxBytes) => {
        if (partition === 0) return room.log.read(partition, from, maxBytes);
        reads += 1;
        throw failure;
      },
    });
    await using running = new Running(room, {}, { log });
    const waiting = running.worker.countsAt(1, 5);
    await running.until(() => running.halts.length > 0);
    expect(await waiting).toBeNull();
    expect(await running.worker.countsAt(1, 0)).toBeNull();
    await room.append(blocks(1), 0);
    await running.untilAt(1);
    await running.turnsFor(3 * RETRY_MS);
    // Not even being given it anew brings it back.
    running.ownership.give(0);
    await running.turn();
    running.ownership.give(0, 1);
    await running.turnsFor(3 * RETRY_MS);
    expect(reads).toBe(1);
    expect(running.halts).toEqual([[1, failure]]);
    expect([...running.worker.halted]).toEqual([[1, failure]]);
    expect(running.troubles).toEqual([]);
  });
});

describe('what became of a partition’s last step', () => {
  test('is told in a word, and what it does now', async () => {
    const room = new CountingRoom();
    let commit = (step: TallyStep): Promise<CommitOutcome> => room.tally.commit(step);
    await using running = new Running(room, {}, storeOf(room, { commit: (step) => commit(step) }));
    const { worker } = running;
    expect(worker.outcomeOf(0)).toBe('none yet, a step is under way');
    expect(worker.outcomeOf(7)).toBe('not worked on');
    await running.until(() => worker.outcomeOf(0) === 'end');
    await room.append(blocks(1), 0);
    await running.until(() => worker.outcomeOf(0) === 'applied');
    for (const outcome of ['misaligned', 'already-applied'] as const) {
      commit = async () => outcome;
      await room.append(blocks(1, 10), 0);
      await running.until(() => worker.outcomeOf(0) === outcome);
    }
    commit = async () => 'fenced';
    await running.until(() => worker.outcomeOf(0) === 'fenced, waits');
    commit = () => Promise.reject(new Error('not now'));
    await running.until(() => worker.outcomeOf(0) === 'Error: not now, waits');
    const gate = Promise.withResolvers<CommitOutcome>();
    commit = () => gate.promise;
    await running.until(() => worker.outcomeOf(0) === 'Error: not now, a step is under way');
    gate.reject(new ApuraError('store_corrupt', 'for good'));
    await running.until(() => worker.outcomeOf(0) === 'store_corrupt, halted');
  });

  test('also where only asking the store tells that it stands elsewhere', async () => {
    const room = new CountingRoom();
    let isElsewhere = false;
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) =>
          isElsewhere && step.from === step.checkpoint.nextOffset
            ? 'misaligned'
            : room.tally.commit(step),
      }),
    );
    await room.append(blocks(1));
    await running.until(() => running.worker.outcomeOf(0) === 'end');
    isElsewhere = true;
    await running.until(() => running.worker.outcomeOf(0) === 'misaligned');
  });
});

describe('shared out', () => {
  test('a partition that was gained is taken over, one that was lost is left alone', async () => {
    const room = new CountingRoom(2);
    const takeOvers: number[] = [];
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        takeOver: (partition) => {
          takeOvers.push(partition);
          return room.tally.takeOver(partition);
        },
      }),
      [],
    );
    for (const partition of [0, 1]) await room.append(blocks(2), partition);
    await running.turnsFor(2 * HEARTBEAT_MS);
    expect(takeOvers).toEqual([]);
    running.ownership.give(1);
    await running.untilAt(2, 1);
    expect([...(running.rounds.at(-1) ?? [])]).toEqual([[1, 2]]);
    running.ownership.give(0);
    await running.untilAt(2, 0);
    await room.append(blocks(1, 2), 1);
    await running.turnsFor(2 * HEARTBEAT_MS);
    expect((await room.tally.read(1)).checkpoint.nextOffset).toBe(2);
    expect([...(running.rounds.at(-1) ?? [])]).toEqual([[0, 2]]);
    running.ownership.give(0, 1);
    await running.untilAt(3, 1);
    expect(takeOvers).toEqual([1, 0, 1]);
  });

  test('a change of what is owned is seen at once, not at the next heartbeat', async () => {
    const room = new CountingRoom();
    await room.append(blocks(1));
    await using running = new Running(room, {}, {}, []);
    await running.turn();
    running.ownership.give(0);
    await running.untilAt(1);
    expect(running.now).toBeLessThan(HEARTBEAT_MS / 2);
  });

  test('who waits for a lost partition is told so at once; who asks for one is too', async () => {
    const room = new CountingRoom(2);
    await using running = new Running(room, {}, {}, [0]);
    expect(await running.worker.countsAt(1, 0)).toBeNull();
    await running.turn();
    const waiting = running.worker.countsAt(0, 5);
    running.ownership.give(1);
    expect(await waiting).toBeNull();
  });

  test('a partition that is lost and gained during a step begins anew when that has ended', async () => {
    const room = new CountingRoom();
    await room.append(blocks(1));
    const gate = Promise.withResolvers<void>();
    const calls: string[] = [];
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        takeOver: (partition) => {
          calls.push('take over');
          return room.tally.takeOver(partition);
        },
        commit: async (step) => {
          calls.push('commit');
          await gate.promise;
          return room.tally.commit(step);
        },
      }),
    );
    await running.until(() => calls.length === 2);
    running.ownership.give();
    running.ownership.give(0);
    await running.turnsFor(3 * HEARTBEAT_MS);
    expect(calls).toEqual(['take over', 'commit']);
    gate.resolve();
    await running.until(() => calls.length >= 3);
    expect(calls.slice(0, 3)).toEqual(['take over', 'commit', 'take over']);
    expect(running.applied).toEqual([1]);
  });

  test('a step that is fenced after its partition was lost is nothing to speak of', async () => {
    const room = new CountingRoom();
    await using running = new Running(room);
    await running.turn();
    await room.tally.takeOver(0);
    const gate = Promise.withResolvers<void>();
    const commit = room.tally.commit.bind(room.tally);
    room.tally.commit = async (step) => {
      await gate.promise;
      return commit(step);
    };
    await room.append(blocks(1));
    await running.turnsFor(2 * ROUND_MS);
    running.ownership.give();
    gate.resolve();
    await running.turnsFor(2 * HEARTBEAT_MS);
    expect(running.troubles).toEqual([]);
    expect(running.applied).toEqual([]);
  });

  test('a worker that is fenced takes over again after a pause, where it still owns', async () => {
    const room = new CountingRoom(2);
    const made: number[] = [];
    await using running = new Running(room, {
      follower: (partition) => {
        made.push(partition);
        return room.tallyFollower({ partition });
      },
    });
    await running.turn();
    // As a repair does, and as a store that was flushed does by forgetting.
    await room.tally.takeOver(1);
    await room.append(blocks(3), 1);
    await running.until(() => running.troubles.length === 1);
    const fencedAt = running.now;
    await room.append(blocks(1), 0);
    await running.untilAt(1, 0);
    await running.untilAt(3, 1);
    expect(running.troubles).toMatchObject([{ code: 'fenced' }]);
    expect(made).toEqual([0, 1, 1]);
    expect(running.now - fencedAt).toBeGreaterThanOrEqual(FENCED_PAUSE_MS - 2 * 25);
    expect(running.now - fencedAt).toBeLessThan(FENCED_PAUSE_MS + 4 * ROUND_MS);
    expect(CountingRoom.contents(await room.tally.read(1))).toEqual(room.expected(1));
  });

  test('one that is fenced again and again waits ever longer, until it has been left alone', async () => {
    const room = new CountingRoom();
    let isDisputed = true;
    await using running = new Running(
      room,
      { stepBytesMax: 1 },
      storeOf(room, {
        commit: async (step) => (isDisputed ? 'fenced' : room.tally.commit(step)),
      }),
    );
    await room.append(blocks(100));
    await running.until(() => running.troubles.length === 8);
    const pauses = () => running.pauses.filter((ms) => ms >= FENCED_PAUSE_MS);
    expect(pauses()).toEqual(
      [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000].filter((ms) => ms !== HEARTBEAT_MS),
    );
    expect(pauses().at(-1)).toBe(FENCED_PAUSE_MS_MAX);
    isDisputed = false;
    await running.until(() => running.applied.length > 0);
    isDisputed = true;
    await running.until(() => running.troubles.length === 9);
    // One step is no proof that nobody else believes to own it.
    expect(pauses().at(-1)).toBe(FENCED_PAUSE_MS_MAX);
    isDisputed = false;
    await running.until(() => running.applied.length > 40);
    isDisputed = true;
    await running.until(() => running.troubles.length === 10);
    expect(pauses().at(-1)).toBe(FENCED_PAUSE_MS);
  });

  test('two workers that both believe to own everything count every event once', async () => {
    const room = new CountingRoom(2);
    await using first = new Running(room);
    await using second = new Running(room);
    for (let number = 0; number < 40; number += 1) {
      for (const partition of [0, 1]) await room.append(blocks(1, number), partition);
      await first.turn();
      await second.turn();
    }
    const areDone = async () => {
      await second.turn();
      const at = await Promise.all([0, 1].map((partition) => room.tally.read(partition)));
      return at.every(({ checkpoint }) => checkpoint.nextOffset === 40);
    };
    await first.until(areDone);
    for (const partition of [0, 1]) {
      expect(CountingRoom.contents(await room.tally.read(partition))).toEqual(
        room.expected(partition),
      );
    }
    const fences = first.troubles.length + second.troubles.length;
    expect(fences).toBeGreaterThan(0);
    // Without pauses it would be one a step.
    expect(fences).toBeLessThan(30);
  });
});

describe('many partitions', () => {
  test('are worked on at the same time, so many and no more', async () => {
    const partitions = 2 * STEPS_AT_ONCE_MAX + 3;
    const room = new CountingRoom(partitions);
    for (let partition = 0; partition < partitions; partition += 1) {
      await room.append(blocks(1), partition);
    }
    let atOnce = 0;
    let most = 0;
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          atOnce += 1;
          most = Math.max(most, atOnce);
          await settled();
          atOnce -= 1;
          return room.tally.commit(step);
        },
      }),
    );
    await running.until(() => running.applied.length === partitions);
    expect(most).toBe(STEPS_AT_ONCE_MAX);
  });

  test('one that takes long holds the others up until the heartbeat, and only once', async () => {
    const room = new CountingRoom(2);
    const gate = Promise.withResolvers<void>();
    await using running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          if (step.partition === 0) await gate.promise;
          return room.tally.commit(step);
        },
      }),
    );
    await room.append(blocks(1), 0);
    await running.turnsFor(2 * ROUND_MS);
    await room.append(blocks(1), 1);
    await running.untilAt(1, 1);
    expect(running.now).toBeLessThan(HEARTBEAT_MS + 4 * ROUND_MS);
    const from = running.now;
    for (let number = 1; number < 6; number += 1) {
      await room.append(blocks(1, number), 1);
      await running.untilAt(number + 1, 1);
    }
    expect(running.now - from).toBeLessThan(10 * ROUND_MS);
    await room.append(blocks(1, 1), 0);
    await running.turnsFor(4 * ROUND_MS);
    // What is told of the slow one is where its store stands, not where its step would lead.
    expect(running.rounds.at(-1)?.get(0) ?? 0).toBe(0);
    gate.resolve();
    const resumed = running.now;
    await running.untilAt(2, 0);
    expect(running.now - resumed).toBeLessThan(HEARTBEAT_MS / 2);
    await running.until(() => running.rounds.at(-1)?.get(0) === 2);
  });

  test('a worker ends when the steps under way have, and begins none', async () => {
    const room = new CountingRoom();
    await room.append(blocks(1));
    const gate = Promise.withResolvers<void>();
    let commits = 0;
    const running = new Running(
      room,
      {},
      storeOf(room, {
        commit: async (step) => {
          commits += 1;
          await gate.promise;
          return room.tally.commit(step);
        },
      }),
    );
    await running.until(() => commits === 1);
    running.stop.abort();
    let hasEnded = false;
    void running.ended.then(() => {
      hasEnded = true;
    });
    await running.turnsFor(2 * HEARTBEAT_MS);
    expect(hasEnded).toBe(false);
    gate.resolve();
    await running.ended;
    expect(running.applied).toEqual([1]);
    expect(commits).toBe(1);
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
      expect(contentsOf(await running.answer(asked[index] ?? Promise.resolve(null)))).toEqual({
        at: offset,
        ...room.expected(1, offset),
      });
    }
    expect(contentsOf(await running.answer(other))).toEqual({ at: 1, ...room.expected(0, 1) });
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
    await running.answer(asked);
    expect(contentsOf(counts ?? null)).toEqual({ at: 3, ...room.expected(0, 3) });
    await running.untilAt(4);
  });

  test('are none where the store is past it', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    expect(await running.answer(running.worker.countsAt(0, 2))).toBeNull();
  });

  test('are there at once where the store stands, also while the worker sleeps on an idle log', async () => {
    const room = new CountingRoom();
    await room.append(blocks(3));
    await using running = new Running(room);
    await running.untilAt(3);
    const rounds = running.rounds.length;
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect(running.rounds.length).toBeLessThanOrEqual(rounds + 2);
    const counts = await running.answer(running.worker.countsAt(0, 3));
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
    const counts = await running.answer(running.worker.countsAt(0, 2));
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
    expect(await running.answer(running.worker.countsAt(0, 2))).toBeNull();
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

test('a worker without partitions ends like any other, and says nothing of what has passed', async () => {
  const running = new Running(new CountingRoom(), {}, {}, []);
  await running.until(() => running.rounds.length >= 2);
  expect(running.worker.hasPassedClose('final')).toBe(false);
  running.stop.abort();
  await running.ended;
});

test('the window’s size is that of all partitions', async () => {
  const room = new CountingRoom(2);
  await using running = new Running(room);
  for (const partition of [0, 1]) await room.append(blocks(2, 10 * partition), partition);
  await running.untilAt(2, 0);
  await running.untilAt(2, 1);
  expect(running.worker.windowSize).toBe(4);
});
