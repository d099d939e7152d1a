/** Random use of a rating book, compared answer by answer with the model's. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import type { BillingPeriodState } from '../../src/domain/metering/charge.ts';
import { USAGE_WINDOW_MS } from '../../src/domain/metering/usage.ts';
import type { CreateStore, StoreUnderTest } from '../../src/ports/store-under-test.ts';
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
} from './rating-samples.ts';

const RUNS = 40;
const OPERATIONS_MAX = 30;
const TENANTS = ['acme', '\uffff', '🗳'];
const ALL = { tenant: null, from: 0, to: FIRST_WINDOW + 100 * PERIOD_MS };

/** Of one usage record; small numbers, so that windows meet again and again. */
interface RecordFields {
  readonly tenant: string;
  readonly index: number;
  readonly partition: number;
  readonly version: number;
  readonly count: number;
}

type Operation = { readonly handle: number } & (
  | { readonly what: 'takeOver' }
  | {
      readonly what: 'commit';
      /** How far from the position the step starts, and 0 where its epoch is the newest. */
      readonly shift: number;
      readonly age: number;
      readonly records: readonly RecordFields[];
      readonly letters: readonly number[];
    }
  | { readonly what: 'accept'; readonly records: readonly RecordFields[] }
  | { readonly what: 'makeDue'; readonly tenant: string; readonly index: number }
  | {
      readonly what: 'put';
      readonly tenant: string;
      /** How far from the newest revision it was decided. */
      readonly shift: number;
      /** Whether it settles what is due, and whether it changes in between. */
      readonly due: 'none' | 'settled' | 'changed';
      readonly periods: readonly number[];
      readonly state: BillingPeriodState;
      readonly charges: number;
      readonly unpriced: { readonly from: number; readonly length: number; readonly rows: number };
      readonly threshold: number;
    }
  | { readonly what: 'crash' }
);

/** Runs random sequences on a new store and on a new model, and expects the same answers and contents. */
export async function expectLikeRatingModel(
  create: CreateStore<RatingStore>,
  model: CreateStore<RatingStore>,
): Promise<void> {
  const run = fc.asyncProperty(operations(), async (sequence) => {
    await using actual = await create();
    await using expected = await model();
    expect(await replay(actual, sequence)).toEqual(await replay(expected, sequence));
  });
  await fc.assert(run, { numRuns: RUNS });
}

function operations(): fc.Arbitrary<readonly Operation[]> {
  const handle = fc.nat(1);
  const tenant = fc.constantFrom(...TENANTS);
  const mostly = (usual: number, ...others: number[]) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
  const record = fc.record({
    tenant,
    index: fc.nat(10),
    partition: fc.nat(1),
    version: fc.integer({ min: 1, max: 5 }),
    count: fc.nat(3),
  });
  const records = fc.array(record, { maxLength: 5 });
  const takeOver = fc.record({ what: fc.constant('takeOver' as const), handle });
  const commit = fc.record({
    what: fc.constant('commit' as const),
    handle,
    shift: mostly(0, -2, -1, 1),
    age: mostly(0, 1, 2),
    records,
    letters: fc.array(fc.nat(2), { maxLength: 2 }),
  });
  const accept = fc.record({ what: fc.constant('accept' as const), handle, records });
  const makeDue = fc.record({
    what: fc.constant('makeDue' as const),
    handle,
    tenant,
    index: fc.nat(5),
  });
  const put = fc.record({
    what: fc.constant('put' as const),
    handle,
    tenant,
    shift: mostly(0, -1, 1),
    due: fc.constantFrom('none', 'settled', 'changed'),
    periods: fc.uniqueArray(fc.nat(2), { maxLength: 2 }),
    state: fc.constantFrom('open', 'open', 'closing', 'final'),
    charges: fc.nat(2),
    unpriced: fc.record({ from: fc.nat(4), length: fc.nat(4), rows: fc.nat(2) }),
    threshold: fc.nat(2),
  });
  const crash = fc.record({ what: fc.constant('crash' as const), handle });
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    { weight: 1, arbitrary: takeOver },
    { weight: 4, arbitrary: commit },
    { weight: 3, arbitrary: accept },
    { weight: 1, arbitrary: makeDue },
    { weight: 6, arbitrary: put },
    { weight: 1, arbitrary: crash },
  );
  return fc.array(operation, { maxLength: OPERATIONS_MAX });
}

