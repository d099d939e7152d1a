import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  DIGITS_MAX,
  decimalOf,
  formatDecimal,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
  type Rounding,
  rescaleDecimal,
  SCALE_MAX,
  ZERO,
} from './decimal.ts';

const LIMIT = 10n ** BigInt(DIGITS_MAX);
const scales = fc.nat(SCALE_MAX);
const roundings = fc.constantFrom<Rounding>('half-even', 'half-up');
const decimals: fc.Arbitrary<Decimal> = fc.record({
  mantissa: fc.bigInt({ min: -LIMIT + 1n, max: LIMIT - 1n }),
  scale: scales,
});
/** So small that every sum and product of two fits. */
const smallDecimals: fc.Arbitrary<Decimal> = fc.record({
  mantissa: fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
  scale: fc.nat(9),
});

const read = (text: string): Decimal => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const written = (decimal: Decimal | null) => (decimal === null ? null : formatDecimal(decimal));

/** As a whole number of 10^-40: far finer than any scale, so that exact values can be compared. */
const exact = ({ mantissa, scale }: Decimal): bigint => mantissa * 10n ** BigInt(40 - scale);

describe('reading and writing', () => {
  test.each([
    ['0', 0n, 0],
    ['-12.340', -12340n, 3],
    ['0.000000000000000001', 1n, 18],
    ['007.50', 750n, 2],
    ['9'.repeat(38), LIMIT - 1n, 0],
    [`${'9'.repeat(20)}.${'9'.repeat(18)}`, LIMIT - 1n, 18],
  ] as const)('%s keeps its value and its scale', (text, mantissa, scale) => {
    expect(parseDecimal(text)).toEqual({ mantissa, scale });
  });

  test.each([
    '',
    '-',
    '.5',
    '5.',
    '+1',
    '1e3',
    '1,5',
    ' 1',
    '1\n',
    '0x10',
    'NaN',
    '١',
    '--1',
    `0.${'1'.repeat(19)}`,
    '9'.repeat(39),
    `${'9'.repeat(21)}.${'9'.repeat(18)}`,
  ])('%p is no decimal', (text) => {
    expect(parseDecimal(text)).toBeNull();
  });

  test('zero is written without a sign, and small numbers with a digit before the point', () => {
    expect(written(read('-0.00'))).toBe('0.00');
    expect(written(read('-0.05'))).toBe('-0.05');
    expect(written(ZERO)).toBe('0');
  });

  test('what is written reads back as the same number in the same scale', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        expect(parseDecimal(formatDecimal(decimal))).toEqual(decimal);
      }),
    );
  });

  test('a whole number fits up to 38 digits', () => {
    expect(decimalOf(-42n)).toEqual({ mantissa: -42n, scale: 0 });
    expect(decimalOf(LIMIT - 1n)).not.toBeNull();
    expect(decimalOf(LIMIT)).toBeNull();
    expect(decimalOf(-LIMIT)).toBeNull();
  });
});

describe('sums', () => {
  test('are exact where binary fractions are not', () => {
    expect(written(addDecimals(read('0.1'), read('0.2')))).toBe('0.3');
    let sum: Decimal | null = ZERO;
    for (let index = 0; index < 1_000; index += 1) sum = sum && addDecimals(sum, read('0.001'));
    expect(written(sum)).toBe('1.000');
  });

  test('are exact in any order, in the larger scale', () => {
    fc.assert(
      fc.property(smallDecimals, smallDecimals, smallDecimals, (a, b, c) => {
        const ab = addDecimals(a, b);
        const bc = addDecimals(b, c);
        const left = ab && addDecimals(ab, c);
        const right = bc && addDecimals(a, bc);
        expect(left).not.toBeNull();
        expect(left).toEqual(right);
        expect(left && exact(left)).toBe(exact(a) + exact(b) + exact(c));
        expect(left?.scale).toBe(Math.max(a.scale, b.scale, c.scale));
      }),
    );
  });

  test('of a number and its opposite are zero', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        expect(addDecimals(decimal, negateDecimal(decimal))?.mantissa).toBe(0n);
      }),
    );
  });

  test('that do not fit are refused, never cut', () => {
    expect(addDecimals(read('9'.repeat(38)), read('1'))).toBeNull();
    expect(addDecimals(read('9'.repeat(38)), read('0.1'))).toBeNull();
    expect(written(addDecimals(read('9'.repeat(38)), read('-1')))).toBe(`${'9'.repeat(37)}8`);
  });
});

