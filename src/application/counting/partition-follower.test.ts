import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  T0,
  type TestBlock,
  targetOf,
  WRITER,
} from '../../../test/support/blocks.ts';
import {
  CountingRoom,
  Fault,
  holdingBack,
  total,
  withMethods,
} from '../../../test/support/counting-room.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import { encodeControlBlock } from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { CommitOutcome, StepBase } from '../../ports/store-step.ts';
import type { PartitionFollower, StepStore } from './partition-follower.ts';

const ONE_BLOCK = 1;
const ALL = Number.MAX_SAFE_INTEGER;
const W = 600_000;

const close = (scope = 'final'): TestBlock => ({ kind: 'close', blockTime: T0, scope });
const voidOf = (actId: string, ...numbers: readonly number[]): TestBlock => ({
  kind: 'act',
  blockTime: T0,
  type: 'void',
  actId,
  scope: 'final',
  targets: numbers.map((number) => targetOf(event(number))),
});

/** A bit of everything: duplicates, an expiry, acts, a close, late events, a mark. */
const EVENING: readonly TestBlock[] = [
  eventsBlock([event(1), event(2), event(2, { item: 'bia' })]),
  eventsBlock([event(3, { scope: 'semi' }), event(1)]),
  voidOf('a', 1),
  voidOf('a', 1, 2),
  { kind: 'mark', blockTime: T0 + 1_000 },
  eventsBlock([event(4, { time: T0 - W - 5 }), event(5)]),
  close(),
  eventsBlock([event(6), event(5), event(7, { scope: 'semi' })]),
  close(),
];

/** Advances until the log has nothing more; the caller's errors come through. */
async function runToEnd<Step extends StepBase>(
  follower: PartitionFollower<Step>,
  maxBytes: number = ALL,
): Promise<void> {
  let idle = 0;
  // Twice idle: once may only say that the store stood elsewhere.
  while (idle < 2) idle = (await follower.advance(maxBytes)).kind === 'idle' ? idle + 1 : 0;
}

