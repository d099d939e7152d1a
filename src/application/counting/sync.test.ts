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
        read: async (partition) => {
          const content = await room.tally.read(partition);
          moves -= 1;
          const { nextOffset } = content.checkpoint;
          if (moves >= 0) await room.tallyFollower().advance(ALL, nextOffset + 1);
          return content;
        },
        replace: async (partition, expected, replacement) => {
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

describe('a ledger that says something else than the log', () => {
  test('is reported for as long as a row is missing, and never filled in', async () => {
    const referee = await new Referee().evening();
    await referee.round();
    const [id] = [...referee.room.ledgerStore.votes.keys()];
    referee.room.ledgerStore.votes.delete(id ?? '');
    for (const alarms of [[], [], [], [], [], [], ['different']]) {
      const found = await referee.round();
      expect(found).toMatchObject({ state: 'different', repairs: 0 });
      expect(found.detail).toStartWith('ledger rows: partition 0, poll final, ');
      expect(kindsOf(found)).toEqual(alarms);
    }
    expect(referee.room.ledgerStore.votes.size).toBe(3);
    await referee.room.ledger.reset(0);
    const rebuilding = await referee.round();
    expect(rebuilding).toMatchObject({ state: 'consistent' });
    await referee.room.ledgerFollower().advance(ALL);
    expect(await referee.round()).toMatchObject({ state: 'consistent', alarms: [] });
  });

  test('is held to the log where it stood when the long counting of its rows began', async () => {
    let isLong = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const referee = new Referee(1, (room) => ({
      sleep: (_, signal) => (isLong ? Promise.resolve() : until(signal)),
      ledger: {
        read: (partition) => room.ledger.read(partition),
        recount: async (partition) => {
          const rows = await room.ledger.recount(partition);
          await promise;
          return rows;
        },
      },
    }));
    await referee.room.append(EVENING);
    for (const end of [1, 2, 4]) {
      await referee.follow(0, end);
      expect((await referee.round()).detail).toBe('partition 0, ledger rows: not compared yet');
    }
    isLong = false;
    resolve();
    expect(await referee.round()).toMatchObject({ state: 'consistent' });
  });

  test('is reported where only its windows are wrong', async () => {
    const referee = new Referee(1, (room) => ({
      ledger: {
        recount: (partition) => room.ledger.recount(partition),
        read: async (partition) => ({ ...(await room.ledger.read(partition)), counts: [] }),
      },
    }));
    await referee.evening();
    const { state, detail, partitions } = await referee.round();
    expect(state).toBe('different');
    expect(detail).toStartWith('ledger windows: partition 0, poll final, option ana, ');
    expect(new Set(partitions[0]?.differences.map(({ account }) => account))).toEqual(
      new Set(['ledger windows']),
    );
  });
});

describe('a store that is behind', () => {
  test('is an alarm only when it does not move', async () => {
    const referee = await new Referee().evening();
    await referee.round();
    await referee.room.append(Array.from({ length: 20 }, (_, at) => eventsBlock([event(50 + at)])));
    const ledger = referee.room.ledgerFollower();
    await referee.room.tallyFollower().advance(ALL);
    for (let at = 5; at < 12; at += 1) {
      await ledger.advance(ALL, at);
      expect(await referee.round()).toMatchObject({ state: 'consistent', alarms: [] });
    }
    for (const alarms of [[], [], [], [], [], ['still'], ['still']]) {
      expect(kindsOf(await referee.round())).toEqual(alarms);
    }
    expect(referee.sync.newest.alarms[0]?.words).toBe(
      'Partition 0: the ledger is 13 blocks behind and has stood for 14 s.',
    );
    await ledger.advance(ALL);
    expect(kindsOf(await referee.round())).toEqual([]);
  });

  test('is an alarm when it takes too long to get where the log ended', async () => {
    const referee = await new Referee().evening();
    await referee.room.append(Array.from({ length: 20 }, (_, at) => eventsBlock([event(50 + at)])));
    await referee.room.tallyFollower().advance(ALL);
    const ledger = referee.room.ledgerFollower();
    const kinds = [];
    for (let at = 5; at <= 24; at += 1) {
      await ledger.advance(ALL, at);
      const report = await referee.round();
      kinds.push(...kindsOf(report));
      expect(report.partitions[0]).toMatchObject({
        tallyLagMs: 0,
        ledgerLagMs: at === 24 ? 0 : (at - 5) * 2_000,
      });
    }
    expect(kinds).toEqual(['lag', 'lag', 'lag']);
  });

  test('keeps the truth from reading on, until it comes nearer', async () => {
    const referee = new Referee(1, () => ({ journalBlocksMax: 3 }));
    await referee.room.append(Array.from({ length: 9 }, (_, at) => eventsBlock([event(at)])));
    await referee.room.tallyFollower().advance(ALL, 8);
    await referee.room.ledgerFollower().advance(ALL, 2);
    const far = await referee.round();
    expect(far).toMatchObject({ state: 'checking', checkedAt: null, isCatchingUp: false });
    expect(far.detail).toBe(
      'partition 0, tally: at block 8: the log is folded up to 5; another store is 6 blocks behind, at 2',
    );
    expect(far.scopes).toEqual([{ scope: 'final', state: 'checking', differences: 0 }]);
    await referee.room.ledgerFollower().advance(ALL, 5);
    expect(await referee.round()).toMatchObject({ state: 'consistent' });
  });

  test('is compared again once it is past what the truth still knows', async () => {
    const referee = await new Referee().evening();
    await referee.round();
    const empty = {
      checkpoint: { nextOffset: 0, logTime: 0, windowStartOffset: 0, lastBlockCrc: 0 },
    };
    await referee.room.tally.replace(0, 4, {
      ...empty,
      counts: [],
      books: [],
      closes: [],
      acts: [],
    });
    // Nothing counted of nothing read is right.
    expect(await referee.round()).toMatchObject({ state: 'consistent', repairs: 0 });
    expect(referee.sync.hasPassedClose('final')).toBe(false);
    await referee.room.tallyFollower().advance(ALL, 2);
    await referee.editCount();
    expect(await referee.round()).toMatchObject({
      state: 'checking',
      detail: 'partition 0, tally: at block 2: its counts are known from 4 on',
    });
    await referee.room.tallyFollower().advance(ALL);
    expect(await referee.round()).toMatchObject({ state: 'different', repairs: 1 });
    expect(await referee.round()).toMatchObject({ state: 'consistent' });
    expect(CountingRoom.contents(await referee.room.tally.read(0))).toEqual(
      referee.room.expected(),
    );
  });
});

describe('a store or log that can not be read', () => {
  test('leaves sync checking, says which and why, and since when; it goes on by itself', async () => {
    const away = new Set<string>();
    const reach = async <T>(what: string, call: () => Promise<T>): Promise<T> =>
      away.has(what) ? await down() : await call();
    const referee = new Referee(1, (room) => ({
      log: withMethods(room.log, {
        bounds: (partition) => reach('log', () => room.log.bounds(partition)),
      }),
      tally: {
        read: (partition) => reach('tally', () => room.tally.read(partition)),
        replace: down,
      },
      ledger: {
        read: (partition) => reach('ledger', () => room.ledger.read(partition)),
        recount: (partition) => reach('rows', () => room.ledger.recount(partition)),
      },
    }));
    await referee.evening();
    const { checkedAt } = await referee.round();
    for (const [what, why] of [
      ['tally', 'tally: can not be read: Nobody answers.'],
      ['ledger', 'ledger windows: can not be read: Nobody answers.'],
      ['rows', 'ledger rows: can not be counted: Nobody answers.'],
      ['log', 'tally: the log can not be read: Nobody answers.'],
    ] as const) {
      away.add(what);
      const seen = referee.troubles.length;
      for (let round = 0; round < 7; round += 1) {
        const report = await referee.round();
        expect(report.state).toBe('checking');
        expect(report.detail).toContain(`partition 0, ${why}`);
        const isLong = round === 6 && what !== 'rows';
        expect(kindsOf(report)).toEqual(isLong ? ['away'] : []);
      }
      // Told once, not with every round.
      expect(referee.troubles.length - seen).toBe(what === 'rows' ? 0 : 1);
      expect(referee.sync.newest.checkedAt).toBeLessThan(referee.clock.now() - 10_000);
      expect(referee.sync.newest.alarms[0]?.words ?? 'can not be read since 12 s.').toEndWith(
        'can not be read since 12 s.',
      );
      away.clear();
      expect(await referee.round()).toMatchObject({ state: 'consistent', alarms: [] });
    }
    expect(referee.sync.newest.checkedAt).toBeGreaterThan(checkedAt ?? 0);
  });

  test('does not make a difference forgotten', async () => {
    let isAway = false;
    const referee = new Referee(1, (room) => ({
      tally: {
        read: (partition) => (isAway ? down() : room.tally.read(partition)),
        replace: async () => false,
      },
    }));
    await referee.evening();
    await referee.editCount();
    await referee.round();
    isAway = true;
    expect(await referee.round()).toMatchObject({ state: 'different', differences: 1 });
  });

  test('is no reason to know less of what was never read', async () => {
    const referee = new Referee(1, () => ({
      ledger: { read: down, recount: down },
    }));
    await referee.evening();
    expect(await referee.round()).toMatchObject({ state: 'checking' });
    expect(referee.sync.positions()).toEqual([]);
    expect(referee.sync.hasPassedClose('final')).toBe(false);
  });
});

describe('a log that is not what it was', () => {
  test('which ends below a store, is an alarm at once, and nothing is repaired', async () => {
    const referee = await new Referee().evening();
    await referee.round();
    referee.room.logStore.rewind(0, 2);
    const first = await referee.round();
    expect(first).toMatchObject({ state: 'different', repairs: 0 });
    expect(kindsOf(first)).toEqual(['log_rewound', 'log_rewound']);
    expect(first.alarms[0]?.words).toBe(
      'Partition 0: the tally stands at block 4, but the log ends at 2.',
    );
    expect(first.scopes).toMatchObject([{ state: 'different' }, { state: 'different' }]);
    for (let round = 0; round < 3; round += 1) {
      const { state, repairs, alarms } = await referee.round();
      expect([state, repairs]).toEqual(['different', 0]);
      expect(alarms.map(({ words }) => words)).toContainEqual(
        'Partition 0: Partition 0 of the log was rewound: it ends at 2, and was read up to 4.',
      );
    }
    expect(referee.troubles).toMatchObject([{ code: 'log_rewound' }]);
  });

  test('is found by its blocks, also when it has grown again', async () => {
    for (const isSeenBefore of [true, false]) {
      const referee = await new Referee().evening();
      if (isSeenBefore) await referee.round();
      referee.room.logStore.rewind(0, 2);
      await referee.room.append([eventsBlock([event(7)]), eventsBlock([event(8)])]);
      await referee.round();
      const report = await referee.round();
      expect(report).toMatchObject({ state: 'different', repairs: 0 });
      expect(report.detail).toContain('tally: partition 0, ');
      expect(report.detail).toContain('checksum of the last block');
      expect((await referee.room.tally.read(0)).books).toContainEqual(
        expect.objectContaining({ scope: 'final', late: 1 }),
      );
    }
  });

  test('which loses its beginning, is an alarm before and after a store needs it', async () => {
    const referee = new Referee();
    const blocks = Array.from({ length: 40 }, (_, at) =>
      eventsBlock([event(at, { acceptedAt: T0 + at * 60_000 })]),
    );
    await referee.room.append(blocks);
    await referee.follow();
    expect(kindsOf(await referee.round())).toEqual([]);
    const { windowStartOffset } = (await referee.room.tally.read(0)).checkpoint;
    expect(windowStartOffset).toBe(29);
    for (const [start, kind] of [
      [20, undefined],
      [28, 'retention'],
      [30, 'log_trimmed'],
    ] as const) {
      referee.room.logStore.trim(0, start);
      const report = await referee.round();
      expect(report.state).toBe('consistent');
      expect([...new Set(kindsOf(report))]).toEqual(kind === undefined ? [] : [kind]);
    }
  });

  test('whose lost blocks no store has passed, is said to have lost them', async () => {
    const referee = await new Referee().evening();
    await referee.room.append([eventsBlock([event(6)]), eventsBlock([event(7)])]);
    referee.room.logStore.trim(0, 5);
    const { state, alarms } = await referee.round();
    // A sync that has not read them can not say what they were.
    expect(state).toBe('checking');
    expect(alarms.map(({ words }) => words)).toContain(
      'Partition 0: the ledger stands at block 4, and blocks 4 to 4 are gone.',
    );
    expect(alarms.map(({ words }) => words)).toContain(
      'Partition 0: Partition 0 starts at 5, not at 0',
    );
    expect(referee.troubles).toMatchObject([{ code: 'log_trimmed' }]);
  });

  test('which holds a damaged block, is named with the block, until that can be read', async () => {
    let isDamaged = true;
    const referee = new Referee(1, (room) => ({
      log: withMethods(room.log, {
        read: async (...args) => {
          const blocks = await room.log.read(...args);
          const second = blocks.find(({ offset }) => offset === 1);
          if (isDamaged && second !== undefined) second.bytes[30] = (second.bytes[30] ?? 0) ^ 1;
          return blocks;
        },
      }),
    }));
    await referee.evening();
    for (let round = 0; round < 2; round += 1) {
      const report = await referee.round();
      expect([report.state, kindsOf(report)]).toEqual(['checking', ['log_corrupt']]);
      expect(report.detail).toContain('Block 1 of partition 0: ');
    }
    expect(referee.troubles).toHaveLength(1);
    isDamaged = false;
    expect(await referee.round()).toMatchObject({ state: 'consistent', alarms: [] });
  });

  test('which met events too late to count, says so', async () => {
    const referee = new Referee();
    await referee.room.append([
      eventsBlock([event(1), event(2, { time: T0 - 700_000 }), event(3, { time: T0 - 700_000 })]),
    ]);
    await referee.follow();
    const { state, expired, alarms } = await referee.round();
    expect([state, expired]).toEqual(['consistent', 2]);
    expect(alarms).toEqual([
      {
        kind: 'expired',
        partition: 0,
        words: 'Partition 0: of poll final, 2 came into the log too late to count.',
      },
    ]);
  });
});

test('a sync that starts late says how far it is, and hurries', async () => {
  const referee = new Referee(1, () => ({ foldBytesMax: 1 }));
  const votes = (block: number) =>
    Array.from({ length: 30_000 }, (_, at) => event(block * 30_000 + at));
  const blocks = Array.from({ length: 8 }, (_, block) => eventsBlock(votes(block)));
  await referee.room.append(blocks);
  await referee.room.tallyFollower().advance(ALL);
  await referee.room.ledgerFollower().advance(ALL);
  const first = await referee.round();
  expect(first).toMatchObject({ state: 'checking', isCatchingUp: true, checkedAt: null });
  expect(first.detail).toContain('; sync is on its way');
  while ((await referee.round(0)).isCatchingUp);
  expect(referee.sync.newest).toMatchObject({ state: 'consistent', isCatchingUp: false });
});
