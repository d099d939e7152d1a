/**
 * The flaws that systems of this kind are known for, one test each, named after the flaw: what can be
 * shown without a server. The others are in known-flaws-on-servers.test.ts.
 */
import { expect, test } from 'bun:test';
import { MemoryLedger, MemoryLedgerStore } from '../../src/adapters/memory/ledger.ts';
import { MemoryLiveTally, MemoryTallyStore } from '../../src/adapters/memory/live-tally.ts';
import { MemoryTallyChanges } from '../../src/adapters/memory/tally-changes.ts';
import { openSqliteLog } from '../../src/adapters/sqlite/event-log.ts';
import { openSqliteLedger } from '../../src/adapters/sqlite/ledger.ts';
import { openSqliteLiveTally } from '../../src/adapters/sqlite/live-tally.ts';
import { soleOwnership } from '../../src/application/counting/sole-ownership.ts';
import { StoreWorker } from '../../src/application/counting/store-worker.ts';
import { TallyReader } from '../../src/application/counting/tally-reader.ts';
import { LiveResultsBoard } from '../../src/application/voting/live-results-board.ts';
import { PollDirectory } from '../../src/application/voting/poll-directory.ts';
import { RunPollSchedule } from '../../src/application/voting/run-poll-schedule.ts';
import type { CastVote } from '../../src/application/voting/vote-door.ts';
import { encodeControlBlock, encodeTimeMark } from '../../src/domain/counting/block.ts';
import { encodeControlRecord } from '../../src/domain/counting/control-record.ts';
import { reportFigures } from '../../src/domain/voting/report.ts';
import { createResultsBodies } from '../../src/edge/http/results-bodies.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { PartitionCounts } from '../../src/ports/store-step.ts';
import type { TallyChanges, TallyChangesListener } from '../../src/ports/tally-changes.ts';
import { voteKey } from '../support/api-client.ts';
import { event, eventsBlock, T0, WRITER } from '../support/blocks.ts';
import { samplePoll } from '../support/catalogue-samples.ts';
import { CountingRoom } from '../support/counting-room.ts';
import { countToEnd, ledgerFollower, tallyFollower, votesOf } from '../support/counting-to-end.ts';
import { DoorRoom, keyAt } from '../support/door-room.ts';
import { DoorUnderTest, POLL } from '../support/door-under-test.ts';
import { HeldLog, settled } from '../support/hand-turned-loop.ts';
import { sqliteFiles } from '../support/sqlite-files.ts';
import { TurnedTime } from '../support/turned-time.ts';
import { START_TIME } from '../support/voting-room.ts';
import { waitUntil } from '../support/wait-until.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Who asks for results at the same time. */
const READERS = 1_000;

/** What the log has said of a vote that the door took. */
async function outcomeOf(cast: CastVote): Promise<string> {
  return cast.kind === 'on_its_way' ? cast.outcome : cast.kind;
}

/** A door whose appends wait for the test, as those of a process that was stopped do. */
function heldRoom(): { readonly room: DoorRoom; readonly held: HeldLog } {
  let held: HeldLog | null = null;
  const room = new DoorRoom({
    appendTo: (log) => {
      held = new HeldLog(log);
      return held.asLog();
    },
  });
  if (held === null) throw new Error('The room has asked for no log.');
  return { room, held };
}

test('ack before persist: a vote that the log has not confirmed is never answered 2xx', async () => {
  await using door = new DoorUnderTest({ acceptanceBoundMs: 200 });
  door.stall();
  const key = voteKey();
  const unconfirmed = await door.client.vote(POLL, 'ana', key);
  expect([unconfirmed.status, unconfirmed.json.code]).toEqual([503, 'outcome_unknown']);
  expect(await door.count()).toEqual({ logged: 0, votes: {} });
  door.resume();
  await waitUntil('the log has taken the vote', () => door.writer.pending === 0);
  expect((await door.client.vote(POLL, 'ana', key)).status).toBe(202);
  expect((await door.count()).votes).toEqual({ ana: 1 });
});

test('ack before persist: at the moment of each 2xx the vote stands in the log', async () => {
  await using door = new DoorUnderTest();
  let acknowledged = 0;
  const sendSome = async (): Promise<void> => {
    for (let vote = 0; vote < 10; vote += 1) {
      expect((await door.client.vote(POLL, 'ana')).status).toBe(202);
      acknowledged += 1;
      const owed = acknowledged;
      expect((await door.count()).votes.ana ?? 0).toBeGreaterThanOrEqual(owed);
    }
  };
  await Promise.all(Array.from({ length: 4 }, sendSome));
  expect((await door.count()).votes).toEqual({ ana: 40 });
});

