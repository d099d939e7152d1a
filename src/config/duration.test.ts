import { expect, test } from 'bun:test';
import { parseDuration } from './duration.ts';

test('a duration is a number and a unit, nothing else', () => {
  expect(parseDuration('500ms')).toBe(500);
  expect(parseDuration('30s')).toBe(30_000);
  expect(parseDuration('1.5m')).toBe(90_000);
  expect(parseDuration('2h')).toBe(7_200_000);
  for (const text of ['', '30', 's', '-1s', '1 s', '1e3s', '1d', '1s2', '.5s']) {
    expect(parseDuration(text)).toBeNull();
  }
});
