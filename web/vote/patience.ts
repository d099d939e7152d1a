/** How long the outbox waits before it tries again: longer each time, and never in step with all others. */

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 120_000;

/** The longest answer of `quietAfter`; a stored time that is further ahead is not believed. */
export const QUIET_MAX_MS = RETRY_AFTER_MAX_MS * 1.5;

/** The pause (ms) after an attempt that failed, `failures` having failed before; `random` is in [0, 1). */
export function backoffAfter(failures: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 16));
  return full * (0.5 + random / 2);
}

/** The pause (ms) that honours a Retry-After: everyone was told the same number, so the return is spread. */
export function quietAfter(retryAfterMs: number, random: number): number {
  const asked = Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  return asked + random * Math.max(1_000, asked / 2);
}
