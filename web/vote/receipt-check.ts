/**
 * Asks after a receipt, and goes on for as long as its vote is on its way to the count: who has asked once
 * sees the answer change, and need not press the button again.
 */
import type { AskAnswer } from './delivery.ts';
import { backoffAfter } from './patience.ts';

/** Some two minutes; then what was said last stands until the voter asks again. */
const ASKS_MAX = 9;

export type ReceiptCheckSurroundings = {
  /** Asks what became of a receipt. Never throws. */
  readonly ask: (receipt: string) => Promise<AskAnswer>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Runs `work` after `delayMs`; the returned function cancels it. */
  readonly startTimer: (delayMs: number, work: () => void) => () => void;
  /** Called with every answer for the receipt that is being checked. */
  readonly onAnswer: (answer: AskAnswer) => void;
};

export class ReceiptCheck {
  readonly #around: ReceiptCheckSurroundings;
  #cancelTimer: () => void = () => {};
  /** Counts the checks: an answer to one that has ended is not heard. */
  #check = 0;

  constructor(around: ReceiptCheckSurroundings) {
    this.#around = around;
  }

  /** Asks now, in place of any check that is still going on. */
  start(receipt: string): void {
    this.stop();
    void this.#ask(receipt, 1);
  }

  /** Asks no more, and tells no answer that is still to come. */
  stop(): void {
    this.#check += 1;
    this.#cancelTimer();
  }

  async #ask(receipt: string, asks: number): Promise<void> {
    const { ask, random, startTimer, onAnswer } = this.#around;
    const check = this.#check;
    const answer = await ask(receipt);
    if (check !== this.#check) return;
    onAnswer(answer);
    const onItsWay = answer.kind === 'receipt' && answer.status === 'pending';
    if (!onItsWay || asks >= ASKS_MAX) return;
    this.#cancelTimer = startTimer(backoffAfter(asks - 1, random()), () => {
      void this.#ask(receipt, asks + 1);
    });
  }
}
