import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { AMOUNT_SCALE } from '../../domain/metering/pulse.ts';
import { amountOf, NUMERIC_BYTES_MAX, numericText, writeNumeric } from './numeric.ts';

const LIMIT = 10n ** 38n - 1n;
const GROUPS_BEHIND = 5;

const amounts = fc.oneof(
  fc.bigInt({ min: -LIMIT, max: LIMIT }),
  fc
    .tuple(fc.bigInt({ min: -99_999n, max: 99_999n }), fc.nat(33))
    .map(([digits, zeros]) => digits * 10n ** BigInt(zeros)),
);

/** What a field says by the description of the format: groups of four digits, the first of a weight. */
function read(bytes: DataView): { readonly amount: bigint; readonly decimals: number } {
  const count = bytes.getInt16(4);
  const weight = bytes.getInt16(6);
  let value = 0n;
  for (let group = 0; group < count; group += 1) {
    const digits = bytes.getInt16(12 + 2 * group);
    if (digits < 0 || digits > 9_999) throw new Error(`A group of ${digits}`);
    value += BigInt(digits) * 10_000n ** BigInt(weight - group + GROUPS_BEHIND);
  }
  const scale = 10n ** BigInt(4 * GROUPS_BEHIND - AMOUNT_SCALE);
  if (value % scale !== 0n) throw new Error(`More than ${AMOUNT_SCALE} digits behind the point`);
  const sign = bytes.getUint16(8) === 0 ? 1n : -1n;
  return { amount: (sign * value) / scale, decimals: bytes.getUint16(10) };
}

test('an amount is the same in the binary form, with no group and no decimal that says nothing', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      const bytes = new DataView(new ArrayBuffer(NUMERIC_BYTES_MAX));
      const end = writeNumeric(bytes, 0, amount);
      expect(end).toBe(4 + bytes.getUint32(0));
      expect(bytes.getUint32(0)).toBe(8 + 2 * bytes.getInt16(4));
      const [, decimals = ''] = numericText(amount).split('.');
      expect(read(bytes)).toEqual({ amount, decimals: decimals.length });
      const count = bytes.getInt16(4);
      if (count > 0) expect(bytes.getInt16(12)).not.toBe(0);
      if (count > 0) expect(bytes.getInt16(10 + 2 * count)).not.toBe(0);
    }),
  );
});

test('an amount is the same in text', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(amountOf(numericText(amount))).toBe(amount);
    }),
  );
  expect(numericText(-12_500_000_000_000_000_000n)).toBe('-12.5');
});

test('text of another scale is the same amount, where no digit is lost', () => {
  expect(amountOf('7')).toBe(7n * 10n ** 18n);
  expect(amountOf('0.50000000000000000000')).toBe(5n * 10n ** 17n);
  for (const text of ['NaN', 'Infinity', '1e3', '0.0000000000000000001', '', null, 1]) {
    expect(() => amountOf(text)).toThrow(/which is not ours/);
  }
});
