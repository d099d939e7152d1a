import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SLUG_PATTERN } from './poll.ts';
import { slugOf, uniqueSlug } from './slug.ts';

describe('a slug', () => {
  test.each([
    ['Ana Júlia', 'ana-julia'],
    ['  João & Zé!  ', 'joao-ze'],
    ['ÇÃO', 'cao'],
    ['ﬁm', 'fim'],
    ['---', ''],
    ['李', ''],
    ['🗳️', ''],
    ['a'.repeat(80), 'a'.repeat(63)],
    [`${'a'.repeat(62)} b`, 'a'.repeat(62)],
  ])('of %p is %p', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  test('is numbered where another has it, and says its place where the name gives none', () => {
    expect(uniqueSlug('Ana', 1, new Set(['ana', 'ana-2']))).toBe('ana-3');
    expect(uniqueSlug('李', 4, new Set())).toBe('option-4');
    const long = 'a'.repeat(63);
    expect(uniqueSlug(long, 1, new Set([long]))).toBe(`${'a'.repeat(61)}-2`);
  });

  test('is always an id, and never one that is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 80 })), (names) => {
        const taken = new Set<string>();
        for (const [index, name] of names.entries()) {
          const slug = uniqueSlug(name, index + 1, taken);
          expect(slug).toMatch(SLUG_PATTERN);
          expect(taken.has(slug)).toBe(false);
          taken.add(slug);
        }
      }),
    );
  });
});
