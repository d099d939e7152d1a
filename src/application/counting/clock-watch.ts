/** Holds this machine's clock against a clock that all doors share: their agreement is what `closesAt` means. */
import type { Clock } from '../../ports/clock.ts';

export interface ClockWatchDeps {
  /** The shared clock, ms since the Unix epoch; null where there is none but this machine's. */
  readonly reference: () => Promise<number | null>;
  readonly clock: Clock;
  /** S of the log's settings: how far a door's clock may be off, ms. */
  readonly boundMs: number;
}

export class ClockWatch {
  readonly #deps: ClockWatchDeps;
  #trouble: string | null = 'The clock has not been compared yet.';

  constructor(deps: ClockWatchDeps) {
    this.#deps = deps;
  }

  /** Why the clock can't be gone by; null while it can. A reference that is away changes nothing. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Compares once. @throws whatever the reference throws; what was found last still stands. */
  async check(): Promise<void> {
    const { reference, clock, boundMs } = this.#deps;
    const askedAt = clock.monotonic();
    const shared = await reference();
    const tookMs = clock.monotonic() - askedAt;
    // The answer was made at some moment of the wait: by so much less the difference is sure.
    const off = shared === null ? 0 : clock.now() - tookMs / 2 - shared;
    const surelyOff = Math.max(0, Math.abs(off) - tookMs / 2);
    this.#trouble =
      surelyOff <= boundMs
        ? null
        : `The clock is ${Math.round(Math.abs(off))} ms ${off > 0 ? 'ahead of' : 'behind'} the ` +
          `stores' clock; ${boundMs} ms are the most that may be.`;
  }
}
