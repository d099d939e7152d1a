import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatDecimal } from '../counting/decimal.ts';
import { type BodyRead, readBody } from './body-reader.ts';
import {
  CONTRACT_PRICES_MAX,
  DEFAULT_GRACE_MS,
  readApiKeyBody,
  readContractBody,
  readListPriceBody,
  readProductBody,
  readThresholdBody,
} from './contract-fields.ts';
import { TIERS_MAX } from './price-fields.ts';

const NOW = Date.parse('2026-11-21T00:00:00Z');
const told = (read: BodyRead<unknown>): readonly string[] | 'ok' =>
  read.kind === 'ok'
    ? 'ok'
    : read.problems.map(({ pointer, code, detail }) =>
        code === 'invalid_body' ? `${pointer}: ${detail}` : `${pointer}: ${code}`,
      );
const fieldsOf = <T>(read: BodyRead<T>): T => {
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems));
  return read.value;
};

const PRICE = { sku: 'disk', unit: 'GiB', model: 'per_unit', unitPrice: '0.05' };
const LISTED = { ...PRICE, currency: 'EUR', validFrom: '2026-01-01T00:00:00Z' };
const CONTRACT = { tenant: 'acme', currency: 'EUR', validFrom: '2026-01-01T00:00:00+01:00' };
const listed = (more: object) => told(readListPriceBody({ ...LISTED, ...more }, 'create'));
const signed = (more: object) => told(readContractBody({ ...CONTRACT, ...more }, 'create'));
const tiers = (list: unknown) => {
  const { unitPrice: _, ...price } = LISTED;
  return told(
    readListPriceBody({ ...price, model: 'tiered', tiersMode: 'volume', tiers: list }, 'create'),
  );
};
const DECIMAL =
  'Must be a decimal number in a text, such as "0.05": at most 38 digits, 18 of them behind the point.';

