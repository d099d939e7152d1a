/** Random use of a ledger by a worker whose books balance, compared with what a model then holds. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import { LANES } from '../../src/domain/counting/lane.ts';
import { DAY_MS } from '../../src/domain/counting/retention.ts';
import { ApuraError } from '../../src/domain/errors.ts';
import type { Ledger, LedgerEvent, LedgerEventState, LedgerStep } from '../../src/ports/ledger.ts';
import type { ActMark, MinuteCount } from '../../src/ports/store-step.ts';
import type { CreateStore, StoreUnderTest } from '../../src/ports/store-under-test.ts';
import { event, eventId, eventsOf, ledgerStep, MINUTE_MS, NOON } from './ledger-samples.ts';
import { books, contentOf, count } from './store-step-samples.ts';

const RUNS = 60;
const PARTITIONS = [0, 1];
const SCOPES = ['poll-a', 'poll-b'];

interface NewEvent {
  readonly state: Exclude<LedgerEventState, 'voided'>;
  /** Reuses the id of an earlier event where that excludes this one. */
  readonly again: boolean;
  readonly afterMs: number;
  readonly scope: string;
  readonly item: string;
  readonly lane: LedgerEvent['lane'];
}

type Operation =
  | {
      readonly kind: 'commit';
      readonly partition: number;
      readonly events: readonly NewEvent[];
      readonly acts: readonly { kind: ActMark['kind']; actId: string; pick: number }[];
    }
  | {
      readonly kind: 'repeat' | 'conflict' | 'takeOver' | 'reset' | 'forget';
      readonly partition: number;
    }
  | { readonly kind: 'crash' };

/**
 * Runs random sequences on a new ledger and on a new model, and expects the same outcomes and the
 * same events, windows and counts at the end; and that rows and windows agree all along.
 */
export async function expectLedgerLikeModel(
  create: CreateStore<Ledger>,
  model: CreateStore<Ledger>,
): Promise<void> {
  const run = fc.asyncProperty(operations(), fc.integer({ min: 1, max: 9 }), async (ops, limit) => {
    await using actual = await create();
    await using expected = await model();
    const answers = await new Worker(actual).replay(ops, limit);
    expect(answers).toEqual(await new Worker(expected).replay(ops, limit));
  });
  await fc.assert(run, { numRuns: RUNS });
}

function operations(): fc.Arbitrary<readonly Operation[]> {
  const partition = fc.constantFrom(...PARTITIONS);
  const newEvent = fc.record({
    state: fc.constantFrom<NewEvent['state']>('counted', 'counted', 'counted', 'late', 'expired'),
    again: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 3 * MINUTE_MS }),
    scope: fc.constantFrom(...SCOPES),
    item: fc.constantFrom('ana', 'bruno'),
    lane: fc.constantFrom(...LANES),
  });
  const newAct = fc.record({
    kind: fc.constantFrom<ActMark['kind']>('void', 'restore'),
    actId: fc.constantFrom('act-1', 'act-2', 'act-3'),
    pick: fc.nat(50),
  });
  const commit = fc.record({
    kind: fc.constant('commit' as const),
    partition,
    events: fc.array(newEvent, { maxLength: 12 }),
    acts: fc.array(newAct, { maxLength: 3 }),
  });
  const plain = (kind: 'repeat' | 'conflict' | 'takeOver' | 'reset' | 'forget') =>
    fc.record({ kind: fc.constant(kind), partition });
  return fc.array(
    fc.oneof(
      { weight: 10, arbitrary: commit },
      { weight: 2, arbitrary: plain('repeat') },
      { weight: 2, arbitrary: plain('conflict') },
      { weight: 1, arbitrary: plain('takeOver') },
      { weight: 1, arbitrary: plain('reset') },
      { weight: 1, arbitrary: plain('forget') },
      { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    ),
    { maxLength: 20 },
  );
}

/** What a worker knows of its partition. */
interface Partition {
  epoch: number;
  next: number;
  events: LedgerEvent[];
  /** Those of them that were not forgotten. */
  held: LedgerEvent[];
  readonly acts: Set<string>;
  readonly voided: Set<string>;
  last: LedgerStep | null;
}

class Worker {
  readonly #store: StoreUnderTest<Ledger>;
  readonly #partitions: Partition[] = PARTITIONS.map(() => newPartition());
  #numbers = 0;

  constructor(store: StoreUnderTest<Ledger>) {
    this.#store = store;
  }

