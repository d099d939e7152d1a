import { describe, expect, test } from 'bun:test';
import { checkpoint, count } from '../../../test/support/store-step-samples.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { ConsistencyWatch, describe as inWords } from './consistency-watch.ts';
import type { MovingStore } from './reconcile.ts';

const at = (nextOffset: number, items: readonly string[]): PartitionCounts => ({
  checkpoint: checkpoint(nextOffset),
  counts: items.map((item) => count({ item })),
  books: [],
});

/** A store that stands still, with these options counted once in every partition. */
function still(nextOffset: number, items: readonly string[]): MovingStore {
  return {
    read: async () => at(nextOffset, items),
    countsAt: async (_, offset) => at(offset, items),
  };
}

/** A store that says for the first `misses` times that it has passed the offset. */
function hasty(misses: number): MovingStore & { asked: number } {
  return {
    asked: 0,
    read: async () => at(1, ['ana']),
    async countsAt(_, offset) {
      this.asked += 1;
      return this.asked <= misses ? null : at(offset, ['ana']);
    },
  };
}

function watch(tally: MovingStore, ledger: MovingStore, partitions = 2) {
  const clock = new ManualClock(5_000);
  return { clock, watch: new ConsistencyWatch({ tally, ledger, partitions, clock }) };
}

describe('the reconciliation light', () => {
  test('says that it is checking until every partition was compared', async () => {
    const { watch: light } = watch(still(1, ['ana']), still(1, ['ana']));
    const checking = { state: 'checking', checkedAt: null, detail: null, differences: 0 } as const;
    expect(light.newest).toEqual(checking);
    const consistent = { ...checking, state: 'consistent', checkedAt: 5_000 } as const;
    expect(await light.check()).toEqual(consistent);
    expect(light.newest).toEqual(consistent);
  });

  test('tells of differences in every partition, the first three in words', async () => {
    const items = ['ana', 'bia', 'caio', 'davi'];
    const { watch: light } = watch(still(1, items), still(1, []));
    const { state, detail, differences } = await light.check();
    expect([state, differences]).toEqual(['different', 8]);
    expect(detail).toBe(
      ['ana', 'bia', 'caio']
        .map(
          (item) =>
            `partition 0, poll poll-a, option ${item}, minute 2025-02-19T21:20Z, lane valid: ` +
            '0 expected, 1 found',
        )
        .join('; ')
        .concat('; and 5 more'),
    );
  });

  test('goes back to consistent when the differences are gone', async () => {
    let items = ['ana', 'bia'];
    const tally: MovingStore = {
      read: async () => at(1, items),
      countsAt: async (_, offset) => at(offset, items),
    };
    const { watch: light, clock } = watch(tally, still(1, ['ana']), 1);
    expect(await light.check()).toMatchObject({ state: 'different', differences: 1 });
    items = ['ana'];
    clock.advance(1_000);
    expect(await light.check()).toEqual({
      state: 'consistent',
      checkedAt: 6_000,
      detail: null,
      differences: 0,
    });
  });

  test('asks stores that pass each other again, five times at most', async () => {
    const soon = hasty(4);
    expect(await watch(soon, still(3, ['ana']), 1).watch.check()).toMatchObject({
      state: 'consistent',
    });
    expect(soon.asked).toBe(5);
    const never = hasty(99);
    const { watch: light } = watch(never, still(3, ['ana']), 1);
    expect(await light.check()).toMatchObject({ state: 'checking', checkedAt: null });
    expect(never.asked).toBe(5);
  });

  test('keeps what it saw last where the stores could not be brought together', async () => {
    const moving = hasty(0);
    const ledger = still(1, ['bia']);
    const { watch: light, clock } = watch(moving, ledger, 1);
    const seen = await light.check();
    expect(seen.state).toBe('different');
    clock.advance(1_000);
    ledger.read = async () => at(2, ['ana']);
    moving.countsAt = async () => null;
    expect(await light.check()).toBe(seen);
  });
});

test('few differences are all put into words', () => {
  const one = { partition: 3, scope: 'final', what: 'logged', expected: 2, found: 1 };
  const words = 'partition 3, poll final, logged: 2 expected, 1 found';
  expect(inWords([one])).toBe(words);
  expect(inWords([one, one, one])).toBe([words, words, words].join('; '));
});
