/** Proves that what is kept is used while it is young, and that little is kept. */
import { expect, test } from 'bun:test';
import { createShortCache } from './short-cache.ts';

test('a value is made once while it is young, and anew afterwards', () => {
  let now = 0;
  let made = 0;
  const cache = createShortCache<number>(() => now, 1_000, 10);
  const make = () => {
    made += 1;
    return made;
  };
  expect(cache.get('a', make)).toBe(1);
  now = 999;
  expect(cache.get('a', make)).toBe(1);
  now = 1_000;
  expect(cache.get('a', make)).toBe(2);
});

test('the oldest value makes room for a new one', () => {
  const cache = createShortCache<string>(() => 0, 1_000, 2);
  for (const key of ['a', 'b', 'c']) cache.get(key, () => key);
  expect(cache.get('c', () => 'new')).toBe('c');
  expect(cache.get('b', () => 'new')).toBe('b');
  expect(cache.get('a', () => 'new')).toBe('new');
});