  /** Everything that the ledger answered, and everything that it holds at the end. */
  async replay(sequence: readonly Operation[], limit: number): Promise<readonly unknown[]> {
    let ledger = await this.#store.open();
    let reader = await this.#store.open();
    const ids = new Set<string>();
    const answers: unknown[] = [];
    for (const operation of sequence) {
      if (operation.kind === 'crash') {
        await this.#store.crash();
        ledger = await this.#store.open();
        reader = await this.#store.open();
        continue;
      }
      answers.push(await this.#run(ledger, operation));
      for (const { id } of this.#partition(operation.partition).events) ids.add(id);
      for (const partition of PARTITIONS) await expectRowsLikeWindows(reader, partition);
    }
    for (const id of ids) answers.push(await reader.find(id));
    for (const partition of PARTITIONS) answers.push(contentOf(await reader.read(partition)));
    for (const scope of SCOPES) {
      answers.push(await reader.windows(scope, NOON / MINUTE_MS, NOON / MINUTE_MS + 2));
      answers.push(await eventsOf(reader, scope, limit));
    }
    return answers;
  }

  async #run(ledger: Ledger, operation: Exclude<Operation, { kind: 'crash' }>): Promise<unknown> {
    const partition = this.#partition(operation.partition);
    if (operation.kind === 'takeOver' || partition.epoch === 0) {
      partition.epoch = (await ledger.takeOver(operation.partition)).epoch;
    }
    switch (operation.kind) {
      case 'takeOver':
        return null;
      case 'reset':
        await ledger.reset(operation.partition);
        this.#partitions[operation.partition] = newPartition();
        return null;
      case 'forget':
        for (const one of this.#partitions) one.held = [];
        return ledger.forget(NOON + 2 * DAY_MS);
      case 'repeat':
        return partition.last && ledger.commit({ ...partition.last, epoch: partition.epoch });
      case 'conflict':
        return this.#conflict(ledger, partition, operation.partition);
      case 'commit': {
        const step = this.#step(partition, operation);
        partition.last = step;
        partition.next = step.checkpoint.nextOffset;
        return ledger.commit(step);
      }
    }
  }

  async #conflict(ledger: Ledger, partition: Partition, number: number): Promise<unknown> {
    const held = partition.held.find(({ state }) => state === 'counted');
    if (held === undefined) return null;
    this.#numbers += 1;
    const fresh = event({ id: eventId(1, this.#numbers), partition: number });
    const { epoch, next: from } = partition;
    const step = ledgerStep([fresh, held], { partition: number, epoch, from });
    try {
      return await ledger.commit(step);
    } catch (error) {
      return [error instanceof ApuraError && error.code, await ledger.find(fresh.id)];
    }
  }

  #step(partition: Partition, operation: Extract<Operation, { kind: 'commit' }>): LedgerStep {
    const events = operation.events.map((fields): LedgerEvent => {
      this.#numbers += 1;
      const { again, afterMs, ...rest } = fields;
      const earlier = partition.events[afterMs % (partition.events.length || 1)]?.id;
      const reused = again && fields.state !== 'counted' ? earlier : undefined;
      const id = reused ?? eventId(afterMs, this.#numbers);
      const place = { partition: operation.partition, offset: partition.next };
      return event({ ...rest, ...place, id, acceptedAt: NOON + ((afterMs * 7) % 200_000) });
    });
    partition.events = [...partition.events, ...events];
    partition.held = [...partition.held, ...events];
    const counted = partition.events.filter(({ state }) => state === 'counted');
    const counts: MinuteCount[] = [];
    const bookings = [books({ logged: 1, duplicate: 1 })];
    const acts = operation.acts.flatMap(({ kind, actId, pick }): ActMark[] => {
      const target = counted[pick % (counted.length || 1)];
      if (target === undefined) return [];
      const { scope, item, lane } = target;
      const minute = Math.floor(target.acceptedAt / MINUTE_MS);
      const change = effectOf(partition, kind, actId, target.id);
      counts.push(count({ scope, item, lane, minute, count: change }));
      bookings.push(books({ scope, counted: change, voided: -change }));
      return [{ kind, actId, target: target.id, scope, item, lane, minute }];
    });
    return ledgerStep(events, {
      partition: operation.partition,
      epoch: partition.epoch,
      from: partition.next,
      counts,
      books: bookings,
      acts,
    });
  }

  #partition(number: number): Partition {
    const partition = this.#partitions[number];
    if (partition === undefined) throw new Error(`No partition ${number}`);
    return partition;
  }
}

function newPartition(): Partition {
  return {
    epoch: 0,
    next: 0,
    events: [],
    held: [],
    acts: new Set(),
    voided: new Set(),
    last: null,
  };
}

/** What an act adds to the count: the ledger must come to the same by turning rows. */
function effectOf(
  partition: Partition,
  kind: ActMark['kind'],
  actId: string,
  target: string,
): number {
  const key = `${actId} ${target}`;
  if (partition.acts.has(key)) return 0;
  partition.acts.add(key);
  if (kind === 'restore') return partition.voided.delete(target) ? 1 : 0;
  if (partition.voided.has(target)) return 0;
  partition.voided.add(target);
  return -1;
}

async function expectRowsLikeWindows(ledger: Ledger, partition: number): Promise<void> {
  expect(contentOf(await ledger.recount(partition))).toEqual(
    contentOf(await ledger.read(partition)),
  );
}