/** Everything that the store answered. Epochs and versions of what is due are its own affair. */
async function replay(
  store: StoreUnderTest<RatingStore>,
  sequence: readonly Operation[],
): Promise<readonly unknown[]> {
  let handles = [await store.open(), await store.open()] as const;
  const epochs: number[] = [];
  const answers: unknown[] = [];
  for (const [at, operation] of sequence.entries()) {
    const handle = handles[operation.handle === 0 ? 0 : 1];
    switch (operation.what) {
      case 'takeOver': {
        const { epoch, checkpoint } = await handle.takeOver(0);
        epochs.push(epoch);
        answers.push(checkpoint);
        break;
      }
      case 'commit': {
        const { nextOffset } = await handle.checkpoint(0);
        const from = Math.max(0, nextOffset + operation.shift);
        const step = usageStep({
          epoch: epochs.at(-1 - operation.age) ?? 0,
          from,
          records: operation.records.map(recordOf),
          deadLetters: operation.letters.map((byte, index) => letterOf(byte, from, index)),
        });
        answers.push(await handle.commit(step));
        break;
      }
      case 'accept':
        answers.push(await handle.accept(operation.records.map(recordOf)));
        break;
      case 'makeDue':
        await handle.makeDue(operation.tenant, operation.index, operation.index + 3);
        break;
      case 'put':
        answers.push(await putInto(handle, operation, at));
        break;
      case 'crash':
        await store.crash();
        handles = [await store.open(), await store.open()];
    }
    answers.push(await contentsOf(handles[1]));
  }
  return answers;
}

async function putInto(
  book: RatingStore,
  operation: Extract<Operation, { what: 'put' }>,
  at: number,
): Promise<unknown> {
  const { tenant, shift, periods, state, charges, unpriced, threshold } = operation;
  const expectedRevision = (await book.revision(tenant)) + shift;
  const waiting = (await book.due(99)).find((due) => due.tenant === tenant) ?? null;
  if (operation.due === 'changed') await book.makeDue(tenant, at, at + 1);
  const named = periods.map((index) =>
    samplePeriod({ tenant, index, state, finalAt: state === 'final' ? at : null }),
  );
  const [first] = named;
  const from = FIRST_WINDOW + unpriced.from * USAGE_WINDOW_MS;
  const range = { from, to: from + unpriced.length * USAGE_WINDOW_MS };
  const change = sampleChargeChange({
    tenant,
    expectedRevision,
    due: operation.due === 'none' ? null : waiting,
    periods: named,
    charges: named.flatMap((period) =>
      Array.from({ length: charges }, (_, line) =>
        sampleCharge(period, { id: `${tenant} ${period.from} ${line}`, pulses: at }),
      ),
    ),
    unpriced:
      unpriced.length === 0
        ? []
        : Array.from({ length: unpriced.rows }, (_, row) =>
            sampleUnpriced({
              ...range,
              pulses: at,
              series: { tenant, sku: `sku-${row}`, unit: 'call' },
            }),
          ),
    unpricedRange: unpriced.length === 0 ? null : range,
    events:
      first === undefined
        ? []
        : [
            sampleEvent({
              ...{ tenant, threshold: `t-${threshold}`, at, period: periodOf(first) },
              thresholdAmount: String(1 + (at % 2)),
            }),
          ],
  });
  return book.putCharges(change);
}

function recordOf({ tenant, index, partition, version, count }: RecordFields) {
  const sum = BigInt(version * 1_000 + partition * 100 + index) * 10n ** 30n;
  // No pulse counts in two partitions.
  const lastKey = String(partition).repeat(32);
  return usageRecord({ tenant, index, partition, version, count, sum, lastKey });
}

function letterOf(byte: number, offset: number, index: number) {
  const origin = { logId: 'log-under-test', partition: 0, offset, index };
  return usageLetter({ bytes: Uint8Array.of(byte), origin });
}

async function contentsOf(book: RatingStore): Promise<readonly unknown[]> {
  const windows = [0, 3, 11].map((index) => FIRST_WINDOW + index * USAGE_WINDOW_MS);
  const letters = { queue: null, state: null, tenant: null, code: null };
  return [
    await book.checkpoint(0),
    (await book.due(99)).map(({ tenant, from, to }) => ({ tenant, from, to })),
    await book.usage({ sku: null, unit: null, ...ALL }, windows, 999),
    await book.tenants(ALL.from, ALL.to),
    await Promise.all(TENANTS.map((tenant) => book.periods(tenant, ALL.from, ALL.to))),
    await book.periodsToFinish(FIRST_WINDOW + 2 * PERIOD_MS, 9),
    await Promise.all(TENANTS.map((tenant) => book.revision(tenant))),
    await book.charges(ALL, null, 99),
    await book.unpriced(ALL, 999),
    await book.events(null, 99),
    await book.deadLetters.list(letters, null, 99),
  ];
}
