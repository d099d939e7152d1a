/**
 * Adjustments: what usage or prices that came late make of a final period, charged in an open one, so that
 * all that was ever charged for it is what a right first reckoning would have charged.
 */
import { type Decimal, negateDecimal } from '../counting/decimal.ts';
import { exactDifference, exactSum, roundedHalfUp } from '../counting/exact-decimal.ts';
import type { BillingPeriod, Charge, ChargeStep } from './charge.ts';
import { adjustmentId, type Digest } from './charge-id.ts';

/** All that was charged, or is to be charged, for one line. */
interface LineSum {
  readonly quantity: Decimal;
  readonly precise: Decimal;
  readonly rounded: Decimal;
  readonly pulses: number;
}

/**
 * The adjustments of the final period `adjusts` that are to be charged in `period`, in the order of
 * `reckoned` and then of lines that are gone.
 *
 * - `charged`: the final period's charges and every adjustment of it that other periods hold already.
 *   Those in `period` itself are not among them: they are what this decides anew.
 * - `reckoned`: the period's charges as they would come out now.
 *
 * A line that comes out as it was charged has none. Free units, tiers and rounding are those of the whole
 * line: only the difference is charged, and it may be below 0.
 */
export function adjustments(
  period: BillingPeriod,
  adjusts: BillingPeriod,
  charged: readonly Charge[],
  reckoned: readonly Charge[],
  digest: Digest,
): readonly Charge[] {
  const before = Map.groupBy(charged, lineKey);
  const now = new Map(reckoned.map((charge) => [lineKey(charge), charge]));
  const keys = new Set([...now.keys(), ...before.keys()]);
  return [...keys].flatMap((key) => {
    const past = before.get(key) ?? [];
    const present = now.get(key) ?? null;
    const model = present ?? past.at(-1);
    if (model === undefined) return [];
    const difference = differenceOf(sumOf(present === null ? [] : [present]), sumOf(past));
    if (isNothing(difference)) return [];
    const { pulses, quantity, precise } = difference;
    // With the currency's digits, as every line of the currency has them.
    const rounded = roundedHalfUp(difference.rounded, model.rounded.scale);
    const { series, from, to, price, currency } = model;
    return [
      {
        id: adjustmentId(period, adjusts, model, digest),
        kind: 'adjustment',
        period,
        adjusts,
        series,
        from,
        to,
        price,
        currency,
        pulses,
        quantity,
        precise,
        rounded,
        steps: [...(present?.steps ?? []), ...chargedBefore(past)],
      } satisfies Charge,
    ];
  });
}

/** A line of a period: the segment of a series that begins there, in its currency. */
function lineKey({ series, from, currency }: Charge): string {
  return JSON.stringify([series.sku, series.unit, from, currency]);
}

function sumOf(charges: readonly Charge[]): LineSum {
  return {
    quantity: exactSum(...charges.map(({ quantity }) => quantity)),
    precise: exactSum(...charges.map(({ precise }) => precise)),
    rounded: exactSum(...charges.map(({ rounded }) => rounded)),
    pulses: charges.reduce((sum, { pulses }) => sum + pulses, 0),
  };
}

function differenceOf(now: LineSum, before: LineSum): LineSum {
  return {
    quantity: exactDifference(now.quantity, before.quantity),
    precise: exactDifference(now.precise, before.precise),
    rounded: exactDifference(now.rounded, before.rounded),
    pulses: now.pulses - before.pulses,
  };
}

/** What would change no line that anybody sees. Digits below the rounding alone are not worth one. */
function isNothing({ quantity, rounded, pulses }: LineSum): boolean {
  return quantity.mantissa === 0n && rounded.mantissa === 0n && pulses === 0;
}

function chargedBefore(charges: readonly Charge[]): readonly ChargeStep[] {
  if (charges.length === 0) return [];
  const amount = negateDecimal(sumOf(charges).precise);
  const nothing = { quantity: null, unitPrice: null, tier: null };
  return [{ kind: 'charged_before', amount, ...nothing }];
}