describe('a follower', () => {
  test('brings tally and ledger to what the log says, in steps of any size', async () => {
    for (const maxBytes of [ONE_BLOCK, 300, ALL]) {
      const room = new CountingRoom();
      await room.append(EVENING);
      await runToEnd(room.tallyFollower(), maxBytes);
      await runToEnd(room.ledgerFollower(), maxBytes);
      for (const store of [room.tally, room.ledger]) {
        expect(CountingRoom.contents(await store.read(0))).toEqual(room.expected());
      }
      expect(await room.rows()).toEqual(room.expectedRows());
    }
  });

  test('knows where the store stands once it has taken it over, and not before', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const follower = room.tallyFollower({ partition: 0 });
    expect([follower.partition, follower.checkpoint, follower.windowSize]).toEqual([0, null, 0]);
    await follower.advance(ONE_BLOCK);
    expect(follower.checkpoint).toEqual((await room.tally.read(0)).checkpoint);
    expect(follower.windowSize).toBe(2);
  });

  test('is idle at the log’s end, and goes on when there is more', async () => {
    const room = new CountingRoom();
    const follower = room.tallyFollower();
    expect(await follower.advance(ALL)).toEqual({ kind: 'idle', why: 'end' });
    await room.append([eventsBlock([event(1)])]);
    expect(await follower.advance(ALL)).toMatchObject({ kind: 'applied' });
    expect(await follower.advance(ALL)).toEqual({ kind: 'idle', why: 'end' });
  });

  test('ends a step exactly where it is told to, and takes none from there on', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const follower = room.tallyFollower();
    expect(await follower.advance(ALL, 4)).toMatchObject({ step: { from: 0 } });
    expect((await room.tally.read(0)).checkpoint.nextOffset).toBe(4);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected(0, 4));
    expect(await follower.advance(ALL, 4)).toEqual({ kind: 'idle', why: 'stop' });
    expect(await follower.advance(ALL, 5)).toMatchObject({ step: { from: 4 } });
  });

  test('tells of each step how much of the log it covers, and its first acceptance', async () => {
    const room = new CountingRoom();
    const blocks = [
      eventsBlock([event(1, { acceptedAt: T0 + 7 })], T0 + 20),
      eventsBlock([event(2, { acceptedAt: T0 + 5 })], T0 + 30),
      close(),
    ];
    await room.append(blocks);
    const follower = room.tallyFollower();
    const bytes = blocks.map((block) => encodeTestBlock(block).length);
    expect(await follower.advance(ONE_BLOCK)).toMatchObject({
      step: { acceptedFrom: T0 + 7 },
      bytes: bytes[0],
    });
    expect(await follower.advance(ALL)).toMatchObject({
      step: { acceptedFrom: T0 + 5 },
      bytes: (bytes[1] ?? 0) + (bytes[2] ?? 0),
    });
    await room.append([close('semi')]);
    expect(await follower.advance(ALL)).toMatchObject({ step: { acceptedFrom: null } });
  });

  test('hands the store each CLOSE once, where it stands first', async () => {
    const room = new CountingRoom();
    await room.append([close(), close('semi'), close(), close('semi')]);
    const first = { scope: 'final', offset: 0 };
    expect(await room.tallyFollower().advance(ALL, 1)).toMatchObject({ step: { closes: [first] } });
    expect(await room.tallyFollower().advance(ALL)).toMatchObject({
      step: { closes: [{ scope: 'semi', offset: 1 }] },
    });
  });

  test('says that a CLOSE was passed once the store has applied it', async () => {
    const room = new CountingRoom();
    await room.append([close(), close(), close('semi')]);
    const follower = room.tallyFollower();
    expect(follower.hasPassedClose('final')).toBe(false);
    await follower.advance(ONE_BLOCK);
    expect([follower.hasPassedClose('final'), follower.hasPassedClose('semi')]).toEqual([
      true,
      false,
    ]);
    const restarted = room.tallyFollower();
    await restarted.advance(ONE_BLOCK);
    expect(restarted.hasPassedClose('final')).toBe(true);
  });

  test('says so no longer where the store was taken back to before it', async () => {
    const room = new CountingRoom();
    await room.append([close()]);
    const follower = room.tallyFollower();
    await follower.advance(ALL);
    const empty = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
    await room.tally.replace(0, 1, empty);
    await room.append([close('semi')]);
    await expect(follower.advance(ALL)).rejects.toMatchObject({ code: 'fenced' });
    await follower.advance(ALL, 0);
    expect(follower.hasPassedClose('final')).toBe(false);
  });
});

