/** Waiting that ends early when it is told to. */
import { setTimeout as delay } from 'node:timers/promises';

/** Waits `ms`, or until the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
