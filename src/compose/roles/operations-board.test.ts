/** What the console is told of the processes: the newest words of each, their sums, and nothing of the silent. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { DoorReport, ProcessReport } from '../../ports/process-reports.ts';
import { OperationsBoard } from './operations-board.ts';

const CONSISTENCY = { state: 'checking', checkedAt: null, detail: null, alarms: [] } as never;

function doorReport(fields: Partial<DoorReport> = {}): DoorReport {
  const none = { received: 0, accepted: 0, unknown: 0, acceptedPerSecond: 0, peakPerSecond: 0 };
  return { ...none, rejected: {}, p50Ms: 0, p99Ms: 0, ...fields };
}

function reportOf(name: string, fields: Partial<ProcessReport> = {}): ProcessReport {
  const role = name.split('-')[0] ?? name;
  const idle = { rssBytes: 1, cpuPercent: 2, trouble: null, door: null, lagMs: null };
  return { name, role, at: 0, ...idle, ...fields };
}

function following() {
  const clock = new ManualClock(0);
  const board = new OperationsBoard(clock);
  let tell: (report: ProcessReport) => void = () => {};
  let isFollowing = true;
  const subscription = board.follow({
    publish: () => {},
    subscribe(listener) {
      tell = listener;
      return {
        [Symbol.dispose]() {
          isFollowing = false;
        },
      };
    },
    [Symbol.asyncDispose]: async () => {},
  });
  return {
    clock,
    board,
    hear: (report: ProcessReport) => tell(report),
    stop: () => {
      subscription[Symbol.dispose]();
      return isFollowing;
    },
  };
}

test('doors are summed, and the slowest speaks for all', () => {
  const { board, hear } = following();
  const rejected = { option_not_found: 1, overloaded: 2 };
  const first = { received: 10, accepted: 7, unknown: 1, acceptedPerSecond: 5, rejected };
  hear(reportOf('ingest-a', { door: doorReport({ ...first, p50Ms: 2, p99Ms: 9 }) }));
  const second = { received: 4, accepted: 3, acceptedPerSecond: 2, rejected: { overloaded: 1 } };
  hear(reportOf('ingest-b', { door: doorReport({ ...second, p50Ms: 3, p99Ms: 4 }) }));
  hear(reportOf('tally-a', { lagMs: 30 }));
  expect(board.figures([], CONSISTENCY).door).toEqual({
    received: 14,
    accepted: 10,
    rejected: { option_not_found: 1, overloaded: 3 },
    unknown: 1,
    acceptedPerSecond: 7,
    peakPerSecond: 7,
    p50Ms: 3,
    p99Ms: 9,
  });
});

test('the newest report of a process stands in the place of its last', () => {
  const { board, hear } = following();
  hear(reportOf('ingest-a', { door: doorReport({ accepted: 3, acceptedPerSecond: 3 }) }));
  board.figures([], CONSISTENCY);
  hear(reportOf('ingest-a', { door: doorReport({ accepted: 4, acceptedPerSecond: 1 }) }));
  const { door } = board.figures([], CONSISTENCY);
  expect(door).toMatchObject({ accepted: 4, acceptedPerSecond: 1, peakPerSecond: 3 });
});

test('a store lags as its slowest worker; where nobody works for it, its lag is not known', () => {
  const { board, hear } = following();
  hear(reportOf('tally-a', { lagMs: 30 }));
  hear(reportOf('tally-b', { lagMs: 80 }));
  const partitions = [{ partition: 0, end: 3, tally: 2, ledger: 1 }];
  const { lag, consistency } = board.figures(partitions, CONSISTENCY);
  expect(lag).toEqual({ tallyMs: 80, ledgerMs: null, partitions });
  expect(consistency).toBe(CONSISTENCY);
});

test('without doors there are no latencies to show', () => {
  const { board } = following();
  expect(board.figures([], CONSISTENCY).door).toMatchObject({ p50Ms: null, p99Ms: null });
});

test('processes are shown by name, for as long as they are heard of', () => {
  const { board, clock, hear } = following();
  hear(reportOf('tally-a'));
  clock.advance(4_000);
  hear(reportOf('ingest-a'));
  expect(board.figures([], CONSISTENCY).processes).toEqual([
    { name: 'ingest-a', rssBytes: 1, cpuPercent: 2 },
    { name: 'tally-a', rssBytes: 1, cpuPercent: 2 },
  ]);
  clock.advance(1_001);
  expect(board.processes().map(({ name }) => name)).toEqual(['ingest-a']);
  // A clock that is set says nothing of silence.
  clock.jump(3_600_000);
  expect(board.processes()).toHaveLength(1);
  clock.advance(5_000);
  expect(board.processes()).toEqual([]);
});

test('a flood of names fills no memory, and keeps no known process from being heard', () => {
  const { board, hear } = following();
  for (let number = 0; number < 1_500; number += 1) hear(reportOf(`tally-${number}`));
  expect(board.processes()).toHaveLength(1_000);
  hear(reportOf('tally-7', { cpuPercent: 99 }));
  expect(board.processes().find(({ name }) => name === 'tally-7')?.cpuPercent).toBe(99);
});

test('following ends with its subscription', () => {
  expect(following().stop()).toBe(false);
});
