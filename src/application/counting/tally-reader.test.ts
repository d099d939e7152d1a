import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { checkpoint, count, step } from '../../../test/support/store-step-samples.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryLiveTally, MemoryTallyStore } from '../../adapters/memory/live-tally.ts';
import { MemoryTallyChanges } from '../../adapters/memory/tally-changes.ts';
import type { CountsPosition } from '../../domain/voting/shown-results.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import type { TallyChanges, TallyChangesListener } from '../../ports/tally-changes.ts';
import {
  CHECK_MS,
  HEARTBEAT_MS,
  READS_AT_ONCE_MAX,
  RETRY_MS,
  ROUND_MS,
  STALE_AFTER_MS,
  TallyReader,
} from './tally-reader.ts';

const START_MS = 1_795_000_000_000;

/** A tally whose every block counts one vote for Ana, a reader of it, and all that may go wrong. */
class Room implements TallyChanges {
  readonly store = new MemoryTallyStore('log');
  readonly tally = new MemoryLiveTally(this.store);
  readonly clock = new ManualClock(START_MS);
  readonly told: { frames: readonly TallyFrame[]; position: CountsPosition; at: number }[] = [];
  readonly troubles: unknown[] = [];
  readonly partitions: number;
  readonly inner: MemoryTallyChanges;
  /** Questions fail with this while it is set. */
  failure: Error | null = null;
  /** Where set, reads wait for it, when they have read. */
  gate: Promise<void> | null = null;
  readsAtOnce = 0;
  readsAtOnceSeen = 0;
  reads: number[] = [];
  checks = 0;
  subscriptions = 0;
  readonly #stop = new AbortController();
  #wake = (): void => {};
  #running: Promise<void> = Promise.resolve();

  constructor(partitions = 1) {
    this.partitions = partitions;
    this.inner = new MemoryTallyChanges(this.store, partitions);
  }

  async subscribe(listener: TallyChangesListener): Promise<Disposable> {
    if (this.failure !== null) throw this.failure;
    if (this.gate !== null) await this.gate;
    const subscription = await this.inner.subscribe(listener);
    this.subscriptions += 1;
    return {
      [Symbol.dispose]: () => {
        this.subscriptions -= 1;
        subscription[Symbol.dispose]();
      },
    };
  }

  async read(partition: number): Promise<PartitionCounts> {
    if (this.failure !== null) throw this.failure;
    this.readsAtOnce += 1;
    this.readsAtOnceSeen = Math.max(this.readsAtOnceSeen, this.readsAtOnce);
    this.reads.push(partition);
    try {
      const counts = await this.inner.read(partition);
      if (this.gate !== null) await this.gate;
      return counts;
    } finally {
      this.readsAtOnce -= 1;
    }
  }

