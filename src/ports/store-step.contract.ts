/** What every store that moves by steps promises, whatever else it keeps: tally and ledger run this. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  act,
  books,
  checkpoint,
  contentOf,
  count,
  type SteppedStore,
  sortedActs,
  sortedCloses,
  step,
} from '../../test/support/store-step-samples.ts';
import { START } from '../domain/counting/checkpoint.ts';
import { type CreateStore, LOG_ID, type StoreUnderTest } from './store-under-test.ts';

/** Registers the tests inside the caller's `describe`. */
export function storeStepContract(create: CreateStore<SteppedStore>): void {
  let store: StoreUnderTest<SteppedStore>;
  let first: SteppedStore;
  let second: SteppedStore;

  beforeEach(async () => {
    store = await create();
    first = await store.open();
    second = await store.open();
  });

  afterEach(async () => {
    await store[Symbol.asyncDispose]();
  });

  describe('take-over', () => {
    test('of a new partition starts at the beginning, with nothing in it', async () => {
      const { epoch, ...rest } = await first.takeOver(0);
      expect(epoch).toBeGreaterThan(0);
      expect(rest).toEqual({ checkpoint: START, closes: [], acts: [] });
      expect(await first.read(0)).toEqual({ checkpoint: START, counts: [], books: [] });
    });

    test('gives an epoch above every one before, over handles and crashes', async () => {
      const epochs: number[] = [];
      for (let life = 0; life < 3; life += 1) {
        const handles = [await store.open(), await store.open()];
        for (const handle of handles) epochs.push((await handle.takeOver(0)).epoch);
        await store.crash();
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    });

    test('by many at once has one winner: the highest epoch', async () => {
      const owners = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? first : second).takeOver(0)),
      );
      const epochs = owners.map(({ epoch }) => epoch);
      expect(new Set(epochs).size).toBe(10);
      const highest = Math.max(...epochs);
      for (const epoch of epochs.filter((one) => one !== highest)) {
        expect(await first.commit(step({ epoch }))).toBe('fenced');
      }
      expect(await second.commit(step({ epoch: highest }))).toBe('applied');
    });

    test('of one partition leaves the owner of another alone', async () => {
      const owner = await first.takeOver(0);
      await second.takeOver(1);
      expect(await first.commit(step({ epoch: owner.epoch }))).toBe('applied');
      expect((await second.takeOver(1)).checkpoint).toEqual(START);
      expect((await second.read(1)).counts).toEqual([]);
    });

    test('hands on the position, the closes, and the acts in the order of their coming', async () => {
      const { epoch } = await first.takeOver(0);
      const acts = ['zulu', 'alfa', 'mike'].map((actId) => act({ actId }));
      const closes = [
        { scope: 'poll-b', offset: 1 },
        { scope: 'poll-a', offset: 0 },
      ];
      await first.commit(step({ epoch, length: 2, acts: acts.slice(0, 2), closes }));
      await first.commit(step({ epoch, from: 2, acts: acts.slice(2) }));
      const next = await second.takeOver(0);
      expect(next.checkpoint).toEqual(checkpoint(3));
      expect(next.acts).toEqual(acts);
      expect(sortedCloses(next.closes)).toEqual(sortedCloses(closes));
    });

    test('for another log is log_mismatch, and fences nobody', async () => {
      const { epoch } = await first.takeOver(0);
      const takeOver = async () => (await store.open('another-log')).takeOver(0);
      await expect(takeOver()).rejects.toMatchObject({ code: 'log_mismatch' });
      expect(await first.commit(step({ epoch }))).toBe('applied');
      expect((await (await store.open(LOG_ID)).takeOver(0)).checkpoint).toEqual(checkpoint(1));
    });
  });

  describe('a step at the position', () => {
    test('is applied: every handle reads its counts, books and checkpoint', async () => {
      const { epoch } = await first.takeOver(0);
      const content = {
        checkpoint: {
          nextOffset: 2 ** 40,
          logTime: Date.UTC(2026, 10, 21),
          windowStartOffset: 2 ** 39,
          lastBlockCrc: 0xffff_ffff,
        },
        counts: [
          count({ count: 3 }),
          count({ count: 4, item: 'bruno' }),
          count({ count: 5, lane: 'flagged' }),
          count({ count: 6, minute: 29_000_001 }),
          count({ count: 7, scope: 'poll-b' }),
        ],
        books: [books({ logged: 25, counted: 18, duplicate: 3, expired: 2, late: 1, voided: 1 })],
      };
      expect(await first.commit({ ...step({ epoch }), ...content })).toBe('applied');
      for (const handle of [first, second]) {
        expect(contentOf(await handle.read(0))).toEqual(contentOf(content));
      }
    });

    test('adds to what is there, within a step and over steps, and takes off what is negative', async () => {
      const { epoch } = await first.takeOver(0);
      const counts = [count({ count: 3 }), count({ count: 2 }), count({ count: 1, minute: 7 })];
      const sums = { logged: 9, counted: 3, duplicate: 1, expired: 2, late: 1, voided: 2 };
      const of = [books(sums), books(sums)];
      await first.commit(step({ epoch, counts, books: of }));
      const voids = [count({ count: -4 }), count({ count: -2, minute: 7 })];
      const moved = [books({ counted: -4, voided: 4 })];
      await first.commit(step({ epoch, from: 1, counts: voids, books: moved }));
      expect(contentOf(await second.read(0))).toEqual(
        contentOf({
          checkpoint: checkpoint(2),
          counts: [count({ count: 1 }), count({ count: -1, minute: 7 })],
          books: [books({ logged: 18, counted: 2, duplicate: 2, expired: 4, late: 2, voided: 8 })],
        }),
      );
    });

    test('lists no count that has come back to nought', async () => {
      const { epoch } = await first.takeOver(0);
      await first.commit(step({ epoch, counts: [count({ count: 2 }), count({ minute: 7 })] }));
      await first.commit(step({ epoch, from: 1, counts: [count({ count: -2 })] }));
      expect((await first.read(0)).counts).toEqual([count({ minute: 7 })]);
    });

    test('keeps apart keys that look alike, in any script', async () => {
      const { epoch } = await first.takeOver(0);
      const names = 'a,b,a:b,b:a,:,a|b,b|a,a b,b a,á,a\u0301,投票,%,A,1,01'.split(',');
      const counts = names.flatMap((scope) => names.map((item) => count({ scope, item })));
      const scopes = names.map((scope) => books({ scope, logged: 16, counted: 16 }));
      await first.commit(step({ epoch, counts, books: scopes }));
      expect(contentOf(await second.read(0))).toEqual(
        contentOf({ checkpoint: checkpoint(1), counts, books: scopes }),
      );
    });

    test('may carry thousands of counts, acts and closes', async () => {
      const { epoch } = await first.takeOver(0);
      const many = Array.from({ length: 5_000 }, (_, index) => index);
      const counts = many.map((minute) => count({ minute, count: minute + 1 }));
      const acts = many.map((index) => act({ actId: `act-${index}` }));
      const closes = many.map((index) => ({ scope: `poll-${index}`, offset: index }));
      const scopes = many.map((index) => books({ scope: `poll-${index}`, logged: 1 }));
      expect(await first.commit(step({ epoch, counts, acts, closes, books: scopes }))).toBe(
        'applied',
      );
      const read = await first.read(0);
      expect(read.counts).toHaveLength(5_000);
      expect(read.books).toHaveLength(5_000);
      const next = await second.takeOver(0);
      expect(next.acts).toEqual(acts);
      expect(next.closes).toHaveLength(5_000);
    });

    test('leaves the memory of the step to the caller once it has resolved', async () => {
      const { epoch } = await first.takeOver(0);
      const counts = [count({ count: 3 })];
      await first.commit(step({ epoch, counts }));
      counts[0] = count({ count: 99 });
      counts.push(count({ count: 99, minute: 1 }));
      expect((await first.read(0)).counts).toEqual([count({ count: 3 })]);
    });

    test('is there after a crash: counts and position, never one of them', async () => {
      const { epoch } = await first.takeOver(0);
      for (let from = 0; from < 5; from += 1) {
        await first.commit(step({ epoch, from, counts: [count({})] }));
      }
      await store.crash();
      const survivor = await store.open();
      const read = await survivor.read(0);
      expect(read.counts).toEqual([count({ count: read.checkpoint.nextOffset })]);
      expect(read.checkpoint).toEqual(checkpoint(5));
      const next = await survivor.takeOver(0);
      expect(next.epoch).toBeGreaterThan(epoch);
      expect(await survivor.commit(step({ epoch: next.epoch, from: 5 }))).toBe('applied');
    });
  });

  describe('a step elsewhere changes nothing', () => {
    async function standingAt(nextOffset: number): Promise<number> {
      const { epoch } = await first.takeOver(0);
      const counts = [count({ count: 10 })];
      const scopes = [books({ logged: 10, counted: 10 })];
      const closes = [{ scope: 'poll-b', offset: 1 }];
      const acts = [act({ actId: 'before' })];
      const content = { counts, books: scopes, closes, acts };
      expect(await first.commit(step({ epoch, length: nextOffset, ...content }))).toBe('applied');
      return epoch;
    }

    async function expectUnchanged(nextOffset: number): Promise<void> {
      expect(contentOf(await second.read(0))).toEqual(
        contentOf({
          checkpoint: checkpoint(nextOffset),
          counts: [count({ count: 10 })],
          books: [books({ logged: 10, counted: 10 })],
        }),
      );
      const next = await second.takeOver(0);
      expect(next.checkpoint).toEqual(checkpoint(nextOffset));
      expect(next.closes).toEqual([{ scope: 'poll-b', offset: 1 }]);
      expect(next.acts).toEqual([act({ actId: 'before' })]);
    }

    const rich = {
      counts: [count({ count: 5 }), count({ minute: 1 })],
      books: [books({ logged: 5, counted: 5 })],
      closes: [{ scope: 'poll-c', offset: 2 }],
      acts: [act({ actId: 'during' })],
    };

    test.each([
      ['the same step again', 0, 10],
      ['an older step', 3, 4],
      ['the end of it', 9, 1],
      ['a step of nothing at the position', 10, 0],
    ])('already-applied: %s', async (_, from, length) => {
      const epoch = await standingAt(10);
      expect(await first.commit(step({ epoch, from, length, ...rich }))).toBe('already-applied');
      await expectUnchanged(10);
    });

    test('already-applied: a step that an earlier owner had applied', async () => {
      await standingAt(10);
      const { epoch } = await second.takeOver(0);
      expect(await second.commit(step({ epoch, length: 10, ...rich }))).toBe('already-applied');
      await expectUnchanged(10);
    });

    test.each([
      ['a gap of one block', 11, 1],
      ['a large gap', 1_000, 5],
      ['an overlap of one block', 9, 2],
      ['an overlap of everything', 0, 11],
    ])('misaligned: %s', async (_, from, length) => {
      const epoch = await standingAt(10);
      expect(await first.commit(step({ epoch, from, length, ...rich }))).toBe('misaligned');
      await expectUnchanged(10);
    });

    test.each([
      ['at the position', 10, 1],
      ['applied already', 0, 10],
      ['behind a gap', 11, 1],
    ])('fenced: a zombie, with a step %s', async (_, from, length) => {
      const zombie = await standingAt(10);
      await second.takeOver(0);
      expect(await first.commit(step({ epoch: zombie, from, length, ...rich }))).toBe('fenced');
      expect(await second.commit(step({ epoch: zombie, from, length, ...rich }))).toBe('fenced');
      await expectUnchanged(10);
    });

    test('fenced: an epoch that the store never gave out', async () => {
      // The store may be an older copy of itself, whose newest take-overs are lost.
      const epoch = await standingAt(10);
      for (const invented of [epoch + 1, epoch + 1_000, 0, -1]) {
        const outcome = await first.commit(step({ epoch: invented, from: 10, ...rich }));
        expect(outcome).toBe('fenced');
      }
      await expectUnchanged(10);
    });

    test('fenced: anyone, while a partition was never taken over', async () => {
      await standingAt(10);
      for (const epoch of [0, 1, 2]) {
        const outcome = await first.commit({ ...step({ epoch, ...rich }), partition: 1 });
        expect(outcome).toBe('fenced');
      }
      expect(await second.read(1)).toEqual({ checkpoint: START, counts: [], books: [] });
    });
  });

  test('two owners who both think they own count every block once', async () => {
    const owners = [
      { handle: first, epoch: 0, next: 0 },
      { handle: second, epoch: 0, next: 0 },
    ];
    const takeOver = async (owner: (typeof owners)[number]) => {
      const taken = await owner.handle.takeOver(0);
      owner.epoch = taken.epoch;
      owner.next = taken.checkpoint.nextOffset;
    };
    for (let round = 0; round < 60; round += 1) {
      const owner = owners[round % 7 < 3 ? 0 : 1];
      if (owner === undefined) continue;
      const counts = [count({})];
      const outcome = await owner.handle.commit(
        step({ epoch: owner.epoch, from: owner.next, counts }),
      );
      if (outcome === 'applied') owner.next += 1;
      else await takeOver(owner);
    }
    const read = await first.read(0);
    expect(read.checkpoint.nextOffset).toBeGreaterThan(20);
    expect(read.counts).toEqual([count({ count: read.checkpoint.nextOffset })]);
  });

  test('a read beside commits gives counts and position of one instant', async () => {
    const { epoch } = await first.takeOver(0);
    const commits = (async () => {
      for (let from = 0; from < 50; from += 1) {
        const counts = [count({}), count({ minute: 8 })];
        const scopes = [books({ logged: 2, counted: 2 })];
        await first.commit(step({ epoch, from, counts, books: scopes }));
      }
    })();
    const reads = (async () => {
      for (let seen = 0; seen < 50; ) {
        const read = await second.read(0);
        seen = read.checkpoint.nextOffset;
        const expected = seen === 0 ? [] : [count({ count: seen, minute: 8 })];
        expect(read.counts.filter(({ minute }) => minute === 8)).toEqual(expected);
        expect(read.books[0]?.logged ?? 0).toBe(2 * seen);
        await Promise.resolve();
      }
    })();
    await Promise.all([commits, reads]);
  });

  describe('a step is applied whole or not at all', () => {
    const good = {
      counts: [count({ count: 2 }), count({ minute: 1 })],
      books: [books({ logged: 2, counted: 2 }), books({ scope: 'poll-b', logged: 1 })],
      closes: [
        { scope: 'poll-a', offset: 0 },
        { scope: 'poll-b', offset: 0 },
      ],
      acts: [act({ actId: 'one' }), act({ actId: 'two' })],
    };

    test.each(['counts', 'books', 'closes', 'acts'] as const)(
      'it fails half way through its %s: nothing of it stays, and it can be sent again',
      async (part) => {
        const { epoch } = await first.takeOver(0);
        const failing = step({ epoch, ...good, [part]: good[part].map(failingLast) });
        await expect(first.commit(failing)).rejects.toThrow('injected');
        expect(await second.read(0)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await first.commit(step({ epoch, ...good }))).toBe('applied');
        expect(contentOf(await second.read(0))).toEqual(
          contentOf({ checkpoint: checkpoint(1), counts: good.counts, books: good.books }),
        );
        const next = await second.takeOver(0);
        expect(sortedActs(next.acts)).toEqual(sortedActs(good.acts));
        expect(sortedCloses(next.closes)).toEqual(sortedCloses(good.closes));
      },
    );
  });

  describe('marks', () => {
    test('a repeated (act, target) changes nothing; another act or target is another mark', async () => {
      const { epoch } = await first.takeOver(0);
      const targets = ['a', 'b'].map((digit) => digit.repeat(32));
      const original = act({ actId: 'act-1', target: targets[0] ?? '' });
      const others = [
        act({ actId: 'act-2', target: targets[0] ?? '' }),
        act({ actId: 'act-1', target: targets[1] ?? '' }),
      ];
      const repeated = { ...original, kind: 'restore' as const, minute: 5, item: 'bruno' };
      await first.commit(step({ epoch, acts: [original, repeated] }));
      await first.commit(step({ epoch, from: 1, acts: [repeated, ...others, repeated] }));
      expect((await second.takeOver(0)).acts).toEqual([original, ...others]);
    });

    test('the first close of a scope in a partition stands', async () => {
      const { epoch } = await first.takeOver(0);
      await first.commit(step({ epoch, closes: [{ scope: 'poll-a', offset: 0 }] }));
      const again = [
        { scope: 'poll-a', offset: 1 },
        { scope: 'poll-b', offset: 1 },
      ];
      await first.commit(step({ epoch, from: 1, closes: again }));
      expect(sortedCloses((await second.takeOver(0)).closes)).toEqual([
        { scope: 'poll-a', offset: 0 },
        { scope: 'poll-b', offset: 1 },
      ]);
      expect((await second.takeOver(1)).closes).toEqual([]);
    });
  });

  test('disposing a handle twice is disposing it once, and leaves the others', async () => {
    const { epoch } = await first.takeOver(0);
    await second[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    expect(await first.commit(step({ epoch, counts: [count({})] }))).toBe('applied');
    await first[Symbol.asyncDispose]();
    expect((await (await store.open()).read(0)).counts).toEqual([count({})]);
  });
}

/** The list's last entry throws when its first field is looked at: a store is mid-way by then. */
function failingLast<T extends object>(entry: T, index: number, entries: readonly T[]): T {
  if (index < entries.length - 1) return entry;
  const [field] = Object.keys(entry);
  return Object.defineProperty({ ...entry }, field ?? '', {
    enumerable: true,
    get: () => {
      throw new Error('injected');
    },
  });
}
