/** Finds the billing period in which what comes too late for a final one is charged. */
import { billingPeriods } from '../../domain/metering/billing-period.ts';
import type { BillingPeriod } from '../../domain/metering/charge.ts';
import { periodKey } from '../../domain/metering/charge-order.ts';
import { endOf } from '../../domain/metering/contract-overlap.ts';
import type { RatingTerms } from '../../domain/metering/rating.ts';
import type { PeriodRecord, RatingBook } from '../../ports/rating-book.ts';

/** How far ahead an open period is looked for, ms. */
const AHEAD_MS_MAX = 366 * 86_400_000;
const END_OF_TIME = Date.UTC(10_000, 0);

/**
 * The period of now. Of a tenant whose contracts are over it is a calendar month behind the last one's
 * end, and where they are all to come the first period of the first one; null where there is none at all.
 */
export async function openPeriodAt(
  book: Pick<RatingBook, 'periods'>,
  { tenant, contracts }: RatingTerms,
  now: number,
): Promise<BillingPeriod | null> {
  const finals = finalPeriods(await book.periods(tenant, now, END_OF_TIME));
  const isOpen = (period: BillingPeriod): boolean => !finals.has(periodKey(period));
  const present = contracts.flatMap((contract) => billingPeriods(contract, now, now + 1));
  const found = present.find(isOpen);
  if (found !== undefined) return found;
  const ended = contracts
    .filter((contract) => endOf(contract) <= now)
    .sort((left, right) => endOf(right) - endOf(left))
    .slice(0, 1)
    .map((contract) => ({ ...contract, validFrom: endOf(contract), validTo: null }));
  const others = [...contracts].sort((left, right) => left.validFrom - right.validFrom);
  // Where the clock was set back the period of now can be final already: then it is one further on.
  for (const contract of [...ended, ...others]) {
    const start = Math.max(now, contract.validFrom);
    const open = billingPeriods(contract, start, start + AHEAD_MS_MAX).find(isOpen);
    if (open !== undefined) return open;
  }
  return null;
}

/** Those of the periods that are final, by periodKey. */
export function finalPeriods(periods: readonly PeriodRecord[]): ReadonlyMap<string, BillingPeriod> {
  const finals = periods.filter(({ state }) => state === 'final');
  return new Map(finals.map((record) => [periodKey(record), periodOf(record)]));
}

/** A period as charges name it: without what becomes of it. */
export function periodOf({ tenant, contract, from, to }: BillingPeriod): BillingPeriod {
  return { tenant, contract, from, to };
}
