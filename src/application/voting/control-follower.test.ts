import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { withMethods } from '../../../test/support/counting-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { TurnedTime } from '../../../test/support/turned-time.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../adapters/memory/event-log.ts';
import {
  CONTROL_BLOCK_PARTITION,
  encodeControlBlock,
  encodeTimeMark,
} from '../../domain/counting/block.ts';
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { encodePollRecord } from '../../domain/voting/poll-record.ts';
import { CONTROL_PARTITION, type EventLog } from '../../ports/event-log.ts';
import { CONTROL_REREAD_MS, CONTROL_STALE_MS, ControlFollower } from './control-follower.ts';
import { PollDirectory } from './poll-directory.ts';

const PATIENCE_MS = 5_000;
const SOURCE = { writerId: 1n, sequence: 1 };

let time: TurnedTime;
let store: MemoryLogStore;
let directory: PollDirectory;
let troubles: unknown[];
let stop: AbortController;
let reads: number;
let follower: ControlFollower;

const payload = (version: number, fields: Partial<Poll> = {}): Uint8Array =>
  encodePollRecord({
    type: 'poll',
    effectiveAt: START_TIME,
    poll: samplePoll({ version, ...fields }),
  });
const append = (bytes: Uint8Array) =>
  new MemoryEventLog(store).append([{ partition: CONTROL_PARTITION, bytes }]);
const publish = (version: number) =>
  append(encodeControlBlock(CONTROL_BLOCK_PARTITION, START_TIME, SOURCE, payload(version)));
const version = () => directory.newest('final')?.poll.version ?? 0;

/** A follower of the log, some of whose methods are the test's own. */
function follow(methods: Partial<EventLog> = {}): ControlFollower {
  const memory = new MemoryEventLog(store);
  const log = withMethods(memory, methods);
  const read: EventLog['read'] = (...args) => {
    reads += 1;
    return log.read(...args);
  };
  follower = new ControlFollower({
    log: withMethods(log, { read }),
    clock: time.clock,
    directory,
    sleep: time.sleep,
    onTrouble: (error) => troubles.push(error),
  });
  return follower;
}

beforeEach(() => {
  time = new TurnedTime(new ManualClock(START_TIME));
  store = new MemoryLogStore('log', 1);
  directory = new PollDirectory();
  troubles = [];
  stop = new AbortController();
  reads = 0;
  follow();
});

afterEach(async () => {
  stop.abort();
  await follower.ended;
});

describe('a start', () => {
  test('ends with everything in the directory that the control partition holds', async () => {
    for (const each of [1, 2, 3]) await publish(each);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await time.answer(follower.start(stop.signal));
    expect([version(), follower.position]).toEqual([3, 3]);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(true);
    expect(follower.lastReadAt).toBe(0);
  });

  test('passes over a block that only moves log time', async () => {
    await append(encodeTimeMark(CONTROL_BLOCK_PARTITION, START_TIME, SOURCE));
    await publish(1);
    await time.answer(follower.start(stop.signal));
    expect([version(), follower.position]).toEqual([1, 2]);
  });

  test('waits for a log that is away, and says so once', async () => {
    await publish(1);
    let failures = 5;
    const memory = new MemoryEventLog(store);
    follow({
      read: async (...args) => {
        failures -= 1;
        if (failures >= 0) throw new ApuraError('log_unavailable', 'not now');
        return memory.read(...args);
      },
    });
    await time.answer(follower.start(stop.signal));
    expect(version()).toBe(1);
    expect(time.now).toBeGreaterThanOrEqual(5 * CONTROL_REREAD_MS);
    expect(troubles).toMatchObject([{ code: 'log_unavailable' }]);
  });

  test('is given up when the signal aborts', async () => {
    follow({ read: () => Promise.reject(new Error('not now')) });
    const starting = follower.start(stop.signal);
    await time.turnsFor(1_000);
    stop.abort();
    await starting;
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    expect(troubles).toHaveLength(1);
  });
});

