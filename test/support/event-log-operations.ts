/** Random use of an event log, compared answer by answer with a model's. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import {
  contentOf,
  EVERY_PARTITION,
  type EventLogHarness,
  type EventLogReader,
  type EventLogUnderTest,
  PARTITIONS,
} from './event-log-under-test.ts';

const RUNS = 40;

type Operation =
  | { readonly kind: 'append'; readonly blocks: readonly (readonly [number, Uint8Array])[] }
  | { readonly kind: 'read'; readonly partition: number; readonly from: number }
  | { readonly kind: 'crash' };

/** Runs random sequences on a new log and on a new model, and expects the same answers of both. */
export async function expectLogLikeModel(
  harness: EventLogHarness,
  model: EventLogHarness,
): Promise<void> {
  const run = fc.asyncProperty(operations(), async (sequence) => {
    await using actual = await harness.create(PARTITIONS);
    await using expected = await model.create(PARTITIONS);
    expect(await replay(actual, sequence)).toEqual(await replay(expected, sequence));
  });
  await fc.assert(run, { numRuns: RUNS });
}

function operations(): fc.Arbitrary<readonly Operation[]> {
  const partition = fc.constantFrom(...EVERY_PARTITION);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const append = fc.record({
    kind: fc.constant('append' as const),
    blocks: fc.array(fc.tuple(partition, bytes), { maxLength: 6 }),
  });
  const read = fc.record({ kind: fc.constant('read' as const), partition, from: fc.nat(12) });
  const crash = fc.constant({ kind: 'crash' as const });
  return fc.array(
    fc.oneof({ weight: 5, arbitrary: append }, { weight: 4, arbitrary: read }, crash),
    { maxLength: 25 },
  );
}

/** Everything that the operations answered, then everything that the log holds. */
async function replay(
  log: EventLogUnderTest,
  sequence: readonly Operation[],
): Promise<readonly unknown[]> {
  let writer = await log.openWriter();
  let reader = await log.openReader();
  const answers: unknown[] = [];
  for (const operation of sequence) {
    switch (operation.kind) {
      case 'append':
        answers.push(
          await writer.append(operation.blocks.map(([partition, bytes]) => ({ partition, bytes }))),
        );
        break;
      case 'read':
        answers.push(await contentOrCode(reader, operation.partition, operation.from));
        break;
      case 'crash':
        await log.crash();
        writer = await log.openWriter();
        reader = await log.openReader();
        break;
    }
  }
  for (const partition of EVERY_PARTITION) {
    answers.push(await reader.bounds(partition), await contentOf(reader, partition));
  }
  return answers;
}

async function contentOrCode(log: EventLogReader, partition: number, from: number) {
  try {
    return await contentOf(log, partition, from);
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}
