import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  compareDecimals,
  type Decimal,
  formatDecimal,
  parseDecimal,
  ZERO,
} from '../counting/decimal.ts';
import {
  exactDifference,
  exactProduct,
  exactSum,
  roundedHalfUp,
} from '../counting/exact-decimal.ts';
import type { ChargeStep, PricedLine } from './charge.ts';
import { currencyExponent } from './currency.ts';
import type { Price, PriceModel, PriceTier } from './price.ts';
import { priceLine, quantityOf } from './price-line.ts';

const read = (text: string): Decimal => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const priceOf = (model: PriceModel, more: Partial<Price> = {}): Price => ({
  sku: 'storage',
  unit: 'GiB',
  currency: 'EUR',
  model,
  conversion: null,
  freeUnits: ZERO,
  minimum: null,
  maximum: null,
  discountPercent: ZERO,
  ...more,
});
const perUnit = (price: string, more: Partial<Price> = {}) =>
  priceOf({ model: 'per_unit', unitPrice: read(price) }, more);
const tier = (upTo: string | null, unitPrice: string, flatPrice = '0'): PriceTier => ({
  upTo: upTo === null ? null : read(upTo),
  unitPrice: read(unitPrice),
  flatPrice: read(flatPrice),
});
const tiered = (tiersMode: 'graduated' | 'volume', tiers: readonly PriceTier[]) =>
  priceOf({ model: 'tiered', tiersMode, tiers });
const lineOf = (price: Price, quantity: Decimal): PricedLine => {
  const line = priceLine(price, quantity);
  if (line === 'amount_too_large') throw new Error(line);
  return line;
};
const rounded = (price: Price, quantity: string) =>
  formatDecimal(lineOf(price, read(quantity)).rounded);
const told = ({ kind, quantity, unitPrice, amount, tier: number }: ChargeStep): string =>
  [
    number === null ? kind : `${kind} ${number}`,
    ...(quantity === null ? [] : [formatDecimal(quantity)]),
    ...(unitPrice === null ? [] : [`× ${formatDecimal(unitPrice)}`]),
    `= ${formatDecimal(amount)}`,
  ].join(' ');
const steps = (price: Price, quantity: string) => lineOf(price, read(quantity)).steps.map(told);

describe('models', () => {
  test('flat: once, if anything was used', () => {
    const flat = priceOf({ model: 'flat', price: read('9.90') });
    expect(['0', '0.000000000000000001', '5000'].map((each) => rounded(flat, each))).toEqual([
      '0.00',
      '9.90',
      '9.90',
    ]);
    expect(steps(flat, '3')).toEqual(['flat = 9.9']);
  });

  test('per unit: exact to the last digit before it is rounded', () => {
    const line = lineOf(perUnit('0.000000000000000001'), read('0.000000000000000001'));
    expect(formatDecimal(line.precise)).toBe(`0.${'0'.repeat(35)}1`);
    expect(formatDecimal(line.rounded)).toBe('0.00');
    expect(rounded(perUnit('0.10'), '0.05')).toBe('0.01');
    expect(rounded(perUnit('0.10'), '0.049999999999999999')).toBe('0.00');
  });

  test('package: every one that was started', () => {
    const packages = priceOf({
      model: 'package',
      quantityPerPackage: read('20'),
      price: read('5'),
    });
    expect(['0', '0.1', '20', '20.1', '40'].map((each) => rounded(packages, each))).toEqual([
      '0.00',
      '5.00',
      '5.00',
      '10.00',
      '10.00',
    ]);
    expect(steps(packages, '20.1')).toEqual(['package 2 × 5 = 10']);
  });

  const TIERS = [tier('10', '1', '3'), tier('100', '0.5', '7'), tier(null, '0.1')];

  test('graduated: each part in its tier, up to its last unit, flat prices where it is entered', () => {
    const price = tiered('graduated', TIERS);
    expect(steps(price, '0')).toEqual([]);
    expect(steps(price, '10')).toEqual(['tier 1 10 × 1 = 10', 'tier_flat 1 = 3']);
    expect(steps(price, '10.01')).toEqual([
      'tier 1 10 × 1 = 10',
      'tier_flat 1 = 3',
      'tier 2 0.01 × 0.5 = 0.005',
      'tier_flat 2 = 7',
    ]);
    expect(steps(price, '150')).toEqual([
      'tier 1 10 × 1 = 10',
      'tier_flat 1 = 3',
      'tier 2 90 × 0.5 = 45',
      'tier_flat 2 = 7',
      'tier 3 50 × 0.1 = 5',
    ]);
  });

  test('volume: all of it in the tier that it reaches, and that flat price alone', () => {
    const price = tiered('volume', TIERS);
    expect(steps(price, '0')).toEqual([]);
    expect(steps(price, '10')).toEqual(['tier 1 10 × 1 = 10', 'tier_flat 1 = 3']);
    expect(steps(price, '10.01')).toEqual(['tier 2 10.01 × 0.5 = 5.005', 'tier_flat 2 = 7']);
    expect(steps(price, '150')).toEqual(['tier 3 150 × 0.1 = 15']);
  });
});

