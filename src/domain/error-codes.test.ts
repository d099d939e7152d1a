import { expect, test } from 'bun:test';
import { ERROR_CODES, isErrorCode } from './error-codes.ts';

test('a code is told from every other value, also from what all objects have', () => {
  for (const code of Object.keys(ERROR_CODES)) expect(isErrorCode(code)).toBe(true);
  for (const other of ['', 'LOG_FAILED', 'toString', '__proto__', null, undefined, 7, {}]) {
    expect(isErrorCode(other)).toBe(false);
  }
});

test('a code is words in lower case, and each is explained in one sentence', () => {
  for (const [code, words] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(words).toMatch(/^[A-Z].+\.$/);
  }
});
