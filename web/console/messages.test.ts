import { expect, test } from 'bun:test';
import { LANGS, langOf, MESSAGES } from './messages.ts';

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function') return [String(value('⟨1⟩', '⟨2⟩', '⟨3⟩'))];
  return Object.values(value as object).flatMap(textsOf);
}

test('no language has an empty text', () => {
  for (const lang of LANGS) {
    for (const text of textsOf(MESSAGES[lang])) expect(text.trim()).not.toBe('');
  }
});

test('every language puts the same parts into a text', () => {
  const parts = (lang: (typeof LANGS)[number]) =>
    textsOf(MESSAGES[lang]).map((text) => text.match(/⟨\d⟩/g)?.sort().join('') ?? '');
  for (const lang of LANGS) expect(parts(lang)).toEqual(parts('pt-BR'));
});

test('a word to type differs from the one of any other act', () => {
  for (const lang of LANGS) {
    const { close, publish } = MESSAGES[lang].confirmWord;
    expect(close).not.toBe(publish);
  }
});

test('a tag finds its language, and an unknown one Brazilian Portuguese', () => {
  expect(langOf('pt-BR')).toBe('pt-BR');
  expect(langOf('pt-PT')).toBe('pt-BR');
  expect(langOf('EN-gb')).toBe('en');
  expect(langOf('es-MX')).toBe('es');
  expect(langOf('de')).toBe('pt-BR');
  expect(langOf('')).toBe('pt-BR');
});
