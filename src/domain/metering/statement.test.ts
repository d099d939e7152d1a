import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Decimal, formatDecimal, parseDecimal, ZERO } from '../counting/decimal.ts';
import { exactSum } from '../counting/exact-decimal.ts';
import type { BillingPeriod, Charge } from './charge.ts';
import type { Price } from './price.ts';
import { priceLine } from './price-line.ts';
import { type StatementInput, statementOf } from './statement.ts';

const read = (text: string): Decimal => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const MARCH: BillingPeriod = { tenant: 'acme', contract: 'gold', from: 1_000, to: 2_000 };
const APRIL: BillingPeriod = { ...MARCH, from: 2_000, to: 3_000 };
const TIERS: Price = {
  sku: 'disk',
  unit: 'GiB',
  currency: 'EUR',
  model: {
    model: 'tiered',
    tiersMode: 'graduated',
    tiers: [
      { upTo: read('10'), unitPrice: read('0.10'), flatPrice: read('1') },
      { upTo: null, unitPrice: read('0.055'), flatPrice: ZERO },
    ],
  },
  conversion: null,
  freeUnits: read('2'),
  minimum: read('5'),
  maximum: null,
  discountPercent: read('10'),
};
const charge = (
  quantity: string,
  more: Partial<Charge> = {},
  price: Partial<Price> = {},
): Charge => {
  const line = priceLine({ ...TIERS, ...price }, read(quantity));
  if (line === 'amount_too_large') throw new Error(line);
  return {
    ...line,
    id: 'a',
    kind: 'usage',
    period: MARCH,
    series: { tenant: 'acme', sku: 'disk', unit: 'GiB' },
    from: MARCH.from,
    to: MARCH.to,
    price: { id: 'contract', version: 1 },
    pulses: 3,
    adjusts: null,
    ...more,
  };
};
const INPUT: StatementInput = {
  tenant: 'acme',
  from: 0,
  to: 5_000,
  periods: [
    { ...APRIL, state: 'open' },
    { ...MARCH, state: 'final' },
  ],
  charges: [charge('20')],
  unpriced: [],
};

describe('a line', () => {
  test('is spelt out step by step, with what it comes to after each', () => {
    const [march] = statementOf(INPUT).periods;
    const steps = march?.lines[0]?.steps.map(({ words, amount, subtotal }) =>
      [words, formatDecimal(amount), formatDecimal(subtotal)].join(' | '),
    );
    expect(steps).toEqual([
      'free units: -2 | 0 | 0',
      'tier 1: 10 × 0.1 | 1 | 1',
      'tier 1 flat | 1 | 2',
      'tier 2: 8 × 0.055 | 0.44 | 2.44',
      'discount | -0.244 | 2.196',
      'minimum | 2.804 | 5',
    ]);
  });

  test('keeps all that its charge has', () => {
    const { steps: _, ...line } = statementOf(INPUT).periods[0]?.lines[0] ?? charge('0');
    const { steps: __, ...original } = charge('20');
    expect(line).toEqual(original);
  });
});

describe('a statement', () => {
  test('has periods by their start, those without charges too', () => {
    const { periods } = statementOf(INPUT);
    expect(periods.map(({ period, state, lines }) => [period, state, lines.length])).toEqual([
      [MARCH, 'final', 1],
      [APRIL, 'open', 0],
    ]);
  });

  test('puts usage before adjustments, by product, unit, time and id', () => {
    const series = (sku: string, unit = 'GiB') => ({ tenant: 'acme', sku, unit });
    const charges = [
      charge('1', { id: '1', kind: 'adjustment', series: series('a') }),
      charge('1', { id: '2', series: series('b', 'h') }),
      charge('1', { id: '3', series: series('b', 'GiB'), from: 1_500 }),
      charge('1', { id: '5', series: series('b', 'GiB') }),
      charge('1', { id: '4', series: series('b', 'GiB') }),
      charge('1', { id: '6', series: series('a') }),
    ];
    for (const order of [charges, charges.toReversed()]) {
      const [march] = statementOf({ ...INPUT, charges: order }).periods;
      expect(march?.lines.map(({ id }) => id).join('')).toBe('645321');
    }
  });

  test('adds up rounded lines, currency by currency, and rounds nothing again', () => {
    const yen = { currency: 'JPY', minimum: null };
    const euros = { minimum: null, freeUnits: ZERO, discountPercent: ZERO };
    const charges = [
      charge('20', { id: '1' }),
      charge('20', { id: '2', period: APRIL }, euros),
      charge('20', { id: '3', period: APRIL }, yen),
    ];
    const { periods, totals } = statementOf({ ...INPUT, charges });
    const told = (list: typeof totals) =>
      list.map(({ currency, amount, lines }) => `${formatDecimal(amount)} ${currency} (${lines})`);
    expect(periods.map((period) => told(period.totals))).toEqual([
      ['5.00 EUR (1)'],
      ['2.55 EUR (1)', '2 JPY (1)'],
    ]);
    expect(told(totals)).toEqual(['7.55 EUR (2)', '2 JPY (1)']);
  });

  test('leaves out charges of periods that are not its own', () => {
    const other = { ...MARCH, contract: 'silver' };
    const { totals } = statementOf({ ...INPUT, charges: [charge('20', { period: other })] });
    expect(totals).toEqual([]);
  });

  test('is final once all of its periods are', () => {
    expect(statementOf(INPUT).isFinal).toBe(false);
    const periods = INPUT.periods.map((period) => ({ ...period, state: 'final' as const }));
    expect(statementOf({ ...INPUT, periods }).isFinal).toBe(true);
  });

  test('names usage that nothing prices', () => {
    const unpriced = [
      {
        series: { tenant: 'acme', sku: 'net', unit: 'GiB' },
        from: 0,
        to: 900_000,
        quantity: read('7'),
        pulses: 1,
        reason: 'no_price' as const,
      },
    ];
    expect(statementOf({ ...INPUT, unpriced }).unpriced).toEqual(unpriced);
  });

  test('comes to the sum of its lines, and its last step to its line', () => {
    const amounts = fc.integer({ min: 0, max: 10 ** 6 }).map((each) => (each / 1_000).toFixed(3));
    fc.assert(
      fc.property(fc.array(amounts, { minLength: 1 }), (quantities) => {
        const charges = quantities.map((each, index) => charge(each, { id: `${index}` }));
        const { totals, periods } = statementOf({ ...INPUT, charges });
        expect(exactSum(totals[0]?.amount ?? ZERO)).toEqual(
          exactSum(...charges.map(({ rounded }) => rounded)),
        );
        for (const line of periods[0]?.lines ?? []) {
          expect(line.steps.at(-1)?.subtotal ?? ZERO).toEqual(line.precise);
        }
      }),
    );
  });
});
