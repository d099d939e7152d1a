import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Decimal } from '../counting/decimal.ts';
import { ApuraError } from '../errors.ts';
import { decodeEntry, encodeEntry } from './catalogue-codec.ts';
import { API_KEY_SCOPES, type ApiKey, type Contract, type ListPrice } from './contract.ts';
import { readContractBody, readListPriceBody } from './contract-fields.ts';
import type { Price, PriceModel } from './price.ts';

const decimals = fc
  .record({
    mantissa: fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
    scale: fc.nat(18),
  })
  .map((each): Decimal => each);
const names = fc.string({ unit: 'binary', minLength: 1 });
const instants = fc.nat(2 ** 40);
const stored = { version: fc.integer({ min: 1 }), createdAt: instants };
const validity = { validFrom: instants, validTo: fc.option(instants) };
const models: fc.Arbitrary<PriceModel> = fc.oneof(
  fc.record({ model: fc.constant('flat' as const), price: decimals }),
  fc.record({ model: fc.constant('per_unit' as const), unitPrice: decimals }),
  fc.record({
    model: fc.constant('tiered' as const),
    tiersMode: fc.constantFrom('graduated' as const, 'volume' as const),
    tiers: fc.array(
      fc.record({ upTo: fc.option(decimals), unitPrice: decimals, flatPrice: decimals }),
      { minLength: 1 },
    ),
  }),
  fc.record({
    model: fc.constant('package' as const),
    quantityPerPackage: decimals,
    price: decimals,
  }),
);
const priceFields = {
  sku: names,
  unit: names,
  currency: names,
  model: models,
  conversion: fc.option(
    fc.record({
      operation: fc.constantFrom('multiply' as const, 'divide' as const),
      factor: decimals,
      scale: fc.nat(18),
    }),
  ),
  freeUnits: decimals,
  minimum: fc.option(decimals),
  maximum: fc.option(decimals),
  discountPercent: decimals,
};
const prices: fc.Arbitrary<Price> = fc.record(priceFields);
const listPrices: fc.Arbitrary<ListPrice> = fc.record({
  ...priceFields,
  id: names,
  ...validity,
  ...stored,
});
const contracts: fc.Arbitrary<Contract> = fc.record({
  id: names,
  tenant: names,
  currency: names,
  ...validity,
  timeZone: names,
  graceMs: instants,
  prices: fc.array(prices),
  ...stored,
});
const apiKeys: fc.Arbitrary<ApiKey> = fc.record({
  id: names,
  tenant: names,
  name: names,
  scopes: fc.uniqueArray(fc.constantFrom(...API_KEY_SCOPES), { minLength: 1 }),
  secretSha256: fc.string({
    unit: fc.constantFrom(...'0123456789abcdef'),
    minLength: 64,
    maxLength: 64,
  }),
  expiresAt: fc.option(instants),
  revokedAt: fc.option(instants),
  ...stored,
});
const products = fc.record({ sku: names, name: names, ...stored });
const thresholds = fc.record({
  id: names,
  tenant: names,
  sku: names,
  unit: names,
  amount: decimals,
  ...stored,
});

describe('what is written reads back as it was, to the last digit', () => {
  test.each([
    ['product', products],
    ['price', listPrices],
    ['contract', contracts],
    ['threshold', thresholds],
    ['api_key', apiKeys],
  ] as const)('%s', (kind, entries) => {
    fc.assert(
      fc.property(entries as fc.Arbitrary<never>, (entry) => {
        expect(decodeEntry(kind, encodeEntry(kind, entry))).toEqual(entry);
      }),
    );
  });

  test('what a request said, too', () => {
    const body = {
      tenant: 'acme',
      currency: 'EUR',
      validFrom: '2026-01-01T00:00:00Z',
      prices: [{ sku: 'disk', unit: 'GiB', model: 'per_unit', unitPrice: '0.050' }],
    };
    const read = readContractBody(body, 'create');
    if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems));
    const { id: _, expectedVersion: __, ...fields } = read.value;
    const contract = { ...fields, id: 'gold', version: 1, createdAt: 5 };
    expect(decodeEntry('contract', encodeEntry('contract', contract))).toEqual(contract);
  });
});

describe('what nobody wrote is refused', () => {
  const read = readListPriceBody(
    {
      sku: 'disk',
      unit: 'GiB',
      currency: 'EUR',
      validFrom: '2026-01-01T00:00:00Z',
      model: 'per_unit',
      unitPrice: '1',
    },
    'create',
  );
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems));
  const { expectedVersion: _, ...fields } = read.value;
  const price = JSON.parse(
    encodeEntry('price', { ...fields, id: 'list', version: 1, createdAt: 0 }),
  );

  test.each<[unknown]>([
    ['no object'],
    [{ ...price, more: 1 }],
    [{ ...price, unit: undefined }],
    [{ ...price, unit: '' }],
    [{ ...price, version: 0 }],
    [{ ...price, freeUnits: 0 }],
    [{ ...price, freeUnits: '1e3' }],
    [{ ...price, model: { model: 'per_unit' } }],
    [{ ...price, model: { model: 'per_unit', price: '1' } }],
    [{ ...price, model: { model: 'dear' } }],
    [{ ...price, validTo: '2026' }],
  ])('%p', (body) => {
    const text = JSON.stringify(body);
    expect(() => decodeEntry('price', text)).toThrow(ApuraError);
    expect(() => decodeEntry('price', text)).toThrow(
      expect.objectContaining({ code: 'store_corrupt' }),
    );
  });

  test('of another kind', () => {
    const text = JSON.stringify(price);
    for (const kind of ['product', 'contract', 'threshold', 'api_key'] as const) {
      expect(() => decodeEntry(kind, text)).toThrow(ApuraError);
    }
    expect(() => decodeEntry('price', '{')).toThrow('price is not JSON.');
  });
});
