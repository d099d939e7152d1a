/** Proves that votes are let go of only where that is set, and then of every ledger, by the days that are set. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { startRetention } from './retention.ts';

const DAY_MS = 86_400_000;
const NOW = 400 * DAY_MS;

function start(ledgerRetentionDays: number | null) {
  const asked: number[] = [];
  const forgotten: number[] = [];
  const troubles: unknown[] = [];
  const forget = async (before: number): Promise<number> => asked.push(before) - 1;
  const stop = startRetention({
    config: { ledgerRetentionDays },
    clock: new ManualClock(NOW),
    ledgers: [{ forget }, { forget }, { forget: () => Promise.reject(new Error('away')) }],
    onForgotten: (events) => forgotten.push(events),
    onTrouble: (error) => troubles.push(error),
  });
  return { asked, forgotten, troubles, stop };
}

test('without a number of days everything is kept', async () => {
  const { asked, stop } = start(null);
  await stop();
  expect(asked).toEqual([]);
});

test('every ledger is asked to let go of what is older, what it let go of is told, and so is a failure', async () => {
  const { asked, forgotten, troubles, stop } = start(90);
  await stop();
  expect(asked).toEqual([310 * DAY_MS, 310 * DAY_MS]);
  expect(forgotten).toEqual([1]);
  expect(troubles).toHaveLength(1);
});