describe('a list price', () => {
  test('needs little, and has sound defaults', () => {
    expect(fieldsOf(readListPriceBody(LISTED, 'create'))).toMatchObject({
      id: null,
      expectedVersion: null,
      sku: 'disk',
      unit: 'GiB',
      currency: 'EUR',
      conversion: null,
      freeUnits: { mantissa: 0n, scale: 0 },
      minimum: null,
      maximum: null,
      discountPercent: { mantissa: 0n, scale: 0 },
      validFrom: Date.parse('2026-01-01T00:00:00Z'),
      validTo: null,
    });
  });

  test('can say everything', () => {
    const body = {
      ...LISTED,
      id: 'disk-2026',
      unitPrice: '0.000000000000000010',
      conversion: { operation: 'divide', factor: '1024' },
      freeUnits: '10.50',
      minimum: '5.00',
      maximum: '5',
      discountPercent: '100',
      validTo: '2027-01-01T00:15:00Z',
    };
    const price = fieldsOf(readListPriceBody(body, 'create'));
    expect(price.model.model === 'per_unit' && formatDecimal(price.model.unitPrice)).toBe(
      '0.00000000000000001',
    );
    expect(price.conversion).toMatchObject({ operation: 'divide', scale: 18 });
    expect(formatDecimal(price.freeUnits)).toBe('10.5');
    expect(price).toMatchObject({ id: 'disk-2026', validTo: Date.parse('2027-01-01T00:15:00Z') });
  });

  test.each([
    [{ model: 'flat', price: '9' }],
    [{ model: 'package', price: '9', quantityPerPackage: '20' }],
    [{ model: 'tiered', tiersMode: 'graduated', tiers: [{ upTo: null, unitPrice: '1' }] }],
  ])('has its model beside the rest: %p', (model) => {
    const { unitPrice: _, ...price } = LISTED;
    const read = fieldsOf(readListPriceBody({ ...price, ...model }, 'create'));
    expect(read.model.model).toBe(model.model as typeof read.model.model);
  });

  test.each<[object, readonly string[]]>([
    [{ model: 'cheap' }, ['/model: Must be one of flat, per_unit, tiered, package.']],
    [{ model: 'flat' }, ['/unitPrice: unknown_field', '/price: Must be given.']],
    [{ price: '1' }, ['/price: unknown_field']],
    [{ unitPrice: 0.05 }, [`/unitPrice: ${DECIMAL}`]],
    [{ unitPrice: '1e3' }, [`/unitPrice: ${DECIMAL}`]],
    [{ unitPrice: '-1' }, ['/unitPrice: Must not be below 0.']],
    [
      { currency: 'EURO' },
      ['/currency: Must be a currency of ISO 4217 that is in use, such as EUR.'],
    ],
    [{ minimum: '6', maximum: '5' }, ['/maximum: Must not be below the minimum.']],
    [{ minimum: '6.001' }, ['/minimum: Must have at most 2 digits behind the point.']],
    [
      { currency: 'JPY', maximum: '6.5' },
      ['/maximum: Must have at most 0 digits behind the point.'],
    ],
    [{ discountPercent: '100.1' }, ['/discountPercent: Must be at most 100.']],
    [{ discountPercent: '-1' }, ['/discountPercent: Must not be below 0.']],
    [{ freeUnits: '-1' }, ['/freeUnits: Must not be below 0.']],
    [{ validTo: '2026-01-01T00:00:00Z' }, ['/validTo: Must be later than validFrom.']],
    [
      { validFrom: '2026-01-01T00:07:00Z' },
      ['/validFrom: Must lie on a whole quarter of an hour.'],
    ],
    [
      { validFrom: '1969-01-01T00:00:00Z' },
      ['/validFrom: Must be an RFC 3339 time with a zone, between the years 1970 and 9999.'],
    ],
    [
      { validFrom: null },
      ['/validFrom: Must be an RFC 3339 time with a zone, between the years 1970 and 9999.'],
    ],
    [{ id: 'contract' }, ['/id: The id stands for the prices of contracts.']],
    [{ id: 'No Slug' }, ['/id: Must be 1–63 of a–z, 0–9 and -, and not begin with -.']],
    [{ expectedVersion: 3 }, ['/expectedVersion: unknown_field']],
    [{ 'a/b~': 1 }, ['/a~1b~0: unknown_field']],
    [
      { conversion: { operation: 'add', factor: '0', scale: 19, more: 1 } },
      [
        '/conversion/more: unknown_field',
        '/conversion/operation: Must be one of multiply, divide.',
        '/conversion/factor: Must be above 0.',
        '/conversion/scale: Must be a whole number from 0 to 18.',
      ],
    ],
    [{ conversion: [] }, ['/conversion: Must be a JSON object.']],
    [{ sku: '' }, ['/sku: Must be a text of 1–64 bytes without control characters.']],
    [{ sku: 'é'.repeat(33) }, ['/sku: Must be a text of 1–64 bytes without control characters.']],
    [{ sku: 'a\u0000' }, ['/sku: Must be a text of 1–64 bytes without control characters.']],
    [{ sku: '\ud800' }, ['/sku: Must be a text of 1–64 bytes without control characters.']],
    [{ unit: 7 }, ['/unit: Must be a text of 1–32 bytes without control characters.']],
  ])('with %p is refused, and told why', (more, problems) => {
    expect(listed(more)).toEqual(problems);
  });

  test('takes names as pulses have them, byte by byte', () => {
    const price = fieldsOf(readListPriceBody({ ...LISTED, sku: ' e\u0301' }, 'create'));
    expect(price.sku).toBe(' e\u0301');
  });

  test('that is to replace another names its version and no id', () => {
    const read = fieldsOf(readListPriceBody({ ...LISTED, expectedVersion: 3 }, 'replace'));
    expect(read).toMatchObject({ id: null, expectedVersion: 3 });
    expect(told(readListPriceBody({ ...LISTED, id: 'x' }, 'replace'))).toEqual([
      '/id: unknown_field',
    ]);
    expect(told(readListPriceBody({ ...LISTED, expectedVersion: 0.5 }, 'replace'))).toEqual([
      `/expectedVersion: Must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`,
    ]);
  });
});

