/**
 * How long a worker waits after it was fenced before it takes the partition over again. A repair raises
 * the epoch once, and the first pause is all that it costs. Two workers that both believe to own a
 * partition must not spend their time with taking it from each other.
 */

/** The first pause, ms; twice as long each time, up to the second. */
export const FENCED_PAUSE_MS = 250;
export const FENCED_PAUSE_MS_MAX = 5_000;
/** A partition that has come so many steps on since it was taken over is nobody else's. */
const STEPS_UNDISPUTED = 20;

export class FenceBackoff {
  #pauseMs = FENCED_PAUSE_MS;
  #steps = 0;

  /** The worker was fenced: how long to wait, ms. */
  fenced(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, FENCED_PAUSE_MS_MAX);
    this.#steps = 0;
    return pauseMs;
  }

  /** A step was applied. */
  moved(): void {
    this.#steps += 1;
    if (this.#steps === STEPS_UNDISPUTED) this.#pauseMs = FENCED_PAUSE_MS;
  }
}
