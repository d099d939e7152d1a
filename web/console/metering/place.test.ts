import { expect, test } from 'bun:test';
import { hrefOf, parseRoute } from '../route.ts';
import type { MeteringPlace } from './place.ts';

const PLACES: readonly MeteringPlace[] = [
  { page: 'overview' },
  { page: 'tenants' },
  { page: 'tenant', tenant: 'a/b ç%' },
  { page: 'letters' },
  { page: 'letter', id: 'ab'.repeat(32) },
  { page: 'contracts' },
  { page: 'contract', id: null },
  { page: 'contract', id: 'new-contract' },
  { page: 'prices' },
  { page: 'price', id: null },
  { page: 'price', id: 'net-2026' },
  { page: 'products' },
  { page: 'product', id: null },
  { page: 'product', id: 'api/calls ç' },
  { page: 'thresholds' },
  { page: 'threshold', id: null },
  { page: 'threshold', id: 'acme-disk' },
  { page: 'keys' },
];

test('a place of metering survives its address', () => {
  for (const at of PLACES) {
    expect(parseRoute(hrefOf({ place: 'metering', at }))).toEqual({ place: 'metering', at });
  }
});

test('an address of metering that means nothing leads to its overview', () => {
  for (const hash of [
    '#/metering/x',
    '#/metering/keys/1',
    '#/metering/tenants/a/b',
    '#/metering//x',
  ]) {
    expect(parseRoute(hash)).toEqual({ place: 'metering', at: { page: 'overview' } });
  }
  expect(parseRoute('#/metering/')).toEqual({ place: 'metering', at: { page: 'overview' } });
  expect(parseRoute('#/metering/tenants/')).toEqual({ place: 'metering', at: { page: 'tenants' } });
});
