import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { amountOf, formatAmount, parseAmount, readAmount } from './amount.ts';

const ONE = 10n ** 18n;

describe('an amount', () => {
  test('is what its digits say, from bytes as from text, of any length', () => {
    const texts = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.stringMatching(/^[0-9]{1,20}$/),
        fc.option(fc.stringMatching(/^[0-9]{1,18}$/)),
      )
      .map(([sign, whole, fraction]) => sign + whole + (fraction === null ? '' : `.${fraction}`));
    fc.assert(
      fc.property(texts, (text) => {
        const [whole = '', fraction = ''] = text.replace('-', '').split('.');
        const size = BigInt(whole) * ONE + BigInt(fraction.padEnd(18, '0'));
        const expected = text.startsWith('-') ? -size : size;
        expect(parseAmount(text)).toBe(expected);
        const bytes = Buffer.from(`9${text}9`);
        expect(readAmount(bytes, 1, bytes.length - 1)).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['', '-', '.5', '5.', '1e3', '+1', ' 1', '1,5', `1.${'0'.repeat(19)}`])(
    'is not %p',
    (text) => {
      expect(parseAmount(text)).toBeNull();
    },
  );

  test('is written without zeros that say nothing, and read back, also beyond what a pulse may say', () => {
    expect(formatAmount(0n)).toBe('0');
    expect(formatAmount(1n)).toBe('0.000000000000000001');
    expect(formatAmount(-ONE * 1_000n)).toBe('-1000');
    expect(formatAmount(-ONE / 2n)).toBe('-0.5');
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }), (amount) => {
        expect(parseAmount(formatAmount(amount))).toBe(amount);
        expect(formatAmount(amount)).not.toMatch(/\.\d*0$|\.$/);
      }),
    );
  });

  test('is a decimal in its own scale', () => {
    expect(amountOf({ mantissa: -1250n, scale: 2 })).toBe((-25n * ONE) / 2n);
    expect(amountOf({ mantissa: 7n, scale: 18 })).toBe(7n);
    expect(amountOf({ mantissa: 7n, scale: 0 })).toBe(7n * ONE);
  });
});
