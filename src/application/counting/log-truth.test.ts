import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeTestBlock, event, eventsBlock, T0, WRITER } from '../../../test/support/blocks.ts';
import { CountingRoom, holdingBack, withMethods } from '../../../test/support/counting-room.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import { encodeControlBlock } from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { LogTruth, type LogTruthDeps } from './log-truth.ts';

const ALL = Number.MAX_SAFE_INTEGER;

function truthOf(room: CountingRoom, deps: Partial<LogTruthDeps> = {}): LogTruth {
  const { log, windowMs: dedupWindowMs } = room;
  return new LogTruth({ log, partition: 0, dedupWindowMs, seed: 3, ...deps });
}

const oneVote = (number: number) => eventsBlock([event(number)]);

/** A log of one vote a block. */
async function roomOf(blocks: number): Promise<CountingRoom> {
  const room = new CountingRoom();
  await room.append(Array.from({ length: blocks }, (_, at) => oneVote(at)));
  return room;
}

/** What a tally holds after each of the room's blocks, from none on. */
async function tallied(room: CountingRoom) {
  const all = [];
  for (let offset = 0; offset <= room.blocksOf(0).length; offset += 1) {
    await room.tallyFollower().advance(ALL, offset);
    const { closes, acts } = await room.tally.takeOver(0);
    const counts = await room.tally.read(0);
    const { checkpoint } = counts;
    all.push({ ...CountingRoom.contents(counts), checkpoint, closes, acts });
  }
  return all;
}

