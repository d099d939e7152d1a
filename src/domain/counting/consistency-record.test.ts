import { describe, expect, test } from 'bun:test';
import {
  type ConsistencyRecord,
  decodeConsistency,
  encodeConsistency,
} from './consistency-record.ts';

const RECORD: ConsistencyRecord = {
  logId: 'log-1',
  state: 'different',
  checkedAt: 1_000,
  reportedAt: 2_000,
  detail: 'tally and ledger differ in partition 3',
  differences: 2,
  partitions: [{ partition: 3, end: 9, tally: 8, ledger: 7 }],
  alarms: ['Retention nears the ledger.'],
};
const FIRST: ConsistencyRecord = {
  ...RECORD,
  state: 'checking',
  checkedAt: null,
  detail: null,
  differences: 0,
  partitions: [],
  alarms: [],
};

describe('a consistency record', () => {
  test.each([RECORD, FIRST])('is read as it was written', (record) => {
    expect(decodeConsistency(encodeConsistency(record))).toEqual(record);
  });

  test.each([
    'not JSON',
    '{}',
    JSON.stringify({ ...RECORD, state: 'fine' }),
    JSON.stringify({ ...RECORD, logId: '' }),
    JSON.stringify({ ...RECORD, partitions: [{ partition: 3, end: 9, tally: 8 }] }),
    JSON.stringify({ ...RECORD, alarms: [1] }),
  ])('that is none is refused: %s', (text) => {
    expect(() => decodeConsistency(text)).toThrow(
      expect.objectContaining({ code: 'store_corrupt' }),
    );
  });
});
