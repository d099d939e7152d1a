import { describe, expect, test } from 'bun:test';
import { event, eventsBlock, T0, type TestBlock } from '../../../test/support/blocks.ts';
import { CountingRoom, withMethods } from '../../../test/support/counting-room.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { TallyReplacement } from '../../ports/live-tally.ts';
import type { Repair } from './partition-check.ts';
import { Sync, type SyncDeps } from './sync.ts';
import type { SyncReport } from './sync-report.ts';

const ALL = Number.MAX_SAFE_INTEGER;
const EVENING: readonly TestBlock[] = [
  eventsBlock([event(1), event(2, { item: 'bia' }), event(1)]),
  eventsBlock([event(3), event(4, { scope: 'semi' })]),
  { kind: 'close', blockTime: T0, scope: 'final' },
  eventsBlock([event(5)]),
];
const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

class Referee {
  readonly room: CountingRoom;
  readonly clock = new ManualClock(T0);
  readonly reports: SyncReport[] = [];
  readonly repairs: Repair[] = [];
  readonly troubles: unknown[] = [];
  readonly sync: Sync;

  constructor(partitions = 1, deps: (room: CountingRoom) => Partial<SyncDeps> = () => ({})) {
    const room = new CountingRoom(partitions);
    this.room = room;
    this.sync = new Sync({
      log: room.log,
      tally: room.tally,
      ledger: room.ledger,
      settings: { partitions, dedupWindowMs: room.windowMs },
      clock: this.clock,
      seed: 4,
      sleep: (_, signal) => until(signal),
      onReport: (report) => this.reports.push(report),
      onRepair: (repair) => this.repairs.push(repair),
      onTrouble: (error) => this.troubles.push(error),
      ...deps(room),
    });
  }

  async follow(partition = 0, end?: number): Promise<void> {
    await this.room.tallyFollower({ partition }).advance(ALL, end);
    await this.room.ledgerFollower({ partition }).advance(ALL, end);
  }

  /** Appends the evening and lets both stores follow it. */
  async evening(): Promise<this> {
    await this.room.append(EVENING);
    await this.follow();
    return this;
  }

  async round(passedMs = 2_000): Promise<SyncReport> {
    this.clock.advance(passedMs);
    return await this.sync.round();
  }

  /** Replaces the tally's content behind everybody's back. */
  async edit(change: (content: TallyReplacement) => Partial<TallyReplacement>): Promise<void> {
    const { closes, acts } = await this.room.tally.takeOver(0);
    const content = { ...(await this.room.tally.read(0)), closes, acts };
    const { nextOffset } = content.checkpoint;
    await this.room.tally.replace(0, nextOffset, { ...content, ...change(content) });
  }

  async editCount(): Promise<void> {
    await this.edit(({ counts }) => ({
      counts: counts.map((one) => (one.item === 'bia' ? { ...one, count: 99 } : one)),
    }));
  }
}

const kindsOf = ({ alarms }: SyncReport): readonly string[] => alarms.map(({ kind }) => kind);
const down = async (): Promise<never> => {
  throw new ApuraError('store_unavailable', 'Nobody answers.');
};

