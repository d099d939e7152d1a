/** How a threshold stands in the billing period of now: when it was reached as it is now, if it was. */
import { compareDecimals } from './decimal-text.ts';
import type { Threshold } from './entries.ts';
import type { ThresholdEvent } from './metering.ts';

/**
 * The crossing of a period that holds `now` (ms since the Unix epoch); undefined where it is not reached.
 * What a threshold asked for in an earlier version says nothing of this one.
 */
export function crossingNow(
  events: readonly ThresholdEvent[],
  { id, sku, unit, amount }: Pick<Threshold, 'id' | 'sku' | 'unit' | 'amount'>,
  now: number,
): ThresholdEvent | undefined {
  return events.find(
    (event) =>
      event.threshold === id &&
      event.sku === sku &&
      event.unit === unit &&
      compareDecimals(event.thresholdAmount, amount) === 0 &&
      Date.parse(event.period.from) <= now &&
      now < Date.parse(event.period.to),
  );
}
