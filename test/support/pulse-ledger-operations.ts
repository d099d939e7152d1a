/** Random use of a pulse ledger, compared with what a model then holds. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import { USAGE_WINDOW_MS, type UsageRecord } from '../../src/domain/metering/usage.ts';
import { GRANULARITIES, usageBounds } from '../../src/domain/metering/usage-bounds.ts';
import { USAGE_DAY_MS } from '../../src/domain/metering/usage-spans.ts';
import type { DeadLetterFilter } from '../../src/ports/dead-letters.ts';
import type { PulseAct, PulseStep } from '../../src/ports/pulse-ledger.ts';
import type { CreateStore, StoreUnderTest } from '../../src/ports/store-under-test.ts';
import {
  amending,
  columnsOf,
  conflictsOf,
  type LoggedPulse,
  logged,
  NOON,
  type PulseStore,
  pagesOf,
  pulseStep,
  pulsesOf,
  report,
  voiding,
} from './pulse-samples.ts';

const RUNS = 60;
const PARTITIONS = [0, 1];
const TENANTS = ['acme', 'globex'];
const AMOUNTS = ['1', '-2.5', '0.000000000000000001', '40'];
const SKUS = 2;
const NUMBERS = 32;
/** Windows: two of an hour, the first of the next day, and one of the day after that. */
const STARTS = [46, 47, 48, 150].map((place) => NOON + place * USAGE_WINDOW_MS);
const END = NOON + 151 * USAGE_WINDOW_MS;
const ROWS_MAX = 9_999;
const ALL: DeadLetterFilter = { queue: null, state: null, tenant: null, code: null };

/** Which of a few pulses: the same number always has the same id, and mostly says the same. */
interface SomePulse {
  readonly number: number;
  readonly lies: boolean;
}

interface SomeAct {
  readonly actId: number;
  readonly number: number;
  /** Null: a void. */
  readonly amount: string | null;
}

type Operation =
  | {
      readonly kind: 'commit';
      readonly partition: number;
      readonly pulses: readonly SomePulse[];
      readonly acts: readonly SomeAct[];
      readonly letters: readonly number[];
    }
  | {
      readonly kind: 'repeat' | 'takeOver' | 'reset' | 'restore' | 'recompute' | 'send';
      readonly partition: number;
    }
  | { readonly kind: 'forget'; readonly window: number }
  | { readonly kind: 'crash' };

/** What usage is asked for all along: windows of any size, which cut hours and days and span them. */
interface UsageQuestion {
  readonly from: number;
  readonly to: number;
  readonly bounds: readonly number[];
}

interface Sequence {
  readonly operations: readonly Operation[];
  readonly questions: readonly UsageQuestion[];
  /** Of pages. */
  readonly limit: number;
}

/**
 * Runs random sequences on a new ledger and on a new model, and expects the same answers all along and
 * the same pulses, usage, conflicts and letters at the end.
 */
export async function expectPulseLedgerLikeModel(
  create: CreateStore<PulseStore>,
  model: CreateStore<PulseStore>,
): Promise<void> {
  const sequences = fc.record({
    operations: operations(),
    questions: fc.array(usageQuestion(), { minLength: 2, maxLength: 2 }),
    limit: fc.integer({ min: 1, max: 9 }),
  });
  const run = fc.asyncProperty(sequences, async (sequence) => {
    await using actual = await create();
    await using expected = await model();
    const answers = await new Worker(actual).replay(sequence);
    expect(answers).toEqual(await new Worker(expected).replay(sequence));
  });
  await fc.assert(run, { numRuns: RUNS });
}

