/** A clock that stands still until it is told: tests say what time it is, and never sleep. */
import type { Clock } from '../../ports/clock.ts';

export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;

  /** @param now wall time to start at, ms since the Unix epoch. */
  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Lets `ms` pass, on both hands. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`Time does not pass by ${ms} ms`);
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** Sets the wall time `ms` forward, or back where negative, while no time passes. */
  jump(ms: number): void {
    this.#now += ms;
  }
}
