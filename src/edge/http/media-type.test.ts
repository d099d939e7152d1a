import { expect, test } from 'bun:test';
import { preferredType } from './media-type.ts';

const FORMS = ['application/json', 'text/csv', 'text/html'] as const;
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

test.each([
  [null, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['text/csv', 'text/csv'],
  ['TEXT/CSV; charset=utf-8', 'text/csv'],
  [BROWSER, 'text/html'],
  ['text/*', 'text/csv'],
  ['text/*, text/csv;q=0.1', 'text/html'],
  ['application/json;q=0.5, text/csv;q=0.6', 'text/csv'],
  ['text/html;q=0', 'application/json'],
  ['*/*, application/json;q=0', 'text/csv'],
  ['text/csv;q=x', 'application/json'],
  ['image/png', 'application/json'],
] as const)('Accept: %s is answered with %s', (accept, type) => {
  expect(preferredType(accept, FORMS)).toBe(type);
});

test('what stands behind many others is not read', () => {
  expect(preferredType(`${'a/b,'.repeat(20)}text/csv`, FORMS)).toBe('application/json');
});
