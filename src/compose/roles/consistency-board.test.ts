/** What the board says of logs and stores, between two words of sync. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { ConsistencyRecord } from '../../ports/catalogue.ts';
import { type ComparedLog, ConsistencyBoard } from './consistency-board.ts';

const NOW = Date.parse('2026-11-21T20:00:00Z');

class Room {
  readonly clock = new ManualClock(NOW);
  readonly records = new Map<string, ConsistencyRecord>();
  /** Where each log's partitions end. */
  readonly ends: Readonly<Record<string, number[]>>;
  readonly board: ConsistencyBoard;

  constructor(ends: Readonly<Record<string, number[]>>) {
    this.ends = ends;
    const logs = Object.entries(ends).map(([logId, of]): ComparedLog => {
      const bounds = async (partition: number) => ({ start: 0, end: of[partition] ?? 0 });
      return { logId, partitions: of.length, log: { bounds } };
    });
    const consistency = async (logId: string) => this.records.get(logId) ?? null;
    this.board = new ConsistencyBoard({ consistency }, this.clock, logs);
  }

  /** Sync sees both stores at these offsets. */
  async seen(logId: string, next: readonly number[], fields: Partial<ConsistencyRecord> = {}) {
    const now = this.clock.now();
    this.records.set(logId, {
      logId,
      state: 'consistent',
      checkedAt: now,
      reportedAt: now,
      detail: null,
      differences: 0,
      partitions: next.map((at, partition) => ({ partition, end: at, tally: at, ledger: at })),
      alarms: [],
      ...fields,
    });
    await this.board.refresh();
  }
}

test('all is counted only when the stores were seen at the end that the log has now', async () => {
  const room = new Room({ log: [3, 5] });
  const isDrained = async () => (await room.board.report()).drained;
  expect(await isDrained()).toBe(false);
  await room.seen('log', [3, 5]);
  expect(await isDrained()).toBe(true);
  room.ends.log?.splice(1, 1, 6);
  expect(await isDrained()).toBe(false);
  await room.seen('log', [3, 6]);
  expect(await isDrained()).toBe(true);
  expect(await room.board.report()).toMatchObject({
    logEnd: [
      { log: 'log', partition: 0, end: 3 },
      { log: 'log', partition: 1, end: 6 },
    ],
    tally: [
      { log: 'log', partition: 0, next: 3 },
      { log: 'log', partition: 1, next: 6 },
    ],
  });
});

test('a partition that sync could not ask is not counted', async () => {
  const room = new Room({ log: [3, 5] });
  await room.seen('log', [3]);
  expect((await room.board.report()).drained).toBe(false);
});

test('a log that came later is drained when the older ones are too', async () => {
  const room = new Room({ older: [9], newer: [0] });
  await room.seen('newer', [0]);
  await room.seen('older', [8]);
  expect((await room.board.report()).drained).toBe(false);
  await room.seen('older', [9]);
  expect(await room.board.report()).toMatchObject({
    drained: true,
    state: 'consistent',
    logEnd: [
      { log: 'older', partition: 0, end: 9 },
      { log: 'newer', partition: 0, end: 0 },
    ],
    ledger: [
      { log: 'older', partition: 0, next: 9 },
      { log: 'newer', partition: 0, next: 0 },
    ],
  });
});

test('sync that is silent leaves nothing consistent, and is named', async () => {
  const room = new Room({ log: [1] });
  await room.seen('log', [1]);
  expect(room.board.newest.state).toBe('consistent');
  room.clock.advance(60_000);
  expect(room.board.newest).toMatchObject({
    state: 'checking',
    alarms: ['Sync has said nothing of log log lately.'],
  });
});

test('of several logs the worst state holds, the oldest comparison, and every alarm', async () => {
  const room = new Room({ older: [1], newer: [1] });
  await room.seen('older', [1], { checkedAt: NOW - 5_000, alarms: ['old alarm'] });
  await room.seen('newer', [1], { checkedAt: NOW - 100, alarms: ['new alarm'] });
  expect(room.board.newest).toEqual({
    state: 'consistent',
    checkedAt: NOW - 5_000,
    detail: null,
    alarms: ['old alarm', 'new alarm'],
  });
  await room.seen('newer', [1], { state: 'checking', checkedAt: null, detail: 'begun' });
  expect(room.board.newest).toMatchObject({ state: 'checking', checkedAt: null, detail: 'begun' });
  await room.seen('older', [1], { state: 'different', detail: 'it differs', differences: 2 });
  expect(room.board.newest).toMatchObject({ state: 'different', detail: 'it differs' });
  await room.seen('newer', [1], { state: 'different', differences: 3 });
  expect(room.board.differences).toBe(5);
});

test('a log of which sync has never spoken, as after a growth, leaves nothing consistent', async () => {
  const room = new Room({ older: [1], newer: [0] });
  await room.seen('older', [1]);
  const silence = 'Sync has said nothing of log newer lately.';
  expect(await room.board.report()).toMatchObject({
    ...{ state: 'checking', detail: silence, alarms: [silence], drained: false },
    tally: [{ log: 'older', partition: 0, next: 1 }],
    ledger: [{ log: 'older', partition: 0, next: 1 }],
  });
  expect(room.board.partitions).toEqual([]);
});

test('words that were read stand while the catalogue is away, until they are too old', async () => {
  const room = new Room({ log: [1] });
  await room.seen('log', [1]);
  room.records.get = () => {
    throw new Error('away');
  };
  await expect(room.board.refresh()).rejects.toThrow('away');
  room.clock.advance(10_000);
  expect(room.board.newest.state).toBe('consistent');
  room.clock.advance(1);
  expect(room.board.newest.state).toBe('checking');
});
