/** What a new reckoning would change, shown before it is applied: lines that differ, and sums per currency. */
import { type Decimal, negateDecimal, ZERO } from '../counting/decimal.ts';
import { exactDifference, exactSum } from '../counting/exact-decimal.ts';
import { compareTexts } from '../text-order.ts';
import type { Charge } from './charge.ts';

export interface ChangedLine {
  /** Null where the line is new, or is charged in another currency now. */
  readonly before: Charge | null;
  /** Null where the line is gone, or was charged in this currency before. */
  readonly after: Charge | null;
  readonly currency: string;
  /** Of the rounded amounts: after less before. */
  readonly difference: Decimal;
}

export interface CurrencyDifference {
  /** ISO 4217. */
  readonly currency: string;
  readonly before: Decimal;
  readonly after: Decimal;
  readonly difference: Decimal;
}

export interface RerateDifference {
  /** Lines whose amount, quantity or way of reckoning differs; in the order of `after`, then what is gone. */
  readonly lines: readonly ChangedLine[];
  /** Over all lines, changed or not, in the order of currencies. */
  readonly totals: readonly CurrencyDifference[];
}

/** `before` and `after` are charges of the same periods; a line is known by its id. */
export function rerateDifference(
  before: readonly Charge[],
  after: readonly Charge[],
): RerateDifference {
  const old = new Map(before.map((charge) => [keyOf(charge), charge]));
  const kept = new Set(after.map(keyOf));
  const lines = [
    ...after.flatMap((charge) => changeOf(old.get(keyOf(charge)) ?? null, charge)),
    ...before.filter((charge) => !kept.has(keyOf(charge))).map(goneOf),
  ];
  const currencies = new Set([...before, ...after].map(({ currency }) => currency));
  const totals = [...currencies].sort(compareTexts).map((currency) => {
    const [was, is] = [totalOf(before, currency), totalOf(after, currency)];
    return { currency, before: was, after: is, difference: exactDifference(is, was) };
  });
  return { lines, totals };
}

function changeOf(before: Charge | null, after: Charge): readonly ChangedLine[] {
  if (before !== null && reckoningOf(before) === reckoningOf(after)) return [];
  const difference = exactDifference(after.rounded, before?.rounded ?? ZERO);
  return [{ before, after, currency: after.currency, difference }];
}

function goneOf(before: Charge): ChangedLine {
  const difference = exactSum(negateDecimal(before.rounded));
  return { before, after: null, currency: before.currency, difference };
}

function totalOf(charges: readonly Charge[], currency: string): Decimal {
  const amounts = charges.filter((charge) => charge.currency === currency);
  return exactSum(...amounts.map(({ rounded }) => rounded));
}

function keyOf({ id, currency }: Charge): string {
  return JSON.stringify([id, currency]);
}

/** Everything in a line that an operator would want to see the change of, as one text. */
function reckoningOf({
  quantity,
  precise,
  rounded,
  from,
  to,
  pulses,
  price,
  steps,
}: Charge): string {
  const numbers = [quantity, precise, rounded].map(textOf);
  const reckoned = steps.map((step) => [
    step.kind,
    step.tier,
    textOf(step.amount),
    step.quantity === null ? null : textOf(step.quantity),
    step.unitPrice === null ? null : textOf(step.unitPrice),
  ]);
  return JSON.stringify([numbers, from, to, pulses, price.id, price.version, reckoned]);
}

function textOf(value: Decimal): string {
  const { mantissa, scale } = exactSum(value);
  return `${mantissa}e-${scale}`;
}
