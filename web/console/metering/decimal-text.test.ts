import { expect, test } from 'bun:test';
import {
  compareDecimals,
  decimalShown,
  editedDecimal,
  signedShown,
  sumOfDecimals,
  typedDecimal,
} from './decimal-text.ts';

const LONG = '12345678901234567890.123456789012345678';

test('a typed number keeps every digit, with a comma or a point', () => {
  for (const lang of ['pt-BR', 'en', 'es']) {
    expect(typedDecimal(LONG, lang)).toBe(LONG);
    expect(typedDecimal(' 0,05 ', lang)).toBe('0.05');
    expect(typedDecimal('0.005', lang)).toBe('0.005');
    expect(typedDecimal('007.50', lang)).toBe('7.50');
    expect(typedDecimal('-3', lang)).toBe('-3');
    expect(typedDecimal('−3', lang)).toBe('-3');
    expect(typedDecimal('1 000,5', lang)).toBe('1000.5');
    expect(typedDecimal(editedDecimal('12345.678', lang), lang)).toBe('12345.678');
  }
});

test('what could be meant in two ways, or is no number, is refused', () => {
  for (const typed of ['', '1.000,5', '1,000.5', '1,2,3', '.5', '5.', '1e3', 'ten', '--1']) {
    expect(typedDecimal(typed, 'pt-BR')).toBeNull();
    expect(typedDecimal(typed, 'en')).toBeNull();
  }
  expect(typedDecimal('1.000', 'pt-BR')).toBeNull();
  expect(typedDecimal('1.000', 'es')).toBeNull();
  expect(typedDecimal('1.000', 'en')).toBe('1.000');
  expect(typedDecimal('1,000', 'en')).toBeNull();
  expect(typedDecimal('1,000', 'pt-BR')).toBe('1.000');
  expect(typedDecimal(`0.${'1'.repeat(19)}`, 'en')).toBeNull();
  expect(typedDecimal('1'.repeat(39), 'en')).toBeNull();
});

test('numbers are compared by value, to the last digit', () => {
  expect(compareDecimals('0.10', '0.1')).toBe(0);
  expect(compareDecimals('9', '10')).toBe(-1);
  expect(compareDecimals('-1', '-2')).toBe(1);
  expect(compareDecimals(LONG, `${LONG.slice(0, -1)}7`)).toBe(1);
});

test('a sum loses nothing', () => {
  expect(sumOfDecimals([])).toBe('0');
  expect(sumOfDecimals(['0.1', '0.2'])).toBe('0.3');
  expect(sumOfDecimals(['9007199254740993', '0.000000000000000001'])).toBe(
    '9007199254740993.000000000000000001',
  );
  expect(sumOfDecimals(['1.5', '-2'])).toBe('-0.5');
  expect(sumOfDecimals(['0.5', '0.5'])).toBe('1');
});

test('a number is shown with the separators of the language and all of its digits', () => {
  expect(decimalShown('1234567.50', 'pt-BR')).toBe('1.234.567,50');
  expect(decimalShown('1234567.50', 'en')).toBe('1,234,567.50');
  expect(decimalShown('12345.5', 'es')).toBe('12.345,5');
  expect(decimalShown(LONG, 'en')).toBe('12,345,678,901,234,567,890.123456789012345678');
  expect(decimalShown('-0.25', 'en')).toBe('−0.25');
  expect(decimalShown('n/a', 'en')).toBe('n/a');
});

test('a difference says which way it goes', () => {
  expect(signedShown('1.50', 'en')).toBe('+1.50');
  expect(signedShown('-1.50', 'en')).toBe('−1.50');
  expect(signedShown('0.00', 'en')).toBe('0.00');
});