describe('a follower', () => {
  test('that was told to stop has nothing to complain of', async () => {
    const gate = Promise.withResolvers<void>();
    follow({ read: () => gate.promise.then(() => Promise.reject(new Error('closed'))) });
    const starting = follower.start(stop.signal);
    await settled();
    stop.abort();
    gate.resolve();
    await starting;
    expect(troubles).toEqual([]);
  });

  test('takes a change in as soon as the log has it', async () => {
    await time.answer(follower.start(stop.signal));
    const startedAt = time.now;
    await publish(1);
    await settled();
    expect(version()).toBe(1);
    expect(time.now).toBe(startedAt);
  });

  test('reads again at least three times before it would be stale, however long the log’s wait', async () => {
    follow({ changed: () => new Promise(() => {}) });
    await time.answer(follower.start(stop.signal));
    const before = reads;
    for (let turn = 0; turn < 400; turn += 1) {
      await time.turn();
      expect(follower.isFresh(CONTROL_REREAD_MS + 50)).toBe(true);
    }
    // And at little cost: not more often either.
    expect(reads - before).toBeLessThanOrEqual(10_000 / CONTROL_REREAD_MS);
    await publish(1);
    await time.turnsFor(CONTROL_REREAD_MS + 50);
    expect(version()).toBe(1);
  });

  test('counts its freshness from the start of a read, not from its answer', async () => {
    const memory = new MemoryEventLog(store);
    let gate: PromiseWithResolvers<void> | null = null;
    follow({
      read: async (...args) => {
        const answer = await memory.read(...args);
        await gate?.promise;
        return answer;
      },
    });
    await time.answer(follower.start(stop.signal));
    gate = Promise.withResolvers();
    await time.turnsFor(CONTROL_REREAD_MS);
    const began = time.now;
    await time.turnsFor(5_000);
    gate.resolve();
    gate = null;
    await settled();
    // What was read is as old as the question.
    expect(follower.lastReadAt).toBeLessThanOrEqual(began);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await time.turnsFor(CONTROL_REREAD_MS + 50);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(true);
  });

  test('is not fresh by a read that did not come to the end', async () => {
    const memory = new MemoryEventLog(store);
    let isEndless = false;
    follow({
      read: async (partition, from, maxBytes) => {
        if (isEndless) await publish(1);
        const blocks = await memory.read(partition, from, maxBytes);
        if (isEndless) await time.turn();
        return blocks;
      },
    });
    await time.answer(follower.start(stop.signal));
    isEndless = true;
    await time.until(() => follower.position > 60);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    isEndless = false;
    await time.until(() => follower.isFresh(CONTROL_STALE_MS));
  });

  test('that slept is stale when it wakes, until it has read on', async () => {
    await time.answer(follower.start(stop.signal));
    time.clock.advance(CONTROL_STALE_MS + 1);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await time.turn();
    await time.until(() => follower.isFresh(CONTROL_STALE_MS));
  });

  test('that slept with its whole machine is stale by the wall clock', async () => {
    await time.answer(follower.start(stop.signal));
    time.clock.jump(CONTROL_STALE_MS + 1);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await time.turnsFor(CONTROL_REREAD_MS + 50);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(true);
  });

  test('that is cut off goes stale, tells it once, and is fresh again when the log is back', async () => {
    const memory = new MemoryEventLog(store);
    let isAway = false;
    follow({
      read: (...args) =>
        isAway ? Promise.reject(new ApuraError('log_unavailable', 'away')) : memory.read(...args),
    });
    await time.answer(follower.start(stop.signal));
    for (const round of [1, 2]) {
      isAway = true;
      await time.turnsFor(3 * CONTROL_STALE_MS);
      expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
      expect(troubles).toHaveLength(round);
      isAway = false;
      await time.turnsFor(CONTROL_REREAD_MS + 50);
      expect(follower.isFresh(CONTROL_STALE_MS)).toBe(true);
    }
    expect(follower.failed).toBeNull();
  });
});

