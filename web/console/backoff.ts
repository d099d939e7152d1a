/** How long to wait before trying a lost connection again. */
const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/**
 * Doubles with each failed attempt (0 is the first), bounded, and spread over its upper half by
 * `random` in [0, 1): consoles that lost one server do not come back in step.
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full / 2 + (full / 2) * random);
}