describe('sync over sound stores', () => {
  test('says checking before the first round, and consistent after it', async () => {
    const { sync, reports } = await new Referee(1).evening();
    expect(sync.newest).toMatchObject({ state: 'checking', checkedAt: null, rowsRotationMs: null });
    expect(sync.newest.detail).toBe(
      'partition 0, tally: not compared yet; partition 0, ledger windows: not compared yet; ' +
        'partition 0, ledger rows: not compared yet',
    );
    const report = await sync.round();
    expect(report).toMatchObject({
      state: 'consistent',
      checkedAt: T0,
      detail: null,
      differences: 0,
      repairs: 0,
      expired: 0,
      alarms: [],
      rowsRotationMs: 0,
      isCatchingUp: false,
      scopes: [
        { scope: 'final', state: 'consistent', differences: 0 },
        { scope: 'semi', state: 'consistent', differences: 0 },
      ],
      partitions: [{ partition: 0, state: 'consistent', end: 4, tally: 4, ledger: 4, folded: 4 }],
    });
    expect([reports, sync.newest]).toEqual([[report], report]);
    expect(sync.positions()).toEqual([{ partition: 0, end: 4, tally: 4, ledger: 4 }]);
  });

  test('holds each store to the log where it stands, not where another stands', async () => {
    const referee = new Referee();
    await referee.room.append(EVENING);
    for (const [tally, ledger] of [
      [1, 3],
      [3, 3],
      [4, 3],
      [4, 4],
    ]) {
      await referee.room.tallyFollower().advance(ALL, tally);
      await referee.room.ledgerFollower().advance(ALL, ledger);
      expect(await referee.round()).toMatchObject({ state: 'consistent', repairs: 0 });
      expect(referee.sync.positions()).toMatchObject([{ end: 4, tally, ledger }]);
    }
  });

  test('folds nothing while nothing moves, and still looks', async () => {
    const reads = { log: 0, bounds: 0, tally: 0, ledger: 0, rows: 0 };
    const referee = new Referee(12, (room) => ({
      log: withMethods(room.log, {
        read: (...args) => {
          reads.log += 1;
          return room.log.read(...args);
        },
        bounds: (partition) => {
          reads.bounds += 1;
          return room.log.bounds(partition);
        },
      }),
      tally: {
        replace: down,
        read: (partition) => {
          reads.tally += 1;
          return room.tally.read(partition);
        },
      },
      ledger: {
        read: (partition) => {
          reads.ledger += 1;
          return room.ledger.read(partition);
        },
        recount: (partition) => {
          reads.rows += 1;
          return room.ledger.recount(partition);
        },
      },
    }));
    await referee.evening();
    await referee.round();
    for (const what of Object.keys(reads)) reads[what as keyof typeof reads] = 0;
    expect(await referee.round()).toMatchObject({ state: 'consistent' });
    // The one log reading looks whether the last block is still the same.
    expect(reads).toEqual({ log: 1, bounds: 12, tally: 12, ledger: 12, rows: 12 });
  });

  test('knows when nothing of a poll can move any more', async () => {
    const referee = new Referee(2);
    await referee.room.append(EVENING, 0);
    await referee.follow(0, 2);
    await referee.round();
    expect(referee.sync.hasPassedClose('final')).toBe(false);
    await referee.follow(0);
    await referee.round();
    // The other partition has no CLOSE yet.
    expect(referee.sync.hasPassedClose('final')).toBe(false);
    await referee.room.append([{ kind: 'close', blockTime: T0, scope: 'final' }], 1);
    await referee.room.tallyFollower({ partition: 1 }).advance(ALL);
    await referee.round();
    expect(referee.sync.hasPassedClose('final')).toBe(false);
    await referee.room.ledgerFollower({ partition: 1 }).advance(ALL);
    expect(referee.sync.hasPassedClose('final')).toBe(false);
    await referee.round();
    expect(referee.sync.hasPassedClose('final')).toBe(true);
    expect(referee.sync.hasPassedClose('semi')).toBe(false);
  });

  test('two calls at once are one round', async () => {
    const { sync, reports } = await new Referee().evening();
    const [one, other] = await Promise.all([sync.round(), sync.round()]);
    expect(one).toBe(other);
    expect(reports).toHaveLength(1);
  });

  test('runs round after round until it is stopped', async () => {
    const ending = new AbortController();
    const pauses: number[] = [];
    const referee = new Referee(1, () => ({
      sleep: async (ms, signal) => {
        if (signal !== ending.signal) return await until(signal);
        pauses.push(ms);
        if (pauses.length === 3) ending.abort();
      },
    }));
    await referee.sync.run(ending.signal);
    expect(pauses).toEqual([2_000, 2_000, 2_000]);
    expect(referee.reports).toHaveLength(3);
  });
});

