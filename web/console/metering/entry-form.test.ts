import { expect, test } from 'bun:test';
import type { Contract, ListPrice } from './entries.ts';
import {
  contractBodyOf,
  contractFields,
  contractFormOf,
  contractIssues,
  emptyContract,
  emptyListPrice,
  listPriceBodyOf,
  listPriceFields,
  listPriceFormOf,
  listPriceIssues,
} from './entry-form.ts';
import { issuesFromServer } from './field-issues.ts';

const PRICE = {
  sku: 'cpu',
  unit: 'h',
  model: 'per_unit',
  unitPrice: '0.10',
  conversion: null,
  freeUnits: '0',
  minimum: null,
  maximum: null,
  discountPercent: '0',
} as const;

const CONTRACT: Contract = {
  id: 'paris',
  tenant: 'acme',
  currency: 'EUR',
  validFrom: '2025-12-31T23:00:00.000Z',
  validTo: '2026-03-29T22:00:00.000Z',
  timeZone: 'Europe/Paris',
  graceMs: 259_200_000,
  prices: [PRICE],
  version: 4,
  createdAt: '2026-01-01T00:00:00.000Z',
};

const { id: _id, version: _version, createdAt: _createdAt, ...SAID } = CONTRACT;

test('a contract survives its form, its dates on the clocks of its zone', () => {
  const form = contractFormOf(CONTRACT, 'pt-BR');
  expect(form.validFrom).toBe('2026-01-01T00:00');
  expect(form.validTo).toBe('2026-03-30T00:00');
  expect(contractIssues(form, 'pt-BR').size).toBe(0);
  expect(contractBodyOf(form, 4, 'pt-BR')).toEqual({ ...SAID, expectedVersion: 4 });
});

test('a new contract may be named, and leaves it to the server otherwise', () => {
  const form = contractFormOf(CONTRACT, 'en');
  expect(contractBodyOf(form, null, 'en')).toEqual({ ...SAID, id: 'paris' });
  expect(contractBodyOf({ ...form, id: ' ' }, null, 'en')).not.toHaveProperty('id');
});

test('a list price survives its form', () => {
  const {
    tenant: _tenant,
    timeZone: _timeZone,
    graceMs: _graceMs,
    prices: _prices,
    ...rest
  } = CONTRACT;
  const price: ListPrice = { ...rest, ...PRICE };
  const form = listPriceFormOf(price, 'America/Sao_Paulo', 'en');
  expect(form.validFrom).toBe('2025-12-31T20:00');
  expect(listPriceIssues(form, 'en').size).toBe(0);
  expect(listPriceBodyOf(form, 4, 'en')).toEqual({
    ...PRICE,
    currency: 'EUR',
    validFrom: CONTRACT.validFrom,
    validTo: CONTRACT.validTo,
    expectedVersion: 4,
  });
});

test('every field that is missing or impossible is named, and is one that is shown', () => {
  const form = { ...emptyContract('', 'Europe/Paris'), graceHours: 'long' };
  const issues = contractIssues(form, 'en');
  expect([...issues.keys()].sort()).toEqual([
    '/currency',
    '/graceMs',
    '/prices/0/sku',
    '/prices/0/unit',
    '/prices/0/unitPrice',
    '/tenant',
    '/validFrom',
  ]);
  for (const at of issues.keys()) expect(contractFields(form).has(at)).toBe(true);
  const list = emptyListPrice('UTC');
  for (const at of listPriceIssues(list, 'en').keys()) {
    expect(listPriceFields(list).has(at)).toBe(true);
  }
});

test('dates that the zone does not have, that end too early, or cut a window are refused', () => {
  const form = contractFormOf(CONTRACT, 'en');
  const issueOf = (change: object, at: string) =>
    contractIssues({ ...form, ...change }, 'en').get(at)?.issue;
  expect(issueOf({ validTo: '2026-03-29T02:30' }, '/validTo')).toBe('no_such_time');
  expect(issueOf({ validTo: '2026-01-01T00:00' }, '/validTo')).toBe('ends_before_begin');
  expect(issueOf({ validFrom: '2026-01-01T00:10' }, '/validFrom')).toBe('not_a_quarter');
  expect(issueOf({ timeZone: 'Mars/Olympus' }, '/timeZone')).toBe('no_such_zone');
  expect(issueOf({ currency: 'EURO' }, '/currency')).toBe('no_such_currency');
  const [price] = form.prices;
  expect(issueOf({ prices: [price, price] }, '/prices/1/sku')).toBe('duplicate');
});

test('what the server refuses stands at its field, or at the form', () => {
  const fields = contractFields(contractFormOf(CONTRACT, 'en'));
  const problem = (pointer: string) => ({ pointer, code: 'invalid_body', detail: 'No.' });
  const issues = issuesFromServer(
    [problem('/prices/0/unitPrice'), problem('/currency'), problem('/prices/7'), problem('')],
    fields,
  );
  expect(issues.get('/prices/0/unitPrice')).toEqual({ issue: 'refused', detail: 'No.' });
  expect(issues.get('/currency')?.issue).toBe('refused');
  expect(issues.get('')?.detail).toBe('/prices/7 No.');
  expect(issues.size).toBe(3);
});
