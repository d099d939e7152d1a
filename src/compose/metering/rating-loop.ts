/** Keeps charges up with usage and terms: one turn of rating after another, until stopped. */
import { type Rater, TENANTS_AT_ONCE_MAX } from '../../application/metering/rater.ts';

export interface RatingLoopDeps {
  readonly rater: Pick<Rater, 'turn'>;
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** From one turn to the next, ms: charges are this old, and a busy tenant is reckoned no more often. */
const TURN_EVERY_MS = 1_000;
const RETRY_MS = 1_000;

/** Never rejects. */
export async function keepRating({
  rater,
  sleep,
  onTrouble,
  signal,
}: RatingLoopDeps): Promise<void> {
  while (!signal.aborted) {
    try {
      const { rated } = await rater.turn(signal);
      await sleep(rated === TENANTS_AT_ONCE_MAX ? 0 : TURN_EVERY_MS, signal);
    } catch (error) {
      onTrouble(error);
      await sleep(RETRY_MS, signal);
    }
  }
}