describe('a tally that says something else than the log', () => {
  test('is repaired to the exact truth, told, and found sound by the next round', async () => {
    const referee = await new Referee().evening();
    await referee.round();
    await referee.editCount();
    const found = await referee.round();
    expect(found).toMatchObject({ state: 'different', differences: 1, repairs: 1 });
    expect(found.detail).toStartWith('tally: partition 0, poll final, option bia, ');
    expect(found.scopes).toEqual([
      { scope: 'final', state: 'different', differences: 1 },
      { scope: 'semi', state: 'consistent', differences: 0 },
    ]);
    expect(referee.repairs).toMatchObject([{ partition: 0, nextOffset: 4 }]);
    expect(referee.repairs[0]?.differences).toMatchObject([{ expected: 1, found: 99 }]);
    expect(CountingRoom.contents(await referee.room.tally.read(0))).toEqual(
      referee.room.expected(),
    );
    expect(await referee.round()).toMatchObject({ state: 'consistent', repairs: 1, detail: null });
    // The next owner still knows what is closed.
    expect((await referee.room.tally.takeOver(0)).closes).toEqual([{ scope: 'final', offset: 2 }]);
  });

  test('is repaired where only its checkpoint is wrong, which would miscount later', async () => {
    for (const wrong of [{ logTime: T0 + 9_000_000 }, { windowStartOffset: 3 }]) {
      const referee = await new Referee().evening();
      const sound = (await referee.room.tally.read(0)).checkpoint;
      await referee.edit(({ checkpoint }) => ({ checkpoint: { ...checkpoint, ...wrong } }));
      expect(await referee.round()).toMatchObject({
        repairs: 1,
        scopes: [{ state: 'different' }, { state: 'different' }],
      });
      expect((await referee.room.tally.read(0)).checkpoint).toEqual(sound);
    }
  });

  test('is repaired where it stands, though it moves between the reading and the repair', async () => {
    let moves = 3;
    const asked: unknown[] = [];
    const referee: Referee = new Referee(1, (room) => ({
      tally: {
        read: (partition) => room.tally.read(partition),
        replace: async (partition, expected, replacement) => {
          moves -= 1;
          const { nextOffset } = (await room.tally.read(0)).checkpoint;
          if (moves >= 0) await room.tallyFollower().advance(ALL, nextOffset + 1);
          const done = await room.tally.replace(partition, expected, replacement);
          asked.push([expected, replacement.checkpoint.nextOffset, done]);
          return done;
        },
      },
    }));
    await referee.room.append([...EVENING, eventsBlock([event(6)])]);
    await referee.follow(0, 1);
    await referee.editCount();
    expect(await referee.round()).toMatchObject({ repairs: 1 });
    expect(asked).toEqual([
      [1, 1, false],
      [2, 2, false],
      [3, 3, false],
      [4, 4, true],
    ]);
    expect(CountingRoom.contents(await referee.room.tally.read(0))).toEqual(
      referee.room.expected(0, 4),
    );
  });

  test('is left to the next round where it never stands still', async () => {
    let tries = 0;
    const referee = new Referee(1, (room) => ({
      tally: {
        read: (partition) => room.tally.read(partition),
        replace: async () => {
          tries += 1;
          return false;
        },
      },
    }));
    await referee.evening();
    await referee.editCount();
    expect(await referee.round()).toMatchObject({ state: 'different', repairs: 0 });
    expect(tries).toBe(5);
  });

  test('is not repaired for what only the first of two readings said', async () => {
    let readings = 0;
    const referee = new Referee(1, (room) => ({
      tally: {
        replace: down,
        read: async (partition) => {
          const content = await room.tally.read(partition);
          readings += 1;
          return readings === 1 ? { ...content, counts: [] } : content;
        },
      },
    }));
    await referee.evening();
    expect(await referee.round()).toMatchObject({ state: 'consistent', repairs: 0 });
    expect(readings).toBe(2);
    expect(referee.troubles).toEqual([]);
  });

  test('stays different where the repair fails, or it can not be read again', async () => {
    let readings = 0;
    const referee = new Referee(1, (room) => ({
      tally: { read: (partition) => room.tally.read(partition), replace: down },
    }));
    await referee.evening();
    await referee.editCount();
    expect(await referee.round()).toMatchObject({ state: 'different', repairs: 0 });
    expect(referee.troubles).toMatchObject([{ code: 'store_unavailable' }]);
    const lost = new Referee(1, (room) => ({
      tally: {
        replace: down,
        read: (partition) => {
          readings += 1;
          return readings === 2 ? down() : room.tally.read(partition);
        },
      },
    }));
    await lost.evening();
    await lost.editCount();
    expect(await lost.round()).toMatchObject({ state: 'different', repairs: 0 });
  });

  test('raises an alarm where the difference comes again and again', async () => {
    const referee = await new Referee().evening();
    for (let round = 0; round < 6; round += 1) {
      await referee.editCount();
      expect(kindsOf(await referee.round())).toEqual([]);
    }
    await referee.editCount();
    const { alarms, repairs } = await referee.round();
    expect(repairs).toBe(7);
    expect(alarms).toEqual([
      {
        kind: 'different',
        partition: 0,
        words: 'Partition 0: the tally has differed from the log for 12 s.',
      },
    ]);
    await referee.round();
    expect(kindsOf(referee.sync.newest)).toEqual([]);
  });
});
