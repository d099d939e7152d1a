/** The promises of the tally changes port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { checkpoint, contentOf, count, step } from '../../test/support/store-step-samples.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { LiveTally } from './live-tally.ts';
import type { TallyChange, TallyChanges } from './tally-changes.ts';

/** One tally, with a handle for who counts and as many as a test likes for who reads. */
export interface TallyChangesUnderTest extends AsyncDisposable {
  openTally(): Promise<LiveTally>;
  openChanges(partitions: number): Promise<TallyChanges>;
  /** Breaks every connection; they come back by themselves. What is told meanwhile is lost. */
  breakConnections(meanwhile: () => Promise<void>): Promise<void>;
}

const PARTITIONS = 3;

/** Keeps what it was told. */
class Listener {
  readonly changes: TallyChange[] = [];
  readonly gaps: (readonly number[] | null)[] = [];

  onChange(change: TallyChange): void {
    this.changes.push(change);
  }

  onGap(partitions: readonly number[] | null): void {
    this.gaps.push(partitions);
  }

  /** The end of the last step told of a partition. */
  async heardOf(partition: number, nextOffset: number): Promise<void> {
    await waitUntil(`partition ${partition} at ${nextOffset}`, () =>
      this.changes.some((one) => one.partition === partition && one.nextOffset === nextOffset),
    );
  }
}

export function tallyChangesContract(
  name: string,
  create: () => Promise<TallyChangesUnderTest>,
): void {
  describe(`tally changes contract: ${name}`, () => {
    let store: TallyChangesUnderTest;
    let tally: LiveTally;
    let first: TallyChanges;
    let second: TallyChanges;
    let epoch: number;

    beforeEach(async () => {
      store = await create();
      tally = await store.openTally();
      first = await store.openChanges(PARTITIONS);
      second = await store.openChanges(PARTITIONS);
      ({ epoch } = await tally.takeOver(0));
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    const counts = [
      count({ count: 3 }),
      count({ item: 'bruno "ß" \\ {x}', lane: 'flagged', count: 1 }),
      count({ scope: 'poll-b', minute: 29_000_001, count: -2 }),
    ];

    test('every applied step is told to every reader, as it was', async () => {
      const listeners = [new Listener(), new Listener()];
      await first.subscribe(listeners[0] as Listener);
      await second.subscribe(listeners[1] as Listener);
      const acceptedFrom = 1_795_000_000_123;
      await tally.commit(step({ epoch, length: 4, counts, acceptedFrom }));
      await tally.commit(step({ epoch, from: 4 }));
      for (const listener of listeners) {
        await listener.heardOf(0, 5);
        expect(listener.changes).toEqual([
          { partition: 0, from: 0, nextOffset: 4, counts, acceptedFrom },
          { partition: 0, from: 4, nextOffset: 5, counts: [], acceptedFrom: null },
        ]);
        expect(listener.gaps).toEqual([]);
      }
    });

    test('a step that was not applied is not told', async () => {
      const listener = new Listener();
      await first.subscribe(listener);
      expect(await tally.commit(step({ epoch, length: 4, counts }))).toBe('applied');
      expect(await tally.commit(step({ epoch, length: 4, counts }))).toBe('already-applied');
      expect(await tally.commit(step({ epoch, from: 6, counts }))).toBe('misaligned');
      expect(await tally.commit(step({ epoch: epoch - 1, from: 4, counts }))).toBe('fenced');
      expect(await tally.commit(step({ epoch, from: 4 }))).toBe('applied');
      await listener.heardOf(0, 5);
      expect(listener.changes.map(({ nextOffset }) => nextOffset)).toEqual([4, 5]);
    });

    test('the steps of a partition are told in their order, however many are under way', async () => {
      const listener = new Listener();
      await first.subscribe(listener);
      const epochs = await Promise.all([0, 1, 2].map((partition) => tally.takeOver(partition)));
      await Promise.all(
        epochs.map(async ({ epoch: own }, partition) => {
          for (let from = 0; from < 50; from += 1) {
            await tally.commit({ ...step({ epoch: own, from, counts: [count({})] }), partition });
          }
        }),
      );
      for (const partition of [0, 1, 2]) {
        await listener.heardOf(partition, 50);
        const told = listener.changes.filter((change) => change.partition === partition);
        expect(told.map(({ from }) => from)).toEqual(Array.from({ length: 50 }, (_, at) => at));
      }
    });

    test('counts that are replaced are a gap of their partition; a refused repair is none', async () => {
      const listener = new Listener();
      await first.subscribe(listener);
      const repair = { checkpoint: checkpoint(7), counts, books: [], closes: [], acts: [] };
      expect(await tally.replace(1, 3, repair)).toBe(false);
      expect(await tally.replace(2, 0, repair)).toBe(true);
      await waitUntil('the gap', () => listener.gaps.length > 0);
      expect(listener.gaps).toEqual([[2]]);
      expect(listener.changes).toEqual([]);
    });

    test('a step too large to be told whole is at least a gap', async () => {
      const listener = new Listener();
      await first.subscribe(listener);
      const many = Array.from({ length: 4_000 }, (_, minute) => count({ minute }));
      await tally.commit(step({ epoch, counts: many }));
      await waitUntil('word of the step', () => listener.gaps.length + listener.changes.length > 0);
      if (listener.changes.length > 0) expect(listener.changes[0]?.counts).toHaveLength(4_000);
      else expect(listener.gaps).toEqual([[0]]);
      expect((await first.read(0)).counts).toHaveLength(4_000);
    });

    test('who has ended is told nothing more; others are, and ending twice is ending once', async () => {
      const [gone, closed, other] = [new Listener(), new Listener(), new Listener()];
      const third = await store.openChanges(PARTITIONS);
      const subscription = await first.subscribe(gone);
      await third.subscribe(closed);
      await first.subscribe(other);
      subscription[Symbol.dispose]();
      subscription[Symbol.dispose]();
      await third[Symbol.asyncDispose]();
      await third[Symbol.asyncDispose]();
      await tally.commit(step({ epoch }));
      await other.heardOf(0, 1);
      expect([gone.changes, closed.changes]).toEqual([[], []]);
    });

    test('counts and positions are those of the tally, also where nothing was counted', async () => {
      const other = await tally.takeOver(2);
      await tally.commit(step({ epoch, length: 4, counts }));
      await tally.commit({ ...step({ epoch: other.epoch, length: 9 }), partition: 2 });
      expect(await second.positions()).toEqual([4, 0, 9]);
      for (const partition of [0, 1, 2]) {
        const read = await second.read(partition);
        expect(contentOf(read)).toEqual(contentOf(await tally.read(partition)));
      }
    });

    test('a reader that was cut off is told so as soon as it hears again', async () => {
      const listener = new Listener();
      await first.subscribe(listener);
      await store.breakConnections(async () => {
        const again = await tally.takeOver(0);
        await tally.commit(step({ epoch: again.epoch, counts }));
      });
      await waitUntil('the gap', () => listener.gaps.includes(null));
      const { checkpoint: at } = await waitUntil('the counts', () => first.read(0));
      expect(at.nextOffset).toBe(1);
      const next = await waitUntil('a take-over', () => tally.takeOver(0));
      await tally.commit(step({ epoch: next.epoch, from: 1 }));
      await listener.heardOf(0, 2);
    });
  });
}
