/** The settings of a log that is about to be made: a name of its own, and the bounds of this version. */
import { randomBytes } from 'node:crypto';
import {
  ACCEPTANCE_BOUND_MS,
  CLOCK_BOUND_MS,
  DEDUP_WINDOW_MS,
  type LogSettings,
} from '../domain/counting/log-settings.ts';

const LOG_ID_BYTES = 10;

/** `name`: what the log holds, as part of its id and so of topics and streams; votes have none. */
export function newLogSettings(partitions: number, name = ''): LogSettings {
  const id = randomBytes(LOG_ID_BYTES).toString('hex');
  return {
    logId: name === '' ? id : `${name}-${id}`,
    partitions,
    dedupWindowMs: DEDUP_WINDOW_MS,
    clockBoundMs: CLOCK_BOUND_MS,
    acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
  };
}
