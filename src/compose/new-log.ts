/** The settings of a log that is about to be made: a name of its own, and the bounds of this version. */
import { randomBytes } from 'node:crypto';
import {
  ACCEPTANCE_BOUND_MS,
  CLOCK_BOUND_MS,
  DEDUP_WINDOW_MS,
  type LogSettings,
} from '../domain/counting/log-settings.ts';

const LOG_ID_BYTES = 10;

export function newLogSettings(partitions: number): LogSettings {
  return {
    logId: randomBytes(LOG_ID_BYTES).toString('hex'),
    partitions,
    dedupWindowMs: DEDUP_WINDOW_MS,
    clockBoundMs: CLOCK_BOUND_MS,
    acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
  };
}
