/** Billing periods: the calendar months of a contract's zone, cut to its validity, and when they are final. */
import { zoneOffset } from '../counting/time-window.ts';
import type { BillingPeriod, BillingPeriodState } from './charge.ts';
import type { Contract } from './contract.ts';
import { calendarStarts } from './zone-calendar.ts';

/** A hundred years of months: more at once are a mistake of the caller. */
const BILLING_PERIODS_MAX = 1_200;
const MONTH_MS_MAX = 32 * 86_400_000;

/**
 * The contract's periods that overlap `[from, to)`, whole and ascending. They leave no gap and begin and
 * end with usage windows.
 *
 * @throws RangeError: more than BILLING_PERIODS_MAX of them.
 */
export function billingPeriods(
  contract: Contract,
  from: number,
  to: number,
): readonly BillingPeriod[] {
  const start = Math.max(from, contract.validFrom);
  const end = Math.min(to, contract.validTo ?? to);
  if (start >= end) return [];
  if ((end - start) / MONTH_MS_MAX > BILLING_PERIODS_MAX) {
    throw new RangeError(`[${from}, ${to}) has more billing periods than ${BILLING_PERIODS_MAX}.`);
  }
  const months = calendarStarts(zoneOffset(contract.timeZone), 'month', start, end);
  return months.slice(0, -1).map((month, index) => ({
    tenant: contract.tenant,
    contract: contract.id,
    from: Math.max(month, contract.validFrom),
    to: Math.min(months[index + 1] ?? end, contract.validTo ?? Number.POSITIVE_INFINITY),
  }));
}

/** What a period is at an instant by the clock; `graceMs` is the contract's. */
export function billingPeriodStateAt(
  period: BillingPeriod,
  graceMs: number,
  now: number,
): BillingPeriodState {
  if (now < period.to) return 'open';
  return now < period.to + graceMs ? 'closing' : 'final';
}
