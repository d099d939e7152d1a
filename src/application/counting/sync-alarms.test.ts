import { describe, expect, test } from 'bun:test';
import { JOURNAL_BLOCKS_MAX } from './log-truth.ts';
import type { StoreFacts } from './store-watch.ts';
import { alarmsOf, type PartitionFacts } from './sync-alarms.ts';

const well: StoreFacts = {
  name: 'tally',
  seen: { nextOffset: 900, windowStartOffset: 800 },
  stillMs: 0,
  lagMs: 0,
  awayMs: null,
};
const quiet: PartitionFacts = {
  partition: 3,
  bounds: { start: 0, end: 1_000 },
  stores: [well],
  logAwayMs: null,
  differing: [],
  expired: new Map([['final', 0]]),
  broken: [],
};
const words = (facts: Partial<PartitionFacts>) =>
  alarmsOf({ ...quiet, ...facts }).map((alarm) => `${alarm.kind}: ${alarm.words}`);
const ofStore = (facts: Partial<StoreFacts>, bounds = quiet.bounds) =>
  words({ stores: [{ ...well, ...facts }], bounds });

describe('an alarm', () => {
  test('is not raised at a bound, but above it', () => {
    expect(words({})).toEqual([]);
    expect(words({ differing: [{ account: 'tally', forMs: 10_000 }] })).toEqual([]);
    expect(words({ differing: [{ account: 'tally', forMs: 10_001 }] })).toEqual([
      'different: Partition 3: the tally has differed from the log for 10 s.',
    ]);
    expect(ofStore({ stillMs: 10_000, lagMs: 30_000, awayMs: 10_000 })).toEqual([]);
    expect(ofStore({ stillMs: 10_001 })).toEqual([
      'still: Partition 3: the tally is 100 blocks behind and has stood for 10 s.',
    ]);
    expect(ofStore({ lagMs: 30_001 })).toEqual([
      'lag: Partition 3: the tally is 100 blocks behind, 30 s at least.',
    ]);
    expect(ofStore({ awayMs: 10_001 })).toEqual([
      'away: Partition 3: the tally can not be read since 10 s.',
    ]);
    expect(words({ logAwayMs: 10_000 })).toEqual([]);
    expect(words({ logAwayMs: 10_001 })).toEqual([
      'away: Partition 3: the log can not be read since 10 s.',
    ]);
  });

  test('tells of a store so far behind that it can hardly be compared, before it takes long', () => {
    const end = 900 + JOURNAL_BLOCKS_MAX;
    expect(ofStore({}, { start: 0, end: end - 1 })).toEqual([]);
    expect(ofStore({}, { start: 0, end })).toEqual([
      `lag: Partition 3: the tally is ${JOURNAL_BLOCKS_MAX} blocks behind, 0 s at least.`,
    ]);
  });

  test('tells of a log that is trimmed near a store, into its window, and past it', () => {
    expect(ofStore({}, { start: 0, end: 100_000 }).join()).not.toContain('retention');
    expect(ofStore({}, { start: 777, end: 1_000 })).toEqual([]);
    expect(ofStore({}, { start: 780, end: 1_000 })).toEqual([
      'retention: Partition 3: only 20 blocks are left before the log is trimmed under the tally.',
    ]);
    expect(ofStore({}, { start: 801, end: 1_000 })).toEqual([
      'log_trimmed: Partition 3: the tally must re-read from block 800, but the log starts at 801.',
    ]);
    expect(ofStore({}, { start: 903, end: 1_000 })).toEqual([
      'log_trimmed: Partition 3: the tally stands at block 900, and blocks 900 to 902 are gone.',
    ]);
  });

  test('tells of a store that stands above the log', () => {
    expect(ofStore({}, { start: 0, end: 899 })).toEqual([
      'log_rewound: Partition 3: the tally stands at block 900, but the log ends at 899.',
    ]);
  });

  test('can say nothing of where stores stand before they and the log were read', () => {
    expect(ofStore({ stillMs: 99_999 }, null)).toEqual([]);
    expect(ofStore({ seen: null, stillMs: 99_999 })).toEqual([]);
  });
});
