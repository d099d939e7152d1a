import { expect, test } from 'bun:test';
import { decodeConsistency, encodeConsistency } from '../../domain/counting/consistency-record.ts';
import { recordOf } from './record-of.ts';
import type { PartitionReport, SyncReport } from './sync-report.ts';

const partition: PartitionReport = {
  partition: 0,
  state: 'checking',
  start: 0,
  end: 9,
  tally: 8,
  ledger: 7,
  folded: 9,
  tallyLagMs: 0,
  ledgerLagMs: 0,
  differences: [],
  waits: ['partition 0, tally: away'],
  expired: new Map(),
  alarms: [],
  isCatchingUp: false,
};
const report: SyncReport = {
  state: 'checking',
  checkedAt: 5,
  detail: 'partition 0, tally: away',
  differences: 0,
  repairs: 2,
  expired: 0,
  scopes: [],
  partitions: [partition, { ...partition, partition: 1, ledger: null }],
  alarms: [{ kind: 'away', partition: 0, words: 'The tally is away.' }],
  rowsRotationMs: 3,
  isCatchingUp: false,
};

test('the catalogue is told what operators ask for, of the partitions that could be read', () => {
  const record = recordOf(report, 'log-1', 99);
  expect(record).toEqual({
    logId: 'log-1',
    state: 'checking',
    checkedAt: 5,
    reportedAt: 99,
    detail: 'partition 0, tally: away',
    differences: 0,
    partitions: [{ partition: 0, end: 9, tally: 8, ledger: 7 }],
    alarms: ['The tally is away.'],
  });
  expect(decodeConsistency(encodeConsistency(record))).toEqual(record);
});

test('a flood of alarms stays a record that can be read again', () => {
  const alarms = Array.from({ length: 5_000 }, (_, at) => {
    return { kind: 'expired' as const, partition: 0, words: `Alarm ${at}.` };
  });
  const record = recordOf({ ...report, alarms }, 'log-1', 99);
  expect(record.alarms).toHaveLength(101);
  expect(record.alarms.at(-1)).toBe('And 4900 more alarms.');
  expect(decodeConsistency(encodeConsistency(record))).toEqual(record);
});
