/** The promises of the dead letters, as tests that every adapter runs, whichever store's steps write them. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { NOON, pagesOf, report } from '../../test/support/pulse-samples.ts';
import {
  type DeadLetter,
  type DeadLetterReport,
  reportedLetter,
} from '../domain/metering/dead-letter.ts';
import type { DeadLetterFilter, DeadLetters } from './dead-letters.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

const MINUTE_MS = 60_000;
const ALL: DeadLetterFilter = { queue: null, state: null, tenant: null, code: null };
const ANA = { actor: 'ana', at: NOON + 5 };

/** A store that writes dead letters by its steps. */
export interface ReportingStore extends AsyncDisposable {
  readonly deadLetters: DeadLetters;
  /** Applies one step that brings these reports. */
  report(reports: readonly DeadLetterReport[]): Promise<void>;
}

export function deadLettersContract(name: string, create: CreateStore<ReportingStore>): void {
  describe(`dead letters contract: ${name}`, () => {
    let store: StoreUnderTest<ReportingStore>;
    let first: ReportingStore;
    let second: ReportingStore;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    const fresh = (of: DeadLetterReport): DeadLetter => reportedLetter(null, of);

    /** The same bytes, from a later place of the log. */
    const again = (of: DeadLetterReport, fields: Partial<DeadLetterReport> = {}) => ({
      ...of,
      origin: { ...of.origin, offset: of.origin.offset + 1 },
      failedAt: of.failedAt + 1_000,
      ...fields,
    });

    const listed = (filter: Partial<DeadLetterFilter> = {}, limit = 10) =>
      pagesOf(limit, async (cursor) => {
        const page = await second.deadLetters.list({ ...ALL, ...filter }, cursor, limit);
        return { items: page.letters, nextCursor: page.nextCursor };
      });

    test('none is there at first', async () => {
      expect(await first.deadLetters.get('0'.repeat(64))).toBeNull();
      expect(await listed()).toEqual([]);
      expect(await first.deadLetters.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
      expect(await first.deadLetters.pending()).toEqual({
        'resource-consumption.dlq': 0,
        'resource-usage.dlq': 0,
      });
    });

    test('a letter is kept to the byte, through a crash', async () => {
      const all = [
        report('\u0000\u00ff{"half'),
        report('', { queue: 'resource-usage.dlq', tenant: null }),
        report('whole block', {
          bytes: Uint8Array.from({ length: 70_000 }, (_, at) => at * 7),
          origin: { logId: 'an older log', partition: 11, offset: 2 ** 40, index: null },
          tenant: 'tenant-\u{1f4a1}',
          code: 'rating_unavailable',
          message: 'no\nanswer',
        }),
      ];
      await first.report(all);
      for (const one of all) expect(await second.deadLetters.get(one.id)).toEqual(fresh(one));
      await store.crash();
      const survivor = await store.open();
      for (const one of all) expect(await survivor.deadLetters.get(one.id)).toEqual(fresh(one));
    });

    test('the memory of a report is the caller’s again once the step has resolved', async () => {
      const one = report('bytes');
      const kept = { ...one, bytes: one.bytes.slice() };
      await first.report([one]);
      one.bytes.fill(0);
      expect(await first.deadLetters.get(one.id)).toEqual(fresh(kept));
    });

    describe('the same bytes again', () => {
      const one = report('bytes');

      test('are the same letter, with one attempt more and their newest failure', async () => {
        await first.report([one]);
        const later = again(one, { code: 'sku_missing', message: 'no sku', tenant: null });
        await first.report([later]);
        expect(await second.deadLetters.get(one.id)).toEqual(reportedLetter(fresh(one), later));
        expect(await listed()).toHaveLength(1);
      });

      test('twice in one step are two attempts', async () => {
        const other = again(one, { origin: { ...one.origin, index: 1 } });
        await first.report([one, other]);
        expect(await second.deadLetters.get(one.id)).toMatchObject({ attempts: 2 });
      });

      test('from the same place or one before it, as a rebuild brings them, change nothing', async () => {
        const far = { ...one, origin: { ...one.origin, offset: 7 } };
        await first.report([far]);
        const before = await first.deadLetters.get(one.id);
        await first.report([far, { ...one, failedAt: NOON + 9_000 }]);
        expect(await second.deadLetters.get(one.id)).toEqual(before);
      });

      test('make a letter that was sent again wait again, and leave one that was given up', async () => {
        for (const [state, next] of [
          ['REQUEUED', 'PENDING'],
          ['DISCARDED', 'DISCARDED'],
        ] as const) {
          const letter = report(state);
          await first.report([letter]);
          await first.deadLetters.resolve(letter.id, ['PENDING'], state, ANA);
          await first.report([again(letter)]);
          expect(await second.deadLetters.get(letter.id)).toMatchObject({
            state: next,
            attempts: 2,
            firstFailedAt: NOON,
            lastFailedAt: NOON + 1_000,
            resolvedBy: 'ana',
            resolvedAt: ANA.at,
          });
        }
      });
    });

    describe('resolve', () => {
      const one = report('bytes', { code: 'rating_unavailable' });

      test('moves a letter that is still in one of the states, once', async () => {
        await first.report([one]);
        const resolve = (by: ReportingStore) =>
          by.deadLetters.resolve(one.id, ['PENDING', 'DISCARDED'], 'REQUEUED', ANA);
        expect(await resolve(first)).toBe('resolved');
        expect(await resolve(second)).toBe('conflict');
        await store.crash();
        const survivor = await store.open();
        expect(await survivor.deadLetters.get(one.id)).toEqual({
          ...fresh(one),
          state: 'REQUEUED',
          retryAt: null,
          resolvedBy: 'ana',
          resolvedAt: ANA.at,
        });
      });

      test('of several at once lets one win', async () => {
        await first.report([one]);
        const outcomes = await Promise.all(
          [first, second, first, second].map((by, at) =>
            by.deadLetters.resolve(one.id, ['PENDING'], at < 2 ? 'REQUEUED' : 'DISCARDED', ANA),
          ),
        );
        expect(outcomes.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'resolved']);
      });

      test('holds a letter to how often it has failed, where that is said', async () => {
        await first.report([one]);
        await first.report([{ ...one, origin: { ...one.origin, offset: one.origin.offset + 1 } }]);
        const resolve = (attempts: number) =>
          second.deadLetters.resolve(one.id, ['PENDING'], 'REQUEUED', ANA, attempts);
        expect(await resolve(1)).toBe('conflict');
        expect(await first.deadLetters.get(one.id)).toMatchObject({
          ...{ state: 'PENDING', attempts: 2, resolvedBy: null },
        });
        expect(await resolve(2)).toBe('resolved');
      });

      test('of a letter that is not there is unknown', async () => {
        const unknown = first.deadLetters.resolve(one.id, ['PENDING'], 'DISCARDED', ANA);
        expect(await unknown).toBe('unknown');
      });

      test('makes a letter wait again, and be tried again as ever', async () => {
        await first.report([one]);
        await first.deadLetters.resolve(one.id, ['PENDING'], 'REQUEUED', ANA);
        const back = { actor: 'retry', at: NOON + 30 };
        await second.deadLetters.resolve(one.id, ['REQUEUED'], 'PENDING', back);
        expect(await first.deadLetters.get(one.id)).toMatchObject({
          state: 'PENDING',
          retryAt: NOON + 30 + MINUTE_MS,
          resolvedBy: 'retry',
          resolvedAt: NOON + 30,
        });
      });
    });

    describe('due', () => {
      test('are the waiting letters whose time has come, the longest due first, at most so many', async () => {
        const code = 'rating_unavailable';
        const letters = [3, 1, 2, 4].map((at) =>
          report(`bytes ${at}`, { code, failedAt: NOON + at }),
        );
        const twins = ['x', 'y', 'z'].map((text) => report(text, { code, failedAt: NOON + 2 }));
        await first.report([...letters, ...twins, report('never', { failedAt: NOON })]);
        await first.deadLetters.resolve(letters[1]?.id ?? '', ['PENDING'], 'REQUEUED', ANA);
        const expected = [...letters, ...twins]
          .filter(({ failedAt }) => failedAt === NOON + 2 || failedAt === NOON + 3)
          .toSorted((a, b) => a.failedAt - b.failedAt || (a.id < b.id ? -1 : 1))
          .map(fresh);
        const due = (limit: number) => second.deadLetters.due(NOON + 3 + MINUTE_MS, limit);
        expect(await due(100)).toEqual(expected);
        expect(await due(3)).toEqual(expected.slice(0, 3));
        expect(await second.deadLetters.due(NOON + MINUTE_MS, 9)).toEqual([]);
      });
    });

    describe('the list', () => {
      const samples = Array.from({ length: 12 }, (_, at) =>
        report(`bytes ${at}`, {
          queue: at % 3 === 0 ? 'resource-usage.dlq' : 'resource-consumption.dlq',
          tenant: [null, 'acme', 'globex'][at % 4] ?? null,
          code: at % 2 === 0 ? 'malformed' : 'sku_missing',
          failedAt: NOON + Math.floor(at / 3),
        }),
      );
      const inOrder = samples.toSorted((a, b) => b.failedAt - a.failedAt || (a.id < b.id ? -1 : 1));

      beforeEach(async () => {
        await first.report(samples.slice(0, 7));
        await first.report(samples.slice(7));
      });

      test('has the newest failure first, in pages', async () => {
        for (const limit of [1, 2, 5, 11, 12, 13]) {
          expect(await listed({}, limit)).toEqual(inOrder.map(fresh));
        }
      });

      test('can be cut to a queue, a state, a tenant, a code, and all of them', async () => {
        const given = inOrder.filter((_, at) => at % 5 === 0);
        for (const { id } of given) {
          await first.deadLetters.resolve(id, ['PENDING'], 'DISCARDED', ANA);
        }
        const idsOf = async (filter: Partial<DeadLetterFilter>) =>
          (await listed(filter, 2)).map(({ id }) => id);
        const ids = (all: readonly DeadLetterReport[]) => all.map(({ id }) => id);
        const queue = 'resource-usage.dlq';
        expect(await idsOf({ queue })).toEqual(ids(inOrder.filter((one) => one.queue === queue)));
        expect(await idsOf({ state: 'DISCARDED' })).toEqual(ids(given));
        expect(await idsOf({ tenant: 'acme' })).toEqual(
          ids(inOrder.filter(({ tenant }) => tenant === 'acme')),
        );
        expect(await idsOf({ code: 'malformed' })).toEqual(
          ids(inOrder.filter(({ code }) => code === 'malformed')),
        );
        const some = given[0] ?? report('none');
        const { tenant, code } = some;
        expect(await idsOf({ queue: some.queue, state: 'DISCARDED', tenant, code })).toContain(
          some.id,
        );
        expect(await idsOf({ tenant: 'nobody' })).toEqual([]);
        expect(await first.deadLetters.pending()).toEqual({
          'resource-usage.dlq': 4 - given.filter((one) => one.queue === queue).length,
          'resource-consumption.dlq': 8 - given.filter((one) => one.queue !== queue).length,
        });
      });

      test.each(['', 'x', '1', `1.${'g'.repeat(64)}`, `1.${'a'.repeat(64)}; --`])(
        'refuses a cursor that it did not give out: %s',
        async (cursor) => {
          const page = first.deadLetters.list(ALL, cursor, 5);
          await expect(page).rejects.toMatchObject({ code: 'invalid_query' });
        },
      );
    });
  });
}