describe('tiers', () => {
  const tier = (upTo: unknown) => ({ upTo, unitPrice: '1' });

  test('ascend, and the last has no end', () => {
    expect(tiers([tier('1'), tier('1.5'), tier(null)])).toBe('ok');
    expect(tiers([tier('1'), tier('1.0'), tier('0.5'), tier(null)])).toEqual([
      '/tiers/1/upTo: Must be above that of the tier before.',
      '/tiers/2/upTo: Must be above that of the tier before.',
    ]);
    expect(tiers([tier(null), tier('5')])).toEqual([
      '/tiers/0/upTo: Must be a decimal number: only the last tier has no end.',
      '/tiers/1/upTo: Must be null in the last tier: it has no end.',
    ]);
  });

  test('begin above 0 and are whole objects', () => {
    expect(tiers([tier('0'), tier(null)])).toEqual(['/tiers/0/upTo: Must be above 0.']);
    expect(tiers([{ unitPrice: '1', price: '1' }])).toEqual([
      '/tiers/0/price: unknown_field',
      '/tiers/0/upTo: Must be given.',
    ]);
  });

  test('are at least one and at most TIERS_MAX', () => {
    const many = (count: number) => [
      ...Array.from({ length: count - 1 }, (_, index) => tier(String(index + 1))),
      tier(null),
    ];
    expect(tiers(many(TIERS_MAX))).toBe('ok');
    const refusal = [`/tiers: Must be a list of 1–${TIERS_MAX}.`];
    for (const wrong of [many(TIERS_MAX + 1), [], 'none']) expect(tiers(wrong)).toEqual(refusal);
  });
});

describe('a contract', () => {
  test('needs little, and has sound defaults', () => {
    expect(fieldsOf(readContractBody(CONTRACT, 'create'))).toEqual({
      id: null,
      expectedVersion: null,
      tenant: 'acme',
      currency: 'EUR',
      validFrom: Date.parse('2025-12-31T23:00:00Z'),
      validTo: null,
      timeZone: 'UTC',
      graceMs: DEFAULT_GRACE_MS,
      prices: [],
    });
  });

  test('has prices in its own currency', () => {
    const { prices } = fieldsOf(readContractBody({ ...CONTRACT, prices: [PRICE] }, 'create'));
    expect(prices).toMatchObject([{ sku: 'disk', unit: 'GiB', currency: 'EUR' }]);
    expect(signed({ prices: [{ ...PRICE, currency: 'EUR' }] })).toEqual([
      '/prices/0/currency: unknown_field',
    ]);
    expect(signed({ currency: 'JPY', prices: [{ ...PRICE, minimum: '0.5' }] })).toEqual([
      '/prices/0/minimum: Must have at most 0 digits behind the point.',
    ]);
  });

  test.each<[object, readonly string[]]>([
    [
      { prices: [PRICE, { ...PRICE, unit: 'h' }, { ...PRICE, unitPrice: '1' }] },
      ['/prices/2: Another price has the same sku and unit.'],
    ],
    [{ prices: [7] }, ['/prices/0: Must be a JSON object.']],
    [
      { timeZone: 'Mars/Olympus' },
      ['/timeZone: Must be an IANA time zone, such as America/Sao_Paulo.'],
    ],
    [{ graceMs: -1 }, ['/graceMs: Must be a whole number from 0 to 3024000000.']],
    [{ graceMs: '1' }, ['/graceMs: Must be a whole number from 0 to 3024000000.']],
    [{ currency: 7 }, ['/currency: Must be a currency of ISO 4217 that is in use, such as EUR.']],
    [
      { currency: 'EUR', validTo: '2020-01-01T00:00:00Z' },
      ['/validTo: Must be later than validFrom.'],
    ],
    [{ plan: 'gold' }, ['/plan: unknown_field']],
    [{ tenant: undefined }, ['/tenant: Must be a text of 1–64 bytes without control characters.']],
  ])('with %p is refused, and told why', (more, problems) => {
    expect(signed(more)).toEqual(problems);
  });

  test('says all that is wrong with prices where the currency is wrong too', () => {
    expect(signed({ currency: 'XXX', prices: [{ ...PRICE, unitPrice: 'free' }] })).toEqual([
      '/currency: Must be a currency of ISO 4217 that is in use, such as EUR.',
      `/prices/0/unitPrice: ${DECIMAL}`,
    ]);
    expect(signed({ currency: null, prices: [PRICE] })).toEqual([
      '/currency: Must be a currency of ISO 4217 that is in use, such as EUR.',
    ]);
  });

  test('has at most CONTRACT_PRICES_MAX prices', () => {
    const prices = Array.from({ length: CONTRACT_PRICES_MAX + 1 }, (_, index) => ({
      ...PRICE,
      sku: `sku-${index}`,
    }));
    expect(signed({ prices })).toEqual([`/prices: Must be a list of 0–${CONTRACT_PRICES_MAX}.`]);
    expect(signed({ prices: prices.slice(1) })).toBe('ok');
  });
});

