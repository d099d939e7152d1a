/** Proves the check of a receipt: told as soon as it is known, patient, bounded, and never of another vote. */
import { expect, test } from 'bun:test';
import type { AskAnswer } from './delivery.ts';
import type { ReceiptStatus } from './poll.ts';
import { ReceiptCheck } from './receipt-check.ts';

const answered = (status: ReceiptStatus): AskAnswer => ({
  kind: 'receipt',
  status,
  acceptedAt: null,
});
const PENDING = answered('pending');
const COUNTED = answered('counted');
const NO_ANSWER: AskAnswer = { kind: 'unknown', heard: false, retryAfterMs: null };

/** A voter who looks on, and a server whose answers are given by hand. */
function check() {
  const asked: { receipt: string; answer: (answer: AskAnswer) => Promise<void> }[] = [];
  const told: AskAnswer[] = [];
  const pauses: number[] = [];
  let timer: (() => void) | null = null;
  const receiptCheck = new ReceiptCheck({
    ask: (receipt) => {
      const { promise, resolve } = Promise.withResolvers<AskAnswer>();
      asked.push({
        receipt,
        answer: async (answer) => {
          resolve(answer);
          await promise;
          await Promise.resolve();
        },
      });
      return promise;
    },
    random: () => 0,
    startTimer: (delayMs, work) => {
      pauses.push(delayMs);
      timer = work;
      return () => {
        if (timer === work) timer = null;
      };
    },
    onAnswer: (answer) => told.push(answer),
  });
  return {
    receiptCheck,
    asked,
    told,
    pauses,
    isWaiting: () => timer !== null,
    passPause: () => {
      const work = timer;
      timer = null;
      work?.();
    },
    answer: async (answer: AskAnswer) => {
      await asked.at(-1)?.answer(answer);
    },
  };
}

test('a vote on its way is asked for again, less and less often, until it is counted', async () => {
  const { receiptCheck, asked, told, pauses, isWaiting, passPause, answer } = check();
  receiptCheck.start('a');
  for (let asks = 0; asks < 3; asks++) {
    await answer(PENDING);
    passPause();
  }
  await answer(COUNTED);
  expect(told).toEqual([PENDING, PENDING, PENDING, COUNTED]);
  expect(asked.map(({ receipt }) => receipt)).toEqual(['a', 'a', 'a', 'a']);
  expect(pauses).toEqual([500, 1_000, 2_000]);
  expect(isWaiting()).toBe(false);
});

test.each([
  ['counted', COUNTED],
  ['not counted', answered('not_counted_final')],
  ['not to be had', NO_ANSWER],
  ['refused', { kind: 'refused', code: 'receipt_unknown' }],
] as [string, AskAnswer][])('what is %s is told once, and not asked again', async (_, only) => {
  const { receiptCheck, told, isWaiting, answer } = check();
  receiptCheck.start('a');
  await answer(only);
  expect(told).toEqual([only]);
  expect(isWaiting()).toBe(false);
});

test('a vote that stays on its way is asked for nine times, then when the voter asks again', async () => {
  const { receiptCheck, asked, isWaiting, passPause, answer } = check();
  receiptCheck.start('a');
  for (let asks = 1; asks < 9; asks++) {
    await answer(PENDING);
    expect(isWaiting()).toBe(true);
    passPause();
  }
  await answer(PENDING);
  expect(isWaiting()).toBe(false);
  expect(asked).toHaveLength(9);
  receiptCheck.start('a');
  await answer(PENDING);
  expect(isWaiting()).toBe(true);
});

test('of another vote nothing is told: not by an answer on its way, nor after a pause', async () => {
  const { receiptCheck, asked, told, isWaiting, answer } = check();
  receiptCheck.start('old');
  receiptCheck.start('new');
  await asked[0]?.answer(COUNTED);
  expect(told).toEqual([]);
  await answer(PENDING);
  expect(told).toEqual([PENDING]);
  receiptCheck.stop();
  expect(isWaiting()).toBe(false);
});
