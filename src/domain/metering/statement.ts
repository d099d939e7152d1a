/** The statement: what a tenant owes for a span of time, period by period, with every line spelt out. */
import type { Decimal } from '../counting/decimal.ts';
import { exactSum, formatShortest, roundedHalfUp } from '../counting/exact-decimal.ts';
import { compareTexts } from '../text-order.ts';
import type {
  BillingPeriod,
  BillingPeriodState,
  Charge,
  ChargeStep,
  UnpricedUsage,
} from './charge.ts';

/** A step of a line in words, such as `tier 2: 500 × 0.04`, and what the line comes to after it. */
export interface StatementStep extends ChargeStep {
  readonly words: string;
  /** Exact. */
  readonly subtotal: Decimal;
}

export interface StatementLine extends Omit<Charge, 'steps'> {
  readonly steps: readonly StatementStep[];
}

export interface CurrencyTotal {
  /** ISO 4217. */
  readonly currency: string;
  /** The sum of rounded lines, in the currency's digits: nothing is rounded again. */
  readonly amount: Decimal;
  readonly lines: number;
}

export interface StatementPeriod {
  readonly period: BillingPeriod;
  readonly state: BillingPeriodState;
  /** Usage before adjustments, each in the order of (sku, unit, from, id). */
  readonly lines: readonly StatementLine[];
  /** In the order of currencies. */
  readonly totals: readonly CurrencyTotal[];
}

export interface Statement {
  readonly tenant: string;
  /** `[from, to)`, ms. */
  readonly from: number;
  readonly to: number;
  /** By their start. */
  readonly periods: readonly StatementPeriod[];
  readonly totals: readonly CurrencyTotal[];
  /** Usage that is not in the totals, because nothing prices it yet. */
  readonly unpriced: readonly UnpricedUsage[];
  /** Whether every period is final, so that the statement can never move. */
  readonly isFinal: boolean;
}

/** What a statement is made of; all of the tenant. */
export interface StatementInput {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
  readonly periods: readonly (BillingPeriod & { readonly state: BillingPeriodState })[];
  /** Of these periods; a charge of any other is left out. */
  readonly charges: readonly Charge[];
  readonly unpriced: readonly UnpricedUsage[];
}

export function statementOf(input: StatementInput): Statement {
  const { tenant, from, to, unpriced } = input;
  const byPeriod = Map.groupBy(input.charges, ({ period }) => keyOf(period));
  const periods = [...input.periods]
    .sort((left, right) => left.from - right.from || compareTexts(left.contract, right.contract))
    .map(({ state, ...period }): StatementPeriod => {
      const charges = [...(byPeriod.get(keyOf(period)) ?? [])].sort(compareLines);
      return { period, state, lines: charges.map(lineOf), totals: totalsOf(charges) };
    });
  return {
    tenant,
    from,
    to,
    periods,
    totals: totalsOf(periods.flatMap(({ lines }) => lines)),
    unpriced,
    isFinal: periods.every(({ state }) => state === 'final'),
  };
}

function lineOf(charge: Charge): StatementLine {
  let subtotal = exactSum();
  const steps = charge.steps.map((step): StatementStep => {
    subtotal = exactSum(subtotal, step.amount);
    return { ...step, words: wordsOf(step), subtotal };
  });
  return { ...charge, steps };
}

/** The step in English, without its amount. */
function wordsOf({ kind, quantity, unitPrice, tier }: ChargeStep): string {
  const name = kind.replaceAll('_', ' ');
  const numbered = tier === null ? name : `${name.replace(/^tier/, `tier ${tier}`)}`;
  if (quantity === null) return numbered;
  const amount = formatShortest(quantity);
  return unitPrice === null
    ? `${numbered}: ${amount}`
    : `${numbered}: ${amount} × ${formatShortest(unitPrice)}`;
}

function totalsOf(
  charges: readonly Pick<Charge, 'currency' | 'rounded'>[],
): readonly CurrencyTotal[] {
  const byCurrency = [...Map.groupBy(charges, ({ currency }) => currency)];
  return byCurrency
    .sort(([left], [right]) => compareTexts(left, right))
    .map(([currency, lines]) => {
      const digits = Math.max(...lines.map(({ rounded }) => rounded.scale));
      const sum = exactSum(...lines.map(({ rounded }) => rounded));
      return { currency, amount: roundedHalfUp(sum, digits), lines: lines.length };
    });
}

function compareLines(left: Charge, right: Charge): number {
  return (
    Number(left.kind === 'adjustment') - Number(right.kind === 'adjustment') ||
    compareTexts(left.series.sku, right.series.sku) ||
    compareTexts(left.series.unit, right.series.unit) ||
    left.from - right.from ||
    compareTexts(left.id, right.id)
  );
}

function keyOf({ tenant, contract, from }: BillingPeriod): string {
  return JSON.stringify([tenant, contract, from]);
}
