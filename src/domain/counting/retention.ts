/** Which event rows a ledger may let go of: whole days, and none that may still be written. */
import { DEDUP_WINDOW_MS } from './log-settings.ts';

export const DAY_MS = 86_400_000;

/**
 * The instant, a midnight in UTC, before which rows may go: no later than `before`, and `W` behind the
 * log time of every partition, for until then events of that day may come. 0: none may.
 * Times are ms since the Unix epoch.
 */
export function retentionFloor(before: number, logTimes: readonly number[]): number {
  if (logTimes.length === 0) return 0;
  const settled = Math.min(...logTimes) - DEDUP_WINDOW_MS;
  return Math.max(0, Math.floor(Math.min(before, settled) / DAY_MS) * DAY_MS);
}