describe('every event counts exactly once', () => {
  const isStruck = (error: unknown): boolean =>
    error instanceof Error && error.message.startsWith('struck');

  /** Goes on until the end, with the same follower after each strike or with a new one. */
  async function throughStrikes(
    make: () => PartitionFollower<StepBase>,
    again: 'same' | 'new',
    maxBytes: number,
  ): Promise<void> {
    let follower = make();
    for (;;) {
      try {
        return await runToEnd(follower, maxBytes);
      } catch (error) {
        if (!isStruck(error)) throw error;
        if (again === 'new') follower = make();
      }
    }
  }

  for (const when of ['before', 'after'] as const) {
    for (const again of ['same', 'new'] as const) {
      test(`whichever call is struck ${when} its effect, and the ${again} follower goes on`, async () => {
        let strikes = 0;
        for (let at = 0; ; at += 1) {
          const room = new CountingRoom();
          await room.append(EVENING);
          const [tally, ledger] = [new Fault(at, when), new Fault(at, when)];
          await throughStrikes(
            () => room.tallyFollower({ log: tally.log(room.log), store: tally.store(room.tally) }),
            again,
            ONE_BLOCK,
          );
          await throughStrikes(
            () =>
              room.ledgerFollower({ log: ledger.log(room.log), store: ledger.store(room.ledger) }),
            again,
            ONE_BLOCK,
          );
          for (const store of [room.tally, room.ledger]) {
            expect(CountingRoom.contents(await store.read(0))).toEqual(room.expected());
          }
          expect(await room.rows()).toEqual(room.expectedRows());
          if (!tally.hasStruck) break;
          strikes += 1;
        }
        // A take-over, and a reading and a commit for each of nine blocks: all of them were struck.
        expect(strikes).toBeGreaterThanOrEqual(19);
      });
    }
  }

  test('in any log, with any number of strikes', async () => {
    const strikes = fc.array(
      fc.record({ at: fc.nat(12), when: fc.constantFrom('before' as const, 'after' as const) }),
      { maxLength: 5 },
    );
    const runs = fc.asyncProperty(
      randomLogs(20),
      strikes,
      fc.constantFrom('same' as const, 'new' as const),
      fc.constantFrom(ONE_BLOCK, 400, ALL),
      async (log, planned, again, maxBytes) => {
        const room = new CountingRoom(1, RANDOM_LOG_WINDOW_MS);
        await room.append(log);
        for (const of of ['tally', 'ledger'] as const) {
          const faults = planned.map(({ at, when }) => new Fault(at, when));
          const store = faults.reduce<StepStore<never>>(
            (inner, fault) => fault.store(inner),
            of === 'tally' ? room.tally : room.ledger,
          );
          const target = faults.reduce((inner, fault) => fault.log(inner), room.log);
          const make = (): PartitionFollower<StepBase> =>
            of === 'tally'
              ? room.tallyFollower({ log: target, store })
              : room.ledgerFollower({ log: target, store });
          await throughStrikes(make, again, maxBytes);
        }
        for (const store of [room.tally, room.ledger]) {
          expect(CountingRoom.contents(await store.read(0))).toEqual(room.expected());
        }
        expect(await room.rows()).toEqual(room.expectedRows());
      },
    );
    await fc.assert(runs, { numRuns: 80 });
  });

  test('where two workers follow one partition: the older one is fenced and gives up', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const zombie = room.ledgerFollower();
    await zombie.advance(ONE_BLOCK);
    const owner = room.ledgerFollower();
    await owner.advance(ONE_BLOCK);
    await expect(zombie.advance(ONE_BLOCK)).rejects.toMatchObject({ code: 'fenced' });
    await runToEnd(owner, ONE_BLOCK);
    expect(await room.rows()).toEqual(room.expectedRows());
  });

  test('where a restart meets ids that were counted long before: the window is read again', async () => {
    const room = new CountingRoom();
    const votes = Array.from({ length: 50 }, (_, number) => eventsBlock([event(number)]));
    await room.append(votes);
    await runToEnd(room.tallyFollower(), ONE_BLOCK);
    await room.append([...votes].reverse());
    await runToEnd(room.tallyFollower());
    const { counts, books } = await room.tally.read(0);
    expect(total(counts)).toBe(50);
    expect(books).toMatchObject([{ logged: 100, counted: 50, duplicate: 50 }]);
  });
});

describe('a store that stands elsewhere than the follower thinks', () => {
  test.each<CommitOutcome>(['misaligned', 'already-applied'])(
    'and answers %s is asked again where it stands',
    async (outcome) => {
      const room = new CountingRoom();
      await room.append(EVENING);
      const answers: CommitOutcome[] = [outcome];
      let takeOvers = 0;
      const follower = room.tallyFollower({
        store: {
          takeOver: (partition) => {
            takeOvers += 1;
            return room.tally.takeOver(partition);
          },
          commit: async (step) => answers.shift() ?? room.tally.commit(step),
        },
      });
      expect(await follower.advance(ONE_BLOCK)).toMatchObject({ kind: 'idle', why: outcome });
      expect(follower.checkpoint).toBeNull();
      await runToEnd(follower, ONE_BLOCK);
      expect(takeOvers).toBe(2);
      expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
    },
  );

  test('is read again after every failure', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const fault = new Fault(2, 'after');
    const follower = room.tallyFollower({ store: fault.store(room.tally) });
    await follower.advance(ONE_BLOCK);
    await expect(follower.advance(ONE_BLOCK)).rejects.toThrow('struck after');
    expect(follower.checkpoint).toBeNull();
    await follower.advance(ONE_BLOCK);
    expect(follower.checkpoint?.nextOffset).toBe(3);
  });
});

