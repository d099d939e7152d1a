/** Usage: what a series has consumed in a window of time, as absolute values that replace older ones. */
import type { UsageSeries } from './pulse.ts';

/**
 * The length of a usage window, ms. The offset of every time zone in use is a multiple of it, so that
 * hours, days and months of any zone are sums of whole windows.
 */
export const USAGE_WINDOW_MS = 900_000;

/** The start of the usage window that holds an instant (ms since the Unix epoch). */
export function usageWindowOf(instant: number): number {
  return Math.floor(instant / USAGE_WINDOW_MS) * USAGE_WINDOW_MS;
}

/** Amounts in whole numbers of 10^-AMOUNT_SCALE, of any size: a sum is never too large. */
export interface UsageTotal {
  readonly sum: bigint;
  readonly count: number;
  readonly min: bigint;
  readonly max: bigint;
  /** The amount of the greatest `(occurredAt, key)`, and that place. */
  readonly last: bigint;
  readonly lastAt: number;
  /** Pulse key, 32 hex digits. */
  readonly lastKey: string;
}

/** A window's total in one partition of the log. */
export interface UsageWindow extends UsageTotal {
  readonly series: UsageSeries;
  /** Start of the window, ms since the Unix epoch. */
  readonly start: number;
}

/**
 * A usage window with the version of its value. Sending it twice or late is harmless: whoever keeps
 * usage keeps the highest version of `(partition, series, start)`, and adds partitions up.
 */
export interface UsageRecord extends UsageWindow {
  readonly partition: number;
  /**
   * Rises with every change, also where the ledger was rebuilt: the owner's epoch × 2^32 + the next
   * offset of the step that changed it.
   */
  readonly version: number;
}

/** Of a window in which nothing counts (any more). */
export const NO_USAGE: UsageTotal = {
  sum: 0n,
  count: 0,
  min: 0n,
  max: 0n,
  last: 0n,
  lastAt: 0,
  lastKey: '0'.repeat(32),
};

/** The total of one pulse: `amount` in 10^-AMOUNT_SCALE, `key` as 32 hex digits. */
export function usageOf(amount: bigint, occurredAt: number, key: string): UsageTotal {
  return {
    sum: amount,
    count: 1,
    min: amount,
    max: amount,
    last: amount,
    lastAt: occurredAt,
    lastKey: key,
  };
}

export function isSameUsage(left: UsageTotal, right: UsageTotal): boolean {
  return (
    left.sum === right.sum &&
    left.count === right.count &&
    left.min === right.min &&
    left.max === right.max &&
    left.last === right.last &&
    left.lastAt === right.lastAt &&
    left.lastKey === right.lastKey
  );
}

/** @throws RangeError: an epoch or offset that no installation lives to see. */
export function usageVersion(epoch: number, nextOffset: number): number {
  const version = epoch * 2 ** 32 + nextOffset;
  if (nextOffset >= 2 ** 32 || !Number.isSafeInteger(version)) {
    throw new RangeError(`No usage version for epoch ${epoch} and offset ${nextOffset}.`);
  }
  return version;
}
