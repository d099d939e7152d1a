/** Proves in which language a page answers, and that an explicit choice is remembered. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LANGUAGES, languageOf } from './language.ts';

const ask = (path: string, headers: Record<string, string> = {}) =>
  languageOf(new Request(`http://apura.test${path}`, { headers }));

describe('the language of a page', () => {
  test.each([
    ['', 'pt-BR'],
    ['en', 'en'],
    ['en-US,en;q=0.9', 'en'],
    ['pt', 'pt-BR'],
    ['PT-pt', 'pt-BR'],
    ['es-419', 'es'],
    ['de, fr;q=0.9', 'pt-BR'],
    ['de, es;q=0.5, en;q=0.7', 'en'],
    ['en;q=0, es;q=0.1', 'es'],
    ['en;q=x', 'pt-BR'],
    ['*', 'pt-BR'],
  ])('for Accept-Language %p is %s', (header, language) => {
    expect(ask('/', { 'accept-language': header })).toEqual({ language, cookie: null } as never);
  });

  test('is the remembered one before what the browser prefers', () => {
    const headers = { cookie: 'apura_lang=es', 'accept-language': 'en' };
    expect(ask('/', headers).language).toBe('es');
  });

  test('is the one that was asked for before all, and remembered from then on', () => {
    const chosen = ask('/p/final?lang=en', { cookie: 'apura_lang=es' });
    expect(chosen.language).toBe('en');
    expect(chosen.cookie).toBe('apura_lang=en; Path=/; Max-Age=31536000; SameSite=Lax');
  });

  test('is not what nobody speaks here', () => {
    expect(ask('/?lang=tlh', { cookie: 'apura_lang=xx' })).toEqual({
      language: 'pt-BR',
      cookie: null,
    });
  });

  test('is always one of ours', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const headers = { 'accept-language': encodeURI(header.toWellFormed()) };
        expect(LANGUAGES).toContain(ask('/', headers).language);
      }),
    );
  });
});
