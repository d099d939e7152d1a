import { expect, test } from 'bun:test';
import type { Price } from './entries.ts';
import { IssueList } from './field-issues.ts';
import {
  addPriceIssues,
  emptyPrice,
  type PriceForm,
  priceBodyOf,
  priceFields,
  priceFormOf,
  withoutTier,
  withTier,
  withTierChange,
} from './price-form.ts';

const COMMON = {
  sku: 'storage',
  unit: 'GiB',
  conversion: null,
  freeUnits: '0',
  minimum: null,
  maximum: null,
  discountPercent: '0',
} as const;

const PRICES: readonly Price[] = [
  { ...COMMON, model: 'flat', price: '9.90' },
  { ...COMMON, model: 'per_unit', unitPrice: '0.000000000000000001' },
  { ...COMMON, model: 'package', quantityPerPackage: '20', price: '5' },
  {
    ...COMMON,
    model: 'tiered',
    tiersMode: 'volume',
    tiers: [
      { upTo: '1000', unitPrice: '0.05', flatPrice: '5' },
      { upTo: null, unitPrice: '0.03', flatPrice: '0' },
    ],
    conversion: { operation: 'divide', factor: '1024', scale: 0 },
    freeUnits: '12345678901234567890.5',
    minimum: '5.00',
    maximum: '50.00',
    discountPercent: '12.5',
  },
];

function issuesOf(form: PriceForm, lang = 'pt-BR') {
  const found = new IssueList();
  addPriceIssues(form, '/prices/3', lang, found);
  return Object.fromEntries([...found.issues].map(([at, { issue }]) => [at, issue]));
}

test('a price of every model survives its form, to the last digit, in every language', () => {
  for (const lang of ['pt-BR', 'en', 'es']) {
    for (const price of PRICES) {
      const form = priceFormOf(price, 1, lang);
      expect(issuesOf(form, lang)).toEqual({});
      expect(priceBodyOf(form, lang)).toEqual(price);
    }
  }
});

test('a body has the members of its model alone', () => {
  const form = { ...emptyPrice(1), sku: 'a', unit: 'b', unitPrice: '1', price: '2' };
  expect(priceBodyOf(form, 'en')).not.toHaveProperty('price');
  expect(priceBodyOf({ ...form, model: 'flat' }, 'en')).not.toHaveProperty('unitPrice');
});

test('an empty form says at every field what is missing', () => {
  expect(issuesOf(emptyPrice(1))).toEqual({
    '/prices/3/sku': 'required',
    '/prices/3/unit': 'required',
    '/prices/3/unitPrice': 'required',
  });
});

test('tiers have to ascend, and only the last one has no end', () => {
  const [, , , tiered] = PRICES;
  if (tiered === undefined) throw new Error('no tiered price');
  const form = withTier(priceFormOf(tiered, 1, 'en'));
  expect(form.tiers.map(({ upTo }) => upTo)).toEqual(['1000', '', '']);
  expect(issuesOf(form)).toEqual({
    '/prices/3/tiers/1/upTo': 'required',
    '/prices/3/tiers/1/unitPrice': 'required',
  });
  const [, added] = form.tiers;
  const same = withTierChange(form, added?.key ?? 0, { upTo: '1000.0', unitPrice: '0' });
  expect(issuesOf(same)).toEqual({ '/prices/3/tiers/1/upTo': 'not_ascending' });
  expect(withoutTier(same, added?.key ?? 0).tiers).toHaveLength(2);
  expect(withoutTier({ ...form, tiers: form.tiers.slice(0, 1) }, 1).tiers).toHaveLength(1);
});

test('what no price can be is found before it is sent', () => {
  const form: PriceForm = {
    ...emptyPrice(1),
    sku: 'a',
    unit: 'b',
    model: 'package',
    quantityPerPackage: '0',
    price: '-1',
    freeUnits: 'many',
    discountPercent: '100,01',
    minimum: '10',
    maximum: '9,99',
    isConverted: true,
    factor: '',
    scale: '19',
  };
  expect(issuesOf(form)).toEqual({
    '/prices/3/quantityPerPackage': 'not_positive',
    '/prices/3/price': 'not_positive',
    '/prices/3/freeUnits': 'not_a_number',
    '/prices/3/discountPercent': 'too_large',
    '/prices/3/maximum': 'below_minimum',
    '/prices/3/conversion/factor': 'required',
    '/prices/3/conversion/scale': 'not_a_number',
  });
});

test('every field that can be wrong is a field that is shown', () => {
  for (const model of ['flat', 'per_unit', 'package', 'tiered'] as const) {
    const form = { ...emptyPrice(1), model, isConverted: true };
    const fields = new Set(priceFields(form, '/prices/3'));
    for (const at of Object.keys(issuesOf(form))) expect(fields.has(at)).toBe(true);
  }
});