describe('the truth of a partition', () => {
  test('is at every offset what a tally holds there, in whatever order it is asked and forgets', async () => {
    const asks = fc.record({ floor: fc.nat(40), to: fc.nat(40), at: fc.nat(40) });
    const property = fc.asyncProperty(
      randomLogs(),
      fc.array(asks, { maxLength: 12 }),
      async (blocks, plan) => {
        const room = new CountingRoom(1, RANDOM_LOG_WINDOW_MS);
        await room.append(blocks);
        const held = await tallied(room);
        const truth = truthOf(room);
        const end = blocks.length;
        for (const { floor, to, at } of [...plan, { floor: 0, to: end, at: end }]) {
          const target = Math.min(to, end);
          expect(await truth.advanceTo(target, ALL)).toBe('reached');
          expect(truth.position).toBeGreaterThanOrEqual(target);
          truth.forgetBelow(Math.min(floor, at));
          const known = truth.countsAt(at);
          const isKnown = at === 0 || (at >= truth.base && at <= truth.position);
          expect(known !== null).toBe(isKnown);
          if (known === null) continue;
          const { checkpoint, closes, acts } = known;
          const now = { ...CountingRoom.contents(known), checkpoint, closes, acts };
          expect(now).toEqual(held[at] as typeof now);
        }
        expect(truth.countsAt(end + 1)).toBeNull();
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('forgets only what it was told to, and nothing of what it counts', async () => {
    const room = await roomOf(6);
    const truth = truthOf(room);
    await truth.advanceTo(5, ALL);
    expect([truth.base, truth.position]).toEqual([0, 5]);
    truth.forgetBelow(3);
    expect([truth.base, truth.position]).toEqual([3, 5]);
    truth.forgetBelow(2);
    expect(truth.base).toBe(3);
    expect(truth.countsAt(2)).toBeNull();
    expect(truth.countsAt(0)).toEqual({
      checkpoint: START,
      counts: [],
      books: [],
      closes: [],
      acts: [],
    });
    for (const at of [3, 4, 5]) expect(truth.countsAt(at)?.books).toMatchObject([{ counted: at }]);
    // A floor above what was read holds for what is read afterwards.
    truth.forgetBelow(6);
    expect(truth.base).toBe(5);
    await truth.advanceTo(6, ALL);
    expect([truth.base, truth.position]).toEqual([6, 6]);
    expect(truth.countsAt(6)?.books).toMatchObject([{ counted: 6 }]);
  });

  test('what was given out does not change when the truth moves on', async () => {
    const room = await roomOf(3);
    const truth = truthOf(room);
    await truth.advanceTo(1, ALL);
    const given = truth.countsAt(1);
    truth.forgetBelow(3);
    await truth.advanceTo(3, ALL);
    expect(given?.books).toMatchObject([{ counted: 1 }]);
    expect(given?.counts).toMatchObject([{ count: 1 }]);
  });

  test('keeps no longer journal than allowed, and goes on as soon as there is room', async () => {
    const room = await roomOf(10);
    const truth = truthOf(room, { journalBlocksMax: 4 });
    expect(await truth.advanceTo(10, ALL)).toBe('full');
    expect(truth.position).toBe(4);
    expect(await truth.advanceTo(4, ALL)).toBe('reached');
    truth.forgetBelow(3);
    expect(await truth.advanceTo(10, ALL)).toBe('full');
    expect(truth.position).toBe(7);
    // What lies below every store needs no journal.
    truth.forgetBelow(9);
    expect(await truth.advanceTo(10, ALL)).toBe('reached');
    expect(truth.countsAt(10)?.books).toMatchObject([{ counted: 10 }]);
  });

  test('reads about as much as it may, and says that there is more', async () => {
    const room = new CountingRoom();
    const votes = (block: number) =>
      Array.from({ length: 30_000 }, (_, at) => event(block * 30_000 + at));
    await room.append([0, 1, 2, 3, 4, 5, 6].map((block) => eventsBlock(votes(block))));
    const truth = truthOf(room);
    expect(await truth.advanceTo(7, 1)).toBe('more');
    expect(truth.position).toBeGreaterThan(0);
    expect(truth.position).toBeLessThan(7);
    expect(await truth.advanceTo(7, ALL)).toBe('reached');
    expect(truth.countsAt(7)?.books).toMatchObject([{ counted: 210_000 }]);
  });

  test('knows where each poll closed, and what came too late to be told from a duplicate', async () => {
    const room = new CountingRoom();
    await room.append([
      eventsBlock([event(1), event(2, { time: T0 - 700_000 }), event(3, { scope: 'semi' })]),
      { kind: 'close', blockTime: T0, scope: 'final' },
      { kind: 'close', blockTime: T0, scope: 'final' },
    ]);
    const truth = truthOf(room);
    await truth.advanceTo(1, ALL);
    expect(truth.closeOf('final')).toBeNull();
    await truth.advanceTo(3, ALL);
    expect([truth.closeOf('final'), truth.closeOf('semi')]).toEqual([1, null]);
    expect(truth.countsAt(3)?.closes).toEqual([{ scope: 'final', offset: 1 }]);
    expect(truth.countsAt(1)?.closes).toEqual([]);
    expect([...truth.expired]).toEqual([
      ['final', 1],
      ['semi', 0],
    ]);
  });
});

describe('a log that is not what it was', () => {
  test('is found when another block stands where the last one stood', async () => {
    const room = await roomOf(3);
    const truth = truthOf(room);
    await truth.advanceTo(2, ALL);
    await truth.verify();
    room.logStore.rewind(0, 1);
    await room.append([oneVote(7), oneVote(8)]);
    await expect(truth.verify()).rejects.toMatchObject({ code: 'log_rewound' });
    await expect(truth.advanceTo(3, ALL)).rejects.toMatchObject({ code: 'log_rewound' });
    expect(truth.position).toBe(2);
  });

  test('is found when it ends before it should', async () => {
    const room = await roomOf(3);
    const truth = truthOf(room);
    await expect(truth.advanceTo(4, ALL)).rejects.toMatchObject({ code: 'log_rewound' });
    room.logStore.rewind(0, 1);
    await expect(truth.verify()).rejects.toMatchObject({ code: 'log_rewound' });
    room.logStore.rewind(0, 2 - 2);
    await expect(truth.verify()).rejects.toMatchObject({ code: 'log_rewound' });
    await truthOf(room).verify();
  });

  test('is not one that gives nothing for a moment: it is away, and gone on with', async () => {
    const room = await roomOf(3);
    let given = Number.POSITIVE_INFINITY;
    const truth = truthOf(room, { log: holdingBack(room.log, () => given) });
    await truth.advanceTo(2, ALL);
    const away = { code: 'log_unavailable' };
    given = 1;
    await expect(truth.verify()).rejects.toMatchObject(away);
    given = 2;
    await truth.verify();
    await expect(truth.advanceTo(3, ALL)).rejects.toMatchObject(away);
    expect(truth.position).toBe(2);
    given = 3;
    expect(await truth.advanceTo(3, ALL)).toBe('reached');
  });

  test('is found when it no longer reaches back to the start', async () => {
    const room = await roomOf(3);
    room.logStore.trim(0, 1);
    await expect(truthOf(room).advanceTo(2, ALL)).rejects.toMatchObject({ code: 'log_trimmed' });
  });

  test('is found when a block is damaged, and nothing before it is lost', async () => {
    const room = await roomOf(3);
    let isDamaged = true;
    const log = withMethods(room.log, {
      read: async (...args) => {
        const blocks = await room.log.read(...args);
        const last = blocks.find(({ offset }) => offset === 2);
        if (isDamaged && last !== undefined) last.bytes[30] = (last.bytes[30] ?? 0) ^ 1;
        return blocks;
      },
    });
    const truth = truthOf(room, { log });
    truth.forgetBelow(3);
    await expect(truth.advanceTo(3, ALL)).rejects.toMatchObject({
      code: 'log_corrupt',
      message: expect.stringMatching(/^Block 2 of partition 0: /),
    });
    expect(truth.countsAt(2)?.books).toMatchObject([{ counted: 2 }]);
    isDamaged = false;
    await truth.advanceTo(3, ALL);
    expect(truth.countsAt(3)?.books).toMatchObject([{ counted: 3 }]);
  });

  test('is found when a block belongs elsewhere, or says what nobody understands', async () => {
    const elsewhere = new CountingRoom();
    await elsewhere.log.append([{ partition: 0, bytes: encodeTestBlock(oneVote(1), 5) }]);
    await expect(truthOf(elsewhere).advanceTo(1, ALL)).rejects.toMatchObject({
      code: 'log_corrupt',
      message: 'Block 0 of partition 0: It was sealed for partition 5.',
    });
    const strange = await roomOf(1);
    const bytes = encodeControlBlock(0, T0, WRITER, new TextEncoder().encode('{"type":"?"}'));
    await strange.log.append([{ partition: 0, bytes }]);
    const truth = truthOf(strange);
    for (const _ of [1, 2]) {
      await expect(truth.advanceTo(2, ALL)).rejects.toMatchObject({ code: 'log_corrupt' });
    }
    // What it knew before, it still knows.
    expect(truth.countsAt(1)?.books).toMatchObject([{ counted: 1 }]);
  });

  test('names what is no error at all, too', async () => {
    const room = await roomOf(1);
    const log = withMethods(room.log, {
      read: async () => [{ offset: 0, bytes: null as unknown as Uint8Array }],
    });
    await expect(truthOf(room, { log }).advanceTo(1, ALL)).rejects.toMatchObject({
      code: 'log_corrupt',
    });
  });
});