describe('asked to confirm, a follower', () => {
  test('changes nothing where the store stands as it was left, and goes on without reading again', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    let takeovers = 0;
    const store: StepStore<StepBase> = {
      takeOver: (partition) => {
        takeovers += 1;
        return room.tally.takeOver(partition);
      },
      commit: (step) => room.tally.commit(step),
    };
    const follower = room.tallyFollower({ store });
    await follower.confirm();
    expect(takeovers).toBe(0);
    await follower.advance(ALL);
    const before = await room.tally.read(0);
    await follower.confirm();
    expect(await room.tally.read(0)).toEqual(before);
    expect(await follower.advance(ALL)).toEqual({ kind: 'idle', why: 'end' });
    expect(takeovers).toBe(1);
  });

  test('finds that it was fenced, and begins where the store was put', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const follower = room.tallyFollower();
    await follower.advance(ALL);
    const { nextOffset } = (await room.tally.read(0)).checkpoint;
    const nothing = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
    await room.tally.replace(0, nextOffset, nothing);
    await expect(follower.confirm()).rejects.toMatchObject({ code: 'fenced' });
    await follower.advance(ALL);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test('finds the store elsewhere under its own epoch, and takes it over anew', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const store: StepStore<StepBase> = {
      takeOver: (partition) => room.tally.takeOver(partition),
      commit: async (step) =>
        step.from === step.checkpoint.nextOffset ? 'misaligned' : room.tally.commit(step),
    };
    const follower = room.tallyFollower({ store });
    await follower.advance(ALL);
    await follower.confirm();
    expect(follower.checkpoint).toBeNull();
    await follower.advance(ALL);
    expect(follower.checkpoint?.nextOffset).toBe(EVENING.length);
  });

  test('does not know where the store stands after a failure', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    let isAway = false;
    const store: StepStore<StepBase> = {
      takeOver: (partition) => room.tally.takeOver(partition),
      commit: (step) => (isAway ? Promise.reject(new Error('away')) : room.tally.commit(step)),
    };
    const follower = room.tallyFollower({ store });
    await follower.advance(ALL);
    isAway = true;
    await expect(follower.confirm()).rejects.toThrow('away');
    expect(follower.checkpoint).toBeNull();
  });
});

describe('a log that gives nothing of what the store has applied', () => {
  test.each<number>([0, 5])('for a moment (%p blocks) is no rewound one', async (atFirst) => {
    let given = atFirst;
    const room = new CountingRoom();
    await room.append(EVENING);
    await runToEnd(room.tallyFollower());
    const follower = room.tallyFollower({ log: holdingBack(room.log, () => given) });
    const away = {
      code: 'log_unavailable',
      message: expect.stringContaining('Partition 0 ends at 9'),
    };
    await expect(follower.advance(ALL)).rejects.toMatchObject(away);
    await expect(follower.advance(ALL)).rejects.toMatchObject(away);
    await room.append([eventsBlock([event(20)])]);
    given = ALL;
    await runToEnd(follower);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
  });

  test('and does not say where it ends is away, not rewound', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    await runToEnd(room.tallyFollower());
    const log = holdingBack(room.log, () => 0);
    const away = new ApuraError('log_unavailable', 'not now');
    const bounds = () => Promise.reject(away);
    const follower = room.tallyFollower({ log: withMethods(log, { bounds }) });
    await expect(follower.advance(ALL)).rejects.toBe(away);
  });
});