describe('order', () => {
  test('conversion, free units, model, discount, minimum', () => {
    const price = perUnit('2', {
      conversion: { operation: 'divide', factor: read('3'), scale: 2 },
      freeUnits: read('1'),
      discountPercent: read('10'),
      minimum: read('50'),
    });
    expect(steps(price, '20')).toEqual([
      'conversion 6.67 = 0',
      'free_units -1 = 0',
      'per_unit 5.67 × 2 = 11.34',
      'discount = -1.134',
      'minimum = 39.794',
    ]);
    expect(rounded(price, '20')).toBe('50.00');
  });

  test('the maximum caps what the discount has left', () => {
    const price = perUnit('2', { discountPercent: read('10'), maximum: read('17') });
    expect(steps(price, '10')).toEqual(['per_unit 10 × 2 = 20', 'discount = -2', 'maximum = -1']);
    expect(steps(price, '9')).toEqual(['per_unit 9 × 2 = 18', 'discount = -1.8']);
  });

  test('a minimum or maximum that is just met does nothing', () => {
    const price = perUnit('1', { minimum: read('5'), maximum: read('5') });
    expect(steps(price, '5')).toEqual(['per_unit 5 × 1 = 5']);
  });

  test('the line is rounded once, not step by step', () => {
    const price = tiered('graduated', [tier('1', '0.004'), tier(null, '0.004')]);
    expect(rounded(price, '2')).toBe('0.01');
  });
});

describe('conversion', () => {
  const conversion = (operation: 'multiply' | 'divide', factor: string, scale: number) =>
    perUnit('1', { conversion: { operation, factor: read(factor), scale } });

  test('rounds the amount half up to its digits, once', () => {
    expect(steps(conversion('divide', '8', 2), '1')[0]).toBe('conversion 0.13 = 0');
    expect(steps(conversion('multiply', '0.125', 2), '1')[0]).toBe('conversion 0.13 = 0');
    expect(steps(conversion('multiply', '1024', 0), '1.5')[0]).toBe('conversion 1536 = 0');
  });

  test('says nothing where nothing was used', () => {
    expect(steps(conversion('divide', '3', 2), '0')).toEqual([]);
  });
});

describe('free units', () => {
  test('are never more than what was used', () => {
    const price = perUnit('1', { freeUnits: read('10') });
    expect(steps(price, '4')).toEqual(['free_units -4 = 0']);
    expect(steps(price, '10')).toEqual(['free_units -10 = 0']);
    expect(steps(price, '11')).toEqual(['free_units -10 = 0', 'per_unit 1 × 1 = 1']);
  });

  test('cover a flat price as long as nothing is used beyond them', () => {
    const flat = priceOf({ model: 'flat', price: read('9') }, { freeUnits: read('10') });
    expect([rounded(flat, '10'), rounded(flat, '10.1')]).toEqual(['0.00', '9.00']);
  });
});