function operations(): fc.Arbitrary<readonly Operation[]> {
  const partition = fc.constantFrom(...PARTITIONS);
  const number = fc.nat(NUMBERS - 1);
  const pulse = fc.record({ number, lies: fc.nat(5).map((n) => n === 0) });
  const act = fc.record({
    actId: fc.nat(5),
    number,
    amount: fc.constantFrom(null, ...AMOUNTS),
  });
  const commit = fc.record({
    kind: fc.constant('commit' as const),
    partition,
    pulses: fc.array(pulse, { maxLength: 10 }),
    acts: fc.array(act, { maxLength: 3 }),
    letters: fc.array(fc.nat(3), { maxLength: 1 }),
  });
  const plain = (
    kind: Exclude<Operation['kind'], 'commit' | 'forget' | 'crash'>,
  ): fc.Arbitrary<Operation> => fc.record({ kind: fc.constant(kind), partition });
  const forget = fc.record({
    kind: fc.constant('forget' as const),
    window: fc.nat(STARTS.length - 1),
  });
  return fc.array(
    fc.oneof(
      { weight: 12, arbitrary: commit },
      { weight: 1, arbitrary: plain('repeat') },
      { weight: 1, arbitrary: plain('takeOver') },
      { weight: 1, arbitrary: plain('reset') },
      { weight: 2, arbitrary: plain('restore') },
      { weight: 1, arbitrary: plain('recompute') },
      { weight: 2, arbitrary: plain('send') },
      { weight: 2, arbitrary: forget },
      { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    ),
    { maxLength: 20 },
  );
}

function usageQuestion(): fc.Arbitrary<UsageQuestion> {
  const instant = fc
    .integer({ min: -2 * 96, max: 4 * 96 })
    .map((place) => NOON + place * USAGE_WINDOW_MS);
  const midnight = fc
    .integer({ min: -1, max: 4 })
    .map((day) => NOON + USAGE_DAY_MS / 2 + day * USAGE_DAY_MS);
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns');
  const anyBounds = fc.array(fc.oneof(instant, midnight), { minLength: 2, maxLength: 6 });
  const zoneBounds = fc
    .tuple(zone, fc.constantFrom(...GRANULARITIES), instant)
    .map(([timeZone, granularity, from]) => {
      return usageBounds(from, END + 3 * USAGE_DAY_MS, granularity, timeZone) ?? [];
    });
  return fc
    .tuple(fc.oneof(anyBounds, zoneBounds), fc.oneof(instant, fc.constant(0)))
    .map(([bounds, from]) => {
      const ascending = [...new Set(bounds)].toSorted((a, b) => a - b);
      return { from, to: END + USAGE_DAY_MS, bounds: ascending };
    });
}

/** What a worker knows of its partition. */
interface Partition {
  epoch: number;
  next: number;
  last: PulseStep | null;
}

class Worker {
  readonly #store: StoreUnderTest<PulseStore>;
  readonly #partitions: Partition[] = PARTITIONS.map(() => ({ epoch: 0, next: 0, last: null }));
  readonly #sent: LoggedPulse[] = [];

  constructor(store: StoreUnderTest<PulseStore>) {
    this.#store = store;
  }

  /** Everything that the ledger answered, and everything that it holds at the end. */
  async replay({ operations, questions, limit }: Sequence): Promise<readonly unknown[]> {
    let ledger = await this.#store.open();
    let reader = await this.#store.open();
    const answers: unknown[] = [];
    for (const operation of operations) {
      if (operation.kind === 'crash') {
        await this.#store.crash();
        ledger = await this.#store.open();
        reader = await this.#store.open();
        continue;
      }
      answers.push([operation.kind, await this.#run(ledger, operation, limit)]);
      for (const question of questions) answers.push(await usageOf(reader, question));
      for (const partition of PARTITIONS) {
        answers.push(await reader.books(partition));
        // What was not made wrong needs no putting right, whatever was forgotten.
        expect(await reader.recompute(partition, 0, END)).toEqual([]);
      }
      answers.push(await windowsOf(reader));
    }
    for (const partition of PARTITIONS) {
      answers.push(await reader.checkpoint(partition));
      answers.push(inOrder(await reader.pendingUsage(partition, 1_000)));
    }
    for (const tenant of [null, ...TENANTS]) {
      answers.push(await pulsesOf(reader, { tenant }, limit));
      answers.push(await conflictsOf(reader, tenant, limit));
    }
    const letters = await pagesOf(limit, async (cursor) => {
      const page = await reader.deadLetters.list(ALL, cursor, limit);
      return { items: page.letters, nextCursor: page.nextCursor };
    });
    return [...answers, letters, await reader.deadLetters.pending()];
  }

  async #run(
    ledger: PulseStore,
    operation: Exclude<Operation, { kind: 'crash' }>,
    limit: number,
  ): Promise<unknown> {
    if (operation.kind === 'forget') {
      const from = STARTS[operation.window] ?? NOON;
      return ledger.forget(from, from + USAGE_WINDOW_MS);
    }
    const { partition: number } = operation;
    const partition = this.#partition(number);
    if (operation.kind === 'takeOver' || partition.epoch === 0) {
      partition.epoch = (await ledger.takeOver(number)).epoch;
    }
    switch (operation.kind) {
      case 'takeOver':
        return partition.epoch;
      case 'reset':
        await ledger.reset(number);
        Object.assign(partition, { epoch: 0, next: 0, last: null });
        return null;
      case 'restore':
        return ledger.restore(number, columnsOf(this.#sent));
      case 'recompute':
        return ledger.recompute(number, NOON, END);
      case 'send': {
        const records = await ledger.pendingUsage(number, limit);
        await ledger.markUsageSent(records);
        // Among windows of one version the choice is the store's: their versions alone are told.
        const rest = await ledger.pendingUsage(number, 1_000);
        await ledger.markUsageSent(rest);
        return inOrder([...records, ...rest]);
      }
      case 'repeat':
        return partition.last && ledger.commit({ ...partition.last, epoch: partition.epoch });
      case 'commit': {
        const step = this.#step(partition, operation);
        partition.last = step;
        partition.next = step.checkpoint.nextOffset;
        return ledger.commit(step);
      }
    }
  }

  #step(partition: Partition, operation: Extract<Operation, { kind: 'commit' }>): PulseStep {
    const offset = partition.next;
    const pulses = operation.pulses.map((some) => ({ ...pulseOf(some), offset }));
    this.#sent.push(...pulses);
    const acts = operation.acts.map(({ actId, number, amount }): PulseAct => {
      const target = pulseOf({ number, lies: false });
      const fields = { actId: `act-${actId}`, offset };
      return amount === null ? voiding(target, fields) : amending(target, amount, fields);
    });
    const place = { logId: 'log', partition: operation.partition, offset, index: null };
    return pulseStep(pulses, {
      partition: operation.partition,
      epoch: partition.epoch,
      from: offset,
      acts,
      deadLetters: operation.letters.map((letter) => report(`letter ${letter}`, { origin: place })),
    });
  }

  #partition(number: number): Partition {
    const partition = this.#partitions[number];
    if (partition === undefined) throw new Error(`No partition ${number}`);
    return partition;
  }
}

function pulseOf({ number, lies }: SomePulse): LoggedPulse {
  // Two pulses of each series fall into each window, and the next amount to each of a series.
  const series = number % (TENANTS.length * SKUS);
  const place = Math.floor(number / (TENANTS.length * SKUS));
  return logged({
    id: `pulse-${number}`,
    tenant: TENANTS[series % TENANTS.length] ?? '',
    sku: `sku-${Math.floor(series / TENANTS.length)}`,
    amount: AMOUNTS[(series + place + Number(lies)) % AMOUNTS.length] ?? '',
    // Some at the same instant: then the key decides which is last.
    occurredAt: (STARTS[place % STARTS.length] ?? NOON) + (number % 3),
    receivedAt: END + number,
  });
}

async function windowsOf(ledger: PulseStore): Promise<unknown> {
  const bounds = STARTS.flatMap((start) => [start, start + USAGE_WINDOW_MS]);
  return usageOf(ledger, { from: NOON, to: END, bounds: [...new Set(bounds)] });
}

async function usageOf(ledger: PulseStore, question: UsageQuestion): Promise<unknown> {
  const { bounds, ...span } = question;
  return ledger.usage({ tenant: null, sku: null, unit: null, ...span }, bounds, ROWS_MAX);
}

function inOrder(records: readonly UsageRecord[]): readonly UsageRecord[] {
  const name = ({ series, start }: UsageRecord) => JSON.stringify([series, start]);
  return records.toSorted((a, b) => a.version - b.version || (name(a) < name(b) ? -1 : 1));
}