  async positions(): Promise<readonly number[]> {
    this.checks += 1;
    if (this.failure !== null) throw this.failure;
    return this.inner.positions();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  start(atLeast?: readonly number[]): void {
    const reader = new TallyReader({
      changes: this,
      partitions: this.partitions,
      clock: this.clock,
      sleep: (_, signal) =>
        new Promise((resolve) => {
          this.#wake = resolve;
          signal.addEventListener('abort', () => resolve());
        }),
      ...(atLeast === undefined ? {} : { atLeast }),
      onFrames: (frames, position) =>
        this.told.push({ frames, position, at: this.clock.monotonic() }),
      onTrouble: (error) => this.troubles.push(error),
    });
    this.#running = reader.run(this.#stop.signal);
  }

  /** Lets time pass, round by round. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += ROUND_MS) {
      await settled();
      this.clock.advance(ROUND_MS);
      this.#wake();
      await settled();
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One more owner counts `length` blocks. */
  async count(length: number, partition = 0, acceptedFrom: number | null = null): Promise<void> {
    const { epoch, checkpoint: at } = await this.tally.takeOver(partition);
    const from = at.nextOffset;
    const counts = [count({ count: length })];
    await this.tally.commit({ ...step({ epoch, from, length, counts, acceptedFrom }), partition });
  }

  /** Counts without a word to anybody. */
  async countUnheard(length: number, partition = 0): Promise<void> {
    const listeners = [...this.store.listeners];
    this.store.listeners.clear();
    await this.count(length, partition);
    for (const listener of listeners) this.store.listeners.add(listener);
  }

  /** As a store that was flushed or replaced: it stands elsewhere and tells nobody. */
  fallTo(nextOffset: number, partition = 0): void {
    const counts = nextOffset === 0 ? [] : [count({ count: nextOffset })];
    const content = { checkpoint: checkpoint(nextOffset), counts, books: [], closes: [], acts: [] };
    this.store.partition(partition).replace(content);
  }

  get last(): CountsPosition | undefined {
    return this.told.at(-1)?.position;
  }

  /** Ana's votes as shown last. */
  get votes(): number {
    const frames = this.told.flatMap(({ frames: some }) => some);
    return frames.at(-1)?.items.get('ana') ?? 0;
  }
}

let room: Room;

beforeEach(() => {
  room = new Room();
});

afterEach(async () => {
  await room.stop();
});

describe('a reader of the tally', () => {
  test('shows what the store held, and every step within a round', async () => {
    await room.count(3);
    room.start();
    expect(room.last).toEqual({ asOf: START_MS, version: 0, stale: true });
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.last?.version, room.last?.stale]).toEqual([3, 3, false]);
    const told = room.told.length;
    await room.count(2, 0, room.clock.now() - 40);
    await room.count(2, 0, room.clock.now() + 40);
    await room.pass(ROUND_MS);
    expect(room.told.slice(told)).toMatchObject([
      { frames: [{ version: 7, lagMs: 40 }], position: { stale: false } },
    ]);
    expect([room.votes, room.reads]).toEqual([7, [0]]);
  });

  test('misses nothing that is counted while it subscribes and reads', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await room.count(3);
    room.start();
    room.gate = promise;
    await room.pass(ROUND_MS);
    await room.count(4);
    await room.pass(ROUND_MS);
    await room.count(5);
    resolve();
    await room.pass(ROUND_MS);
    expect([room.votes, room.reads]).toEqual([12, [0]]);
  });

  test('reads a partition again where a step leaves a hole, and no other', async () => {
    room = new Room(2);
    room.start();
    await room.count(1, 1);
    await room.pass(ROUND_MS * 3);
    await room.countUnheard(2);
    await room.count(3);
    room.reads = [];
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.last?.version, room.reads]).toEqual([6, 6, [0]]);
  });

  test('finds by the positions what was told to nobody', async () => {
    room.start();
    await room.pass(ROUND_MS * 3);
    await room.countUnheard(5);
    await room.pass(2 * CHECK_MS + 2 * ROUND_MS);
    expect([room.votes, room.last?.version, room.last?.stale]).toEqual([5, 5, false]);
  });

  test('does not take for missed what is told a little later than it is counted', async () => {
    room.start();
    await room.pass(CHECK_MS - ROUND_MS);
    const kept = [...room.store.listeners];
    await room.countUnheard(5);
    room.reads = [];
    await room.pass(ROUND_MS * 3);
    for (const listener of kept) {
      const counts = [count({ count: 5 })];
      listener.onChange({ partition: 0, from: 0, nextOffset: 5, counts, acceptedFrom: null });
    }
    await room.pass(3 * CHECK_MS);
    expect([room.votes, room.reads]).toEqual([5, []]);
  });

  test('keeps what it showed, as stale, until a store that fell back has caught up', async () => {
    await room.count(9);
    room.start();
    await room.pass(ROUND_MS * 2);
    room.fallTo(0);
    await room.pass(CHECK_MS + 2 * ROUND_MS);
    expect([room.votes, room.last?.version, room.last?.stale]).toEqual([9, 9, true]);
    await room.count(8);
    await room.pass(ROUND_MS);
    expect([room.votes, room.last?.version, room.last?.stale]).toEqual([9, 9, true]);
    await room.count(2);
    await room.pass(ROUND_MS);
    expect([room.votes, room.last?.version, room.last?.stale]).toEqual([10, 10, false]);
  });

  test('reads everything anew after a break, and what a repair replaced', async () => {
    room = new Room(2);
    room.start();
    await room.pass(ROUND_MS * 2);
    room.inner.cut();
    await room.count(4, 1);
    room.inner.mend();
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.last?.version]).toEqual([4, 4]);
    const counts = [count({ count: 3 })];
    const repair = { checkpoint: checkpoint(4), counts, books: [], closes: [], acts: [] };
    room.reads = [];
    expect(await room.tally.replace(1, 4, repair)).toBe(true);
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.last, room.reads]).toMatchObject([3, { version: 4 }, [1]]);
  });

  test('reads once more where a repair falls into a read', async () => {
    await room.count(4);
    room.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    await settled();
    room.gate = promise;
    await room.pass(ROUND_MS);
    const counts = [count({ count: 3 })];
    const repair = { checkpoint: checkpoint(4), counts, books: [], closes: [], acts: [] };
    await room.tally.replace(0, 4, repair);
    await room.pass(2 * CHECK_MS);
    resolve();
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.reads]).toEqual([3, [0, 0]]);
  });

  test('reads few partitions at once', async () => {
    room = new Room(READS_AT_ONCE_MAX * 3);
    const { promise, resolve } = Promise.withResolvers<void>();
    room.start();
    await settled();
    room.gate = promise;
    await room.pass(ROUND_MS * 5);
    expect(room.readsAtOnce).toBe(READS_AT_ONCE_MAX);
    room.gate = null;
    resolve();
    await room.pass(ROUND_MS * 5);
    expect(room.readsAtOnceSeen).toBe(READS_AT_ONCE_MAX);
    expect(room.reads.toSorted()).toEqual([...Array(READS_AT_ONCE_MAX * 3).keys()]);
    expect(room.last?.stale).toBe(false);
  });
});