describe('products', () => {
  test('are exact while their scale has room', () => {
    expect(written(multiplyDecimals(read('1.10'), read('-0.3'), 'half-even'))).toBe('-0.330');
    fc.assert(
      fc.property(smallDecimals, smallDecimals, roundings, (a, b, rounding) => {
        const product = multiplyDecimals(a, b, rounding);
        const fine = product && product.mantissa * 10n ** BigInt(40 - product.scale);
        expect(fine).toBe(a.mantissa * b.mantissa * 10n ** BigInt(40 - a.scale - b.scale));
      }),
    );
  });

  test('are rounded once, from the exact product', () => {
    // In two steps 0.4445 would go by way of 0.445 to 0.45.
    expect(written(multiplyDecimals(read('0.4445'), read('1'), 'half-up', 2))).toBe('0.44');
    expect(written(multiplyDecimals(read('0.05'), read('0.5'), 'half-even', 2))).toBe('0.02');
    expect(written(multiplyDecimals(read('0.05'), read('0.5'), 'half-up', 2))).toBe('0.03');
  });

  test('keep 18 digits behind the point at the most', () => {
    const tiny = read('0.000000000000000001');
    expect(multiplyDecimals(tiny, tiny, 'half-up')).toEqual({ mantissa: 0n, scale: 18 });
    const half = read('0.5');
    expect(multiplyDecimals(tiny, half, 'half-even')?.mantissa).toBe(0n);
    expect(multiplyDecimals(tiny, half, 'half-up')?.mantissa).toBe(1n);
  });

  test('that do not fit are refused', () => {
    expect(multiplyDecimals(read('9'.repeat(38)), read('2'), 'half-even')).toBeNull();
    expect(multiplyDecimals(read('1'), read('1'), 'half-even', 19)).toBeNull();
    expect(multiplyDecimals(read('1'), read('1'), 'half-even', -1)).toBeNull();
  });
});

describe('rounding', () => {
  test.each([
    ['0.5', '0', '1'],
    ['1.5', '2', '2'],
    ['2.5', '2', '3'],
    ['2.500000000000000001', '3', '3'],
    ['2.499999999999999999', '2', '2'],
    ['-0.5', '0', '-1'],
    ['-1.5', '-2', '-2'],
    ['-2.5', '-2', '-3'],
  ])('%s becomes %s by half-even and %s by half-up', (text, halfEven, halfUp) => {
    expect(written(rescaleDecimal(read(text), 0, 'half-even'))).toBe(halfEven);
    expect(written(rescaleDecimal(read(text), 0, 'half-up'))).toBe(halfUp);
  });

  test('goes to a nearest number of the new scale, and only halves depend on the kind', () => {
    fc.assert(
      fc.property(decimals, scales, (decimal, scale) => {
        const even = rescaleDecimal(decimal, scale, 'half-even');
        const up = rescaleDecimal(decimal, scale, 'half-up');
        fc.pre(even !== null && up !== null);
        const unit = 10n ** BigInt(40 - scale);
        const error = exact(even) - exact(decimal);
        expect(2n * (error < 0n ? -error : error) <= unit).toBe(true);
        const isHalf = 2n * error === unit || 2n * error === -unit;
        if (isHalf) expect(even.mantissa % 2n).toBe(0n);
        else expect(up).toEqual(even);
        const magnitude = (value: bigint) => (value < 0n ? -value : value);
        expect(magnitude(up.mantissa) >= magnitude(even.mantissa)).toBe(true);
      }),
    );
  });

  test('to a larger scale and back changes nothing', () => {
    fc.assert(
      fc.property(smallDecimals, roundings, (decimal, rounding) => {
        const fine = rescaleDecimal(decimal, SCALE_MAX, rounding);
        expect(fine && rescaleDecimal(fine, decimal.scale, rounding)).toEqual(decimal);
      }),
    );
  });

  test('to a scale in which the number does not fit is refused', () => {
    expect(rescaleDecimal(read('9'.repeat(38)), 1, 'half-even')).toBeNull();
    expect(rescaleDecimal(read('1'), 60, 'half-even')).toBeNull();
  });
});

test('numbers are compared by value, whatever their scales', () => {
  expect(compareDecimals(read('1.50'), read('1.5'))).toBe(0);
  expect(compareDecimals(read('-1'), read('0.1'))).toBe(-1);
  fc.assert(
    fc.property(decimals, decimals, (a, b) => {
      const expected = exact(a) < exact(b) ? -1 : exact(a) > exact(b) ? 1 : 0;
      expect(compareDecimals(a, b)).toBe(expected);
      expect(compareDecimals(b, a)).toBe(expected === 0 ? 0 : expected === 1 ? -1 : 1);
    }),
  );
});
