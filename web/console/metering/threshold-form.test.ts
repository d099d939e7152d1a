import { expect, test } from 'bun:test';
import {
  EMPTY_THRESHOLD,
  thresholdBodyOf,
  thresholdFormOf,
  thresholdIssues,
} from './threshold-form.ts';

const SAID = { tenant: 'acme', sku: 'disk', unit: 'GiB', amount: '1000.000000000000000001' };
const THRESHOLD = { ...SAID, id: 't-1', version: 2, createdAt: '2026-01-01T00:00:00.000Z' };

test('a threshold survives its form to the last digit, in the digits of every language', () => {
  for (const lang of ['pt-BR', 'en', 'es']) {
    const form = thresholdFormOf(THRESHOLD, lang);
    expect(thresholdIssues(form, lang).size).toBe(0);
    expect(thresholdBodyOf(form, 2, lang)).toEqual({ ...SAID, expectedVersion: 2 });
  }
  expect(thresholdFormOf(THRESHOLD, 'pt-BR').amount).toBe('1000,000000000000000001');
});

test('a new threshold may be named, and leaves it to the server otherwise', () => {
  const form = thresholdFormOf(THRESHOLD, 'en');
  expect(thresholdBodyOf(form, null, 'en')).toEqual({ ...SAID, id: 't-1' });
  expect(thresholdBodyOf({ ...form, id: ' ' }, null, 'en')).toEqual(SAID);
});

test('what is missing, no number, or never below usage is refused at its field', () => {
  const issues = (amount: string) =>
    thresholdIssues({ ...EMPTY_THRESHOLD, tenant: 'a', sku: 'b', unit: 'c', amount }, 'en');
  expect([...thresholdIssues(EMPTY_THRESHOLD, 'en').keys()]).toEqual([
    '/tenant',
    '/sku',
    '/unit',
    '/amount',
  ]);
  expect(issues('').get('/amount')?.issue).toBe('required');
  expect(issues('1 GiB').get('/amount')?.issue).toBe('not_a_number');
  expect(issues('0.0').get('/amount')?.issue).toBe('not_positive');
  expect(issues('-1').get('/amount')?.issue).toBe('not_positive');
  expect(issues('0.1').size).toBe(0);
});