describe('a follower halts', () => {
  test('where the log ends before the store’s position', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    await runToEnd(room.tallyFollower());
    room.logStore.rewind(0, 5);
    await expect(room.tallyFollower().advance(ALL)).rejects.toMatchObject({ code: 'log_rewound' });
  });

  test('where the log ends before the window that is to be read again', async () => {
    const room = new CountingRoom();
    const blocks = Array.from({ length: 4 }, (_, number) =>
      eventsBlock([event(number, { acceptedAt: T0 + number * (W + 1) })]),
    );
    await room.append(blocks);
    await runToEnd(room.tallyFollower());
    room.logStore.rewind(0, 1);
    await expect(room.tallyFollower().advance(ALL)).rejects.toMatchObject({ code: 'log_rewound' });
  });

  test('where another block stands at the last offset that the store applied', async () => {
    const room = new CountingRoom();
    await room.append([eventsBlock([event(1)]), eventsBlock([event(2)])]);
    await runToEnd(room.tallyFollower());
    room.logStore.rewind(0, 1);
    await room.append([eventsBlock([event(3)]), eventsBlock([event(4)])]);
    await expect(room.tallyFollower().advance(ALL)).rejects.toMatchObject({ code: 'log_rewound' });
    expect(total((await room.tally.read(0)).counts)).toBe(2);
  });

  test('where the log no longer reaches back to what it must read', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    await room.tallyFollower().advance(ONE_BLOCK);
    room.logStore.trim(0, 3);
    await expect(room.tallyFollower().advance(ALL)).rejects.toMatchObject({ code: 'log_trimmed' });
  });

  test('where the store belongs to another log', async () => {
    const room = new CountingRoom();
    const takeOver = async () => {
      throw Object.assign(new Error(), { code: 'log_mismatch' });
    };
    const commit = async (): Promise<CommitOutcome> => 'applied';
    const follower = room.tallyFollower({ store: { takeOver, commit } });
    await expect(follower.advance(ALL)).rejects.toMatchObject({ code: 'log_mismatch' });
  });

  /** A log whose block 2 is what the test makes of it. */
  async function withBlock(bytes: (good: Uint8Array) => Uint8Array): Promise<CountingRoom> {
    const room = new CountingRoom(4);
    const good = EVENING.map((block) => encodeTestBlock(block, 3));
    const blocks = good.map((block, offset) => (offset === 2 ? bytes(block) : block));
    await room.log.append(blocks.map((block) => ({ partition: 3, bytes: block })));
    return room;
  }

  test.each([
    ['with a flipped bit', (good: Uint8Array) => good.with(30, (good[30] ?? 0) ^ 4), 'CRC32C'],
    ['that is cut', (good: Uint8Array) => good.slice(0, -4), 'block'],
    ['of another partition', () => encodeTestBlock(close(), 1), 'sealed for partition 1'],
    [
      'with a control record that is not known here',
      () => encodeControlBlock(3, T0, WRITER, new TextEncoder().encode('{"type":"merge"}')),
      'not known here',
    ],
  ])(
    'at a block %s, naming partition and offset, and counts nothing of its step',
    async (_, make, why) => {
      for (const maxBytes of [ONE_BLOCK, ALL]) {
        const room = await withBlock(make);
        const follower = room.tallyFollower({ partition: 3 });
        const failure = await runToEnd(follower, maxBytes).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'log_corrupt' });
        expect(String(failure)).toContain('Block 2 of partition 3');
        expect(String(failure)).toContain(why);
        const { nextOffset } = (await room.tally.read(3)).checkpoint;
        expect(nextOffset).toBe(maxBytes === ONE_BLOCK ? 2 : 0);
      }
    },
  );

  test('at a damaged block of the window that is to be read again', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    await runToEnd(room.tallyFollower());
    const log = withMethods(room.log, {
      read: async (partition, from, maxBytes) => {
        const blocks = await room.log.read(partition, from, maxBytes);
        return blocks.map(({ offset, bytes }) => ({
          offset,
          bytes: offset === 1 ? bytes.with(9, 0xee) : bytes,
        }));
      },
    });
    await expect(room.tallyFollower({ log }).advance(ALL)).rejects.toMatchObject({
      code: 'log_corrupt',
      message: expect.stringContaining('Block 1 of partition 0'),
    });
  });
});
