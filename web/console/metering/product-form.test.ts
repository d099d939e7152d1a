import { expect, test } from 'bun:test';
import { EMPTY_PRODUCT, productBodyOf, productFormOf, productIssues } from './product-form.ts';

const PRODUCT = { sku: 'disk', name: 'Disk', version: 3, createdAt: '2026-01-01T00:00:00.000Z' };

test('a product survives its form, and a change says what it was made from', () => {
  const form = productFormOf(PRODUCT);
  expect(productBodyOf(form, 3)).toEqual({ sku: 'disk', name: 'Disk', expectedVersion: 3 });
  const typed = { sku: ' disk ', name: ' Disk ' };
  expect(productBodyOf(typed, null)).toEqual({ sku: 'disk', name: 'Disk' });
});

test('a product without a code or a name is refused where it is missing', () => {
  expect([...productIssues(EMPTY_PRODUCT).keys()]).toEqual(['/sku', '/name']);
  expect([...productIssues({ sku: 'disk', name: ' ' }).keys()]).toEqual(['/name']);
  expect(productIssues({ sku: 'disk', name: 'Disk' }).size).toBe(0);
});
