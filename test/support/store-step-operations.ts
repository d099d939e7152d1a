/** Random use of a store that moves by steps, compared answer by answer with a model's. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import { LANES } from '../../src/domain/counting/lane.ts';
import type { TallyReplacement } from '../../src/ports/live-tally.ts';
import type { ActMark, StepBase } from '../../src/ports/store-step.ts';
import type { CreateStore, StoreUnderTest } from '../../src/ports/store-under-test.ts';
import { checkpoint, contentOf, type SteppedStore, sortedCloses } from './store-step-samples.ts';

const RUNS = 60;
const OPERATIONS_MAX = 40;
const PARTITIONS = [0, 1];

type Content = Pick<StepBase, 'counts' | 'books' | 'closes' | 'acts'>;

type Operation =
  | { readonly kind: 'takeOver'; readonly handle: number; readonly partition: number }
  | {
      readonly kind: 'commit';
      readonly handle: number;
      readonly partition: number;
      /** 0: under the newest epoch given out; 1: under the one before; and so on. */
      readonly age: number;
      /** How far from the position the step starts. */
      readonly shift: number;
      readonly length: number;
      readonly content: Content;
    }
  | {
      readonly kind: 'replace';
      readonly handle: number;
      readonly partition: number;
      /** How far from the position the repair expects the store. */
      readonly shift: number;
      readonly nextOffset: number;
      readonly content: Content;
    }
  | { readonly kind: 'crash' };

export interface Repair<Store> {
  replace(
    store: Store,
    partition: number,
    expectedNextOffset: number,
    replacement: TallyReplacement,
  ): Promise<boolean>;
}

/**
 * Runs random sequences on a new store and on a new model, and expects the same outcomes, contents
 * and take-overs. With `repair` the sequences replace partitions too.
 */
export async function expectLikeModel<Store extends SteppedStore>(
  create: CreateStore<Store>,
  model: CreateStore<Store>,
  repair: Repair<Store> | null,
): Promise<void> {
  const run = fc.asyncProperty(operations(repair !== null), async (sequence) => {
    await using actual = await create();
    await using expected = await model();
    const answers = await replay(actual, sequence, repair);
    expect(answers).toEqual(await replay(expected, sequence, repair));
  });
  await fc.assert(run, { numRuns: RUNS });
}

function operations(withReplace: boolean): fc.Arbitrary<readonly Operation[]> {
  const handle = fc.nat(1);
  const partition = fc.constantFrom(...PARTITIONS);
  const mostly = (usual: number, ...others: number[]) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
  const content = contents();
  const takeOver = fc.record({ kind: fc.constant('takeOver' as const), handle, partition });
  const commit = fc.record({
    kind: fc.constant('commit' as const),
    handle,
    partition,
    age: mostly(0, 1, 2),
    shift: mostly(0, -3, -2, -1, 1, 2),
    length: fc.nat(3),
    content,
  });
  const replace = fc.record({
    kind: fc.constant('replace' as const),
    handle,
    partition,
    shift: mostly(0, -1, 1),
    nextOffset: fc.nat(10),
    content,
  });
  const crash = fc.constant({ kind: 'crash' as const });
  const operation = fc.oneof(
    { weight: 2, arbitrary: takeOver },
    { weight: 8, arbitrary: commit },
    { weight: withReplace ? 1 : 0, arbitrary: replace },
    { weight: 1, arbitrary: crash },
  );
  return fc.array(operation, { maxLength: OPERATIONS_MAX });
}

/** Small pools of names, so that keys, acts and closes meet again and again. */
function contents(): fc.Arbitrary<Content> {
  const scope = fc.constantFrom('poll-a', 'poll-b');
  const key = {
    scope,
    item: fc.constantFrom('ana', 'bruno'),
    lane: fc.constantFrom(...LANES),
    minute: fc.constantFrom(29_000_000, 29_000_001),
  };
  const change = fc.integer({ min: -3, max: 5 });
  return fc.record({
    counts: fc.array(fc.record({ ...key, count: change }), { maxLength: 4 }),
    books: fc.array(
      fc.record({
        scope,
        logged: change,
        counted: change,
        duplicate: change,
        expired: change,
        late: change,
        voided: change,
      }),
      { maxLength: 2 },
    ),
    closes: fc.array(fc.record({ scope, offset: fc.nat(5) }), { maxLength: 1 }),
    acts: fc.array(
      fc.record({
        kind: fc.constantFrom<ActMark['kind']>('void', 'restore'),
        actId: fc.constantFrom('act-1', 'act-2', 'act-3'),
        target: fc.constantFrom('a'.repeat(32), 'b'.repeat(32)),
        ...key,
      }),
      { maxLength: 2 },
    ),
  });
}

/** Everything that the store answered. Epochs are its own affair and left out. */
async function replay<Store extends SteppedStore>(
  store: StoreUnderTest<Store>,
  sequence: readonly Operation[],
  repair: Repair<Store> | null,
): Promise<readonly unknown[]> {
  let handles = [await store.open(), await store.open()] as const;
  const epochs = PARTITIONS.map(() => [] as number[]);
  const answers: unknown[] = [];
  for (const operation of sequence) {
    if (operation.kind === 'crash') {
      await store.crash();
      handles = [await store.open(), await store.open()];
      continue;
    }
    const { partition } = operation;
    const handle = handles[operation.handle === 0 ? 0 : 1];
    const position = (await handle.read(partition)).checkpoint.nextOffset;
    switch (operation.kind) {
      case 'takeOver': {
        const { epoch, ...taken } = await handle.takeOver(partition);
        epochs[partition]?.push(epoch);
        answers.push({ ...taken, closes: sortedCloses(taken.closes) });
        break;
      }
      case 'commit': {
        const from = Math.max(0, position + operation.shift);
        const outcome = await handle.commit({
          partition,
          epoch: epochs[partition]?.at(-1 - operation.age) ?? 0,
          from,
          checkpoint: checkpoint(from + operation.length),
          acceptedFrom: null,
          ...operation.content,
        });
        answers.push(outcome);
        break;
      }
      case 'replace': {
        const replacement = {
          checkpoint: checkpoint(operation.nextOffset),
          ...operation.content,
        };
        const expected = position + operation.shift;
        answers.push(await repair?.replace(handle, partition, expected, replacement));
        break;
      }
    }
    answers.push(...(await contentsOf(handles[1])));
  }
  return answers;
}

async function contentsOf(store: SteppedStore): Promise<readonly unknown[]> {
  return Promise.all(
    PARTITIONS.map(async (partition) => {
      const content = contentOf(await store.read(partition));
      const books = content.books.filter(({ scope, ...sums }) => Object.values(sums).some(Boolean));
      return { ...content, books };
    }),
  );
}