test('a late retry counted twice: it is a duplicate, refused at the door, or expired, whenever it comes', async () => {
  const { room, held } = heldRoom();
  await room.place({ state: 'open', opensAt: START_TIME - 1 });
  const { clock, settings } = room;
  const key = keyAt(START_TIME);
  const cast = () => room.door.cast(room.known(), 'ana', key);
  const release = async (append: number): Promise<void> => {
    await settled();
    await held.appends[append]?.release();
  };
  const first = cast();
  await release(0);
  expect(await outcomeOf(first)).toBe('durable');
  const tally = new MemoryLiveTally(new MemoryTallyStore('log'));
  const follower = tallyFollower(room.log, tally);
  await countToEnd(follower);

  clock.advance(settings.dedupWindowMs / 2);
  const inTime = cast();
  await release(1);
  expect(await outcomeOf(inTime)).toBe('durable');
  const stuck = cast();
  await settled();
  clock.advance(1);
  expect(await outcomeOf(cast())).toBe('id_expired');

  // The door is stopped with the last retry in its hands; others write on, and the id is forgotten.
  clock.advance(settings.dedupWindowMs);
  const mark = encodeTimeMark(0, clock.now(), WRITER);
  await room.log.append([{ partition: 0, bytes: mark }]);
  await countToEnd(follower);
  await release(2);
  expect(await outcomeOf(stuck)).toBe('unknown');
  await countToEnd(follower);

  const { counts, books } = await tally.read(0);
  expect(votesOf({ counts })).toEqual({ ana: 1 });
  expect(books).toMatchObject([{ logged: 3, counted: 1, duplicate: 1, expired: 1 }]);
  const anew = new MemoryLiveTally(new MemoryTallyStore('log'));
  await countToEnd(tallyFollower(room.log, anew));
  expect((await anew.read(0)).books).toEqual(books);
});

test('a door paused over the deadline that moves a closed result: what it writes when it wakes is late, and unacknowledged', async () => {
  const { room, held } = heldRoom();
  const { clock, settings, log, catalogue, publisher, effectDelayMs, directory } = room;
  const closesAt = START_TIME + MINUTE_MS;
  await room.place({ state: 'open', opensAt: START_TIME - 1, closesAt });
  const tally = new MemoryLiveTally(new MemoryTallyStore('log'));
  const ledger = new MemoryLedger(new MemoryLedgerStore('log'));
  const followers = [tallyFollower(log, tally), ledgerFollower(log, ledger)] as const;
  const follow = async (): Promise<void> => {
    for (const follower of followers) await countToEnd(follower);
  };
  const schedule = new RunPollSchedule({
    ...{ clock, settings, catalogue, publisher, effectDelayMs, directory },
    appendClose: async ({ id }) => {
      const record = encodeControlRecord({ type: 'close', scope: id, closesAt });
      const bytes = encodeControlBlock(0, clock.now(), WRITER, record);
      await log.append([{ partition: 0, bytes }]);
    },
    storesPassed: async ({ id }) => {
      await follow();
      return followers.every((follower) => follower.hasPassedClose(id));
    },
  });
  const inTime = room.door.cast(room.known(), 'ana', null);
  await settled();
  await held.appends[0]?.release();
  expect(await outcomeOf(inTime)).toBe('durable');

  clock.advance(MINUTE_MS - 1);
  room.random = [4, 5, 6];
  const paused = room.door.cast(room.known(), 'bruno', null);
  await settled();
  const graceMs = settings.acceptanceBoundMs + 2 * settings.clockBoundMs;
  for (let round = 0; round < 3; round += 1) {
    clock.advance(graceMs);
    await schedule.step();
  }
  expect(directory.shown('final', clock.now())?.state).toBe('closed');
  const result = votesOf(await tally.read(0));
  expect(result).toEqual({ ana: 1 });

  await held.appends[1]?.release();
  expect(await outcomeOf(paused)).toBe('unknown');
  expect(await outcomeOf(room.door.cast(room.known(), 'bruno', null))).toBe('poll_closed');
  await follow();
  for (const store of [tally, ledger]) {
    const { counts, books } = await store.read(0);
    expect(votesOf({ counts })).toEqual(result);
    expect(books).toMatchObject([{ logged: 2, counted: 1, late: 1 }]);
  }
});