describe('what a reader tells', () => {
  test('comes at most once a round and at least once a heartbeat, as of when it heard last', async () => {
    room.start();
    await room.pass(ROUND_MS * 2);
    const told = room.told.length;
    await room.pass(HEARTBEAT_MS * 3);
    expect(room.told.length - told).toBe(3);
    expect(room.last?.asOf).toBeGreaterThan(room.clock.now() - CHECK_MS - HEARTBEAT_MS);
    for (let blocks = 0; blocks < 9; blocks += 1) await room.count(1);
    const before = room.told.length;
    await room.pass(ROUND_MS);
    expect(room.told.length - before).toBe(1);
  });

  test('is stale before the offsets that others may have shown', async () => {
    await room.count(3);
    room.start([4]);
    await room.pass(ROUND_MS * 2);
    expect([room.votes, room.last?.stale]).toEqual([3, true]);
    await room.count(1);
    await room.pass(ROUND_MS);
    expect([room.votes, room.last?.stale]).toEqual([4, false]);
  });

  test('is stale while nobody answers, with what was known, and fresh when somebody does', async () => {
    await room.count(3);
    room.start();
    await room.pass(ROUND_MS * 3);
    room.failure = new Error('away');
    const away = room.clock.now();
    await room.pass(STALE_AFTER_MS - CHECK_MS);
    expect(room.last?.stale).toBe(false);
    await room.pass(CHECK_MS + 2 * ROUND_MS);
    expect(room.last).toMatchObject({ version: 3, stale: true });
    expect(room.last?.asOf).toBeLessThanOrEqual(away);
    expect(room.troubles.length).toBeGreaterThan(1);
    expect(room.troubles.length).toBeLessThan(5);
    await room.countUnheard(2);
    room.failure = null;
    await room.pass(3 * CHECK_MS);
    expect([room.votes, room.last]).toMatchObject([5, { version: 5, stale: false }]);
  });

  test('is stale while a partition can not be read, though the others move', async () => {
    room = new Room(2);
    room.start();
    await room.pass(ROUND_MS * 2);
    room.gate = new Promise(() => {});
    await room.countUnheard(1, 1);
    await room.pass(2 * CHECK_MS + STALE_AFTER_MS + 2 * ROUND_MS);
    expect(room.last?.stale).toBe(true);
    await room.count(1, 0);
    await room.pass(ROUND_MS);
    expect([room.votes, room.last?.stale]).toEqual([1, true]);
  });
});

