import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { event, eventsBlock } from '../../../test/support/blocks.ts';
import { CountingRoom } from '../../../test/support/counting-room.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import { type RebuildDeps, rebuildLedger, rebuildTally } from './rebuild.ts';

const ALL = Number.MAX_SAFE_INTEGER;

function depsOf(room: CountingRoom, seen: number[][] = []): RebuildDeps {
  return {
    log: room.log,
    dedupWindowMs: room.windowMs,
    seed: 5,
    onProgress: (...progress) => seen.push(progress),
  };
}

describe('a rebuild', () => {
  test('gives tally and ledger the counts, rows and position that they had', async () => {
    const property = fc.asyncProperty(randomLogs(15), randomLogs(15), async (one, other) => {
      const room = new CountingRoom(2, RANDOM_LOG_WINDOW_MS);
      await room.append(one, 0);
      // Another partition holds other ids.
      const shifted = other.map((block) =>
        block.kind === 'events'
          ? { ...block, events: block.events.map((each) => ({ ...each, x: (each.x ^ 1) >>> 0 })) }
          : { kind: 'mark' as const, blockTime: block.blockTime },
      );
      await room.append(shifted, 1);
      for (const partition of [0, 1]) {
        await room.tallyFollower({ partition }).advance(ALL);
        await room.ledgerFollower({ partition }).advance(ALL);
      }
      const contents = () =>
        Promise.all(
          [0, 1].flatMap((partition) =>
            [room.tally, room.ledger].map(async (store) => {
              const counts = await store.read(partition);
              return { ...CountingRoom.contents(counts), at: counts.checkpoint };
            }),
          ),
        );
      const [before, rows] = [await contents(), await room.rows()];
      await rebuildTally(depsOf(room), room.tally);
      await rebuildLedger(depsOf(room), room.ledger);
      expect(await contents()).toEqual(before);
      expect(await room.rows()).toEqual(rows);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  test('mends a store that holds what the log never said', async () => {
    const room = new CountingRoom();
    await room.append([eventsBlock([event(1), event(2)])]);
    await room.tallyFollower().advance(ALL);
    await room.ledgerFollower().advance(ALL);
    const { checkpoint } = await room.tally.read(0);
    const wrong = [{ ...event(9), minute: 1, count: 99 }].map(
      ({ scope, item, lane, minute, count }) => ({ scope, item, lane, minute, count }),
    );
    await room.tally.replace(0, 1, { checkpoint, counts: wrong, books: [], closes: [], acts: [] });
    room.ledgerStore.votes.clear();
    await rebuildTally(depsOf(room), room.tally);
    await rebuildLedger(depsOf(room), room.ledger);
    expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
    expect(CountingRoom.contents(await room.ledger.recount(0))).toEqual(room.expected());
  });

  test('follows a log of many steps to its end, and tells how far it has got', async () => {
    const room = new CountingRoom(2);
    const blocks = Array.from({ length: 30 }, (_, at) =>
      eventsBlock(Array.from({ length: 8_000 }, (_, number) => event(at * 8_000 + number))),
    );
    await room.append(blocks);
    const seen: number[][] = [];
    await rebuildTally(depsOf(room, seen), room.tally);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-2)).toEqual([0, 30, 30]);
    // An empty partition is at its end at once.
    expect(seen.at(-1)).toEqual([1, 0, 0]);
    expect((await room.tally.read(0)).books).toMatchObject([{ counted: 240_000 }]);
  });

  test('fences whoever followed before', async () => {
    const room = new CountingRoom();
    await room.append([eventsBlock([event(1)])]);
    const [tally, ledger] = [room.tallyFollower(), room.ledgerFollower()];
    await tally.advance(ALL);
    await ledger.advance(ALL);
    await rebuildTally(depsOf(room), room.tally);
    await rebuildLedger(depsOf(room), room.ledger);
    await room.append([eventsBlock([event(2)])]);
    await expect(tally.advance(ALL)).rejects.toMatchObject({ code: 'fenced' });
    await expect(ledger.advance(ALL)).rejects.toMatchObject({ code: 'fenced' });
  });

  test('does not claim a tally that somebody else moves', async () => {
    const room = new CountingRoom();
    await room.append([eventsBlock([event(1)])]);
    await room.tallyFollower().advance(ALL);
    const moving: Pick<LiveTally, 'takeOver' | 'commit' | 'read' | 'replace'> = {
      takeOver: (partition) => room.tally.takeOver(partition),
      commit: (step) => room.tally.commit(step),
      read: (partition) => room.tally.read(partition),
      replace: (partition, expected, replacement) =>
        room.tally.replace(partition, expected + 1, replacement),
    };
    await expect(
      rebuildTally(depsOf(room), { ...moving, [Symbol.asyncDispose]: async () => {} }),
    ).rejects.toMatchObject({ code: 'fenced' });
    expect((await room.tally.read(0)).checkpoint.nextOffset).toBe(1);
  });
});
