/**
 * Prices one line: an amount of a product under one price, step by step. Conversion, free units, the
 * model, discount, minimum and maximum, in this order, all exact; rounded once at the end.
 */
import { compareDecimals, type Decimal, ZERO } from '../counting/decimal.ts';
import {
  ceilingQuotient,
  exactDifference,
  exactProduct,
  exactSum,
  fitsDecimal,
  quotientHalfUp,
  roundedHalfUp,
  shortest,
} from '../counting/exact-decimal.ts';
import type { ChargeStep, PricedLine } from './charge.ts';
import { currencyExponent } from './currency.ts';
import type { Price, PriceTier, UnitConversion } from './price.ts';
import { AMOUNT_SCALE } from './pulse.ts';

const ONE_PERCENT: Decimal = { mantissa: 1n, scale: 2 };

/** A sum of usage, in whole numbers of 10^-AMOUNT_SCALE, as a number of any size. */
export function quantityOf(sum: bigint): Decimal {
  return shortest({ mantissa: sum, scale: AMOUNT_SCALE });
}

/**
 * What `quantity`, a number of any size, costs. Below 0 it costs what 0 costs: nobody earns by usage. No
 * usage costs nothing, save for the minimum. `amount_too_large`: the quantity or the rounded amount has
 * more digits than Apura keeps.
 *
 * @throws RangeError: the price's currency is none that is in use.
 */
export function priceLine(price: Price, quantity: Decimal): PricedLine | 'amount_too_large' {
  const exponent = currencyExponent(price.currency);
  if (exponent === null) throw new RangeError(`${price.currency} is no currency in use.`);
  const steps: ChargeStep[] = [];
  const usage = quantity.mantissa < 0n ? ZERO : quantity;
  const converted = price.conversion === null ? usage : convert(price.conversion, usage, steps);
  const billed = withoutFreeUnits(price.freeUnits, converted, steps);
  steps.push(...modelSteps(price, billed));
  moveBy('discount', discountOf(price, sumOf(steps)), steps);
  if (price.minimum !== null && compareDecimals(sumOf(steps), price.minimum) < 0) {
    moveBy('minimum', exactDifference(price.minimum, sumOf(steps)), steps);
  }
  if (price.maximum !== null && compareDecimals(sumOf(steps), price.maximum) > 0) {
    moveBy('maximum', exactDifference(price.maximum, sumOf(steps)), steps);
  }
  const precise = sumOf(steps);
  const rounded = roundedHalfUp(precise, exponent);
  if (!fitsDecimal(quantity) || !fitsDecimal(rounded)) return 'amount_too_large';
  return { quantity: shortest(quantity), steps, precise, rounded, currency: price.currency };
}

function convert(conversion: UnitConversion, usage: Decimal, steps: ChargeStep[]): Decimal {
  const { operation, factor, scale } = conversion;
  const converted = shortest(
    operation === 'multiply'
      ? roundedHalfUp(exactProduct(usage, factor), scale)
      : quotientHalfUp(usage, factor, scale),
  );
  if (usage.mantissa !== 0n) {
    steps.push({
      kind: 'conversion',
      quantity: converted,
      unitPrice: null,
      amount: ZERO,
      tier: null,
    });
  }
  return converted;
}

function withoutFreeUnits(free: Decimal, amount: Decimal, steps: ChargeStep[]): Decimal {
  const taken = least(free, amount);
  if (taken.mantissa !== 0n) {
    const quantity = exactDifference(ZERO, taken);
    steps.push({ kind: 'free_units', quantity, unitPrice: null, amount: ZERO, tier: null });
  }
  return exactDifference(amount, taken);
}

function modelSteps({ model }: Price, quantity: Decimal): readonly ChargeStep[] {
  if (quantity.mantissa === 0n) return [];
  switch (model.model) {
    case 'flat':
      return [once('flat', model.price, null)];
    case 'per_unit':
      return [multiple('per_unit', quantity, model.unitPrice, null)];
    case 'package': {
      const packages = ceilingQuotient(quantity, model.quantityPerPackage);
      return [multiple('package', packages, model.price, null)];
    }
    case 'tiered':
      return model.tiersMode === 'graduated'
        ? graduatedSteps(model.tiers, quantity)
        : volumeSteps(model.tiers, quantity);
  }
}

/** Each part of the quantity in its own tier. */
function graduatedSteps(tiers: readonly PriceTier[], quantity: Decimal): readonly ChargeStep[] {
  const steps: ChargeStep[] = [];
  let below = ZERO;
  for (const [index, tier] of tiers.entries()) {
    if (compareDecimals(quantity, below) <= 0) break;
    const end = tier.upTo === null ? quantity : least(tier.upTo, quantity);
    steps.push(...tierSteps(tier, index + 1, exactDifference(end, below)));
    below = end;
  }
  return steps;
}

/** All of the quantity in the tier that it reaches. */
function volumeSteps(tiers: readonly PriceTier[], quantity: Decimal): readonly ChargeStep[] {
  return tiers
    .map((tier, index) => ({ tier, number: index + 1 }))
    .filter(({ tier }) => tier.upTo === null || compareDecimals(quantity, tier.upTo) <= 0)
    .slice(0, 1)
    .flatMap(({ tier, number }) => tierSteps(tier, number, quantity));
}

function tierSteps(tier: PriceTier, number: number, quantity: Decimal): readonly ChargeStep[] {
  const units = multiple('tier', quantity, tier.unitPrice, number);
  if (tier.flatPrice.mantissa === 0n) return [units];
  return [units, once('tier_flat', tier.flatPrice, number)];
}

function discountOf({ discountPercent }: Price, amount: Decimal): Decimal {
  const discount = exactProduct(exactProduct(amount, discountPercent), ONE_PERCENT);
  return exactDifference(ZERO, discount);
}

function multiple(
  kind: 'per_unit' | 'package' | 'tier',
  quantity: Decimal,
  unitPrice: Decimal,
  tier: number | null,
): ChargeStep {
  const amount = exactProduct(quantity, unitPrice);
  return { kind, quantity: shortest(quantity), unitPrice, amount, tier };
}

function once(kind: 'flat' | 'tier_flat', price: Decimal, tier: number | null): ChargeStep {
  return { kind, quantity: null, unitPrice: null, amount: shortest(price), tier };
}

function moveBy(
  kind: 'discount' | 'minimum' | 'maximum',
  amount: Decimal,
  steps: ChargeStep[],
): void {
  if (amount.mantissa === 0n) return;
  steps.push({ kind, quantity: null, unitPrice: null, amount, tier: null });
}

function sumOf(steps: readonly ChargeStep[]): Decimal {
  return exactSum(...steps.map(({ amount }) => amount));
}

function least(left: Decimal, right: Decimal): Decimal {
  return compareDecimals(left, right) < 0 ? left : right;
}