describe('a reader whose store is away at the start', () => {
  test('tries again until it is there', async () => {
    await room.count(3);
    room.failure = new Error('away');
    room.start();
    await room.pass(RETRY_MS * 2.5);
    expect(room.troubles).toHaveLength(3);
    expect(room.last?.stale).toBe(true);
    room.failure = null;
    await room.pass(RETRY_MS + 2 * ROUND_MS);
    expect([room.votes, room.last?.stale]).toEqual([3, false]);
  });

  test('pauses between reads that fail, and reads then', async () => {
    await room.count(3);
    room.start();
    await settled();
    room.failure = new Error('away');
    await room.pass(RETRY_MS * 2);
    expect(room.troubles.length).toBeLessThanOrEqual(4);
    room.failure = null;
    await room.pass(RETRY_MS + 3 * ROUND_MS);
    expect([room.votes, room.last?.stale]).toEqual([3, false]);
  });

  test('leaves no subscription behind, whenever it is stopped, and reports nothing more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    room.gate = promise;
    room.start();
    await room.stop();
    resolve();
    await settled();
    expect(room.subscriptions).toBe(0);
    room = new Room();
    room.start();
    await room.pass(ROUND_MS * 2);
    expect(room.subscriptions).toBe(1);
    const positions = Promise.withResolvers<readonly number[]>();
    room.positions = () => positions.promise;
    await room.pass(CHECK_MS);
    await room.stop();
    expect(room.subscriptions).toBe(0);
    positions.reject(new Error('late'));
    await settled();
    expect(room.troubles).toEqual([]);
  });
});

const event = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('count', 'unheard') },
  { weight: 4, arbitrary: fc.constantFrom('round', 'second') },
  { weight: 2, arbitrary: fc.constantFrom('cut', 'mend', 'fail', 'heal', 'flush', 'fall back') },
);

test('whatever is lost or away: what is fresh never falls, and in the end it is exact', async () => {
  const partitions = 2;
  const events = fc.array(fc.tuple(event, fc.nat(partitions - 1)), { maxLength: 40 });
  const property = fc.asyncProperty(events, async (sequence) => {
    await using tried = new Room(partitions);
    tried.start();
    for (const [kind, partition] of sequence) {
      const at = tried.store.partition(partition).nextOffset;
      if (kind === 'count') await tried.count(2, partition);
      if (kind === 'unheard') await tried.countUnheard(3, partition);
      if (kind === 'round') await tried.pass(ROUND_MS);
      if (kind === 'second') await tried.pass(CHECK_MS);
      if (kind === 'cut') tried.inner.cut();
      if (kind === 'mend') tried.inner.mend();
      if (kind === 'fail') tried.failure = new Error('away');
      if (kind === 'heal') tried.failure = null;
      if (kind === 'flush') tried.fallTo(0, partition);
      if (kind === 'fall back') tried.fallTo(Math.max(0, at - 3), partition);
    }
    tried.failure = null;
    tried.inner.mend();
    // Whoever fell back has caught up with what was shown, and counts on.
    for (const partition of [0, 1]) await tried.countUnheard(200, partition);
    await tried.pass(4 * CHECK_MS);
    let version = 0;
    for (const { frames, position } of tried.told) {
      expect(position.version).toBeGreaterThanOrEqual(version);
      version = position.version;
      // Every block counts one vote, so what is shown is exact at its own version, or as it was.
      for (const frame of frames) expect(frame.items.get('ana')).toBe(frame.version);
    }
    const offsets = await tried.inner.positions();
    const total = offsets.reduce((sum, offset) => sum + offset, 0);
    expect([tried.votes, tried.last]).toMatchObject([total, { version: total, stale: false }]);
  });
  await fc.assert(property, { numRuns: 100 });
}, 60_000);
