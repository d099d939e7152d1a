/** How a threshold stands in the billing period of now: when it was reached, if it was. */
import type { ThresholdEvent } from './metering.ts';

/** The crossing of a period that holds `now` (ms since the Unix epoch); undefined where it is not reached. */
export function crossingNow(
  events: readonly ThresholdEvent[],
  threshold: string,
  now: number,
): ThresholdEvent | undefined {
  return events.find(
    (event) =>
      event.threshold === threshold &&
      Date.parse(event.period.from) <= now &&
      now < Date.parse(event.period.to),
  );
}