test("votes lost at the hour's boundary: each is in the hour of its acceptance, and the hours come to the total", async () => {
  using ledgerFiles = sqliteFiles('ledger.db');
  using tallyFiles = sqliteFiles('tally.db');
  await using ledger = openSqliteLedger({ path: ledgerFiles.path, logId: 'log' });
  await using tally = openSqliteLiveTally({ path: tallyFiles.path, logId: 'log' });
  const { room, held } = heldRoom();
  const { clock, settings } = room;
  // India's hours end where those of UTC are half gone.
  const boundary = START_TIME + HOUR_MS / 2;
  await room.place({ state: 'open', opensAt: START_TIME, timeZone: 'Asia/Kolkata' });
  clock.advance(boundary - START_TIME - 2);
  const votes: Promise<string>[] = [];
  // One block has votes of both hours, and all reach the log when the new one is well under way.
  for (let block = 0; block < 2; block += 1) {
    for (let vote = 0; vote < 3; vote += 1) {
      room.random = [block, vote, 7];
      votes.push(outcomeOf(room.door.cast(room.known(), vote === 1 ? 'bruno' : 'ana', null)));
      clock.advance(1);
    }
    await settled();
  }
  clock.advance(settings.clockBoundMs);
  for (let append = 0; held.appends[append] !== undefined; append += 1) {
    await held.appends[append]?.release();
    await settled();
  }
  expect(await Promise.all(votes)).toEqual(votes.map(() => 'durable'));
  await countToEnd(ledgerFollower(room.log, ledger));
  await countToEnd(tallyFollower(room.log, tally));

  const minutes = await ledger.windows('final', 0, 2 ** 31 - 1);
  const source = { poll: room.known().poll, minutes, books: await ledger.books('final') };
  const report = reportFigures(source, clock.now());
  expect(report.hours.map(({ to, votes }) => [to, ...votes])).toEqual([
    [boundary, 1, 1],
    [expect.any(Number), 3, 1],
  ]);
  expect(report.total).toBe(6);
  expect(report.books.balanced).toBe(true);
  expect(CountingRoom.contents(await tally.read(0))).toEqual(
    CountingRoom.contents(await ledger.read(0)),
  );
});

test('a log rewound by a power loss and silently skipped: every store stops at it, also where new blocks have taken the place of the lost', async () => {
  using logFiles = sqliteFiles('log.db');
  using tallyFiles = sqliteFiles('tally.db');
  using ledgerFiles = sqliteFiles('ledger.db');
  await using tally = openSqliteLiveTally({ path: tallyFiles.path, logId: 'log' });
  await using ledger = openSqliteLedger({ path: ledgerFiles.path, logId: 'log' });
  const openLog = () => openSqliteLog({ path: logFiles.path, logId: 'log', partitions: 1 });
  let voted = 0;
  const votes = async (log: EventLog, options: readonly string[]): Promise<void> => {
    const room = new DoorRoom({ appendTo: () => log });
    await room.place({ state: 'open', opensAt: START_TIME - 1 });
    for (const option of options) {
      voted += 1;
      room.random = [voted, 2, 3];
      expect(await outcomeOf(room.door.cast(room.known(), option, null))).toBe('durable');
    }
  };
  await using before = openLog();
  await votes(before, ['ana', 'ana']);
  // What the disk holds if the power fails now: whatever is confirmed from here on is gone then.
  logFiles.crash();
  await votes(before, ['ana']);
  await countToEnd(tallyFollower(before, tally));
  await countToEnd(ledgerFollower(before, ledger));

  await using rewound = openLog();
  const halts = async (end: number): Promise<void> => {
    expect((await rewound.bounds(0)).end).toBe(end);
    const refusal = { code: 'log_rewound' };
    await expect(countToEnd(tallyFollower(rewound, tally))).rejects.toMatchObject(refusal);
    await expect(countToEnd(ledgerFollower(rewound, ledger))).rejects.toMatchObject(refusal);
    for (const store of [tally, ledger]) {
      const { counts, checkpoint } = await store.read(0);
      expect([votesOf({ counts }), checkpoint.nextOffset]).toEqual([{ ana: 3 }, 3]);
    }
  };
  await halts(2);
  await votes(rewound, ['bruno']);
  await halts(3);
  await votes(rewound, ['bruno', 'bruno']);
  await halts(5);
});

/** A tally in memory whose reading can be held, with all that is read of it written down. */
class ColdTally implements TallyChanges {
  readonly reads: number[] = [];
  readonly #inner: MemoryTallyChanges;
  #gate: PromiseWithResolvers<void> | null = null;
  #listener: TallyChangesListener | null = null;

  constructor(store: MemoryTallyStore, partitions: number) {
    this.#inner = new MemoryTallyChanges(store, partitions);
  }

  get isSubscribed(): boolean {
    return this.#listener !== null;
  }

  subscribe(listener: TallyChangesListener): Promise<Disposable> {
    this.#listener = listener;
    return this.#inner.subscribe(listener);
  }

  /** From now on what is read arrives late: as it was when it was read. */
  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** The connection was away: anything may have been missed. */
  reconnect(): void {
    this.#listener?.onGap(null);
  }

