/** The promises of the rating book port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { expectLikeRatingModel } from '../../test/support/rating-operations.ts';
import {
  FIRST_WINDOW,
  PERIOD_MS,
  periodOf,
  type RatingStore,
  sampleCharge,
  sampleChargeChange,
  sampleEvent,
  samplePeriod,
  sampleUnpriced,
  usageLetter,
  usageRecord,
  usageStep,
} from '../../test/support/rating-samples.ts';
import { checkpoint } from '../../test/support/store-step-samples.ts';
import { START } from '../domain/counting/checkpoint.ts';
import type { Charge } from '../domain/metering/charge.ts';
import { USAGE_WINDOW_MS, type UsageRecord } from '../domain/metering/usage.ts';
import type { UsageFilter } from './pulse-ledger.ts';
import type { ChargeFilter, DueRating } from './rating-book.ts';
import { type CreateStore, LOG_ID, type StoreUnderTest } from './store-under-test.ts';

const RANDOM_TIMEOUT_MS = 180_000;
const PERMUTATIONS = 30;
/** A question that asks for all that the samples hold. */
const ALWAYS = { from: FIRST_WINDOW - 100 * PERIOD_MS, to: FIRST_WINDOW + 100 * PERIOD_MS };
const ALL = { tenant: null, ...ALWAYS };
const ANY_SERIES: UsageFilter = { tenant: null, sku: null, unit: null, ...ALWAYS };
const BOUNDS = [ALWAYS.from, ALWAYS.to];
const ROWS_MAX = 999;

