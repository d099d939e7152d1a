import { expect, test } from 'bun:test';
import { currencyExponent } from './currency.ts';

test.each([
  ['JPY', 0],
  ['KRW', 0],
  ['ISK', 0],
  ['BRL', 2],
  ['EUR', 2],
  ['XCG', 2],
  ['ZWG', 2],
  ['BHD', 3],
  ['TND', 3],
  ['CLF', 4],
  ['UYW', 4],
] as const)('%s is paid with %d digits behind the point', (code, exponent) => {
  expect(currencyExponent(code)).toBe(exponent);
});

test.each(['', 'eur', 'EURO', 'XXX', 'XAU', 'DEM', 'HRK', 'ANG', 'BGN', 'toString', ' EUR'])(
  '%p is no currency in use',
  (code) => {
    expect(currencyExponent(code)).toBeNull();
  },
);

test('every code of three letters in use is known', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const codes = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)));
  expect(codes.filter((code) => currencyExponent(code) !== null)).toHaveLength(165);
});