describe('a product', () => {
  test('is its sku and a name for people', () => {
    const read = readProductBody({ sku: 'disk', name: '  Disk\u0041\u030a ' }, 'create');
    expect(fieldsOf(read)).toEqual({
      id: null,
      expectedVersion: null,
      sku: 'disk',
      name: 'DiskÅ',
    });
    const again = readProductBody({ sku: 'disk', name: 'Disk', expectedVersion: 2 }, 'replace');
    expect(fieldsOf(again).expectedVersion).toBe(2);
  });

  test.each<[unknown, readonly string[]]>([
    [null, [': Must be a JSON object.']],
    [[], [': Must be a JSON object.']],
    [{ sku: 'a' }, ['/name: Must be given.']],
    [{ sku: 'a', name: 'x', id: 'a' }, ['/id: unknown_field']],
    [
      { sku: 'a', name: ' ' },
      ['/name: Must be a text of 1–200 characters without control characters.'],
    ],
    [
      { sku: 'a', name: 'x'.repeat(201) },
      ['/name: Must be a text of 1–200 characters without control characters.'],
    ],
    [
      { sku: 'a', name: 'x\u202ey' },
      ['/name: Must be a text of 1–200 characters without control characters.'],
    ],
  ])('of %p is refused', (body, problems) => {
    expect(told(readProductBody(body, 'create'))).toEqual(problems);
  });
});

describe('a threshold', () => {
  const body = { tenant: 'acme', sku: 'disk', unit: 'GiB', amount: '1000.5' };

  test('is an amount of a series', () => {
    expect(fieldsOf(readThresholdBody({ ...body, id: 'much' }, 'create'))).toEqual({
      ...body,
      id: 'much',
      expectedVersion: null,
      amount: { mantissa: 10_005n, scale: 1 },
    });
  });

  test('is above 0', () => {
    expect(told(readThresholdBody({ ...body, amount: '0' }, 'create'))).toEqual([
      '/amount: Must be above 0.',
    ]);
  });
});

describe('an API key', () => {
  const body = { tenant: 'acme', name: 'CI', scopes: ['ingest', 'read'] };

  test('has scopes, and perhaps an end', () => {
    expect(fieldsOf(readApiKeyBody(body, NOW))).toEqual({
      tenant: 'acme',
      name: 'CI',
      scopes: ['ingest', 'read'],
      expiresAt: null,
    });
    const ending = { ...body, expiresAt: '2026-11-21T00:00:00.001Z' };
    expect(fieldsOf(readApiKeyBody(ending, NOW)).expiresAt).toBe(NOW + 1);
  });

  test.each<[object, readonly string[]]>([
    [{ scopes: [] }, ['/scopes: Must be a list of 1–3.']],
    [{ scopes: ['read', 'read'] }, ['/scopes: Names a scope twice.']],
    [{ scopes: ['admin'] }, ['/scopes/0: Must be one of ingest, read, backfill.']],
    [{ expiresAt: '2026-11-21T00:00:00Z' }, ['/expiresAt: Must be later than now.']],
    [{ secret: 'x' }, ['/secret: unknown_field']],
  ])('with %p is refused, and told why', (more, problems) => {
    expect(told(readApiKeyBody({ ...body, ...more }, NOW))).toEqual(problems);
  });
});

test('no body, however strange, does anything but be read or refused', () => {
  const strange = fc.oneof(
    fc.jsonValue(),
    fc.record({ ...Object.fromEntries(Object.keys(LISTED).map((name) => [name, fc.jsonValue()])) }),
    fc.record({ prices: fc.array(fc.jsonValue()), currency: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(strange, (body) => {
      for (const read of [
        readListPriceBody(body, 'create'),
        readContractBody(body, 'create'),
        readProductBody(body, 'replace'),
        readThresholdBody(body, 'replace'),
        readApiKeyBody(body, NOW),
      ]) {
        if (read.kind === 'invalid') expect(read.problems.length).toBeGreaterThan(0);
      }
    }),
  );
});

test('no answer lists more than 50 problems', () => {
  const body = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x${index}`, 1]));
  const read = readApiKeyBody(body, NOW);
  expect(read.kind === 'invalid' && read.problems.length).toBe(50);
  expect(readBody(7, (value) => Number(value)).kind).toBe('ok');
});