export function ratingBookContract(
  name: string,
  create: CreateStore<RatingStore>,
  model: CreateStore<RatingStore>,
): void {
  describe(`rating book contract: ${name}`, () => {
    let store: StoreUnderTest<RatingStore>;
    let first: RatingStore;
    let second: RatingStore;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    /** A handle of the life after a crash. */
    const reopened = async (): Promise<RatingStore> => {
      await store.crash();
      return store.open();
    };

    const sums = async (handle: RatingStore): Promise<readonly bigint[]> =>
      (await handle.usage(ANY_SERIES, BOUNDS, ROWS_MAX)).map(({ sum }) => sum);

    describe('take-over', () => {
      test('of a new partition starts at the beginning', async () => {
        expect(await first.checkpoint(0)).toEqual(START);
        const { epoch, checkpoint: at } = await first.takeOver(0);
        expect(epoch).toBeGreaterThan(0);
        expect(at).toEqual(START);
      });

      test('gives an epoch above every one before, over handles and crashes', async () => {
        const epochs: number[] = [];
        for (let life = 0; life < 3; life += 1) {
          for (const handle of [await store.open(), await store.open()]) {
            epochs.push((await handle.takeOver(0)).epoch);
          }
          await store.crash();
        }
        expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
      });

      test('of one partition leaves the owner of another alone', async () => {
        const { epoch } = await first.takeOver(0);
        await second.takeOver(1);
        expect(await first.commit(usageStep({ epoch }))).toBe('applied');
        expect(await second.checkpoint(1)).toEqual(START);
      });

      test('for another log is log_mismatch, and fences nobody', async () => {
        const { epoch } = await first.takeOver(0);
        const takeOver = async () => (await store.open('another-log')).takeOver(0);
        await expect(takeOver()).rejects.toMatchObject({ code: 'log_mismatch' });
        expect(await first.commit(usageStep({ epoch }))).toBe('applied');
        expect((await (await store.open(LOG_ID)).takeOver(0)).checkpoint).toEqual(checkpoint(1));
      });
    });

    describe('a step', () => {
      test('at the position is applied: every handle has its usage, letters and checkpoint', async () => {
        const { epoch } = await first.takeOver(0);
        const letter = usageLetter();
        const records = [usageRecord(), usageRecord({ index: 1 })];
        const step = usageStep({ epoch, length: 2 ** 31, records, deadLetters: [letter] });
        expect(await first.commit(step)).toBe('applied');
        for (const reach of [async () => first, async () => second, reopened]) {
          const handle = await reach();
          expect(await sums(handle)).toEqual([2n * 10n ** 19n]);
          expect(await handle.checkpoint(0)).toEqual(checkpoint(2 ** 31));
          const kept = await handle.deadLetters.get(letter.id);
          expect(kept).toMatchObject({ state: 'PENDING', attempts: 1, origin: letter.origin });
          expect(kept?.bytes).toEqual(letter.bytes);
          expect((await handle.due(9)).map(({ tenant }) => tenant)).toEqual(['acme']);
        }
      });

      const later = {
        records: [usageRecord({ version: 9, sum: 1n })],
        deadLetters: [usageLetter({ bytes: Uint8Array.of(9) })],
      };

      const standingAt = async (nextOffset: number): Promise<number> => {
        const { epoch } = await first.takeOver(0);
        const step = usageStep({ epoch, length: nextOffset, records: [usageRecord({ sum: 7n })] });
        expect(await first.commit(step)).toBe('applied');
        return epoch;
      };

      const expectUnchanged = async (nextOffset: number): Promise<void> => {
        expect(await second.checkpoint(0)).toEqual(checkpoint(nextOffset));
        expect(await sums(second)).toEqual([7n]);
        expect((await second.deadLetters.pending())['resource-usage.dlq']).toBe(0);
        expect((await second.takeOver(0)).checkpoint).toEqual(checkpoint(nextOffset));
      };

      test.each([
        ['the same step again', 0, 10],
        ['an older step', 3, 4],
        ['the end of it', 9, 1],
        ['a step of nothing at the position', 10, 0],
      ])('is already-applied: %s', async (_, from, length) => {
        const epoch = await standingAt(10);
        expect(await first.commit(usageStep({ epoch, from, length, ...later }))).toBe(
          'already-applied',
        );
        await expectUnchanged(10);
      });

      test.each([
        ['a gap of one block', 11, 1],
        ['an overlap of one block', 9, 2],
        ['an overlap of everything', 0, 11],
      ])('is misaligned: %s', async (_, from, length) => {
        const epoch = await standingAt(10);
        expect(await first.commit(usageStep({ epoch, from, length, ...later }))).toBe('misaligned');
        await expectUnchanged(10);
      });

      test.each([
        ['at the position', 10, 1],
        ['applied already', 0, 10],
        ['behind a gap', 11, 1],
      ])('is fenced: a zombie, with a step %s', async (_, from, length) => {
        const epoch = await standingAt(10);
        await second.takeOver(0);
        for (const handle of [first, second]) {
          expect(await handle.commit(usageStep({ epoch, from, length, ...later }))).toBe('fenced');
        }
        await expectUnchanged(10);
      });

      test('is fenced: an epoch that was never given out, or a partition never taken over', async () => {
        const epoch = await standingAt(10);
        for (const invented of [epoch + 1, 0, -1]) {
          const step = usageStep({ epoch: invented, from: 10, ...later });
          expect(await first.commit(step)).toBe('fenced');
        }
        expect(await first.commit(usageStep({ epoch, partition: 1, ...later }))).toBe('fenced');
        await expectUnchanged(10);
      });

      test.each(['records', 'deadLetters'] as const)(
        'that fails half way through its %s leaves nothing, and can be sent again',
        async (part) => {
          const { epoch } = await first.takeOver(0);
          const whole = {
            records: [usageRecord(), usageRecord({ index: 1 })],
            deadLetters: [usageLetter(), usageLetter({ bytes: Uint8Array.of(9) })],
          };
          const failing = usageStep({ epoch, ...whole, [part]: whole[part].map(failingLast) });
          await expect(first.commit(failing)).rejects.toThrow('injected');
          expect(await second.checkpoint(0)).toEqual(START);
          expect(await sums(second)).toEqual([]);
          expect(await second.due(9)).toEqual([]);
          expect((await second.deadLetters.pending())['resource-usage.dlq']).toBe(0);
          expect(await first.commit(usageStep({ epoch, ...whole }))).toBe('applied');
          expect((await second.deadLetters.pending())['resource-usage.dlq']).toBe(2);
          expect(await sums(second)).toEqual([2n * 10n ** 19n]);
        },
      );

      test('that meets the bytes of a requeued letter again makes it wait again', async () => {
        const { epoch } = await first.takeOver(0);
        const letter = usageLetter();
        await first.commit(usageStep({ epoch, deadLetters: [letter] }));
        const by = { actor: 'operator', at: 5 };
        await second.deadLetters.resolve(letter.id, ['PENDING'], 'REQUEUED', by);
        const again = { ...letter, origin: { ...letter.origin, offset: 1 } };
        await first.commit(usageStep({ epoch, from: 1, deadLetters: [again] }));
        expect(await second.deadLetters.get(letter.id)).toMatchObject({
          state: 'PENDING',
          attempts: 2,
          origin: { offset: 1 },
        });
      });

      test('of two owners who both think they own is taken once', async () => {
        const owners = [first, second].map((handle) => ({ handle, epoch: 0, next: 0 }));
        for (let round = 0; round < 60; round += 1) {
          const owner = owners[round % 7 < 3 ? 0 : 1];
          if (owner === undefined) continue;
          const { epoch, next } = owner;
          const records = [usageRecord({ index: next, sum: 1n, version: round + 1 })];
          const outcome = await owner.handle.commit(usageStep({ epoch, from: next, records }));
          if (outcome === 'applied') {
            owner.next += 1;
            continue;
          }
          const taken = await owner.handle.takeOver(0);
          Object.assign(owner, { epoch: taken.epoch, next: taken.checkpoint.nextOffset });
        }
        const { nextOffset } = await first.checkpoint(0);
        expect(nextOffset).toBeGreaterThan(20);
        expect(await sums(first)).toEqual([BigInt(nextOffset)]);
      });
    });

    describe('usage', () => {
      test('is the highest version of each window, whatever comes after it', async () => {
        expect(await first.accept([usageRecord({ version: 2, sum: 20n })])).toBe(1);
        expect(await second.accept([usageRecord({ version: 1, sum: 10n })])).toBe(0);
        expect(await second.accept([usageRecord({ version: 2, sum: 99n })])).toBe(0);
        expect(await sums(first)).toEqual([20n]);
        expect(await first.accept([usageRecord({ version: 3, sum: -5n })])).toBe(1);
        expect(await sums(await reopened())).toEqual([-5n]);
      });

      test('told of several times at once is counted as one window that changed', async () => {
        const versions = [2, 5, 3, 5].map((version) =>
          usageRecord({ version, sum: BigInt(version) }),
        );
        expect(await first.accept([...versions, usageRecord({ index: 1 })])).toBe(2);
        expect(await first.accept(versions)).toBe(0);
        expect(await first.accept([])).toBe(0);
        expect(
          (await second.usage({ ...ANY_SERIES, to: FIRST_WINDOW + 1 }, BOUNDS, ROWS_MAX))[0]?.sum,
        ).toBe(5n);
      });

      test(
        'in any order, with any repetition and over crashes is the same',
        async () => {
          const version = fc.integer({ min: 1, max: 4 });
          const where = {
            partition: fc.nat(1),
            index: fc.nat(1),
            tenant: fc.constantFrom('a', 'b'),
          };
          const record = fc
            .record({ version, ...where })
            .map((fields) => usageRecord({ ...fields, ...sumFor(fields) }));
          const records = fc.uniqueArray(record, {
            minLength: 1,
            maxLength: 12,
            selector: (one) => JSON.stringify([one.partition, one.start, one.series, one.version]),
          });
          const told = records.chain((all) =>
            fc.tuple(
              fc.constant(all),
              fc.shuffledSubarray([...all, ...all, ...all], { minLength: 0 }),
              fc.shuffledSubarray(all, { minLength: all.length }),
            ),
          );
          const run = fc.asyncProperty(told, fc.nat(3), async ([all, some, rest], at) => {
            await using fresh = await create();
            const handles = [await fresh.open(), await fresh.open()];
            for (const [index, one] of [...some, ...rest].entries()) {
              if (index === at) {
                await fresh.crash();
                handles.splice(0, 2, await fresh.open(), await fresh.open());
              }
              await handles[index % 2]?.accept([one]);
            }
            const bounds = [0, 1, 2].map((each) => FIRST_WINDOW + each * USAGE_WINDOW_MS);
            const rows = await handles[0]?.usage(ANY_SERIES, bounds, ROWS_MAX);
            expect(rows?.map(({ series, start, sum }) => [series.tenant, start, sum])).toEqual(
              newestOf(all),
            );
          });
          await fc.assert(run, { numRuns: PERMUTATIONS });
        },
        RANDOM_TIMEOUT_MS,
      );

      test('is added up exactly, over partitions and windows, with sums of any size', async () => {
        const huge = 10n ** 60n;
        await first.accept([
          usageRecord({ sum: huge, count: 3, min: -huge, max: huge, lastAt: 5, last: 1n }),
          usageRecord({ partition: 1, sum: 1n, count: 2, lastAt: 9, last: 2n }),
          usageRecord({ index: 1, sum: -3n, lastAt: 9, lastKey: 'b'.repeat(32), last: 3n }),
          usageRecord({ index: 2, sum: 10n ** 19n }),
        ]);
        const bounds = [0, 2, 3].map((each) => FIRST_WINDOW + each * USAGE_WINDOW_MS);
        const series = { tenant: 'acme', sku: 'api', unit: 'call' };
        const [from = 0, middle = 0, to = 0] = bounds;
        const whole = { lastAt: 9, lastKey: 'b'.repeat(32), last: 3n };
        const ten = 10n ** 19n;
        expect(await second.usage(ANY_SERIES, bounds, ROWS_MAX)).toEqual([
          {
            series,
            start: from,
            end: middle,
            sum: huge - 2n,
            count: 6,
            min: -huge,
            max: huge,
            ...whole,
          },
          {
            series,
            start: middle,
            end: to,
            ...{ sum: ten, count: 1, min: ten, max: ten, last: ten },
            ...{ lastAt: middle, lastKey: 'a'.repeat(32) },
          },
        ]);
      });

      test('is told of the series, the span and the windows that were asked for', async () => {
        const all = [
          usageRecord({ tenant: 'b', sku: 's', unit: 'u' }),
          usageRecord({ tenant: 'a', sku: 's2', unit: 'u' }),
          usageRecord({ tenant: 'a', sku: 's', unit: 'u2' }),
          usageRecord({ tenant: 'a', sku: 's', unit: 'u', index: 1 }),
          usageRecord({ tenant: 'a', sku: 's', unit: 'u' }),
          usageRecord({ tenant: '🗳', sku: 's', unit: 'u' }),
          usageRecord({ tenant: '\uffff', sku: 's', unit: 'u' }),
        ];
        await first.accept(all);
        const bounds = [0, 1, 2].map((each) => FIRST_WINDOW + each * USAGE_WINDOW_MS);
        const asked = async (filter: Partial<UsageFilter>, among = bounds) =>
          (await second.usage({ ...ANY_SERIES, ...filter }, among, ROWS_MAX)).map(
            ({ series: { tenant, sku, unit }, start }) =>
              `${tenant} ${sku} ${unit} ${(start - FIRST_WINDOW) / USAGE_WINDOW_MS}`,
          );
        const rest = ['b s u 0', '\uffff s u 0', '🗳 s u 0'];
        const ofA = ['a s u 0', 'a s u 1', 'a s u2 0', 'a s2 u 0'];
        expect(await asked({})).toEqual([...ofA, ...rest]);
        expect(await asked({ tenant: 'a' })).toEqual(ofA);
        expect(await asked({ tenant: 'a', sku: 's' })).toEqual(ofA.slice(0, 3));
        expect(await asked({ sku: 's', unit: 'u2' })).toEqual(['a s u2 0']);
        expect(await asked({ from: FIRST_WINDOW + USAGE_WINDOW_MS })).toEqual(['a s u 1']);
        expect(await asked({ to: FIRST_WINDOW + USAGE_WINDOW_MS, tenant: 'a' })).toEqual(
          ofA.filter((row) => row.endsWith('0')),
        );
        expect(await asked({}, bounds.slice(1))).toEqual(['a s u 1']);
        expect(await asked({}, bounds.slice(2))).toEqual([]);
      });

      test('of more rows than are asked for is refused, and of as many is told', async () => {
        await first.accept([
          usageRecord(),
          usageRecord({ partition: 1 }),
          usageRecord({ index: 1 }),
          usageRecord({ tenant: 'other' }),
        ]);
        const bounds = [0, 1, 2].map((each) => FIRST_WINDOW + each * USAGE_WINDOW_MS);
        expect(await second.usage(ANY_SERIES, bounds, 3)).toHaveLength(3);
        const tooMany = second.usage(ANY_SERIES, bounds, 2);
        await expect(tooMany).rejects.toMatchObject({ code: 'too_many_rows' });
        expect(await second.usage({ ...ANY_SERIES, tenant: 'acme' }, bounds, 2)).toHaveLength(2);
        await second.makeDue('acme', 0, USAGE_WINDOW_MS);
      });

      test('of a window in which nothing counts any more is none', async () => {
        await first.accept([usageRecord(), usageRecord({ tenant: 'other', partition: 1 })]);
        await first.accept([
          usageRecord({ version: 2, count: 0, sum: 0n, min: 0n, max: 0n, last: 0n, lastAt: 0 }),
        ]);
        const rows = await second.usage(ANY_SERIES, BOUNDS, ROWS_MAX);
        expect(rows.map(({ series }) => series.tenant)).toEqual(['other']);
        expect(await second.tenants(ALWAYS.from, ALWAYS.to)).toEqual(['other']);
      });

      test('has its tenants listed once, by when they used something', async () => {
        for (const tenant of ['b', 'a', '🗳', '\uffff']) {
          await first.accept([usageRecord({ tenant }), usageRecord({ tenant, index: 1 })]);
        }
        await first.accept([usageRecord({ tenant: 'late', index: 2 })]);
        const window = (index: number) => FIRST_WINDOW + index * USAGE_WINDOW_MS;
        expect(await second.tenants(window(0), window(2))).toEqual(['a', 'b', '\uffff', '🗳']);
        expect(await second.tenants(window(2), window(3))).toEqual(['late']);
        expect(await second.tenants(window(3), window(9))).toEqual([]);
      });
    });

    describe('what is due', () => {
      const tenants = async (limit = 9) => (await second.due(limit)).map(({ tenant }) => tenant);
      const dueOf = async (tenant: string): Promise<DueRating> => {
        const due = (await second.due(99)).find((each) => each.tenant === tenant);
        if (due === undefined) throw new Error(`${tenant} is not due`);
        return due;
      };
      const reckoned = async (due: DueRating) => {
        const expectedRevision = await first.revision(due.tenant);
        return first.putCharges(sampleChargeChange({ tenant: due.tenant, due, expectedRevision }));
      };

      test('is a tenant whose usage changed, in one range that covers every change', async () => {
        await first.accept([usageRecord({ index: 3 })]);
        await first.accept([usageRecord({ index: 1 }), usageRecord({ tenant: 'other' })]);
        const { from, to } = await dueOf('acme');
        const window = (index: number) => FIRST_WINDOW + index * USAGE_WINDOW_MS;
        expect([from, to]).toEqual([window(1), window(4)]);
        expect(await dueOf('other')).toMatchObject({ from: window(0), to: window(1) });
        expect(await (await reopened()).due(9)).toHaveLength(2);
      });

      test('is no tenant who was told nothing new', async () => {
        await first.accept([usageRecord({ version: 5 })]);
        expect(await reckoned(await dueOf('acme'))).toBe('stored');
        await first.accept([usageRecord({ version: 5 }), usageRecord({ version: 4 })]);
        expect(await first.due(9)).toEqual([]);
      });

      test('comes in the order in which it became so, however it changes', async () => {
        for (const tenant of ['b', 'c', 'a']) await first.makeDue(tenant, 5, 6);
        await second.makeDue('b', 1, 2);
        expect(await tenants()).toEqual(['b', 'c', 'a']);
        expect(await tenants(2)).toEqual(['b', 'c']);
        expect(await dueOf('b')).toMatchObject({ from: 1, to: 6 });
      });

      test('by hand may reach for ever, and is taken away by the reckoning of it', async () => {
        await first.makeDue('acme', 1, Number.MAX_SAFE_INTEGER);
        const due = await dueOf('acme');
        expect(due).toMatchObject({ from: 1, to: Number.MAX_SAFE_INTEGER });
        expect(await reckoned(due)).toBe('stored');
        expect(await tenants()).toEqual([]);
      });

      test('and changes while it is reckoned stays due, behind those who wait', async () => {
        await first.makeDue('acme', 1, 2);
        await first.makeDue('other', 1, 2);
        const due = await dueOf('acme');
        await first.accept([usageRecord()]);
        const changed = await dueOf('acme');
        expect(changed.version).toBeGreaterThan(due.version);
        expect(await reckoned(due)).toBe('stored');
        expect(await tenants()).toEqual(['other', 'acme']);
        expect(await dueOf('acme')).toEqual(changed);
        expect(await reckoned(changed)).toBe('stored');
        expect(await tenants()).toEqual(['other']);
      });

      test('has versions that no later change is given again', async () => {
        await first.makeDue('acme', 1, 2);
        const old = await dueOf('acme');
        await reckoned(old);
        const handle = await reopened();
        first = handle;
        second = await store.open();
        await first.makeDue('acme', 1, 2);
        expect((await dueOf('acme')).version).toBeGreaterThan(old.version);
        expect(await reckoned(old)).toBe('stored');
        expect(await tenants()).toEqual(['acme']);
      });

      test('stays so when its charges are put for another reason, or not at all', async () => {
        await first.makeDue('acme', 1, 2);
        const due = await dueOf('acme');
        await first.putCharges(sampleChargeChange());
        expect(await first.putCharges(sampleChargeChange({ due }))).toBe('conflict');
        expect(await tenants()).toEqual(['acme']);
      });
    });

    describe('charges', () => {
      const period = samplePeriod();
      const next = samplePeriod({ index: 1 });
      const put = async (fields: Parameters<typeof sampleChargeChange>[0]) => {
        const expectedRevision = await first.revision(fields?.tenant ?? 'acme');
        return first.putCharges(sampleChargeChange({ expectedRevision, ...fields }));
      };
      const ids = async (filter: ChargeFilter = ALL) =>
        (await second.charges(filter, null, 99)).charges.map(({ id }) => id);

      test('come back to the last digit, from every handle and after a crash', async () => {
        const charge = sampleCharge(period, {
          kind: 'adjustment',
          adjusts: periodOf(next),
          series: { tenant: 'acme', sku: 'é 🗳 "', unit: 'kWh' },
          precise: { mantissa: -(10n ** 70n) - 1n, scale: 40 },
          rounded: { mantissa: 0n, scale: 3 },
        });
        expect(await put({ periods: [period], charges: [charge] })).toBe('stored');
        for (const reach of [async () => first, async () => second, reopened]) {
          const handle = await reach();
          expect(await handle.charge('charge-1')).toEqual(charge);
          expect(await handle.charges(ALL, null, 9)).toEqual({
            charges: [charge],
            nextCursor: null,
          });
          expect(await handle.periods('acme', ALL.from, ALL.to)).toEqual([period]);
          expect(await handle.revision('acme')).toBe(1);
          expect(await handle.revision('other')).toBe(0);
          expect(await handle.charge('charge-2')).toBeNull();
        }
      });

      test('of a period are replaced as a whole; those of others stay', async () => {
        const charges = [sampleCharge(period), sampleCharge(period, { id: 'charge-2' })];
        await put({
          periods: [period, next],
          charges: [...charges, sampleCharge(next, { id: 'n' })],
        });
        const same = samplePeriod({ contract: 'c-2' });
        await put({ periods: [same], charges: [sampleCharge(same, { id: 'same' })] });
        const newer = sampleCharge(period, { pulses: 8 });
        await put({
          periods: [period],
          charges: [newer, sampleCharge(period, { id: 'charge-3' })],
        });
        expect(await ids()).toEqual(['charge-1', 'charge-3', 'same', 'n']);
        expect((await second.charge('charge-1'))?.pulses).toBe(8);
        await put({ periods: [period] });
        expect(await ids()).toEqual(['same', 'n']);
      });

      test('of a final period never change: the change conflicts as a whole', async () => {
        const final = samplePeriod({ state: 'final', finalAt: 5 });
        await put({ periods: [period], charges: [sampleCharge(period)] });
        const last = sampleCharge(period, { pulses: 9 });
        expect(await put({ periods: [final], charges: [last] })).toBe('stored');
        for (const attempt of [period, final, samplePeriod({ to: period.to - 1 })]) {
          const charges = [sampleCharge(attempt), sampleCharge(next, { id: 'n' })];
          const change = { periods: [next, attempt], charges, events: [sampleEvent()] };
          expect(await put(change)).toBe('conflict');
        }
        expect(await put({ periods: [next], charges: [sampleCharge(next, { id: 'n' })] })).toBe(
          'stored',
        );
        expect(await second.charge('charge-1')).toEqual(last);
        expect(await ids()).toEqual(['charge-1', 'n']);
        expect(await second.periods('acme', ALL.from, ALL.to)).toEqual([final, next]);
        expect(await second.events(null, 9)).toEqual([]);
      });

      test('of a reckoning that does not know the newest conflict, and leave nothing', async () => {
        await first.makeDue('acme', 1, 2);
        const [due = null] = await first.due(1);
        await put({ periods: [period], charges: [sampleCharge(period)] });
        for (const expectedRevision of [0, 2]) {
          const change = sampleChargeChange({
            expectedRevision,
            due,
            periods: [period, next],
            charges: [sampleCharge(next, { id: 'n' })],
            unpriced: [sampleUnpriced()],
            unpricedRange: { from: FIRST_WINDOW, to: next.to },
            events: [sampleEvent()],
          });
          expect(await second.putCharges(change)).toBe('conflict');
        }
        expect(await ids()).toEqual(['charge-1']);
        expect(await second.periods('acme', ALL.from, ALL.to)).toEqual([period]);
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual([]);
        expect(await second.events(null, 9)).toEqual([]);
        expect(await second.revision('acme')).toBe(1);
        expect(await second.due(9)).toHaveLength(1);
      });

      test('of many reckonings at once are those of one', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, pulses) =>
            (pulses % 2 ? first : second).putCharges(
              sampleChargeChange({
                periods: [period],
                charges: [sampleCharge(period, { pulses })],
              }),
            ),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
        expect((await second.charge('charge-1'))?.pulses).toBe(outcomes.indexOf('stored'));
      });

      test('of one tenant do not stand in the way of another', async () => {
        const other = samplePeriod({ tenant: 'other' });
        await put({ periods: [period], charges: [sampleCharge(period)] });
        const charges = [sampleCharge(other, { id: 'o' })];
        expect(await put({ tenant: 'other', periods: [other], charges })).toBe('stored');
        expect([await first.revision('acme'), await first.revision('other')]).toEqual([1, 1]);
      });

      test.each([
        ['another tenant’s period', { periods: [samplePeriod({ tenant: 'other' })] }],
        ['a charge of a period that it does not name', { charges: [sampleCharge(period)] }],
        [
          'another tenant’s charge',
          {
            periods: [period],
            charges: [
              sampleCharge(period, { series: { tenant: 'other', sku: 'api', unit: 'call' } }),
            ],
          },
        ],
        ['a charge twice', { periods: [period], charges: Array(2).fill(sampleCharge(period)) }],
        ['a period twice', { periods: [period, samplePeriod({ to: period.to + 1 })] }],
        ['unpriced usage without a range', { unpriced: [sampleUnpriced()] }],
        ['another tenant’s event', { events: [sampleEvent({ tenant: 'other' })] }],
        ['another tenant’s due', { due: { tenant: 'other', from: 1, to: 2, version: 1 } }],
      ])('with %s are refused, and nothing is stored', async (_, fields) => {
        await expect(put(fields)).rejects.toThrow(RangeError);
        expect(await second.revision('acme')).toBe(0);
        expect(await ids()).toEqual([]);
      });

      test('with an id that another period has are refused, and nothing is stored', async () => {
        await put({ periods: [period], charges: [sampleCharge(period)] });
        const charges = [sampleCharge(next, { id: 'n' }), sampleCharge(next)];
        await expect(put({ periods: [next], charges })).rejects.toThrow(RangeError);
        expect(await ids()).toEqual(['charge-1']);
        expect(await second.revision('acme')).toBe(1);
        expect(await second.periods('acme', ALL.from, ALL.to)).toEqual([period]);
      });

      test.each(['periods', 'charges', 'unpriced', 'events'] as const)(
        'that fail half way through their %s leave nothing, and can be put again',
        async (part) => {
          await first.makeDue('acme', 1, 2);
          const [due = null] = await first.due(1);
          const whole = sampleChargeChange({
            due,
            periods: [period, next],
            charges: [sampleCharge(period), sampleCharge(next, { id: 'n' })],
            unpriced: [sampleUnpriced(), sampleUnpriced({ reason: 'no_contract' })],
            unpricedRange: { from: FIRST_WINDOW, to: next.to },
            events: [sampleEvent(), sampleEvent({ threshold: 't-2' })],
          });
          const failing = { ...whole, [part]: whole[part].map(failingLast) };
          await expect(first.putCharges(failing)).rejects.toThrow('injected');
          expect(await second.revision('acme')).toBe(0);
          expect(await second.periods('acme', ALL.from, ALL.to)).toEqual([]);
          expect(await ids()).toEqual([]);
          expect(await second.unpriced(ALL, ROWS_MAX)).toEqual([]);
          expect(await second.events(null, 9)).toEqual([]);
          expect(await second.due(9)).toHaveLength(1);
          expect(await first.putCharges(whole)).toBe('stored');
          expect(await ids()).toEqual(['charge-1', 'n']);
          expect(await second.unpriced(ALL, ROWS_MAX)).toHaveLength(2);
          expect(await second.events(null, 9)).toHaveLength(2);
          expect(await second.due(9)).toEqual([]);
        },
      );

      describe('in a list', () => {
        const listed: Charge[] = [];
        for (const tenant of ['acme', '\uffff', '🗳']) {
          for (const index of [0, 1]) {
            for (const contract of ['a', 'b']) {
              const of = samplePeriod({ tenant, index, contract });
              for (const [sku, unit, from] of [
                ['s', 'u', of.from],
                ['s', 'u', of.from + 1],
                ['s', 'v', of.from],
                ['t', 'u', of.from],
              ] as const) {
                const id = `${tenant} ${index} ${contract} ${sku} ${unit} ${from}`;
                listed.push(sampleCharge(of, { id, series: { tenant, sku, unit }, from }));
                listed.push(
                  sampleCharge(of, { id: `${id} 2`, series: { tenant, sku, unit }, from }),
                );
              }
            }
          }
        }

        beforeEach(async () => {
          for (const tenant of ['🗳', 'acme', '\uffff']) {
            const charges = listed.filter(({ series }) => series.tenant === tenant).reverse();
            const periods = [0, 1].flatMap((index) =>
              ['a', 'b'].map((contract) => samplePeriod({ tenant, index, contract })),
            );
            expect(await put({ tenant, periods, charges })).toBe('stored');
          }
        });

        test.each([1, 7, 48, 99])('come in pages of %p that leave nothing out', async (limit) => {
          const found: Charge[] = [];
          let cursor: string | null = null;
          do {
            const page = await second.charges(ALL, cursor, limit);
            expect(page.charges.length).toBeLessThanOrEqual(limit);
            found.push(...page.charges);
            cursor = page.nextCursor;
          } while (cursor !== null);
          expect(found).toEqual(listed);
        });

        test('are of one tenant, and of the periods that overlap', async () => {
          const ofAcme = listed.filter(({ series }) => series.tenant === 'acme');
          const acme = { tenant: 'acme', from: period.from, to: period.from + 1 };
          const expected = ofAcme.filter((charge) => charge.period.from === period.from);
          expect(await ids(acme)).toEqual(expected.map(({ id }) => id));
          expect(await ids({ ...acme, to: next.from })).toEqual(expected.map(({ id }) => id));
          expect(await ids({ ...acme, to: next.from + 1 })).toEqual(ofAcme.map(({ id }) => id));
          expect(await ids({ ...acme, from: next.to, to: next.to + 9 })).toEqual([]);
          const one = await second.charges(acme, null, 3);
          const rest = await second.charges(acme, one.nextCursor, 99);
          expect([...one.charges, ...rest.charges]).toEqual(expected);
        });

        test('go on behind a cursor though what was before it is there no more', async () => {
          const { nextCursor } = await second.charges(ALL, null, 3);
          await put({ periods: [samplePeriod({ contract: 'a' })] });
          const { charges } = await second.charges(ALL, nextCursor, 2);
          expect(charges).toEqual(listed.slice(8, 10));
        });

        test.each(['x', '', '1', 'W10', btoa('["a",1,"b","c","d","e","f"]')])(
          'refuse the cursor %p',
          async (cursor) => {
            await expect(second.charges(ALL, cursor, 2)).rejects.toMatchObject({
              code: 'invalid_query',
            });
          },
        );
      });

      describe('periods', () => {
        test('are listed by start and contract, where they overlap', async () => {
          const [late, early, same] = [
            samplePeriod({ index: 2 }),
            samplePeriod({ index: 0 }),
            samplePeriod({ index: 0, contract: 'a' }),
          ];
          await put({ periods: [late, early, same] });
          await put({ tenant: 'other', periods: [samplePeriod({ tenant: 'other' })] });
          const asked = (from: number, to: number) => second.periods('acme', from, to);
          expect(await asked(ALL.from, ALL.to)).toEqual([same, early, late]);
          expect(await asked(early.to, late.from)).toEqual([]);
          expect(await asked(early.to - 1, late.from)).toEqual([same, early]);
          expect(await asked(early.to, late.from + 1)).toEqual([late]);
        });

        test('move on, and are cut short, under the same start', async () => {
          await put({ periods: [period], charges: [sampleCharge(period)] });
          const cut = samplePeriod({ to: period.to - USAGE_WINDOW_MS, state: 'closing' });
          await put({ periods: [cut], charges: [sampleCharge(cut)] });
          expect(await second.periods('acme', ALL.from, ALL.to)).toEqual([cut]);
          expect(await ids({ ...ALL, from: cut.to })).toEqual([]);
          expect(await ids({ ...ALL, from: cut.to - 1 })).toEqual(['charge-1']);
        });

        test('that ended and are not final are found, those that ended first first', async () => {
          const closing = samplePeriod({ index: 1, state: 'closing' });
          const shorter = samplePeriod({ index: 1, contract: 'z', to: closing.to - 1 });
          const final = samplePeriod({ state: 'final', finalAt: 1 });
          await put({ periods: [closing, shorter, final, samplePeriod({ index: 2 })] });
          const other = samplePeriod({ tenant: 'aaa', index: 1 });
          await put({ tenant: 'aaa', periods: [other] });
          expect(await second.periodsToFinish(closing.to, 9)).toEqual([shorter, other, closing]);
          expect(await second.periodsToFinish(closing.to, 1)).toEqual([shorter]);
          expect(await second.periodsToFinish(closing.to - 1, 9)).toEqual([shorter]);
          expect(await (await reopened()).periodsToFinish(shorter.to - 1, 9)).toEqual([]);
        });
      });
    });

    describe('unpriced usage', () => {
      const window = (index: number) => FIRST_WINDOW + index * USAGE_WINDOW_MS;
      const between = (from: number, to: number) => ({ from: window(from), to: window(to) });
      const put = async (
        from: number,
        to: number,
        unpriced: readonly ReturnType<typeof sampleUnpriced>[],
        tenant = 'acme',
      ) => {
        const expectedRevision = await first.revision(tenant);
        const unpricedRange = between(from, to);
        return first.putCharges(
          sampleChargeChange({ tenant, expectedRevision, unpriced, unpricedRange }),
        );
      };
      const other = { series: { tenant: 'other', sku: 'api', unit: 'call' } };

      test('comes back as it was put, in its order, to the last digit', async () => {
        const all = [
          sampleUnpriced({
            reason: 'amount_too_large',
            quantity: { mantissa: 10n ** 60n, scale: 30 },
          }),
          sampleUnpriced({ reason: 'no_price' }),
          sampleUnpriced(between(1, 2)),
          sampleUnpriced({ series: { tenant: 'acme', sku: 'api', unit: 'hour' } }),
          sampleUnpriced({ series: { tenant: 'acme', sku: '🗳', unit: 'call' } }),
        ];
        expect(await put(0, 9, [...all].reverse())).toBe('stored');
        expect(await put(0, 9, [sampleUnpriced(other)], 'other')).toBe('stored');
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual([...all, sampleUnpriced(other)]);
        const handle = await reopened();
        expect(await handle.unpriced({ ...ALL, tenant: 'acme' }, ROWS_MAX)).toEqual(all);
        const later = await handle.unpriced({ tenant: 'acme', ...between(1, 9) }, ROWS_MAX);
        expect(later).toEqual([sampleUnpriced(between(1, 2))]);
        expect(await handle.unpriced({ tenant: null, ...between(2, 9) }, ROWS_MAX)).toEqual([]);
        expect(await handle.unpriced(ALL, 2)).toEqual(all.slice(0, 2));
      });

      test('has a span of all that a span of time touches, of its tenant alone', async () => {
        await put(0, 9, [sampleUnpriced(between(2, 4)), sampleUnpriced(between(6, 8))]);
        await put(0, 9, [sampleUnpriced({ ...other, ...between(1, 9) })], 'other');
        const asked = (from: number, to: number, tenant = 'acme') =>
          second.unpricedSpan(tenant, window(from), window(to));
        expect(await asked(3, 7)).toEqual(between(2, 8));
        expect(await asked(4, 7)).toEqual(between(6, 8));
        expect(await asked(3, 6)).toEqual(between(2, 4));
        expect(await asked(4, 6)).toBeNull();
        expect(await asked(4, 6, 'other')).toEqual(between(1, 9));
        expect(await asked(0, 9, 'nobody')).toBeNull();
      });

      test('is replaced inside its range, of its tenant alone', async () => {
        await put(0, 9, [sampleUnpriced(between(0, 2)), sampleUnpriced(between(4, 6))]);
        await put(0, 9, [sampleUnpriced(other)], 'other');
        expect(await put(2, 6, [])).toBe('stored');
        expect(await put(2, 4, [])).toBe('stored');
        const left = [sampleUnpriced(between(0, 2)), sampleUnpriced(other)];
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual(left);
        expect(await first.putCharges(sampleChargeChange({ expectedRevision: 3 }))).toBe('stored');
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual(left);
      });

      test.each([
        ['its end', 1, 9],
        ['its start', 0, 2],
        ['both', 1, 2],
      ])('is never cut: a range inside %s conflicts', async (_, from, to) => {
        await put(0, 3, [sampleUnpriced(between(0, 3))]);
        expect(await put(from, to, [])).toBe('conflict');
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual([sampleUnpriced(between(0, 3))]);
        expect(await second.revision('acme')).toBe(1);
        expect(await put(0, 3, [])).toBe('stored');
        expect(await second.unpriced(ALL, ROWS_MAX)).toEqual([]);
      });
    });

    describe('threshold events', () => {
      const raise = async (...events: ReturnType<typeof sampleEvent>[]) => {
        const tenant = events[0]?.tenant ?? 'acme';
        const expectedRevision = await first.revision(tenant);
        return first.putCharges(sampleChargeChange({ tenant, expectedRevision, events }));
      };

      test('are raised once a period for what a threshold asks for; the first one stands', async () => {
        await raise(sampleEvent(), sampleEvent({ at: 2 }));
        expect(await raise(sampleEvent({ at: 3, amount: '7' }))).toBe('stored');
        expect(await second.events('acme', 9)).toEqual([sampleEvent()]);
        const others = [
          sampleEvent({ threshold: 't-2' }),
          sampleEvent({ thresholdAmount: '100.5' }),
          sampleEvent({ thresholdAmount: '50' }),
          sampleEvent({ sku: 'disk' }),
          sampleEvent({ unit: 'GiB' }),
          sampleEvent({ period: periodOf(samplePeriod({ index: 1 })) }),
          sampleEvent({ period: periodOf(samplePeriod({ contract: 'c-2' })) }),
        ];
        await raise(...others);
        await raise(...others);
        const all = [...others].reverse().concat(sampleEvent());
        expect(await (await reopened()).events('acme', 9)).toEqual(all);
      });

      test('of a period that was cut short since are not raised again', async () => {
        const { to, ...period } = periodOf(samplePeriod());
        await raise(sampleEvent());
        await raise(sampleEvent({ period: { ...period, to: to - 1 } }));
        expect(await second.events('acme', 9)).toEqual([sampleEvent()]);
      });

      test('come last first, of one tenant or of all', async () => {
        const other = { tenant: 'other', period: periodOf(samplePeriod({ tenant: 'other' })) };
        await raise(sampleEvent({ at: 5 }));
        await raise(sampleEvent({ ...other, at: 4 }));
        await raise(sampleEvent({ threshold: 't-2', at: 3 }));
        const times = async (tenant: string | null, limit: number) =>
          (await second.events(tenant, limit)).map(({ at }) => at);
        expect(await times(null, 9)).toEqual([3, 4, 5]);
        expect(await times(null, 2)).toEqual([3, 4]);
        expect(await times('acme', 9)).toEqual([3, 5]);
        expect(await times('none', 9)).toEqual([]);
      });
    });

    test('a handle may be disposed of twice, and leaves the others', async () => {
      await first[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      expect(await second.accept([usageRecord()])).toBe(1);
    });

    test(
      'any sequence of steps, reckonings and crashes gives what the model gives',
      () => expectLikeRatingModel(create, model),
      RANDOM_TIMEOUT_MS,
    );
  });
}

