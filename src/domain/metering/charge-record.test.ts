import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { periodOf, sampleCharge, samplePeriod } from '../../../test/support/rating-samples.ts';
import type { Decimal } from '../counting/decimal.ts';
import { CHARGE_STEP_KINDS, type Charge, type UnpricedUsage } from './charge.ts';
import { decodeCharge, decodeUnpriced, encodeCharge, encodeUnpriced } from './charge-record.ts';

const texts = fc.string({ unit: 'grapheme' });
const times = fc.nat({ max: 2 ** 42 });
const amounts: fc.Arbitrary<Decimal> = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 80n), max: 10n ** 80n }),
  scale: fc.nat(60),
});
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const series = fc.record({ tenant: texts, sku: texts, unit: texts });
const periods = fc.record({ tenant: texts, contract: texts, from: times, to: times });
const charges: fc.Arbitrary<Charge> = fc.record({
  id: texts,
  kind: fc.constantFrom('usage', 'adjustment'),
  period: periods,
  series,
  from: times,
  to: times,
  price: fc.record({ id: texts, version: fc.nat() }),
  pulses: fc.integer(),
  adjusts: orNull(periods),
  quantity: amounts,
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom(...CHARGE_STEP_KINDS),
      quantity: orNull(amounts),
      unitPrice: orNull(amounts),
      amount: amounts,
      tier: orNull(fc.integer({ min: 1, max: 99 })),
    }),
    { maxLength: 3 },
  ),
  precise: amounts,
  rounded: amounts,
  currency: fc.constantFrom('BRL', 'JPY', 'BHD'),
});
const unpriced: fc.Arbitrary<UnpricedUsage> = fc.record({
  series,
  from: times,
  to: times,
  quantity: amounts,
  pulses: fc.nat(),
  reason: fc.constantFrom('no_contract', 'no_price', 'amount_too_large'),
});
const corrupt = expect.objectContaining({ code: 'store_corrupt' });

describe('a charge', () => {
  test('is read as it was written, to the last digit', () => {
    fc.assert(
      fc.property(charges, (charge) => {
        expect(decodeCharge(encodeCharge(charge))).toEqual(charge);
      }),
    );
  });

  test('of which a part says more than is known keeps to what is known', () => {
    const period = samplePeriod();
    const more = sampleCharge(period, { period, adjusts: period });
    const known = sampleCharge(period, { adjusts: periodOf(period) });
    expect(decodeCharge(encodeCharge(more))).toEqual(known);
  });

  const whole: Record<string, unknown> = JSON.parse(encodeCharge(sampleCharge(samplePeriod())));

  test.each([
    ['an amount as a number', { precise: 1.5 }],
    ['an amount with an exponent', { rounded: '1e5' }],
    ['an unknown kind', { kind: 'gift' }],
    [
      'an unknown step',
      { steps: [{ kind: 'gift', quantity: null, unitPrice: null, amount: '1', tier: null }] },
    ],
    ['a member that is not known', { note: '' }],
    ['half a pulse', { pulses: 0.5 }],
  ])('with %s is refused', (_, fields) => {
    expect(() => decodeCharge(JSON.stringify({ ...whole, ...fields }))).toThrow(corrupt);
  });

  test('without any of its members is refused', () => {
    for (const name of Object.keys(whole)) {
      const { [name]: _, ...rest } = whole;
      expect(() => decodeCharge(JSON.stringify(rest))).toThrow(corrupt);
    }
  });
});

describe('unpriced usage', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(unpriced, (usage) => {
        expect(decodeUnpriced(encodeUnpriced(usage))).toEqual(usage);
      }),
    );
  });

  test('that was not written here is refused', () => {
    expect(() => decodeUnpriced('{}')).toThrow(corrupt);
    expect(() => decodeUnpriced('x')).toThrow(corrupt);
  });
});
