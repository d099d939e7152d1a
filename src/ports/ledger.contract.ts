/** The promises of the ledger port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { expectLedgerLikeModel } from '../../test/support/ledger-operations.ts';
import {
  event,
  eventId,
  eventsOf,
  ledgerStep,
  MINUTE_MS,
  NOON,
  withoutEvents,
} from '../../test/support/ledger-samples.ts';
import { expectLikeModel } from '../../test/support/store-step-operations.ts';
import {
  act,
  books,
  checkpoint,
  contentOf,
  count,
  type SteppedStore,
} from '../../test/support/store-step-samples.ts';
import { START } from '../domain/counting/checkpoint.ts';
import { DEDUP_WINDOW_MS } from '../domain/counting/log-settings.ts';
import { DAY_MS } from '../domain/counting/retention.ts';
import type { Ledger, LedgerEvent, LedgerStep } from './ledger.ts';
import { storeStepContract } from './store-step.contract.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

/** A schema of its own a run: minutes on a machine that is busy. */
const RANDOM_TIMEOUT_MS = 180_000;
const MINUTE = NOON / MINUTE_MS;

export function ledgerContract(
  name: string,
  create: CreateStore<Ledger>,
  model: CreateStore<Ledger>,
): void {
  describe(`ledger contract: ${name}`, () => {
    storeStepContract(stepped(create));

    test(
      'any sequence of take-overs, steps and crashes gives what the model gives',
      async () => {
        await expectLikeModel(stepped(create), stepped(model), null);
      },
      RANDOM_TIMEOUT_MS,
    );

    test(
      'any events, acts, conflicts, resets and crashes leave what the model holds, and rows that add up to the windows',
      async () => {
        await expectLedgerLikeModel(create, model);
      },
      RANDOM_TIMEOUT_MS,
    );

    let store: StoreUnderTest<Ledger>;
    let first: Ledger;
    let second: Ledger;
    let epoch: number;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
      ({ epoch } = await first.takeOver(0));
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    async function commit(
      events: readonly LedgerEvent[],
      fields: Partial<LedgerStep> & { readonly length?: number } = {},
    ): Promise<void> {
      expect(await first.commit(ledgerStep(events, { epoch, ...fields }))).toBe('applied');
    }

    async function expectRowsLikeWindows(partition = 0): Promise<void> {
      const rows = await second.recount(partition);
      expect(await second.checkpoint(partition)).toEqual(rows.checkpoint);
      expect(contentOf(rows)).toEqual(contentOf(await second.read(partition)));
    }

    describe('find', () => {
      test('gives every field of an event, in each state, and null for an unknown id', async () => {
        const events = [
          event({ id: eventId(1, 1), acceptedAt: NOON + 17, offset: 2 ** 40 }),
          event({ id: eventId(2, 2), lane: 'flagged', item: 'bruno', offset: 3 }),
          event({ id: eventId(3, 3), state: 'late', scope: 'poll-b', acceptedAt: NOON - 1 }),
          event({ id: eventId(4, 4), state: 'expired', acceptedAt: NOON + 4 }),
        ];
        await commit(events);
        for (const one of events) expect(await second.find(one.id)).toEqual(one);
        expect(await second.find(eventId(1, 2))).toBeNull();
        await store.crash();
        const survivor = await store.open();
        for (const one of events) expect(await survivor.find(one.id)).toEqual(one);
      });

      test('of an id that counts says so, though late copies came too', async () => {
        const id = eventId(1, 1);
        await commit([event({ id, state: 'expired', offset: 1 }), event({ id, offset: 0 })]);
        await commit([event({ id, state: 'late', offset: 2 })], { from: 1 });
        expect((await second.find(id))?.state).toBe('counted');
        expect((await second.find(id))?.offset).toBe(0);
      });

      test('of an id that came too late more than once tells of the first', async () => {
        const id = eventId(1, 1);
        const copies = [4, 3, 9].map((offset) => event({ id, state: 'expired', offset }));
        await commit(copies);
        expect(await second.find(id)).toEqual(event({ id, state: 'expired', offset: 4 }));
        await expectRowsLikeWindows();
      });
    });

    describe('a key conflict', () => {
      const old = event({ id: eventId(5, 5) });
      const fresh = event({ id: eventId(6, 6) });

      test.each([
        ['an id of an earlier step', [fresh, old]],
        ['one id twice in the step', [fresh, fresh]],
      ])('%s throws ledger_key_conflict, and nothing is applied', async (_, events) => {
        await commit([old]);
        const before = contentOf(await second.read(0));
        const marks = {
          closes: [{ scope: 'poll-a', offset: 1 }],
          acts: [act({ actId: 'act-1', target: old.id })],
        };
        const bad = ledgerStep([...events, event({ id: eventId(7, 7), state: 'late' })], {
          epoch,
          from: 1,
          ...marks,
        });
        await expect(first.commit(bad)).rejects.toMatchObject({ code: 'ledger_key_conflict' });
        expect(contentOf(await second.read(0))).toEqual(before);
        expect(await second.find(fresh.id)).toBeNull();
        expect(await second.find(eventId(7, 7))).toBeNull();
        expect(await second.find(old.id)).toEqual(old);
        await expectRowsLikeWindows();
        await commit([fresh], { from: 1 });
        expect(await second.find(fresh.id)).toEqual(fresh);
        const next = await second.takeOver(0);
        expect(next).toMatchObject({ closes: [], acts: [] });
      });

      test('with a voided event is one too', async () => {
        await commit([old]);
        await commit([], { from: 1, acts: [act({ target: old.id })] });
        const bad = ledgerStep([old], { epoch, from: 2 });
        await expect(first.commit(bad)).rejects.toMatchObject({ code: 'ledger_key_conflict' });
      });

      test('is none for a step that is not applied anyway', async () => {
        await commit([old]);
        expect(await first.commit(ledgerStep([old], { epoch }))).toBe('already-applied');
        expect(await first.commit(ledgerStep([old], { epoch, from: 9 }))).toBe('misaligned');
        await second.takeOver(0);
        expect(await first.commit(ledgerStep([old], { epoch, from: 1 }))).toBe('fenced');
      });
    });

    describe('a step is applied whole or not at all', () => {
      const one = event({ id: eventId(1, 1) });
      const late = event({ id: eventId(2, 2), state: 'late' });
      const failures: readonly [string, (step: LedgerStep) => LedgerStep][] = [
        ['its counted events', (step) => ({ ...step, counted: failing(step.counted, 'offset') })],
        ['its excluded events', (step) => ({ ...step, excluded: failing(step.excluded, 'ids') })],
        [
          'a verdict that excludes nothing',
          (step) => ({ ...step, excluded: { ...step.excluded, verdict: Uint8Array.of(0) } }),
        ],
        [
          'a key that the step does not name',
          (step) => ({ ...step, counted: { ...step.counted, keyIndex: Uint16Array.of(7) } }),
        ],
      ];

      test.each(failures)('it fails at %s: nothing of it stays', async (_, broken) => {
        const good = ledgerStep([one, late], { epoch, acts: [act({ target: one.id })] });
        await expect(first.commit(broken(good))).rejects.toThrow();
        expect(await second.read(0)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await second.recount(0)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await second.find(one.id)).toBeNull();
        expect(await second.find(late.id)).toBeNull();
        expect(await first.commit(good)).toBe('applied');
        expect((await second.find(one.id))?.state).toBe('voided');
      });
    });

    describe('acts', () => {
      const target = event({ id: eventId(1, 1) });
      const other = event({ id: eventId(1, 2) });
      const off = { counts: [count({ count: -1 })], books: [books({ counted: -1, voided: 1 })] };
      const on = { counts: [count({ count: 1 })], books: [books({ counted: 1, voided: -1 })] };
      const voiding = act({ kind: 'void', actId: 'act-1', target: target.id });
      const restoring = act({ kind: 'restore', actId: 'act-2', target: target.id });

      test('void and restore turn the state of their event, and of no other', async () => {
        await commit([target, other]);
        await commit([], { from: 1, acts: [voiding], ...off });
        expect(await second.find(target.id)).toEqual({ ...target, state: 'voided' });
        expect(await second.find(other.id)).toEqual(other);
        await expectRowsLikeWindows();
        await commit([], { from: 2, acts: [restoring], ...on });
        expect(await second.find(target.id)).toEqual(target);
        await expectRowsLikeWindows();
      });

      test('that repeat change nothing, though the state has moved since', async () => {
        await commit([target]);
        await commit([], { from: 1, acts: [voiding], ...off });
        await commit([], { from: 2, acts: [restoring], ...on });
        await commit([], { from: 3, acts: [voiding, voiding] });
        expect((await second.find(target.id))?.state).toBe('counted');
        await expectRowsLikeWindows();
      });

      test('of one step come into force after its events, in their order', async () => {
        const again = act({ kind: 'void', actId: 'act-3', target: target.id });
        const counts = [count({ count: -1 })];
        const acts = [voiding, restoring, again];
        await commit([target], { acts, counts, books: [books({ counted: -1, voided: 1 })] });
        expect((await second.find(target.id))?.state).toBe('voided');
        await expectRowsLikeWindows();
      });

      test('on an event that never counted, or that is not there, change no event', async () => {
        const late = event({ id: eventId(3, 3), state: 'late' });
        const expired = event({ id: eventId(4, 4), state: 'expired' });
        await commit([late, expired]);
        const acts = [late.id, expired.id, eventId(9, 9)].flatMap((id) => [
          act({ kind: 'void', actId: 'act-1', target: id }),
          act({ kind: 'restore', actId: 'act-2', target: id }),
        ]);
        await commit([], { from: 1, acts });
        expect(await second.find(late.id)).toEqual(late);
        expect(await second.find(expired.id)).toEqual(expired);
        expect(await second.find(eventId(9, 9))).toBeNull();
        await expectRowsLikeWindows();
      });
    });

    describe('windows', () => {
      test('are of one scope, from the first minute to before the last, by minute, item and lane', async () => {
        const counts = [
          count({ minute: MINUTE + 2, count: 5 }),
          count({ minute: MINUTE, item: 'bruno', count: 2 }),
          count({ minute: MINUTE, lane: 'flagged', count: 3 }),
          count({ minute: MINUTE, count: 4 }),
          count({ minute: MINUTE - 1, count: 6 }),
          count({ minute: MINUTE + 3, count: 7 }),
          count({ minute: MINUTE, scope: 'poll-b', count: 8 }),
        ];
        await commit([], { counts });
        expect(await second.windows('poll-a', MINUTE, MINUTE + 3)).toEqual([
          count({ minute: MINUTE, count: 4 }),
          count({ minute: MINUTE, lane: 'flagged', count: 3 }),
          count({ minute: MINUTE, item: 'bruno', count: 2 }),
          count({ minute: MINUTE + 2, count: 5 }),
        ]);
        expect(await second.windows('poll-a', MINUTE + 1, MINUTE + 2)).toEqual([]);
        expect(await second.windows('poll-a', MINUTE, MINUTE)).toEqual([]);
        expect(await second.windows('poll-c', 0, MINUTE * 2)).toEqual([]);
      });

      test('add all partitions up, and list nothing that comes to nought', async () => {
        const other = await second.takeOver(3);
        await commit([], { counts: [count({ count: 4 }), count({ count: 2, item: 'bruno' })] });
        const counts = [count({ count: 5 }), count({ count: -2, item: 'bruno' })];
        await second.commit(ledgerStep([], { epoch: other.epoch, partition: 3, counts }));
        expect(await first.windows('poll-a', MINUTE, MINUTE + 1)).toEqual([count({ count: 9 })]);
      });
    });

    describe('books', () => {
      test('are of one scope, all partitions added up', async () => {
        const other = await second.takeOver(3);
        const all = { logged: 9, counted: 4, duplicate: 2, expired: 1, late: 1, voided: 1 };
        await commit([], { books: [books(all), books({ scope: 'poll-b', logged: 50 })] });
        const step = ledgerStep([], { epoch: other.epoch, partition: 3, books: [books(all)] });
        await second.commit(step);
        const twice = { logged: 18, counted: 8, duplicate: 4, expired: 2, late: 2, voided: 2 };
        expect(await second.books('poll-a')).toEqual(books(twice));
        expect(await second.books('poll-b')).toEqual(books({ scope: 'poll-b', logged: 50 }));
      });

      test('of a scope that nothing was logged of are all zeros', async () => {
        expect(await second.books('poll-c')).toEqual(books({ scope: 'poll-c' }));
      });
    });

    describe('events', () => {
      const shuffled = [5, 1, 9, 3, 7, 0, 8, 2, 6, 4];

      test('come in id order over partitions, of one scope, in every state, in pages', async () => {
        const other = await second.takeOver(1);
        const all = shuffled.map((n) =>
          event({
            id: eventId(n * 10, n),
            scope: n % 4 === 3 ? 'poll-b' : 'poll-a',
            state: n === 5 ? 'late' : n === 8 ? 'expired' : 'counted',
            partition: n % 2,
            offset: n,
          }),
        );
        await commit(all.filter(({ partition }) => partition === 0));
        const rest = all.filter(({ partition }) => partition === 1);
        await second.commit(ledgerStep(rest, { epoch: other.epoch, partition: 1 }));
        const sorted = all
          .filter(({ scope }) => scope === 'poll-a')
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
        for (const limit of [1, 2, 3, 7, 8, 9, 1_000]) {
          expect(await eventsOf(second, 'poll-a', limit)).toEqual(sorted);
        }
        expect(await eventsOf(second, 'poll-b', 10)).toHaveLength(2);
        const none = await second.events('poll-c', null, 10);
        expect(none).toEqual({ events: [], nextCursor: null });
      });

      test('that share an id are all listed, the counted one first', async () => {
        const id = eventId(1, 1);
        const copies = [
          event({ id, offset: 2 }),
          event({ id, offset: 0, state: 'expired' }),
          event({ id, offset: 1, state: 'late' }),
        ];
        await commit(copies);
        for (const limit of [1, 2, 3]) {
          expect(await eventsOf(second, 'poll-a', limit)).toEqual(copies);
        }
      });

      test('are each listed once while others arrive before and behind the reader', async () => {
        const stay = shuffled.map((n) => event({ id: eventId(n * 10, n) }));
        await commit(stay);
        const seen: string[] = [];
        let cursor: string | null = null;
        let from = 1;
        do {
          const page = await second.events('poll-a', cursor, 2);
          seen.push(...page.events.map(({ id }) => id));
          cursor = page.nextCursor;
          const behind = event({ id: eventId(from, 100 + from) });
          const ahead = event({ id: eventId(95, 200 + from) });
          const late = event({ id: eventId(from * 9, 300 + from), state: 'late' });
          await commit([behind, ahead, late], { from });
          from += 1;
        } while (cursor !== null && from < 50);
        expect(cursor).toBeNull();
        expect(seen).toEqual([...new Set(seen)].sort());
        for (const { id } of stay) expect(seen).toContain(id);
        const ahead = seen.filter((id) => id.startsWith(eventId(95, 0).slice(0, 12)));
        expect(ahead.length).toBeGreaterThan(0);
      });
    });

    test('a step of 20,000 events is one step', async () => {
      const events = Array.from({ length: 20_000 }, (_, n) =>
        event({
          id: eventId((n * 7_919) % 60_000, n),
          item: `option-${n % 10}`,
          lane: n % 11 === 0 ? 'flagged' : 'valid',
          acceptedAt: NOON + n * 9,
          offset: Math.floor(n / 500),
          state: n % 100 === 0 ? 'late' : n % 101 === 0 ? 'expired' : 'counted',
        }),
      );
      await commit(events, { length: 40 });
      expect((await second.read(0)).checkpoint).toEqual(checkpoint(40));
      await expectRowsLikeWindows();
      const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(await eventsOf(second, 'poll-a', 5_000)).toEqual(sorted);
    });

    test('the memory of a step is the caller’s again once it has resolved', async () => {
      const one = event({ id: eventId(1, 1), acceptedAt: NOON + 5, offset: 6 });
      const step = ledgerStep([one], { epoch });
      await first.commit(step);
      for (const column of [step.counted.ids, step.counted.acceptedAt, step.counted.offset]) {
        column.fill(0);
      }
      expect(await second.find(one.id)).toEqual(one);
      expect(await eventsOf(first, 'poll-a', 10)).toEqual([one]);
    });

    describe('reset', () => {
      const here = event({ id: eventId(1, 1), offset: 4 });
      const late = event({ id: eventId(2, 2), state: 'late' });
      const there = event({ id: eventId(3, 3), partition: 1 });
      const lateThere = event({ id: eventId(2, 2), state: 'late', partition: 1 });
      let other: number;

      beforeEach(async () => {
        const marks = {
          closes: [{ scope: 'poll-a', offset: 2 }],
          acts: [act({ target: here.id })],
        };
        await commit([here, late], { length: 5, ...marks });
        ({ epoch: other } = await second.takeOver(1));
        const step = ledgerStep([there, lateThere], { epoch: other, partition: 1, ...marks });
        expect(await second.commit(step)).toBe('applied');
      });

      test('empties one partition of everything, for good', async () => {
        await first.reset(0);
        await store.crash();
        const survivor = await store.open();
        expect(await survivor.read(0)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await survivor.recount(0)).toEqual({ checkpoint: START, counts: [], books: [] });
        expect(await survivor.find(here.id)).toBeNull();
        expect(await survivor.find(late.id)).toEqual(lateThere);
        expect(await eventsOf(survivor, 'poll-a', 10)).toEqual([lateThere, there]);
        const next = await survivor.takeOver(0);
        expect(next).toMatchObject({ checkpoint: START, closes: [], acts: [] });
        expect(next.epoch).toBeGreaterThan(epoch);
      });

      test('leaves other partitions and their owners alone', async () => {
        const before = contentOf(await second.read(1));
        await first.reset(0);
        expect(contentOf(await second.read(1))).toEqual(before);
        const next = { epoch: other, partition: 1, from: 1 };
        expect(await second.commit(ledgerStep([], next))).toBe('applied');
        expect((await second.takeOver(1)).closes).toHaveLength(1);
        expect(await second.windows('poll-a', MINUTE, MINUTE + 1)).toEqual(before.counts);
      });

      test('fences the owner; a new one builds the same again', async () => {
        const before = contentOf(await second.read(0));
        await first.reset(0);
        expect(await first.commit(ledgerStep([here], { epoch, from: 5 }))).toBe('fenced');
        expect(await first.commit(ledgerStep([here], { epoch }))).toBe('fenced');
        ({ epoch } = await first.takeOver(0));
        await commit([here, late], { length: 5 });
        expect(contentOf(await second.read(0))).toEqual(before);
        expect(await second.find(here.id)).toEqual(here);
      });

      test('of every partition leaves an empty ledger', async () => {
        await first.reset(0);
        await second.reset(1);
        await first.reset(7);
        expect(await eventsOf(first, 'poll-a', 10)).toEqual([]);
        expect(await first.find(there.id)).toBeNull();
        expect(await first.windows('poll-a', 0, MINUTE * 2)).toEqual([]);
      });
    });

    describe('forget', () => {
      /** Of the day of NOON, and of the one after it. */
      const midnight = Math.ceil(NOON / DAY_MS) * DAY_MS;
      const old = [
        event({ id: eventId(1, 1), acceptedAt: NOON + 5 }),
        event({ id: eventId(2, 2), lane: 'flagged', acceptedAt: NOON + MINUTE_MS }),
        event({ id: eventId(3, 3), state: 'late' }),
        event({ id: eventId(4, 4), state: 'expired', scope: 'poll-b' }),
        event({ id: eventId(midnight - NOON - 1, 5), acceptedAt: midnight + 40 }),
      ];
      const young = [
        event({ id: eventId(midnight - NOON, 6), acceptedAt: midnight }),
        event({ id: eventId(midnight - NOON + 1, 7), state: 'late', acceptedAt: midnight }),
      ];
      const voiding = act({ actId: 'act-1', target: eventId(1, 1), minute: MINUTE });
      const restoring = { ...voiding, kind: 'restore' as const, actId: 'act-2' };
      const off = { counts: [count({ count: -1 })], books: [books({ counted: -1, voided: 1 })] };
      const back = { counts: [count({ count: 1 })], books: [books({ counted: 1, voided: -1 })] };

      beforeEach(async () => {
        await commit([...old, ...young], { books: [books({ logged: 3, duplicate: 3 })] });
      });

      test('takes away the rows of whole days, says how many, and keeps every count', async () => {
        const other = await second.takeOver(1);
        const there = event({ id: eventId(9, 9), partition: 1 });
        await second.commit(ledgerStep([there], { epoch: other.epoch, partition: 1 }));
        const before = contentOf(await second.read(0));
        const windows = await second.windows('poll-a', 0, MINUTE * 2);
        const booked = await second.books('poll-a');
        expect(await first.forget(midnight)).toBe(6);
        expect(await first.forget(midnight)).toBe(0);
        for (const life of ['this', 'next']) {
          if (life === 'next') await store.crash();
          const handle = life === 'this' ? second : await store.open();
          for (const { id } of [...old, there]) expect(await handle.find(id)).toBeNull();
          for (const one of young) expect(await handle.find(one.id)).toEqual(one);
          expect(await eventsOf(handle, 'poll-a', 10)).toEqual(young);
          expect(contentOf(await handle.read(0))).toEqual(before);
          expect(contentOf(await handle.recount(0))).toEqual(before);
          expect(contentOf(await handle.recount(1))).toEqual(contentOf(await handle.read(1)));
          expect(await handle.windows('poll-a', 0, MINUTE * 2)).toEqual(windows);
          expect(await handle.books('poll-a')).toEqual(booked);
        }
      });

      test('leaves a day that ends behind the instant as it is', async () => {
        expect(await first.forget(midnight - 1)).toBe(0);
        for (const one of [...old, ...young]) expect(await second.find(one.id)).toEqual(one);
      });

      test('leaves days alone that a partition may still write to', async () => {
        const { epoch: there } = await second.takeOver(1);
        const step = ledgerStep([], { epoch: there, partition: 1 });
        const logTime = midnight + DEDUP_WINDOW_MS - 1;
        await second.commit({ ...step, checkpoint: { ...step.checkpoint, logTime } });
        expect(await first.forget(midnight + 9 * DAY_MS)).toBe(0);
        for (const one of [...old, ...young]) expect(await second.find(one.id)).toEqual(one);
        const next = ledgerStep([], { epoch: there, partition: 1, from: 1 });
        await second.commit({ ...next, checkpoint: { ...next.checkpoint, logTime: logTime + 1 } });
        expect(await first.forget(midnight + 9 * DAY_MS)).toBe(5);
      });

      test('of an empty ledger takes nothing away', async () => {
        await first.reset(0);
        expect(await first.forget(midnight)).toBe(0);
      });

      test('goes on counting: steps, late copies and more days come in as ever', async () => {
        await first.forget(midnight);
        const copy = event({ id: eventId(1, 1), state: 'expired', offset: 7 });
        const more = event({ id: eventId(midnight - NOON + 2, 8), acceptedAt: midnight + 1 });
        await commit([copy, more], { from: 1 });
        expect(await second.find(copy.id)).toEqual(copy);
        await expectRowsLikeWindows();
        const before = contentOf(await second.read(0));
        expect(await first.forget(midnight + DAY_MS)).toBe(4);
        expect(contentOf(await second.recount(0))).toEqual(before);
        expect(await eventsOf(second, 'poll-a', 10)).toEqual([]);
        await commit([event({ id: eventId(midnight - NOON + DAY_MS, 9) })], { from: 2 });
        await expectRowsLikeWindows();
      });

      test('keeps what acts did, and what they do to an event that is forgotten', async () => {
        await commit([], { from: 1, acts: [voiding], ...off });
        await first.forget(midnight);
        await expectRowsLikeWindows();
        await commit([], { from: 2, acts: [voiding] });
        await expectRowsLikeWindows();
        await commit([], { from: 3, acts: [restoring], ...back });
        await expectRowsLikeWindows();
        await commit([], { from: 4, acts: [restoring, { ...voiding, actId: 'act-3' }], ...off });
        await expectRowsLikeWindows();
        await commit([], { from: 5, acts: [{ ...voiding, actId: 'act-4' }] });
        await expectRowsLikeWindows();
        const { books: recounted } = await second.recount(0);
        expect(recounted.find(({ scope }) => scope === 'poll-a')?.voided).toBe(1);
      });

      test('is undone by a reset: a rebuild brings the rows back, and counts them once', async () => {
        const before = contentOf(await second.read(0));
        await first.forget(midnight);
        await first.reset(0);
        ({ epoch } = await first.takeOver(0));
        await commit([...old, ...young], { books: [books({ logged: 3, duplicate: 3 })] });
        expect(contentOf(await second.recount(0))).toEqual(before);
        for (const one of old) expect(await second.find(one.id)).toEqual(one);
      });
    });

    test('a recount is of the events alone: counts that no event stands behind are not in it', async () => {
      const events = [
        event({ id: eventId(1, 1), acceptedAt: NOON + MINUTE_MS - 1 }),
        event({ id: eventId(2, 2), acceptedAt: NOON + MINUTE_MS }),
        event({ id: eventId(3, 3), state: 'late' }),
      ];
      await commit(events, {
        counts: [count({ count: 5 })],
        books: [books({ logged: 2, duplicate: 2 })],
      });
      expect(contentOf(await second.recount(0))).toEqual({
        checkpoint: checkpoint(1),
        counts: [count({ minute: MINUTE }), count({ minute: MINUTE + 1 })],
        books: [books({ logged: 5, counted: 2, late: 1, duplicate: 2 })],
      });
    });
  });
}

function stepped(create: CreateStore<Ledger>): CreateStore<SteppedStore> {
  return async () => {
    const store = await create();
    return {
      open: async (logId) => withoutEvents(await store.open(logId)),
      crash: () => store.crash(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };
}

/** The columns, with one that throws when it is looked at. */
function failing<Columns extends object>(columns: Columns, column: keyof Columns): Columns {
  return Object.defineProperty({ ...columns }, column, {
    enumerable: true,
    get: () => {
      throw new Error('injected');
    },
  });
}