describe('no usage', () => {
  test('costs nothing but the minimum', () => {
    expect(rounded(perUnit('1'), '0')).toBe('0.00');
    expect(steps(perUnit('1', { minimum: read('25') }), '0')).toEqual(['minimum = 25']);
  });

  test('is what usage below zero costs: nobody earns by it', () => {
    const price = tiered('graduated', [tier('10', '1'), tier(null, '2')]);
    const line = lineOf({ ...price, minimum: read('3') }, read('-7.50'));
    expect(formatDecimal(line.quantity)).toBe('-7.5');
    expect(line.steps.map(told)).toEqual(['minimum = 3']);
    expect(rounded(price, '-7.50')).toBe('0.00');
  });
});

describe('currencies', () => {
  test.each([
    ['JPY', '12', '12.345678'],
    ['EUR', '12.35', '12.345678'],
    ['BHD', '12.346', '12.345678'],
    ['CLF', '12.3457', '12.345678'],
  ])('%s is paid as %s', (currency, amount, price) => {
    expect(rounded(perUnit(price, { currency }), '1')).toBe(amount);
  });

  test('that are none are a mistake of the caller', () => {
    expect(() => priceLine(perUnit('1', { currency: 'XXX' }), ZERO)).toThrow(RangeError);
  });
});

describe('size', () => {
  test('of what is reckoned on the way has no limit', () => {
    const price = perUnit('9'.repeat(38), { maximum: read('100') });
    expect(rounded(price, '9'.repeat(38))).toBe('100.00');
  });

  test('of the amount and the quantity has: 38 digits', () => {
    expect(priceLine(perUnit('10'), read('9'.repeat(38)))).toBe('amount_too_large');
    expect(priceLine(perUnit('0'), quantityOf(10n ** 60n))).toBe('amount_too_large');
    expect(priceLine(perUnit('0'), quantityOf(-(10n ** 60n)))).toBe('amount_too_large');
    expect(rounded(perUnit('1'), '9'.repeat(36))).toBe(`${'9'.repeat(36)}.00`);
  });

  test('of a sum of usage is that of its pulses', () => {
    expect(quantityOf(12_500_000_000_000_000_000n)).toEqual(read('12.5'));
    expect(quantityOf(1n)).toEqual(read('0.000000000000000001'));
  });
});

const amounts = fc
  .record({ mantissa: fc.bigInt({ min: 0n, max: 10n ** 12n }), scale: fc.nat(6) })
  .map((each): Decimal => each);
const positive = amounts.filter(({ mantissa }) => mantissa > 0n);
const ends = fc
  .uniqueArray(fc.integer({ min: 1, max: 5_000 }), { minLength: 0, maxLength: 4 })
  .map((list) => list.sort((a, b) => a - b));
const tiersOf = (flat: fc.Arbitrary<Decimal>) =>
  ends.chain((list) =>
    fc
      .array(fc.record({ unitPrice: amounts, flatPrice: flat }), {
        minLength: list.length + 1,
        maxLength: list.length + 1,
      })
      .map((prices) =>
        prices.map((price, at): PriceTier => {
          const end = list[at];
          return { ...price, upTo: end === undefined ? null : { mantissa: BigInt(end), scale: 0 } };
        }),
      ),
  );
const additive = fc.oneof(
  fc.record({ model: fc.constant('flat' as const), price: amounts }),
  fc.record({ model: fc.constant('per_unit' as const), unitPrice: amounts }),
  fc.record({
    model: fc.constant('package' as const),
    quantityPerPackage: positive,
    price: amounts,
  }),
  fc.record({
    model: fc.constant('tiered' as const),
    tiersMode: fc.constant('graduated' as const),
    tiers: tiersOf(amounts),
  }),
);
const extras = fc.record({
  currency: fc.constantFrom('JPY', 'EUR', 'BHD', 'CLF'),
  conversion: fc.option(
    fc.record({
      operation: fc.constantFrom('multiply' as const, 'divide' as const),
      factor: positive,
      scale: fc.nat(18),
    }),
  ),
  freeUnits: amounts,
  discountPercent: fc.nat(100).map((each): Decimal => ({ mantissa: BigInt(each), scale: 0 })),
  minimum: fc.option(amounts),
});
const quantities = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 24n }).map(quantityOf);

