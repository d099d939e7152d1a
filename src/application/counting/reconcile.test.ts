import { describe, expect, test } from 'bun:test';
import { checkpoint, count } from '../../../test/support/store-step-samples.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { type MovingStore, reconcile } from './reconcile.ts';

/** A store whose count at offset n is n, and one more than that from `wrongFrom` on. */
class FakeStore implements MovingStore {
  readonly asked: number[] = [];
  readonly #at: number;
  readonly #wrongFrom: number;
  readonly #passedBy: boolean;

  constructor(at: number, { wrongFrom = Number.POSITIVE_INFINITY, passedBy = false } = {}) {
    this.#at = at;
    this.#wrongFrom = wrongFrom;
    this.#passedBy = passedBy;
  }

  async read(): Promise<PartitionCounts> {
    return this.#countsAt(this.#at);
  }

  async countsAt(_: number, offset: number): Promise<PartitionCounts | null> {
    this.asked.push(offset);
    return this.#passedBy ? null : this.#countsAt(offset);
  }

  #countsAt(offset: number): PartitionCounts {
    const counts = [count({ count: offset >= this.#wrongFrom ? offset + 1 : offset })];
    return { checkpoint: checkpoint(offset), counts, books: [] };
  }
}

describe('reconciling', () => {
  test.each([
    [3, 7, [7], []],
    [7, 3, [], [7]],
    [5, 5, [], []],
  ])(
    'with the tally at %d and the ledger at %d, brings the one behind exactly to the other',
    async (tallyAt, ledgerAt, ofTally, ofLedger) => {
      const [tally, ledger] = [new FakeStore(tallyAt), new FakeStore(ledgerAt)];
      const nextOffset = Math.max(tallyAt, ledgerAt);
      expect(await reconcile(0, tally, ledger)).toEqual({ kind: 'consistent', nextOffset });
      expect([tally.asked, ledger.asked]).toEqual([ofTally, ofLedger]);
    },
  );

  test.each([
    [3, 7],
    [7, 3],
    [7, 7],
  ])('with the tally at %d and the ledger at %d, finds what differs there', async (t, l) => {
    const what = { partition: 2, scope: 'poll-a' };
    const wrongTally = await reconcile(2, new FakeStore(t, { wrongFrom: 7 }), new FakeStore(l));
    expect(wrongTally).toMatchObject({
      kind: 'different',
      differences: [{ ...what, expected: 7, found: 8 }],
    });
    const wrongLedger = await reconcile(2, new FakeStore(t), new FakeStore(l, { wrongFrom: 7 }));
    expect(wrongLedger).toMatchObject({
      kind: 'different',
      differences: [{ ...what, expected: 8, found: 7 }],
    });
  });

  test.each([
    [3, 7],
    [7, 3],
  ])(
    'with the tally at %d and the ledger at %d, says so where they passed each other',
    async (t, l) => {
      const passed = { passedBy: true };
      expect(await reconcile(0, new FakeStore(t, passed), new FakeStore(l, passed))).toEqual({
        kind: 'missed',
      });
    },
  );
});
