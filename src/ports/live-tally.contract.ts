/** The promises of the live tally port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { expectLikeModel } from '../../test/support/store-step-operations.ts';
import {
  act,
  books,
  checkpoint,
  contentOf,
  count,
  sortedCloses,
  step,
} from '../../test/support/store-step-samples.ts';
import { START } from '../domain/counting/checkpoint.ts';
import type { LiveTally, TallyReplacement } from './live-tally.ts';
import { storeStepContract } from './store-step.contract.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

const RANDOM_TIMEOUT_MS = 180_000;

export function liveTallyContract(
  name: string,
  create: CreateStore<LiveTally>,
  model: CreateStore<LiveTally>,
): void {
  describe(`live tally contract: ${name}`, () => {
    storeStepContract(create);

    test(
      'any sequence of take-overs, steps, repairs and crashes gives what the model gives',
      async () => {
        await expectLikeModel(create, model, {
          replace: (tally, ...repair) => tally.replace(...repair),
        });
      },
      RANDOM_TIMEOUT_MS,
    );

    describe('replace', () => {
      let store: StoreUnderTest<LiveTally>;
      let first: LiveTally;
      let second: LiveTally;
      let epoch: number;

      const before = {
        counts: [count({ count: 10 }), count({ minute: 1 })],
        books: [books({ logged: 11, counted: 11 })],
        closes: [{ scope: 'poll-a', offset: 3 }],
        acts: [act({ actId: 'old' })],
      };
      const repaired: TallyReplacement = {
        checkpoint: checkpoint(8),
        counts: [count({ count: 12 }), count({ item: 'bruno', minute: 2 })],
        books: [books({ scope: 'poll-b', logged: 13, counted: 13 })],
        closes: [{ scope: 'poll-b', offset: 4 }],
        acts: [act({ actId: 'new-2' }), act({ actId: 'new-1' })],
      };

      beforeEach(async () => {
        store = await create();
        first = await store.open();
        second = await store.open();
        ({ epoch } = await first.takeOver(0));
        await first.commit(step({ epoch, length: 5, ...before }));
        const other = await first.takeOver(1);
        await first.commit({ ...step({ epoch: other.epoch, ...before }), partition: 1 });
      });

      afterEach(async () => {
        await store[Symbol.asyncDispose]();
      });

      test('puts other counts, books, closes, acts and position in place of all there was', async () => {
        expect(await second.replace(0, 5, repaired)).toBe(true);
        await store.crash();
        const handle = await store.open();
        expect(contentOf(await handle.read(0))).toEqual(contentOf(repaired));
        const next = await handle.takeOver(0);
        expect(next.epoch).toBeGreaterThan(epoch);
        expect(next.checkpoint).toEqual(checkpoint(8));
        expect(next.acts).toEqual(repaired.acts);
        expect(sortedCloses(next.closes)).toEqual(repaired.closes);
        expect((await handle.read(1)).checkpoint).toEqual(checkpoint(1));
        expect((await handle.read(1)).counts).toHaveLength(2);
      });

      test('fences the owner, wherever its next step starts', async () => {
        expect(await second.replace(0, 5, repaired)).toBe(true);
        expect(await first.commit(step({ epoch, from: 8 }))).toBe('fenced');
        expect(await first.commit(step({ epoch, from: 5 }))).toBe('fenced');
        expect(contentOf(await second.read(0))).toEqual(contentOf(repaired));
        const next = await first.takeOver(0);
        expect(await first.commit(step({ epoch: next.epoch, from: 8 }))).toBe('applied');
      });

      test('of the content alone, at the same offset, fences the owner too', async () => {
        const same = { ...repaired, checkpoint: checkpoint(5) };
        expect(await second.replace(0, 5, same)).toBe(true);
        expect(await first.commit(step({ epoch, from: 5 }))).toBe('fenced');
      });

      test('leaves the owner of another partition alone', async () => {
        const other = await first.takeOver(1);
        expect(await second.replace(0, 5, repaired)).toBe(true);
        const next = { ...step({ epoch: other.epoch, from: 1 }), partition: 1 };
        expect(await first.commit(next)).toBe('applied');
      });

      test.each([4, 6, 0, 8])(
        'expecting %i where the store stands at 5 changes nothing',
        async (expected) => {
          expect(await second.replace(0, expected, repaired)).toBe(false);
          const unchanged = { checkpoint: checkpoint(5), ...before };
          expect(contentOf(await second.read(0))).toEqual(
            contentOf({
              checkpoint: unchanged.checkpoint,
              counts: before.counts,
              books: before.books,
            }),
          );
          expect(await first.commit(step({ epoch, from: 5 }))).toBe('applied');
          const next = await second.takeOver(0);
          expect(next.acts).toEqual(before.acts);
          expect(next.closes).toEqual(before.closes);
        },
      );

      test('by many at once from one position: one wins', async () => {
        const outcomes = await Promise.all(
          [6, 7, 8, 9].map((end, index) =>
            (index % 2 ? first : second).replace(0, 5, {
              ...repaired,
              checkpoint: checkpoint(end),
            }),
          ),
        );
        expect(outcomes.filter(Boolean)).toHaveLength(1);
        const winner = 6 + outcomes.indexOf(true);
        expect((await first.read(0)).checkpoint).toEqual(checkpoint(winner));
      });

      test('fills a partition that was never taken over, and can go back to the start', async () => {
        expect(await first.replace(2, 0, repaired)).toBe(true);
        expect(contentOf(await second.read(2))).toEqual(contentOf(repaired));
        const empty = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
        expect(await first.replace(2, 8, empty)).toBe(true);
        expect(await second.read(2)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await second.takeOver(2)).toMatchObject({ checkpoint: START, closes: [], acts: [] });
      });

      test('that fails half way leaves what there was, and its owner', async () => {
        const failing = {
          ...repaired,
          get acts(): TallyReplacement['acts'] {
            throw new Error('injected');
          },
        };
        await expect(first.replace(0, 5, failing)).rejects.toThrow('injected');
        expect((await second.read(0)).checkpoint).toEqual(checkpoint(5));
        expect((await second.read(0)).counts).toHaveLength(2);
        expect(await first.commit(step({ epoch, from: 5 }))).toBe('applied');
      });
    });
  });
}