describe('for any price that is not below zero', () => {
  test('more usage never costs less', () => {
    fc.assert(
      fc.property(additive, extras, quantities, quantities, (model, extra, one, other) => {
        const [less, more] = compareDecimals(one, other) < 0 ? [one, other] : [other, one];
        const price = priceOf(model, extra);
        const [low, high] = [lineOf(price, less), lineOf(price, more)];
        expect(compareDecimals(low.precise, high.precise)).not.toBe(1);
        expect(compareDecimals(low.rounded, high.rounded)).not.toBe(1);
        expect(low.rounded.mantissa >= 0n).toBe(true);
      }),
    );
  });

  test('the steps make up the line, which is rounded once', () => {
    fc.assert(
      fc.property(additive, extras, quantities, (model, extra, quantity) => {
        const line = lineOf(priceOf(model, extra), quantity);
        expect(line.precise).toEqual(exactSum(...line.steps.map(({ amount }) => amount)));
        const digits = currencyExponent(extra.currency) ?? -1;
        expect(line.rounded).toEqual(roundedHalfUp(line.precise, digits));
        for (const step of line.steps) {
          if (step.quantity === null || step.unitPrice === null) continue;
          expect(step.amount).toEqual(exactProduct(step.quantity, step.unitPrice));
        }
      }),
    );
  });
});

describe('graduated tiers', () => {
  test('without flat prices go on where the tier before ended', () => {
    const flatless = tiersOf(fc.constant(ZERO));
    fc.assert(
      fc.property(flatless, fc.bigInt({ min: 1n, max: 10n ** 18n }), (tiers, little) => {
        const price = tiered('graduated', tiers);
        for (const [index, { upTo }] of tiers.entries()) {
          const next = tiers[index + 1];
          if (upTo === null || next === undefined) continue;
          const beyond = exactSum(upTo, quantityOf(little));
          if (next.upTo !== null && compareDecimals(beyond, next.upTo) > 0) continue;
          const rise = exactDifference(lineOf(price, beyond).precise, lineOf(price, upTo).precise);
          expect(rise).toEqual(exactProduct(quantityOf(little), next.unitPrice));
        }
      }),
    );
  });

  test('price every unit in exactly one tier', () => {
    fc.assert(
      fc.property(tiersOf(amounts), quantities, (tiers, quantity) => {
        const line = lineOf(tiered('graduated', tiers), quantity);
        const priced = line.steps.flatMap((step) =>
          step.kind === 'tier' && step.quantity !== null ? [step.quantity] : [],
        );
        const used = quantity.mantissa < 0n ? ZERO : quantity;
        expect(exactSum(...priced)).toEqual(used);
      }),
    );
  });
});

test('volume prices all of the usage at the price of one tier', () => {
  fc.assert(
    fc.property(tiersOf(amounts), quantities, (tiers, quantity) => {
      const line = lineOf(tiered('volume', tiers), quantity);
      if (quantity.mantissa <= 0n) expect(line.steps).toEqual([]);
      else {
        expect(line.steps[0]?.quantity).toEqual(quantity);
        const reached = tiers[(line.steps[0]?.tier ?? 0) - 1];
        const before = tiers[(line.steps[0]?.tier ?? 0) - 2];
        if (reached?.upTo) expect(compareDecimals(quantity, reached.upTo)).not.toBe(1);
        if (before?.upTo) expect(compareDecimals(quantity, before.upTo)).toBe(1);
      }
    }),
  );
});
