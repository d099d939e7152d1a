/** The promises of the pulse ledger, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { expectPulseLedgerLikeModel } from '../../test/support/pulse-ledger-operations.ts';
import {
  amending,
  columnsOf,
  conflictsOf,
  HOUR_MS,
  keyOf,
  type LoggedPulse,
  logged,
  NOON,
  type PulseStore,
  pulseStep,
  pulsesOf,
  report,
  sha256,
  stored,
  totalsOf,
  units,
  voiding,
  withoutStoredAt,
} from '../../test/support/pulse-samples.ts';
import { checkpoint } from '../../test/support/store-step-samples.ts';
import { START } from '../domain/counting/checkpoint.ts';
import { unknownTarget } from '../domain/metering/unknown-target.ts';
import {
  NO_USAGE,
  USAGE_WINDOW_MS,
  type UsageRecord,
  usageOf,
  usageVersion,
} from '../domain/metering/usage.ts';
import { type Granularity, usageBounds } from '../domain/metering/usage-bounds.ts';
import { USAGE_DAY_MS } from '../domain/metering/usage-spans.ts';
import { addUpUsage } from '../domain/metering/usage-sum.ts';
import type { DeadLetterFilter } from './dead-letters.ts';
import type {
  PulseCommit,
  PulseConflict,
  PulseStep,
  UsageFilter,
  UsageRow,
} from './pulse-ledger.ts';
import { type CreateStore, LOG_ID, type StoreUnderTest } from './store-under-test.ts';

/** A schema of its own a run: minutes on a machine that is busy. */
const LONG_TIMEOUT_MS = 180_000;
const ALL_LETTERS: DeadLetterFilter = { queue: null, state: null, tenant: null, code: null };
const EVER = Number.MAX_SAFE_INTEGER;
const ANY = { tenant: null, sku: null, unit: null };
const ROWS_MAX = 9_999;
const LONG_BOUNDS = [
  [0, EVER],
  longBounds('P1D', 'UTC'),
  longBounds('P1D', 'America/Los_Angeles'),
  longBounds('P1D', 'Asia/Kolkata'),
  longBounds('PT1H', 'UTC'),
  longBounds('P1M', 'Europe/Berlin'),
  longBounds('P1M', 'Asia/Kathmandu'),
];
const NO_BOOKS = {
  received: 0,
  counted: 0,
  duplicates: 0,
  conflicts: 0,
  voided: 0,
  deadLetters: 0,
};

