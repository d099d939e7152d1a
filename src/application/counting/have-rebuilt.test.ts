/** Proves that a store whose workers run on is filled anew, and that an emptied one without workers is told. */
import { describe, expect, test } from 'bun:test';
import { event, eventsBlock } from '../../../test/support/blocks.ts';
import { CountingRoom } from '../../../test/support/counting-room.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import { type HaveRebuiltDeps, haveLedgerRebuilt, haveTallyRebuilt } from './have-rebuilt.ts';

const ALL = Number.MAX_SAFE_INTEGER;

/** A room of two partitions with some votes, and workers that take a step whenever somebody waits. */
async function busyRoom() {
  const room = new CountingRoom(2);
  await room.append([eventsBlock([event(1), event(2)]), eventsBlock([event(3)])], 0);
  await room.append([eventsBlock([event(4)])], 1);
  const followers = [0, 1].flatMap((partition) => [
    room.tallyFollower({ partition }),
    room.ledgerFollower({ partition }),
  ]);
  const work = async (bytes = 1): Promise<void> => {
    for (const follower of followers) {
      await follower.advance(bytes);
      // Fenced by whoever emptied the partition, a follower takes it over again.
      await follower.confirm().catch(() => {});
    }
  };
  await work(ALL);
  const progress: number[][] = [];
  const deps: HaveRebuiltDeps = {
    log: room.log,
    onProgress: (...at) => progress.push(at),
    stillMsMax: 2_000,
    sleep: () => work(),
  };
  return { room, deps, progress };
}

describe('a store whose workers run on', () => {
  test('is emptied and filled by them, partition by partition', async () => {
    const { room, deps, progress } = await busyRoom();
    const tally = await Promise.all([0, 1].map((partition) => room.tally.read(partition)));
    const rows = await room.rows();
    await haveTallyRebuilt(deps, room.tally);
    await haveLedgerRebuilt(deps, room.ledger);
    for (const partition of [0, 1]) {
      expect(await room.tally.read(partition)).toEqual(tally[partition] as never);
      const { counts } = await room.ledger.recount(partition);
      expect(counts).toEqual(tally[partition]?.counts as never);
    }
    expect(await room.rows()).toEqual(rows);
    expect(progress.filter(([, at, end]) => at === end).map(([partition]) => partition)).toEqual([
      0, 1, 0, 1,
    ]);
  });

  test('loses damage on the way', async () => {
    const { room, deps } = await busyRoom();
    const sound = await room.tally.read(0);
    const wrong = sound.counts.map((one) => ({ ...one, count: one.count + 7 }));
    await room.tally.replace(0, 2, { ...sound, counts: wrong, closes: [], acts: [] });
    await haveTallyRebuilt(deps, room.tally);
    expect(await room.tally.read(0)).toEqual(sound);
  });
});

describe('a store that nobody works on', () => {
  test('is emptied, and said not to be filled', async () => {
    const { room, deps } = await busyRoom();
    let waitedMs = 0;
    const sleep = async (ms: number): Promise<void> => {
      waitedMs += ms;
    };
    const alone = { ...deps, sleep };
    const refused = { code: 'not_ready', message: expect.stringContaining('apura ledger') };
    await expect(haveLedgerRebuilt(alone, room.ledger)).rejects.toMatchObject(refused);
    expect(waitedMs).toBeGreaterThanOrEqual(2_000);
    expect((await room.ledger.read(0)).counts).toEqual([]);
  });
});

test('a tally that is always elsewhere by the time it is to be emptied is left as it is', async () => {
  const { room, deps } = await busyRoom();
  const moving: LiveTally = {
    takeOver: (partition) => room.tally.takeOver(partition),
    commit: (step) => room.tally.commit(step),
    read: (partition) => room.tally.read(partition),
    replace: async () => false,
    async [Symbol.asyncDispose]() {},
  };
  await expect(haveTallyRebuilt(deps, moving)).rejects.toMatchObject({ code: 'fenced' });
});