describe('a control partition that can not be gone by', () => {
  const expectFailed = async (code: ErrorCode): Promise<void> => {
    await time.until(() => follower.failed !== null);
    // Not even by what it read a moment ago.
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await time.turnsFor(5_000);
    expect(follower.failed?.code).toBe(code);
    expect(troubles).toEqual([follower.failed]);
    expect(follower.isFresh(CONTROL_STALE_MS)).toBe(false);
    await follower.ended;
    await expect(follower.until(99, PATIENCE_MS)).rejects.toMatchObject({ code });
  };

  test('because it was rewound', async () => {
    for (const each of [1, 2]) await publish(each);
    await time.answer(follower.start(stop.signal));
    store.rewind(CONTROL_PARTITION, 1);
    await expectFailed('log_rewound');
  });

  test.each([
    ['a block that is none', Uint8Array.of(1, 2, 3)],
    [
      'a record that is none',
      encodeControlBlock(CONTROL_BLOCK_PARTITION, START_TIME, SOURCE, Uint8Array.of(1)),
    ],
  ])('because it holds %s', async (_, bytes) => {
    await publish(1);
    await time.answer(follower.start(stop.signal));
    const waiting = follower.until(1, PATIENCE_MS);
    await append(bytes);
    await expect(time.answer(waiting)).rejects.toMatchObject({ code: 'log_corrupt' });
    await expectFailed('log_corrupt');
    expect(version()).toBe(1);
  });

  test('fails the start', async () => {
    await append(Uint8Array.of(1, 2, 3));
    await expect(time.answer(follower.start(stop.signal))).rejects.toMatchObject({
      code: 'log_corrupt',
      message: expect.stringContaining('Block 0'),
    });
    await expectFailed('log_corrupt');
  });
});

describe('waiting for an offset', () => {
  test('ends when the directory holds it, at once where it does', async () => {
    await publish(1);
    await time.answer(follower.start(stop.signal));
    await follower.until(0, PATIENCE_MS);
    const [first, second] = [follower.until(1, PATIENCE_MS), follower.until(2, PATIENCE_MS)];
    await publish(2);
    await time.answer(first);
    expect(version()).toBe(2);
    await publish(3);
    await time.answer(second);
    expect(version()).toBe(3);
  });

  test('reads at once, without waiting for the log to tell', async () => {
    follow({ changed: () => new Promise(() => {}) });
    await time.answer(follower.start(stop.signal));
    const startedAt = time.now;
    await publish(1);
    await settled();
    const waiting = follower.until(0, PATIENCE_MS);
    await settled();
    await waiting;
    expect([version(), time.now]).toEqual([1, startedAt]);
  });

  test('also where it began while a read was under way', async () => {
    const memory = new MemoryEventLog(store);
    let gate: PromiseWithResolvers<void> | null = null;
    follow({
      changed: () => new Promise(() => {}),
      read: async (...args) => {
        const answer = await memory.read(...args);
        await gate?.promise;
        return answer;
      },
    });
    await time.answer(follower.start(stop.signal));
    gate = Promise.withResolvers();
    await time.turnsFor(CONTROL_REREAD_MS);
    const from = time.now;
    await publish(1);
    const waiting = follower.until(0, PATIENCE_MS);
    gate.resolve();
    await waiting;
    expect(time.now).toBe(from);
  });

  test('is given up after a while, and when the follower stops', async () => {
    await time.answer(follower.start(stop.signal));
    await expect(time.answer(follower.until(0, PATIENCE_MS))).rejects.toMatchObject({
      code: 'not_ready',
    });
    expect(time.now).toBeLessThan(PATIENCE_MS + 200);
    const waiting = follower.until(0, PATIENCE_MS);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'not_ready' });
    await expect(follower.until(0, PATIENCE_MS)).rejects.toMatchObject({ code: 'not_ready' });
  });
});
