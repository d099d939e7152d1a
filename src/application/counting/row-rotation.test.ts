import { describe, expect, test } from 'bun:test';
import { checkpoint } from '../../../test/support/store-step-samples.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { RowRotation, type RowTaker } from './row-rotation.ts';

const rows: PartitionCounts = { checkpoint: checkpoint(1), counts: [], books: [] };

/** A rotation over three partitions, each of which takes `costMs` to count. */
function rotation(costMs: number, recount?: (partition: number) => Promise<PartitionCounts>) {
  const clock = new ManualClock(0);
  const told: string[] = [];
  const takers = [0, 1, 2].map((partition): RowTaker => {
    return {
      expectRows: () => told.push(`expect ${partition}`),
      takeRows: async () => {
        told.push(`take ${partition}`);
      },
      missRows: (error) => told.push(`miss ${partition} ${error}`),
    };
  });
  const patience = { isShort: false };
  const rotating = new RowRotation({
    partitions: 3,
    clock,
    recount: async (partition) => {
      clock.advance(costMs);
      return recount === undefined ? rows : await recount(partition);
    },
    sleep: (_, signal) =>
      new Promise((resolve) => {
        if (patience.isShort) setImmediate(resolve);
        signal.addEventListener('abort', () => resolve());
      }),
  });
  const spend = async (passedMs: number): Promise<readonly string[]> => {
    clock.advance(passedMs);
    await rotating.spend(takers);
    return told.splice(0);
  };
  return { rotating, spend, patience };
}

describe('counting the rows of a ledger', () => {
  test('counts a small ledger wholly in every round, and every partition once', async () => {
    const { rotating, spend } = rotation(1);
    const whole = [0, 1, 2].flatMap((partition) => [`expect ${partition}`, `take ${partition}`]);
    expect(rotating.rotationMs).toBeNull();
    expect(await spend(0)).toEqual(whole);
    for (let round = 0; round < 3; round += 1) {
      expect(await spend(2_000)).toEqual(whole);
    }
    expect(rotating.rotationMs).toBe(3);
  });

  test('takes a quarter of the time for a large one, and says how long all of it took', async () => {
    const { rotating, spend } = rotation(3_000);
    let counted = 0;
    for (let round = 0; round < 120; round += 1) {
      counted += (await spend(1_000)).filter((words) => words.startsWith('take')).length;
    }
    // 120 s of rounds and what the counting took: a quarter of that.
    const share = (counted * 3) / (120 + counted * 3);
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.27);
    expect(rotating.rotationMs).toBeGreaterThan(20_000);
  });

  test('does not save up more than a second of it', async () => {
    const { spend } = rotation(600);
    await spend(0);
    // An hour of rest earns two countings, not a whole rotation.
    expect(await spend(3_600_000)).toHaveLength(4);
  });

  test('does not hold the round up: what takes longer is taken in a later one', async () => {
    const { promise, resolve } = Promise.withResolvers<PartitionCounts>();
    const { spend, patience } = rotation(0, (partition) =>
      partition === 1 ? promise : Promise.resolve(rows),
    );
    patience.isShort = true;
    expect(await spend(0)).toEqual(['expect 0', 'take 0', 'expect 1']);
    expect(await spend(2_000)).toEqual([]);
    resolve(rows);
    patience.isShort = false;
    expect(await spend(2_000)).toEqual(['take 1']);
    // Four seconds of counting are paid for by sixteen of rest.
    expect(await spend(10_000)).toEqual([]);
    const rest = ['expect 2', 'take 2', 'expect 0', 'take 0', 'expect 1', 'take 1'];
    expect(await spend(6_000)).toEqual(rest);
  });

  test('goes on to the next partition where one can not be counted', async () => {
    const { spend } = rotation(0, async (partition) => {
      if (partition === 1) throw 'no';
      return rows;
    });
    expect(await spend(0)).toEqual([
      'expect 0',
      'take 0',
      'expect 1',
      'miss 1 no',
      'expect 2',
      'take 2',
    ]);
  });
});
