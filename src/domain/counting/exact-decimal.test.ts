import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { compareDecimals, type Decimal, formatDecimal, ZERO } from './decimal.ts';
import {
  ceilingQuotient,
  exactDifference,
  exactProduct,
  exactSum,
  fitsDecimal,
  formatShortest,
  parseExactDecimal,
  quotientHalfUp,
  roundedHalfUp,
  shortest,
} from './exact-decimal.ts';

const read = (text: string): Decimal => {
  const decimal = parseExactDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const wide: fc.Arbitrary<Decimal> = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }),
  scale: fc.nat(40),
});
const above0 = wide.filter(({ mantissa }) => mantissa > 0n);
const isEqual = (left: Decimal, right: Decimal) => compareDecimals(left, right) === 0;

describe('sums and products', () => {
  test('keep every digit, far beyond what is taken in', () => {
    const large = read(`${'9'.repeat(60)}.${'9'.repeat(40)}`);
    expect(formatDecimal(exactSum(large, read(`0.${'0'.repeat(39)}1`)))).toBe(`1${'0'.repeat(60)}`);
    const tiny = read('0.000000000000000001');
    expect(formatDecimal(exactProduct(tiny, tiny))).toBe(`0.${'0'.repeat(35)}1`);
    expect(exactSum()).toEqual(ZERO);
  });

  test('obey the laws of arithmetic', () => {
    fc.assert(
      fc.property(wide, wide, wide, (a, b, c) => {
        expect(exactSum(a, b, c)).toEqual(exactSum(exactSum(c, b), a));
        expect(exactProduct(a, exactSum(b, c))).toEqual(
          exactSum(exactProduct(a, b), exactProduct(a, c)),
        );
        expect(exactSum(exactDifference(a, b), b)).toEqual(shortest(a));
      }),
    );
  });
});

describe('rounding', () => {
  test.each([
    ['0.5', 0, '1'],
    ['0.49999999999999999999999', 0, '0'],
    ['-0.5', 0, '-1'],
    ['-0.4', 0, '0'],
    ['1.005', 2, '1.01'],
    ['7', 2, '7.00'],
  ] as const)('%s to %d digits is %s', (text, scale, rounded) => {
    expect(formatDecimal(roundedHalfUp(read(text), scale))).toBe(rounded);
  });

  test('goes to the nearest number, and a half away from zero', () => {
    fc.assert(
      fc.property(wide, fc.nat(6), (value, scale) => {
        const error = exactDifference(roundedHalfUp(value, scale), value);
        const twice = exactProduct(error, read('2'));
        const unit: Decimal = { mantissa: 1n, scale };
        const size = twice.mantissa < 0n ? { ...twice, mantissa: -twice.mantissa } : twice;
        expect(compareDecimals(size, unit)).not.toBe(1);
        if (isEqual(size, unit)) expect(error.mantissa < 0n).toBe(value.mantissa < 0n);
      }),
    );
  });
});

describe('quotients', () => {
  test.each([
    ['2', '3', 4, '0.6667'],
    ['-2', '3', 4, '-0.6667'],
    ['1', '8', 2, '0.13'],
    ['0.001', '1000', 3, '0.000'],
    ['1', '0.003', 0, '333'],
  ] as const)('%s / %s to %d digits is %s', (dividend, divisor, scale, quotient) => {
    expect(formatDecimal(quotientHalfUp(read(dividend), read(divisor), scale))).toBe(quotient);
  });

  test('are what rounding the exact quotient gives', () => {
    fc.assert(
      fc.property(wide, above0, fc.nat(8), (quotient, divisor, scale) => {
        const dividend = exactProduct(quotient, divisor);
        expect(quotientHalfUp(dividend, divisor, scale)).toEqual(roundedHalfUp(quotient, scale));
      }),
    );
  });

  test('up to the next whole number hold the dividend, and one less does not', () => {
    expect(ceilingQuotient(read('0'), read('20'))).toEqual(ZERO);
    expect(formatDecimal(ceilingQuotient(read('20'), read('20')))).toBe('1');
    expect(formatDecimal(ceilingQuotient(read('20.1'), read('20')))).toBe('2');
    fc.assert(
      fc.property(above0, above0, (dividend, divisor) => {
        const count = ceilingQuotient(dividend, divisor);
        const less = exactDifference(count, read('1'));
        expect(compareDecimals(exactProduct(count, divisor), dividend)).not.toBe(-1);
        expect(compareDecimals(exactProduct(less, divisor), dividend)).toBe(-1);
      }),
    );
  });
});

describe('reading and writing', () => {
  test('what is written reads back as the same number', () => {
    fc.assert(
      fc.property(wide, (value) => {
        expect(parseExactDecimal(formatDecimal(value))).toEqual(value);
        expect(isEqual(read(formatShortest(value)), value)).toBe(true);
      }),
    );
  });

  test.each(['', '1.', '.5', '+1', '1e3', ' 1', '1'.repeat(401), `0.${'1'.repeat(401)}`])(
    '%p is no decimal',
    (text) => {
      expect(parseExactDecimal(text)).toBeNull();
    },
  );

  test('zeros that say nothing are left out', () => {
    expect(
      ['1.50', '20.00', '200', '-0.10', '0.000'].map((each) => formatShortest(read(each))),
    ).toEqual(['1.5', '20', '200', '-0.1', '0']);
  });
});

test('a number fits with 38 digits, 18 of them behind the point, zeros at the end not counted', () => {
  expect(fitsDecimal(read('9'.repeat(38)))).toBe(true);
  expect(fitsDecimal(read(`-${'9'.repeat(38)}`))).toBe(true);
  expect(fitsDecimal(read(`1${'0'.repeat(38)}`))).toBe(false);
  expect(fitsDecimal(read(`-1${'0'.repeat(38)}`))).toBe(false);
  expect(fitsDecimal(read(`0.${'0'.repeat(18)}1`))).toBe(false);
  expect(fitsDecimal(read(`0.${'0'.repeat(17)}1000`))).toBe(true);
});