/** A value that tells of its version, so that a wrong one shows. */
function sumFor(fields: { version: number; partition: number; index: number }): {
  readonly sum: bigint;
} {
  return { sum: BigInt(fields.version * 100 + fields.partition * 10 + fields.index) };
}

/** What the records come to: the highest version of each window, added up over partitions. */
function newestOf(records: readonly UsageRecord[]): (string | number | bigint)[][] {
  const newest = new Map<string, UsageRecord>();
  for (const record of records) {
    const key = JSON.stringify([record.series.tenant, record.start, record.partition]);
    if (record.version > (newest.get(key)?.version ?? 0)) newest.set(key, record);
  }
  const totals = new Map<string, [string, number, bigint]>();
  for (const { series, start, sum } of newest.values()) {
    const key = JSON.stringify([series.tenant, start]);
    totals.set(key, [series.tenant, start, (totals.get(key)?.[2] ?? 0n) + sum]);
  }
  return [...totals].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
}

/** The list's last entry throws when its last field is looked at: a store is mid-way by then. */
function failingLast<T extends object>(entry: T, index: number, entries: readonly T[]): T {
  if (index < entries.length - 1) return entry;
  return Object.defineProperty({ ...entry }, Object.keys(entry).at(-1) ?? '', {
    enumerable: true,
    get: () => {
      throw new Error('injected');
    },
  });
}