  async read(partition: number): Promise<PartitionCounts> {
    this.reads.push(partition);
    const counts = await this.#inner.read(partition);
    await this.#gate?.promise;
    return counts;
  }

  positions(): Promise<readonly number[]> {
    return this.#inner.positions();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner[Symbol.asyncDispose]();
  }
}

test('a cold cache rebuild race: however many readers, one rebuild, and no step is lost or doubled in it', async () => {
  const partitions = [0, 1];
  const counting = new CountingRoom(partitions.length);
  const followers = partitions.map((partition) => counting.tallyFollower({ partition }));
  let voted = 0;
  /** Votes once in each partition, and has them counted. */
  const vote = async (): Promise<void> => {
    for (const [partition, follower] of followers.entries()) {
      await counting.append([eventsBlock([event(voted)])], partition);
      voted += 1;
      await countToEnd(follower);
    }
  };
  await vote();
  const changes = new ColdTally(counting.tallyStore, partitions.length);
  const time = new TurnedTime();
  const { clock, sleep } = time;
  const board = new LiveResultsBoard();
  const directory = new PollDirectory();
  const poll = samplePoll({ state: 'open', resultsVisibility: 'always', resultsDetail: 'count' });
  directory.apply({ type: 'poll', effectiveAt: 0, poll });
  const bodies = createResultsBodies({ directory, board, clock });
  /** What a crowd of readers is answered: the same body, made once. */
  const ask = (): Readonly<Record<string, unknown>> => {
    const crowd = Array.from({ length: READERS }, () => bodies.results('final', 'public'));
    const [body, ...others] = new Set(crowd);
    expect(others).toEqual([]);
    return JSON.parse(body?.json ?? '{}');
  };
  const troubles: unknown[] = [];
  const reader = new TallyReader({
    ...{ changes, clock, sleep, partitions: partitions.length },
    onFrames: (frames, position) => {
      board.advance(position);
      for (const frame of frames) board.accept(frame);
    },
    onTrouble: (error) => troubles.push(error),
  });
  const stop = new AbortController();
  const running = reader.run(stop.signal);
  /** Votes before, during and after the reading of every partition; readers ask all the time. */
  const raceVotesWithReading = async (): Promise<void> => {
    const before = changes.reads.length;
    await vote();
    await time.until(() => changes.reads.length === before + partitions.length);
    for (let round = 0; round < 3; round += 1) {
      ask();
      await vote();
      await time.turn();
    }
    changes.release();
    await time.until(() => ask().stale === false && ask().version === voted);
    expect(ask().total).toBe(voted);
    await time.turnsFor(5_000);
    expect([ask().total, ask().stale]).toEqual([voted, false]);
    expect(changes.reads.slice(before).sort()).toEqual(partitions);
  };

  changes.hold();
  await time.until(() => changes.isSubscribed);
  expect(ask()).toMatchObject({ total: 0, stale: true });
  await raceVotesWithReading();
  changes.hold();
  changes.reconnect();
  await raceVotesWithReading();
  expect(troubles).toEqual([]);
  stop.abort();
  await running;
});

test('an offset committed past a failed record: a store stays before a block that can not be read, and says so', async () => {
  const room = new CountingRoom();
  const good = [eventsBlock([event(1)]), eventsBlock([event(2, { acceptedAt: T0 + 1 })])];
  await room.append(good);
  const damaged = encodeTimeMark(0, T0, WRITER);
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  await room.log.append([{ partition: 0, bytes: damaged }]);
  await room.log.append(
    (await room.log.read(0, 0, 1)).map(({ bytes }) => ({ partition: 0, bytes })),
  );
  const time = new TurnedTime();
  const stop = new AbortController();
  const halts: string[] = [];
  const worker = new StoreWorker({
    log: room.log,
    ownership: soleOwnership(1),
    follower: () => room.tallyFollower(),
    read: (partition) => room.tally.read(partition),
    // A block a step: what stands before the damage is counted.
    stepBytesMax: 1,
    roundMs: 50,
    sleep: time.sleep,
    onApplied: () => {},
    onRound: () => {},
    onTrouble: () => {},
    onHalted: (_, { code, message }) => halts.push(`${code}: ${message}`),
  });
  const running = worker.run(stop.signal);
  await time.turnsFor(10_000);
  const held = await room.tally.read(0);
  expect(held.checkpoint.nextOffset).toBe(2);
  expect(CountingRoom.contents(held)).toEqual(room.expected(0, 2));
  expect(halts).toEqual([expect.stringContaining('log_corrupt: Block 2 of partition 0')]);
  stop.abort();
  await running;
});
