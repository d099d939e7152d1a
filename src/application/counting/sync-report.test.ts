import { describe, expect, test } from 'bun:test';
import {
  type AccountDifference,
  NO_SCOPE,
  type PartitionReport,
  summarize,
} from './sync-report.ts';

function partition(fields: Partial<PartitionReport>): PartitionReport {
  return {
    partition: 0,
    state: 'consistent',
    start: 0,
    end: 1,
    tally: 1,
    ledger: 1,
    folded: 1,
    tallyLagMs: 0,
    ledgerLagMs: 0,
    differences: [],
    waits: [],
    expired: new Map(),
    alarms: [],
    isCatchingUp: false,
    ...fields,
  };
}

const differing = (scope: string): AccountDifference => {
  return { account: 'tally', partition: 0, scope, what: 'logged', expected: 1, found: 2 };
};

describe('what the partitions come to', () => {
  test('is different for the poll that differs, and open for all while a partition waits', () => {
    const polls = new Map([
      ['final', 0],
      ['semi', 2],
    ]);
    const { state, scopes, differences, expired, isCatchingUp } = summarize([
      partition({ expired: polls, differences: [differing('final')] }),
      partition({ partition: 1, expired: polls, waits: ['partition 1: away'], isCatchingUp: true }),
    ]);
    expect([state, differences, expired, isCatchingUp]).toEqual(['different', 1, 4, true]);
    expect(scopes).toEqual([
      { scope: 'final', state: 'different', differences: 1 },
      { scope: 'semi', state: 'checking', differences: 0 },
    ]);
  });

  test('is different for a poll that the log never held, and for all where a checkpoint differs', () => {
    const polls = new Map([['final', 0]]);
    expect(
      summarize([partition({ expired: polls, differences: [differing('ghost')] })]).scopes,
    ).toEqual([
      { scope: 'final', state: 'consistent', differences: 0 },
      { scope: 'ghost', state: 'different', differences: 1 },
    ]);
    expect(
      summarize([partition({ expired: polls, differences: [differing(NO_SCOPE)] })]).scopes,
    ).toEqual([{ scope: 'final', state: 'different', differences: 1 }]);
  });

  test('shows three reasons to wait, and counts the others', () => {
    const of = (count: number) =>
      summarize([partition({ waits: Array.from({ length: count }, (_, at) => `w${at}`) })]).detail;
    expect([of(0), of(3), of(5)]).toEqual([null, 'w0; w1; w2', 'w0; w1; w2; and 2 more']);
  });
});
