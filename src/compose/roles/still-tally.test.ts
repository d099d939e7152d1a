/** Proves that a tally which nobody moves is told from one that is at the log's end, or on its way. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { StillTally } from './still-tally.ts';

const SECOND = 1_000;

function room() {
  const clock = new ManualClock(0);
  const ends = [0, 0];
  const log = { bounds: async (partition: number) => ({ start: 0, end: ends[partition] ?? 0 }) };
  return { clock, ends, still: new StillTally({ log, partitions: 2, clock }) };
}

test('a tally at the end of the log is never still, however long nothing comes in', async () => {
  const { clock, ends, still } = room();
  ends.fill(7);
  for (let second = 0; second < 60; second += 1) {
    await still.look(14);
    expect(still.isStill).toBe(false);
    clock.advance(SECOND);
  }
});

test('a tally that is behind and moves is not still', async () => {
  const { clock, ends, still } = room();
  ends.fill(1_000);
  for (let second = 1; second < 60; second += 1) {
    await still.look(second);
    expect(still.isStill).toBe(false);
    clock.advance(SECOND);
  }
});

test('a tally that is behind and stands is still after five seconds, until it moves', async () => {
  const { clock, ends, still } = room();
  await still.look(0);
  ends[1] = 1;
  for (let second = 0; second < 5; second += 1) {
    await still.look(0);
    expect(still.isStill).toBe(false);
    clock.advance(SECOND);
  }
  await still.look(0);
  expect(still.isStill).toBe(true);
  await still.look(1);
  expect(still.isStill).toBe(false);
});

test('a tally is still, too, where the log does not say where it ends', async () => {
  const { clock, still } = room();
  await still.look(0);
  clock.advance(5 * SECOND);
  expect(still.isStill).toBe(true);
});
