/** Time that passes only while a test turns it: waits end in their order, and nothing really sleeps. */
import { ManualClock } from '../../src/adapters/memory/clock.ts';
import { settled } from './hand-turned-loop.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

const TURN_MS = 25;
const TURNS_MAX = 2_000;

export class TurnedTime {
  readonly clock: ManualClock;
  /** Every wait that was begun, ms. */
  readonly waits: number[] = [];
  #sleepers: Sleeper[] = [];

  constructor(clock: ManualClock = new ManualClock(0)) {
    this.clock = clock;
  }

  /** Milliseconds that have passed. */
  get now(): number {
    return this.clock.monotonic();
  }

  /** Waits for so much turned time, or until the signal aborts. */
  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    this.waits.push(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { at: this.now + ms, wake: resolve };
    this.#sleepers.push(sleeper);
    const end = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      resolve();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    return promise;
  };

  /** Lets a little time pass, and all happen that happens in it. */
  async turn(): Promise<void> {
    await settled();
    this.pass(TURN_MS);
    await settled();
  }

  /** Lets time pass as for a process that was stopped meanwhile: nothing of it runs before the end. */
  pass(ms: number): void {
    this.clock.advance(ms);
    const due = this.#sleepers.filter(({ at }) => at <= this.now);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.now);
    for (const { wake } of due) wake();
  }

  async turnsFor(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end; ) await this.turn();
  }

  async until(reached: () => boolean | Promise<boolean>): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      if (await reached()) return;
      await this.turn();
    }
    throw new Error('It does not get there.');
  }

  /** Turns until the promise has settled. */
  async answer<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    promise.then(note, note);
    await this.until(() => isSettled);
    return promise;
  }
}