export function pulseLedgerContract(
  name: string,
  create: CreateStore<PulseStore>,
  model: CreateStore<PulseStore>,
): void {
  describe(`pulse ledger contract: ${name}`, () => {
    test(
      'any pulses, acts, repeats, resets, forgotten ranges and crashes leave what the model holds',
      async () => {
        await expectPulseLedgerLikeModel(create, model);
      },
      LONG_TIMEOUT_MS,
    );

    let store: StoreUnderTest<PulseStore>;
    let first: PulseStore;
    let second: PulseStore;
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
      pulses: readonly LoggedPulse[],
      fields: Partial<PulseStep> & { readonly length?: number } = {},
    ): Promise<PulseCommit> {
      const done = await first.commit(pulseStep(pulses, { epoch, ...fields }));
      expect(done.outcome).toBe('applied');
      return done;
    }

    const done = (counts: Partial<PulseCommit> = {}): PulseCommit => ({
      outcome: 'applied',
      counted: 0,
      duplicates: 0,
      conflicts: 0,
      ...counts,
    });

    const found = async (one: LoggedPulse, by = second) =>
      withoutStoredAt(await by.find(keyOf(one)));

    /** Every window by itself. */
    const usage = (
      filter: Partial<UsageFilter> = {},
      by = second,
      step = USAGE_WINDOW_MS,
    ): Promise<readonly UsageRow[]> => {
      const all = { ...ANY, from: NOON - HOUR_MS, to: NOON + 3 * HOUR_MS, ...filter };
      const count = (all.to - all.from) / step;
      return by.usage(
        all,
        Array.from({ length: count + 1 }, (_, at) => all.from + at * step),
        ROWS_MAX,
      );
    };

    /** What usage comes to where exactly these pulses count. */
    const usageOfAll = (pulses: readonly LoggedPulse[]): readonly UsageRow[] => {
      const bounds = Array.from({ length: 17 }, (_, at) => NOON - HOUR_MS + at * USAGE_WINDOW_MS);
      return addUpUsage(totalsOf(pulses), bounds);
    };

    /** Hours, days, months and more, in zones in which they begin at other times. */
    async function expectLongUsage(pulses: readonly LoggedPulse[], by = second): Promise<void> {
      for (const bounds of LONG_BOUNDS) {
        const filter = { ...ANY, from: bounds[0] ?? 0, to: bounds.at(-1) ?? 0 };
        const rows = await by.usage(filter, bounds, ROWS_MAX);
        expect(rows).toEqual(addUpUsage(totalsOf(pulses), bounds));
      }
    }

    /** Usage stands as if these pulses alone had come, and the pulses themselves come to the same. */
    async function expectUsage(pulses: readonly LoggedPulse[]): Promise<void> {
      expect(await usage()).toEqual(usageOfAll(pulses));
      await expectLongUsage(pulses);
      expect(await second.recompute(0, 0, EVER)).toEqual([]);
      expect(await usage()).toEqual(usageOfAll(pulses));
    }

    const as = (one: LoggedPulse, amount: string): LoggedPulse =>
      logged({ ...one.pulse, amount, receivedAt: one.receivedAt });

    describe('take-over', () => {
      test('of a partition that nobody had starts at the start', async () => {
        expect(await second.takeOver(5)).toMatchObject({ checkpoint: START });
        expect(await first.checkpoint(5)).toEqual(START);
        expect(await first.checkpoint(6)).toEqual(START);
        expect(await first.books(6)).toEqual(NO_BOOKS);
      });

      test('raises the epoch, also after a crash, and fences who held it', async () => {
        await commit([logged()]);
        const next = await second.takeOver(0);
        expect(next.epoch).toBeGreaterThan(epoch);
        expect(next.checkpoint).toEqual(checkpoint(1));
        const late = pulseStep([logged({ id: 'p-2' })], { epoch, from: 1 });
        expect(await first.commit(late)).toEqual(done({ outcome: 'fenced' }));
        expect(await found(logged({ id: 'p-2' }))).toBeNull();
        await store.crash();
        const third = await (await store.open()).takeOver(0);
        expect(third.epoch).toBeGreaterThan(next.epoch);
      });

      test('for another log is log_mismatch, and fences nobody', async () => {
        const takeOver = async () => (await store.open('another-log')).takeOver(0);
        await expect(takeOver()).rejects.toMatchObject({ code: 'log_mismatch' });
        await commit([logged()]);
      });
    });

    describe('a step', () => {
      const one = logged({ id: 'p-1', attributes: { region: 'são-1', host: '' } });

      test('is applied whole: every handle sees pulses, usage, books and position, and so does a survivor', async () => {
        const extremes = [
          one,
          logged({ id: 'p-2', offset: 2 ** 31, amount: '-0.000000000000000001' }),
          logged({ id: 'p-3', amount: '99999999999999999999.999999999999999999' }),
          logged({ id: 'p-4', amount: '99999999999999999999.999999999999999999' }),
          logged({ id: 'ü'.repeat(64), tenant: '\u{1f4a1}', sku: 'a\u00a0b', occurredAt: 0 }),
          logged({ id: 'p-6', occurredAt: Date.UTC(9999, 11, 31), amount: '1.50' }),
        ];
        const before = Date.now();
        expect(await commit(extremes)).toEqual(done({ counted: 6 }));
        const after = Date.now();
        for (const life of ['this', 'next']) {
          if (life === 'next') await store.crash();
          const handle = life === 'this' ? second : await store.open();
          expect(await handle.checkpoint(0)).toEqual(checkpoint(1));
          expect(await handle.books(0)).toEqual({ ...NO_BOOKS, received: 6, counted: 6 });
          for (const pulse of extremes) expect(await found(pulse, handle)).toEqual(stored(pulse));
          const storedAt = (await handle.find(keyOf(one)))?.storedAt ?? 0;
          expect(storedAt).toBeGreaterThanOrEqual(before);
          expect(storedAt).toBeLessThanOrEqual(after);
          expect(await usage({}, handle)).toEqual(usageOfAll(extremes));
        }
      });

      test('that comes again is already applied, and changes nothing', async () => {
        const step = pulseStep([one], { epoch, acts: [voiding(one)], deadLetters: [report('x')] });
        expect(await first.commit(step)).toEqual(done({ counted: 1 }));
        const books = await second.books(0);
        expect(await first.commit(step)).toEqual(done({ outcome: 'already-applied' }));
        expect(await second.books(0)).toEqual(books);
        expect((await found(one))?.duplicates).toBe(0);
        expect(await second.deadLetters.get(report('x').id)).toMatchObject({ attempts: 1 });
      });

      test.each([
        ['beyond the position', 2, 1],
        ['across the position', 0, 2],
      ])('%s is misaligned, and changes nothing', async (_, from, length) => {
        await commit([one]);
        const step = pulseStep([logged({ id: 'p-2' })], { epoch, from, length });
        expect(await first.commit(step)).toEqual(done({ outcome: 'misaligned' }));
        expect(await second.checkpoint(0)).toEqual(checkpoint(1));
        expect(await found(logged({ id: 'p-2' }))).toBeNull();
        expect(await second.books(0)).toEqual({ ...NO_BOOKS, received: 1, counted: 1 });
      });

      test('of an epoch that nobody was given is fenced', async () => {
        const step = pulseStep([one], { epoch: epoch + 1 });
        expect(await first.commit(step)).toEqual(done({ outcome: 'fenced' }));
        const elsewhere = pulseStep([one], { epoch, partition: 9 });
        expect(await first.commit(elsewhere)).toEqual(done({ outcome: 'fenced' }));
      });

      test('without anything moves the position', async () => {
        expect(await commit([], { length: 7 })).toEqual(done());
        expect(await second.checkpoint(0)).toEqual(checkpoint(7));
        expect(await second.pendingUsage(0, 10)).toEqual([]);
      });

      test.each(['bytes', 'keys', 'amounts', 'receivedAt'] as const)(
        'that fails at its %s leaves nothing behind',
        async (column) => {
          const good = pulseStep([logged({ id: 'p-2' }), one], {
            epoch,
            acts: [voiding(one)],
            deadLetters: [report('x')],
          });
          // The slow path alone looks at amounts: a pulse that is known sends the step there.
          await commit([logged({ id: 'p-2' })], { partition: 0 });
          const step = { ...good, from: 1, checkpoint: checkpoint(2) };
          const broken = { ...step, pulses: failing(step.pulses, column) };
          await expect(first.commit(broken)).rejects.toThrow();
          expect(await second.checkpoint(0)).toEqual(checkpoint(1));
          expect(await found(one)).toBeNull();
          expect(await second.books(0)).toEqual({ ...NO_BOOKS, received: 1, counted: 1 });
          expect(await second.deadLetters.get(report('x').id)).toBeNull();
          expect(await first.commit(step)).toEqual(done({ counted: 1, duplicates: 1 }));
          expect((await found(one))?.state).toBe('voided');
        },
      );

      test('has its memory back once it has resolved', async () => {
        const step = pulseStep([one], { epoch });
        await first.commit(step);
        const { pulses } = step;
        for (const column of [pulses.bytes, pulses.keys, pulses.digests, pulses.occurredAt]) {
          column.fill(0);
        }
        expect(await found(one)).toEqual(stored(one));
        expect(await pulsesOf(first, { tenant: null }, 9)).toEqual([stored(one)]);
        expect(await commit([one], { from: 1 })).toEqual(done({ duplicates: 1 }));
      });

      test(
        'of 20,000 pulses is one step, and so are those that repeat it',
        async () => {
          const pulses = Array.from({ length: 20_000 }, (_, at) =>
            logged({
              id: `p-${at}`,
              tenant: `tenant-${at % 7}`,
              sku: `sku-${at % 3}`,
              amount: `${at % 100}.${(at % 9) + 1}`,
              occurredAt: NOON + (at % 900) * 4_000,
              offset: Math.floor(at / 500),
            }),
          );
          expect(await commit(pulses, { length: 40 })).toEqual(done({ counted: 20_000 }));
          await expectUsage(pulses);
          const more = [...pulses.slice(0, 19_999), logged({ id: 'one more' })];
          const repeated = await commit(more, { from: 40 });
          expect(repeated).toEqual(done({ counted: 1, duplicates: 19_999 }));
          await expectUsage([...pulses, logged({ id: 'one more' })]);
          const one = pulses.filter(({ pulse }) => pulse.tenant === 'tenant-3');
          expect(await pulsesOf(second, { tenant: 'tenant-3' }, 1_000)).toHaveLength(one.length);
        },
        LONG_TIMEOUT_MS,
      );
    });

    describe('a pulse that comes again', () => {
      const one = logged({ id: 'p-1', amount: '2.5' });
      const other = logged({ id: 'p-2', amount: '7' });
      const lie = logged({ id: 'p-1', amount: '2.6' });

      test('in a later step, or much later, counts once, and the new ones beside it count', async () => {
        await commit([one]);
        const late = { ...one, receivedAt: NOON + 400 * 24 * HOUR_MS };
        expect(await commit([late, other], { from: 1 })).toEqual(
          done({ counted: 1, duplicates: 1 }),
        );
        await store.crash();
        first = await store.open();
        second = await store.open();
        expect(await commit([late], { from: 2 })).toEqual(done({ duplicates: 1 }));
        expect(await found(one)).toEqual(stored(one, { duplicates: 2 }));
        expect(await second.books(0)).toEqual({
          ...NO_BOOKS,
          received: 4,
          counted: 2,
          duplicates: 2,
        });
        await expectUsage([one, other]);
      });

      test('several times in one step counts once, the first one', async () => {
        const step = [lie, one, other, lie, one, lie];
        expect(await commit(step)).toEqual(done({ counted: 2, duplicates: 2, conflicts: 2 }));
        expect(await found(lie)).toEqual(stored(lie, { duplicates: 2, conflicts: 2 }));
        await expectUsage([lie, other]);
      });

      test('several times in a step that the ledger knows a pulse of counts once, too', async () => {
        await commit([other]);
        const step = [lie, one, other, lie];
        expect(await commit(step, { from: 1 })).toEqual(
          done({ counted: 1, duplicates: 2, conflicts: 1 }),
        );
        await expectUsage([lie, other]);
      });

      test('in another partition counts once, and is booked where it came', async () => {
        const { epoch: there } = await second.takeOver(1);
        await commit([one]);
        const step = pulseStep([one, lie, other], { epoch: there, partition: 1 });
        expect(await second.commit(step)).toEqual(
          done({ counted: 1, duplicates: 1, conflicts: 1 }),
        );
        expect(await found(one)).toEqual(stored(one, { duplicates: 1, conflicts: 1 }));
        expect(await found(other)).toEqual(stored(other, { partition: 1 }));
        expect(await first.books(0)).toEqual({ ...NO_BOOKS, received: 1, counted: 1 });
        expect(await first.books(1)).toEqual({
          ...NO_BOOKS,
          received: 3,
          counted: 1,
          duplicates: 1,
          conflicts: 1,
        });
        await expectUsage([one, other]);
        expect(await second.recompute(1, 0, EVER)).toEqual([]);
      });

      test.each([
        ['amount', { amount: '2.6' }],
        ['unit', { unit: 'MB' }],
        ['sku', { sku: 'traffic' }],
        ['time', { occurredAt: NOON + 1 }],
        ['attributes', { attributes: { region: 'x' } }],
      ])(
        'with another %s is a conflict: the first stands, the other is kept',
        async (_, fields) => {
          const liar = logged({ id: 'p-1', amount: '2.5', ...fields, receivedAt: NOON + 99 });
          await commit([one]);
          expect(await commit([liar], { from: 1 })).toEqual(done({ conflicts: 1 }));
          expect(await found(one)).toEqual(stored(one, { conflicts: 1 }));
          expect(await conflictsOf(second, null, 5)).toEqual([
            { key: keyOf(one), pulse: liar.pulse, receivedAt: NOON + 99, partition: 0, offset: 1 },
          ]);
          await expectUsage([one]);
        },
      );

      test('with the same id under another source or tenant is another pulse', async () => {
        const all = [one, logged({ id: 'p-1', source: 'b' }), logged({ id: 'p-1', tenant: 'b' })];
        expect(await commit(all)).toEqual(done({ counted: 3 }));
      });
    });

    describe('conflicts', () => {
      const conflict = (id: string, at: number, fields: Partial<PulseConflict> = {}) => {
        const one = logged({ id, amount: '9', receivedAt: NOON + at });
        const { pulse, receivedAt } = one;
        return { key: keyOf(one), pulse, receivedAt, partition: 0, offset: 0, ...fields };
      };

      test('are listed newest first, of one tenant or of all, in pages', async () => {
        await commit([logged({ id: 'a' }), logged({ id: 'b' }), logged({ tenant: 'globex' })]);
        const lies = [
          logged({ id: 'a', amount: '9', receivedAt: NOON + 5 }),
          logged({ id: 'b', amount: '9', receivedAt: NOON + 7 }),
          logged({ tenant: 'globex', amount: '9', receivedAt: NOON + 6 }),
          logged({ id: 'a', amount: '9', receivedAt: NOON + 7 }),
        ];
        await commit(lies, { from: 1 });
        const acme = [
          conflict('a', 7, { offset: 1 }),
          conflict('b', 7, { offset: 1 }),
          conflict('a', 5, { offset: 1 }),
        ];
        for (const limit of [1, 2, 3, 4]) {
          expect(await conflictsOf(second, 'acme', limit)).toEqual(acme);
          const all = await conflictsOf(second, null, limit);
          expect(all.map(({ receivedAt }) => receivedAt - NOON)).toEqual([7, 7, 6, 5]);
        }
        expect(await conflictsOf(second, 'nobody', 5)).toEqual([]);
      });

      test.each(['', 'x', '1.', 'x.1', '1.1.1'])('refuse a cursor such as %p', async (cursor) => {
        await expect(first.conflicts(null, cursor, 5)).rejects.toMatchObject({
          code: 'invalid_query',
        });
      });
    });

    describe('usage', () => {
      const at = (minutes: number, amount: string, fields: Parameters<typeof logged>[0] = {}) =>
        logged({
          id: `p-${minutes}-${amount}-${Object.values(fields).join()}`,
          occurredAt: NOON + minutes * 60_000,
          amount,
          ...fields,
        });

      test('has sum, count, min, max and last of each window, exact to the last digit', async () => {
        const pulses = [
          at(1, '0.1'),
          at(14, '-3.000000000000000001'),
          at(2, '0.2'),
          at(15, '5'),
          at(-1, '99999999999999999999'),
        ];
        await commit(pulses.slice(0, 3));
        await commit(pulses.slice(3), { from: 1 });
        expect(await usage()).toEqual(usageOfAll(pulses));
        const [, quarter] = await usage();
        expect(quarter).toMatchObject({
          start: NOON,
          end: NOON + USAGE_WINDOW_MS,
          sum: units('-2.700000000000000001'),
          count: 3,
          min: units('-3.000000000000000001'),
          max: units('0.2'),
          last: units('-3.000000000000000001'),
          lastAt: NOON + 14 * 60_000,
        });
        await expectUsage(pulses);
      });

      test('has a last that does not hang on the order of arrival, also among equal times', async () => {
        const twins = ['a', 'b', 'c', 'd', 'e'].map((id, n) => logged({ id, amount: `${n}` }));
        const greatest = twins.toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))[0] ?? logged();
        for (const [from, twin] of twins.entries()) await commit([twin], { from });
        expect(await usage()).toMatchObject([
          { last: units(greatest.pulse.amount), lastKey: keyOf(greatest), lastAt: NOON },
        ]);
        await expectUsage(twins);
      });

      test('adds windows up between the bounds, over partitions', async () => {
        const { epoch: there } = await second.takeOver(4);
        const here = [at(0, '1'), at(59, '2'), at(60, '4'), at(200, '8')];
        const elsewhere = [at(30, '16'), at(60, '32', { source: 'b' })];
        await commit(here);
        await second.commit(pulseStep(elsewhere, { epoch: there, partition: 4 }));
        const all = [...here, ...elsewhere];
        const day = [NOON - 12 * HOUR_MS, NOON + 12 * HOUR_MS];
        for (const bounds of [day, [NOON, NOON + HOUR_MS, NOON + 4 * HOUR_MS], [NOON], []]) {
          const filter = { ...ANY, from: bounds[0] ?? NOON, to: bounds.at(-1) ?? NOON };
          expect(await second.usage(filter, bounds, ROWS_MAX)).toEqual(
            addUpUsage(totalsOf(all), bounds),
          );
        }
        const [row] = await second.usage({ ...ANY, from: 0, to: EVER }, day, ROWS_MAX);
        expect(row).toMatchObject({
          sum: units('63'),
          count: 6,
          min: units('1'),
          last: units('8'),
        });
      });

      test('of more rows than are asked for is refused, and of as many is told', async () => {
        const pulses = ['a', 'b'].flatMap((sku) => [
          logged({ id: `${sku}-1`, sku }),
          logged({ id: `${sku}-2`, sku, occurredAt: NOON + HOUR_MS }),
        ]);
        await commit(pulses);
        const bounds = [NOON - HOUR_MS, NOON + HOUR_MS, NOON + 2 * HOUR_MS, NOON + 3 * HOUR_MS];
        const filter = { ...ANY, from: NOON - HOUR_MS, to: NOON + 3 * HOUR_MS };
        expect(await second.usage(filter, bounds, 4)).toHaveLength(4);
        const tooMany = second.usage(filter, bounds, 3);
        await expect(tooMany).rejects.toMatchObject({ code: 'too_many_rows' });
        expect(await second.usage({ ...filter, sku: 'b' }, bounds, 2)).toHaveLength(2);
        // The handle that refused goes on.
        await second.takeOver(3);
      });

      test('of the day on which the clocks go back has 25 hours', async () => {
        const midnight = Date.UTC(2026, 9, 24, 22);
        const bounds = [midnight - 24 * HOUR_MS, midnight, midnight + 25 * HOUR_MS];
        const pulses = [-1, 0, 25 * 60 - 1, 25 * 60].map((minute) =>
          logged({ id: `p${minute}`, occurredAt: midnight + minute * 60_000 }),
        );
        await commit(pulses);
        const filter = { ...ANY, from: midnight - 24 * HOUR_MS, to: midnight + 25 * HOUR_MS };
        const rows = await second.usage(filter, bounds, ROWS_MAX);
        expect(rows.map(({ start, end, count }) => [start, end, count])).toEqual([
          [midnight - 24 * HOUR_MS, midnight, 1],
          [midnight, midnight + 25 * HOUR_MS, 2],
        ]);
      });

      test('leaves out what starts before `from` or at and behind `to`, within wider bounds', async () => {
        await commit([at(-15, '1'), at(0, '2'), at(30, '4'), at(45, '8')]);
        const filter = { ...ANY, from: NOON, to: NOON + 3 * USAGE_WINDOW_MS };
        const bounds = [NOON - HOUR_MS, NOON + HOUR_MS];
        expect(await second.usage(filter, bounds, ROWS_MAX)).toMatchObject([
          { start: NOON - HOUR_MS, end: NOON + HOUR_MS, sum: units('6'), count: 2 },
        ]);
      });

      test('is of one tenant, sku and unit, or of all, in the order of their bytes', async () => {
        const texts = ['a', 'B', 'ab', 'é', '\uffee', '\u{1f4a1}', 'a b'];
        const pulses = texts.flatMap((text, n) => [
          at(0, '1', { tenant: text }),
          at(n, '1', { sku: text, tenant: 'a' }),
          at(n, '1', { unit: text, tenant: 'a' }),
        ]);
        await commit(pulses);
        const where = (filter: Partial<UsageFilter>) => (row: UsageRow) =>
          (['tenant', 'sku', 'unit'] as const).every(
            (part) => (filter[part] ?? row.series[part]) === row.series[part],
          );
        for (const filter of [
          {},
          { tenant: 'a' },
          { tenant: '\u{1f4a1}' },
          { sku: 'ab' },
          { unit: 'é' },
          { tenant: 'a', sku: 'storage', unit: 'B' },
          { tenant: 'A' },
        ]) {
          expect(await usage(filter)).toEqual(usageOfAll(pulses).filter(where(filter)));
        }
      });

      test('is the same by the totals of the step and by the pulses alone', async () => {
        const old = at(0, '1', { tenant: 'other' });
        const pulses = [at(1, '0.1'), at(2, '-0.3'), at(16, '7'), at(1, '0.5', { sku: 'b' })];
        await commit([old]);
        await commit(pulses, { from: 1 });
        const fast = await usage({ tenant: 'acme' });
        await first.reset(0);
        ({ epoch } = await first.takeOver(0));
        await commit([old]);
        await commit([...pulses, old], { from: 1 });
        expect(await usage({ tenant: 'acme' })).toEqual(fast);
      });
    });

    describe('usage over several days', () => {
      /** At midnight, noon, a quarter to seven and a minute to midnight, of days in October and November. */
      const pulses = [-1, 0, 6, 7, 8].flatMap((day) =>
        [-12 * 60, 0, 6 * 60 + 45, 12 * 60 - 1].map((minutes, at) =>
          logged({
            id: `p-${day}-${minutes}`,
            sku: at === 1 && day === 0 ? 'traffic' : 'storage',
            amount: ['-3', '0.25', '8'][(at + day + 1) % 3] ?? '',
            occurredAt: NOON + day * USAGE_DAY_MS + minutes * 60_000,
          }),
        ),
      );
      const of = (day: number) => pulses.filter(({ pulse }) => pulse.id.startsWith(`p-${day}-`));
      const others = (day: number) => pulses.filter((one) => !of(day).includes(one));

      beforeEach(async () => {
        const half = pulses.filter((_, at) => at % 2 === 0);
        await commit(half);
        await commit(pulses, { from: 1 });
      });

      test('is what its quarters come to, wherever its hours, days and months begin', async () => {
        await expectLongUsage(pulses);
        await store.crash();
        await expectLongUsage(pulses, await store.open());
      });

      test('goes with every act on a pulse, also until nothing of a day is left, and again from there', async () => {
        const acts = of(6).map((one, at) => voiding(one, { actId: `void-${at}` }));
        for (const [at, act] of acts.entries()) {
          await commit([], { from: 2 + at, acts: [act] });
          await expectLongUsage([...others(6), ...of(6).slice(at + 1)]);
        }
        const [back = logged()] = of(6);
        await commit([], { from: 6, acts: [amending(back, '-77', { actId: 'amend' })] });
        await expectLongUsage([...others(6), as(back, '-77')]);
        const late = logged({ ...back.pulse, id: 'late', amount: '5' });
        const again = voiding(back, { actId: 'void it again' });
        await commit([late], { from: 7, acts: [again] });
        await expectLongUsage([...others(6), late]);
      });

      test('is put right with its windows, a part of a day too', async () => {
        const more = [-1, 0, 6].map((day) =>
          logged({ id: `more-${day}`, amount: '100', occurredAt: NOON + day * USAGE_DAY_MS }),
        );
        await commit(more, { from: 2, totals: [] });
        await expectLongUsage(pulses);
        expect(await second.recompute(0, NOON, NOON + USAGE_WINDOW_MS)).toHaveLength(1);
        await expectLongUsage([...pulses, ...more.slice(1, 2)]);
        expect(await second.recompute(0, 0, EVER)).toHaveLength(2);
        await expectLongUsage([...pulses, ...more]);
      });

      test('is of every partition, and of those that are left after a reset', async () => {
        const { epoch: there } = await second.takeOver(3);
        const elsewhere = pulses.map(({ pulse }) => logged({ ...pulse, source: 'b', amount: '9' }));
        await second.commit(pulseStep(elsewhere, { epoch: there, partition: 3 }));
        await expectLongUsage([...pulses, ...elsewhere]);
        const [gone = logged(), ...rest] = of(0);
        await commit([], { from: 2, acts: [voiding(gone)] });
        await expectLongUsage([...others(0), ...rest, ...elsewhere]);
        await first.reset(0);
        await expectLongUsage(elsewhere);
        ({ epoch } = await first.takeOver(0));
        await commit(of(0));
        await expectLongUsage([...of(0), ...elsewhere]);
        await first.reset(0);
        await first.reset(3);
        await expectLongUsage([]);
      });

      test('stays while pulses are forgotten and restored', async () => {
        await first.forget(NOON - 2 * USAGE_DAY_MS, NOON + 7 * USAGE_DAY_MS);
        await expectLongUsage(pulses);
        expect(await first.restore(0, columnsOf(pulses))).toBeGreaterThan(0);
        await expectLongUsage(pulses);
      });
    });

    describe('usage to be sent', () => {
      const one = logged({ id: 'p-1', amount: '1' });
      const more = logged({ id: 'p-2', amount: '2', occurredAt: NOON + 5 });
      const next = logged({ id: 'p-3', amount: '4', occurredAt: NOON + USAGE_WINDOW_MS });
      const version = (nextOffset: number) => usageVersion(epoch, nextOffset);
      const pending = (limit = 100) => second.pendingUsage(0, limit);
      const records = (of: readonly LoggedPulse[], at: number): readonly UsageRecord[] =>
        totalsOf(of).map((window) => ({ ...window, partition: 0, version: version(at) }));

      test('is each changed window, whole, with the version of the step that changed it', async () => {
        await commit([one]);
        expect(await pending()).toEqual(records([one], 1));
        await commit([next], { from: 1, length: 3 });
        expect(await pending()).toEqual([...records([one], 1), ...records([next], 4)]);
        await commit([more], { from: 4 });
        const both = [...records([next], 4), ...records([one, more], 5)];
        expect(await pending()).toEqual(both);
        expect(await pending(1)).toEqual(both.slice(0, 1));
        expect(await first.pendingUsage(1, 9)).toEqual([]);
        await store.crash();
        expect(await (await store.open()).pendingUsage(0, 9)).toEqual(both);
      });

      test('is done once its version is confirmed, for good, and confirming again is harmless', async () => {
        await commit([one, next]);
        const [window, other] = await pending();
        if (window === undefined || other === undefined) throw new Error('No window is pending');
        await second.markUsageSent([window]);
        await second.markUsageSent([window]);
        expect(await first.pendingUsage(0, 9)).toEqual([other]);
        await first.markUsageSent([other, window]);
        expect(await pending()).toEqual([]);
        await store.crash();
        expect(await (await store.open()).pendingUsage(0, 9)).toEqual([]);
      });

      test('stays where the window has changed between asking and confirming', async () => {
        await commit([one]);
        const asked = await pending();
        await commit([more], { from: 1 });
        await second.markUsageSent(asked);
        expect(await pending()).toEqual(records([one, more], 2));
      });

      test('is not what a step brought that changed nothing', async () => {
        await commit([one]);
        await second.markUsageSent(await pending());
        await commit([one, logged({ id: 'p-1', amount: '9' })], { from: 1 });
        await commit([], { from: 2, acts: [amending(one, '1.0')] });
        expect(await pending()).toEqual([]);
      });

      test('is not what an act left as it was, of a window of which pulses are forgotten too', async () => {
        const kept = logged({ id: 'kept', amount: '2', occurredAt: NOON + 1 });
        await commit([one, kept]);
        await second.markUsageSent(await pending());
        await first.forget(NOON, NOON + 1);
        await commit([], { from: 1, acts: [amending(kept, '2.00')] });
        expect(await pending()).toEqual([]);
      });

      test('is what acts moved, though they took each other back in the same step', async () => {
        await commit([one]);
        await second.markUsageSent(await pending());
        const back = amending(one, '1', { actId: 'back' });
        await commit([], { from: 1, acts: [voiding(one), back] });
        expect(await pending()).toEqual(records([one], 2));
      });

      test('of a window in which nothing counts any more says so', async () => {
        await commit([one]);
        await second.markUsageSent(await pending());
        await commit([], { from: 1, acts: [voiding(one)] });
        const empty = { ...NO_USAGE, partition: 0, version: version(2) };
        const { tenant, sku, unit } = one.pulse;
        expect(await pending()).toEqual([{ series: { tenant, sku, unit }, start: NOON, ...empty }]);
        expect(await usage()).toEqual([]);
        expect(await second.usage({ ...ANY, from: 0, to: EVER }, [0, NOON * 2], ROWS_MAX)).toEqual(
          [],
        );
      });

      test('of a window that is used again after it was empty is what it holds now', async () => {
        await commit([one]);
        await commit([], { from: 1, acts: [voiding(one)] });
        await commit([more], { from: 2 });
        expect(await pending()).toEqual(records([more], 3));
      });

      test('has a higher version after a reset, though the offsets begin anew', async () => {
        await commit([], { length: 50 });
        await commit([one], { from: 50 });
        const [before] = await pending();
        await first.reset(0);
        expect(await pending()).toEqual([]);
        await second.markUsageSent(before === undefined ? [] : [before]);
        ({ epoch } = await first.takeOver(0));
        await commit([one]);
        const [after] = await pending();
        expect(after?.version).toBeGreaterThan(before?.version ?? 0);
        expect(after).toEqual({ ...records([one], 1)[0], version: version(1) } as UsageRecord);
      });
    });

    describe('acts', () => {
      const low = logged({ id: 'low', amount: '-2', occurredAt: NOON + 1 });
      const middle = logged({ id: 'middle', amount: '0.5', occurredAt: NOON + 2 });
      const high = logged({ id: 'high', amount: '7.25', occurredAt: NOON + 3 });
      const all = [low, middle, high];

      test.each([
        ['least', low, [middle, high]],
        ['middle', middle, [low, high]],
        ['greatest and last', high, [low, middle]],
      ])('a void takes the %s pulse out of every figure', async (_, target, rest) => {
        await commit(all);
        const act = voiding(target, { offset: 1 });
        await commit([], { from: 1, acts: [act] });
        await expectUsage(rest);
        expect(await found(target)).toEqual(
          stored(target, { state: 'voided', amount: 0n, acts: [act] }),
        );
        expect(await found(rest[0] ?? low)).toEqual(stored(rest[0] ?? low));
        expect(await second.books(0)).toEqual({
          ...NO_BOOKS,
          received: 3,
          counted: 3,
          voided: 1,
        });
      });

      test('an amendment puts another amount in place of the first, which stays as it was sent', async () => {
        await commit(all);
        for (const [n, amount] of ['9.5', '-9.5', '0', '0.5'].entries()) {
          const act = amending(middle, amount, { actId: `act-${n}`, offset: n + 1 });
          await commit([], { from: n + 1, acts: [act] });
          await expectUsage([low, as(middle, amount), high]);
          expect(await found(middle)).toMatchObject({
            pulse: middle.pulse,
            state: 'counted',
            amount: units(amount),
          });
        }
        const last = amending(high, '1', { actId: 'act-9' });
        await commit([], { from: 5, acts: [last] });
        await expectUsage([low, middle, as(high, '1')]);
        expect((await second.books(0)).voided).toBe(0);
      });

      test('the last one of a pulse rules, and all are told in their order', async () => {
        const acts = [
          voiding(high, { actId: 'act-1' }),
          amending(high, '3', { actId: 'act-2' }),
          voiding(high, { actId: 'act-3' }),
          voiding(high, { actId: 'act-4' }),
        ];
        await commit(all);
        await commit([], { from: 1, acts: acts.slice(0, 1) });
        await commit([], { from: 2, acts: acts.slice(1, 2) });
        await expectUsage([low, middle, as(high, '3')]);
        expect((await second.books(0)).voided).toBe(0);
        await commit([], { from: 3, acts: acts.slice(2) });
        await expectUsage([low, middle]);
        expect((await second.books(0)).voided).toBe(1);
        expect(await found(high)).toEqual(stored(high, { state: 'voided', amount: 0n, acts }));
      });

      test('of one step come into force after its pulses, in their order', async () => {
        const acts = [voiding(low), amending(high, '1'), voiding(middle, { actId: 'act-3' })];
        await commit([...all, high], { acts });
        await expectUsage([as(high, '1')]);
      });

      test('that repeat change nothing, in the same step and later, whatever came between', async () => {
        const act = voiding(high);
        const back = amending(high, '7.25');
        await commit(all, { acts: [act, act] });
        await commit([], { from: 1, acts: [back] });
        await second.markUsageSent(await second.pendingUsage(0, 9));
        const other = amending(low, '5', { actId: act.actId });
        await commit([], { from: 2, acts: [act, other, { ...back, at: 9, offset: 9 }] });
        await expectUsage(all);
        expect(await found(high)).toEqual(stored(high, { acts: [act, back] }));
        expect(await found(low)).toEqual(stored(low));
        expect(await second.pendingUsage(0, 9)).toEqual([]);
        expect(await second.deadLetters.pending()).toMatchObject({
          'resource-consumption.dlq': 0,
        });
      });

      test('on a pulse that is not there become dead letters, and may find it later', async () => {
        const act = amending(high, '3', { offset: 4 });
        await commit([low], { length: 5, acts: [act] });
        const place = { logId: LOG_ID, partition: 0 };
        const letter = unknownTarget(act, place, checkpoint(5).logTime, sha256);
        const { failedAt, ...failure } = letter;
        expect(await second.deadLetters.get(letter.id)).toMatchObject({
          ...failure,
          state: 'PENDING',
          attempts: 1,
          lastFailedAt: failedAt,
        });
        expect(await second.books(0)).toEqual({
          ...NO_BOOKS,
          received: 1,
          counted: 1,
          deadLetters: 1,
        });
        const later = { ...act, offset: 6 };
        await commit([high], { from: 5, length: 2, acts: [later] });
        await expectUsage([low, as(high, '3')]);
        expect((await found(high))?.acts).toEqual([later]);
      });

      test('on a pulse that another partition has counted become dead letters', async () => {
        const { epoch: there } = await second.takeOver(1);
        await commit(all);
        const step = pulseStep([low], { epoch: there, partition: 1, acts: [voiding(low)] });
        expect(await second.commit(step)).toEqual(done({ duplicates: 1 }));
        expect(await second.books(1)).toMatchObject({ deadLetters: 1, voided: 0 });
        await expectUsage(all);
      });
    });

    test('dead letters of a step are kept with it, and booked', async () => {
      const [a, b] = [report('a'), report('b', { queue: 'resource-usage.dlq' })];
      await commit([logged()], { deadLetters: [a, b] });
      expect((await second.books(0)).deadLetters).toBe(2);
      expect((await second.deadLetters.list(ALL_LETTERS, null, 9)).letters).toHaveLength(2);
    });

    describe('pulses', () => {
      const shuffled = [5, 1, 9, 3, 7, 0, 8, 2, 6, 4];
      const all = shuffled.map((n) =>
        logged({
          id: `p-${n}`,
          tenant: n % 3 === 0 ? 'globex' : 'acme',
          sku: `sku-${n % 2}`,
          occurredAt: NOON + Math.floor(n / 3) * 1_000,
        }),
      );
      const sorted = all.toSorted(
        (a, b) => a.pulse.occurredAt - b.pulse.occurredAt || (keyOf(a) < keyOf(b) ? -1 : 1),
      );

      test('come in the order of time and key, of one tenant or of all, voided ones too, in pages', async () => {
        const { epoch: there } = await second.takeOver(1);
        const [some, rest] = [all.slice(0, 4), all.slice(4)];
        await commit(some);
        await second.commit(pulseStep(rest, { epoch: there, partition: 1 }));
        const target = all[0] ?? logged();
        await commit([], { from: 1, acts: [voiding(target)] });
        const expected = sorted.map((one) =>
          stored(one, {
            partition: some.includes(one) ? 0 : 1,
            ...(one === target && { state: 'voided', amount: 0n, acts: [voiding(target)] }),
          }),
        );
        for (const limit of [1, 2, 3, 9, 10, 11]) {
          expect(await pulsesOf(second, { tenant: null }, limit)).toEqual(expected);
          for (const tenant of ['acme', 'globex', 'nobody']) {
            expect(await pulsesOf(second, { tenant }, limit)).toEqual(
              expected.filter(({ pulse }) => pulse.tenant === tenant),
            );
          }
        }
      });

      test('are those that occurred from the first instant to before the last', async () => {
        await commit(all);
        const range = { tenant: null, from: NOON + 1_000, to: NOON + 2_000 };
        const inside = sorted.filter(({ pulse }) => pulse.occurredAt === NOON + 1_000);
        expect(await pulsesOf(second, range, 2)).toEqual(inside.map((one) => stored(one)));
        expect(await pulsesOf(second, { ...range, to: range.from }, 2)).toEqual([]);
      });

      test('are each listed once while others arrive before and behind the reader', async () => {
        await commit(all);
        const seen: string[] = [];
        let cursor: string | null = null;
        let from = 1;
        do {
          const page = await second.pulses({ tenant: null, from: 0, to: EVER }, cursor, 2);
          seen.push(...page.pulses.map(({ key }) => key));
          cursor = page.nextCursor;
          const more = [-1, 9].map((seconds) =>
            logged({ id: `${from}/${seconds}`, occurredAt: NOON + seconds * 1_000 }),
          );
          await commit(from < 5 ? more : [], { from });
          from += 1;
        } while (cursor !== null && from < 50);
        expect(cursor).toBeNull();
        expect(new Set(seen).size).toBe(seen.length);
        for (const one of sorted) expect(seen).toContain(keyOf(one));
      });

      test.each(['', 'x', '1', `1.${'g'.repeat(32)}`, `1.${'a'.repeat(31)}`, `.${'a'.repeat(32)}`])(
        'refuse a cursor such as %p',
        async (cursor) => {
          const page = first.pulses({ tenant: null, from: 0, to: EVER }, cursor, 5);
          await expect(page).rejects.toMatchObject({ code: 'invalid_query' });
        },
      );

      test('of a key that nobody sent are not there', async () => {
        expect(await second.find('0'.repeat(32))).toBeNull();
      });
    });

    describe('recompute', () => {
      const pulses = ['1', '2.5', '-4'].map((amount, n) =>
        logged({ id: `p-${n}`, amount, occurredAt: NOON + n * 600_000 }),
      );

      /** Makes windows wrong the way a wrong total would. */
      async function commitWrongly(): Promise<void> {
        const wrong = totalsOf(pulses).map((window) => ({
          ...window,
          ...usageOf(9n, 0, 'f'.repeat(32)),
        }));
        await commit(pulses, { totals: wrong, acts: [] });
      }

      test('puts windows right that are not what the pulses come to, and has them sent again', async () => {
        await commitWrongly();
        const sent = await second.pendingUsage(0, 9);
        await second.markUsageSent(sent);
        const put = await second.recompute(0, 0, EVER);
        expect(put.map(({ version, partition, ...window }) => window)).toEqual(
          totalsOf(pulses).toSorted((a, b) => a.start - b.start),
        );
        for (const { version } of put) {
          expect(version).toBeGreaterThan(usageVersion(epoch, 1));
        }
        expect(await second.pendingUsage(0, 9)).toEqual(put);
        await expectUsage(pulses);
      });

      test('concerns the windows that start in the range, and no other', async () => {
        await commitWrongly();
        const put = await second.recompute(0, NOON + USAGE_WINDOW_MS, NOON + 2 * USAGE_WINDOW_MS);
        expect(put.map(({ start }) => start)).toEqual([NOON + USAGE_WINDOW_MS]);
        expect(await second.recompute(3, 0, EVER)).toEqual([]);
        const [left] = await usage();
        expect(left?.sum).toBe(9n);
      });

      test('fences nobody, and the next step’s version is above its own', async () => {
        await commitWrongly();
        const [put] = await second.recompute(0, NOON, NOON + USAGE_WINDOW_MS);
        const more = logged({ id: 'more' });
        await commit([more], { from: 1 });
        const next = (await second.pendingUsage(0, 9)).find(({ start }) => start === NOON);
        expect(next?.version).toBeGreaterThan(put?.version ?? EVER);
        await second.recompute(0, 0, EVER);
        await expectUsage([...pulses, more]);
      });
    });

    describe('an inventory', () => {
      test('counts keys, and pulses that are gone, with the position and books that go with them', async () => {
        expect(await first.inventory(0)).toEqual({
          checkpoint: START,
          books: await first.books(0),
          keys: 0,
          forgotten: 0,
        });
        const gone = ['a', 'b', 'c'].map((id) => logged({ id }));
        const kept = logged({ id: 'kept', occurredAt: NOON + USAGE_WINDOW_MS });
        const [voided = logged()] = gone;
        await commit([...gone, kept, kept], { acts: [voiding(voided)] });
        await first.forget(NOON, NOON + USAGE_WINDOW_MS);
        for (const life of ['this', 'next']) {
          if (life === 'next') await store.crash();
          const handle = life === 'this' ? second : await store.open();
          expect(await handle.inventory(0)).toEqual({
            checkpoint: await handle.checkpoint(0),
            books: expect.objectContaining({ received: 5, counted: 4, duplicates: 1, voided: 1 }),
            keys: 4,
            forgotten: 2,
          });
          expect(await handle.inventory(1)).toMatchObject({ keys: 0, forgotten: 0 });
        }
      });
    });

    describe('forget', () => {
      const old = ['1', '2', '3'].map((amount, n) =>
        logged({ id: `old-${n}`, amount, occurredAt: NOON + n * 1_000 }),
      );
      const young = ['4', '5'].map((amount, n) =>
        logged({ id: `young-${n}`, amount, occurredAt: NOON + USAGE_WINDOW_MS + n }),
      );
      const all = [...old, ...young];
      const [target, amended] = [old[0] ?? logged(), old[1] ?? logged()];
      const acts = [voiding(target), amending(amended, '7')];
      const counting = [as(amended, '7'), ...all.slice(2)];
      const forget = () => first.forget(NOON, NOON + USAGE_WINDOW_MS);

      beforeEach(async () => {
        await commit(all, { acts });
        await expectUsage(counting);
      });

      test('takes the pulses of a range away, says how many, and keeps usage and books', async () => {
        const books = await second.books(0);
        expect(await forget()).toBe(3);
        expect(await forget()).toBe(0);
        for (const life of ['this', 'next']) {
          if (life === 'next') await store.crash();
          const handle = life === 'this' ? second : await store.open();
          for (const one of old) expect(await found(one, handle)).toBeNull();
          expect(await pulsesOf(handle, { tenant: null }, 9)).toEqual(
            young.map((one) => stored(one)),
          );
          expect(await usage({}, handle)).toEqual(usageOfAll(counting));
          expect(await handle.books(0)).toEqual(books);
        }
      });

      test('leaves every key known: the same pulse again is a duplicate, another a conflict', async () => {
        await forget();
        const again = [target, logged({ id: 'old-1', amount: '9' }), ...young];
        expect(await commit(again, { from: 1 })).toEqual(done({ duplicates: 3, conflicts: 1 }));
        expect(await usage()).toEqual(usageOfAll(counting));
      });

      test('leaves windows alone that can not be added up any more, and no others', async () => {
        await forget();
        expect(await first.recompute(0, 0, EVER)).toEqual([]);
        const late = logged({ id: 'late', amount: '-50', occurredAt: NOON + 5 });
        await commit([late], { from: 1 });
        expect(await first.recompute(0, 0, EVER)).toEqual([]);
        expect(await usage()).toEqual(usageOfAll([...counting, late]));
      });

      test('lets a window be added up of which only voided pulses are gone', async () => {
        const acts = [
          voiding(amended, { actId: 'a' }),
          voiding(old[2] ?? logged(), { actId: 'b' }),
        ];
        await commit([], { from: 1, acts });
        await forget();
        const late = logged({ id: 'late', amount: '-50', occurredAt: NOON + 5 });
        await commit([late], { from: 2, totals: [] });
        expect(await first.recompute(0, 0, EVER)).toHaveLength(1);
        expect(await usage()).toEqual(usageOfAll([late, ...young]));
      });

      test('makes an act on such a pulse a dead letter, and one on another move sum and count', async () => {
        const late = logged({ id: 'late', amount: '-50', occurredAt: NOON + 5 });
        await forget();
        await commit([late], { from: 1 });
        const [before] = await usage();
        const acts = [voiding(amended, { actId: 'a' }), voiding(late, { actId: 'b' })];
        await commit([], { from: 2, acts });
        expect(await second.books(0)).toMatchObject({ voided: 2, deadLetters: 1 });
        const { sum, count } = usageOfAll(counting)[0] ?? NO_USAGE;
        expect((await usage())[0]).toEqual({ ...before, sum, count } as UsageRow);
      });

      test('is undone by restoring the same pulses: acts, counts and sums are as they were', async () => {
        await commit([target, logged({ id: 'old-1', amount: '9' })], { from: 1 });
        const before = await pulsesOf(second, { tenant: null }, 100);
        await forget();
        const others = [
          logged({ id: 'never sent', occurredAt: NOON }),
          logged({ id: 'old-1', amount: '9', occurredAt: NOON }),
        ];
        const columns = columnsOf([...others, ...all, ...all]);
        expect(await first.restore(1, columns)).toBe(0);
        expect(await first.restore(0, columns)).toBe(3);
        expect(await first.restore(0, columns)).toBe(0);
        for (const life of ['this', 'next']) {
          if (life === 'next') await store.crash();
          const handle = life === 'this' ? second : await store.open();
          expect(await pulsesOf(handle, { tenant: null }, 100)).toEqual(before);
          expect(await usage({}, handle)).toEqual(usageOfAll(counting));
          expect(await handle.recompute(0, 0, EVER)).toEqual([]);
          expect(await found(others[0] ?? logged(), handle)).toBeNull();
        }
      });

      test('of what was restored, mostly voided pulses, still keeps its windows from being added up', async () => {
        await commit([], { from: 1, acts: [voiding(amended, { actId: 'a' })] });
        await forget();
        expect(await first.restore(0, columnsOf(old))).toBe(3);
        expect(await forget()).toBe(3);
        expect(await first.recompute(0, 0, EVER)).toEqual([]);
        expect(await usage()).toEqual(usageOfAll(all.slice(2)));
      });

      test('is no loss once restored: windows are added up from what came back', async () => {
        await first.forget(0, EVER - (EVER % USAGE_WINDOW_MS));
        expect(await first.restore(0, columnsOf(all.slice(1)))).toBe(4);
        const more = logged({ id: 'more', amount: '8', occurredAt: NOON + 2 });
        await commit([more], { from: 1, totals: [] });
        expect(await second.recompute(0, 0, EVER)).toHaveLength(1);
        expect(await usage()).toEqual(usageOfAll([...counting, more]));
        await commit([], { from: 2, acts: [amending(amended, '-1', { actId: 'a' })] });
        expect(await usage()).toEqual(usageOfAll([as(amended, '-1'), ...counting.slice(1), more]));
      });
    });

    describe('reset', () => {
      const here = logged({ id: 'here', amount: '3' });
      const there = logged({ id: 'there', amount: '5' });
      const lie = logged({ id: 'here', amount: '4' });
      let other: number;

      beforeEach(async () => {
        ({ epoch: other } = await second.takeOver(1));
        const acts = [voiding(here)];
        await commit([here, here, lie], { length: 5, acts, deadLetters: [report('x')] });
        const step = pulseStep([there, here, lie], { epoch: other, partition: 1 });
        expect(await second.commit(step)).toEqual(
          done({ counted: 1, duplicates: 1, conflicts: 1 }),
        );
      });

      test('empties one partition, for good, and keeps the dead letters', async () => {
        await first.reset(0);
        await store.crash();
        const survivor = await store.open();
        expect(await survivor.checkpoint(0)).toEqual(START);
        expect(await survivor.books(0)).toEqual(NO_BOOKS);
        expect(await survivor.pendingUsage(0, 9)).toEqual([]);
        expect(await found(here, survivor)).toBeNull();
        expect(await usage({}, survivor)).toEqual(usageOfAll([there]));
        expect(await pulsesOf(survivor, { tenant: null }, 9)).toEqual([
          stored(there, { partition: 1 }),
        ]);
        expect(await conflictsOf(survivor, null, 9)).toMatchObject([{ partition: 1 }]);
        expect(await survivor.deadLetters.get(report('x').id)).toMatchObject({ attempts: 1 });
        expect((await survivor.takeOver(0)).epoch).toBeGreaterThan(epoch + 1);
      });

      test('fences the owner, and leaves the owners of other partitions alone', async () => {
        await first.reset(0);
        const late = pulseStep([here], { epoch, from: 5 });
        expect(await first.commit(late)).toEqual(done({ outcome: 'fenced' }));
        const on = pulseStep([], { epoch: other, partition: 1, from: 1 });
        expect(await second.commit(on)).toEqual(done());
      });

      test('lets the log be taken in again, to the same', async () => {
        const before = [await found(here), await first.books(0), await usage()];
        await first.reset(0);
        ({ epoch } = await first.takeOver(0));
        const acts = [voiding(here)];
        await commit([here, here, lie], { length: 5, acts, deadLetters: [report('x')] });
        expect([await found(here), await first.books(0), await usage()]).toEqual(before);
        expect(await second.deadLetters.get(report('x').id)).toMatchObject({ attempts: 1 });
      });

      test('of a pulse’s partition lets another one count it, once', async () => {
        await first.reset(0);
        const step = pulseStep([here], { epoch: other, partition: 1, from: 1 });
        expect(await second.commit(step)).toEqual(done({ counted: 1 }));
        ({ epoch } = await first.takeOver(0));
        expect(await commit([here])).toEqual(done({ duplicates: 1 }));
        expect(await usage()).toEqual(usageOfAll([here, there]));
      });

      test('takes away what was forgotten, too', async () => {
        await first.forget(0, EVER - (EVER % USAGE_WINDOW_MS));
        await first.reset(0);
        ({ epoch } = await first.takeOver(0));
        expect(await first.restore(0, columnsOf([here]))).toBe(0);
        expect(await commit([here])).toEqual(done({ counted: 1 }));
        await commit([], { from: 1, acts: [voiding(here)] });
        expect(await usage()).toEqual(usageOfAll([there]));
      });

      test('of every partition leaves an empty ledger', async () => {
        await first.reset(0);
        await second.reset(1);
        await first.reset(7);
        expect(await pulsesOf(first, { tenant: null }, 10)).toEqual([]);
        expect(await conflictsOf(first, null, 10)).toEqual([]);
        expect(await usage()).toEqual([]);
      });
    });
  });
}

/** Of the days around NOON, which go over the end of a month. */
function longBounds(granularity: Granularity, timeZone: string): readonly number[] {
  const from = NOON - 7 * USAGE_DAY_MS;
  return usageBounds(from, NOON + 10 * USAGE_DAY_MS, granularity, timeZone) ?? [];
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
