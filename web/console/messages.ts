/** The console's words in every language; a language that misses one does not compile. */
import { EN } from './messages-en.ts';
import { ES } from './messages-es.ts';
import { type Messages, PT_BR } from './messages-pt-br.ts';

export type Lang = 'pt-BR' | 'en' | 'es';

export const MESSAGES: Readonly<Record<Lang, Messages>> = { 'pt-BR': PT_BR, en: EN, es: ES };

export const LANGS: readonly Lang[] = ['pt-BR', 'en', 'es'];

/** The language that serves a tag such as `es-MX`; Brazilian Portuguese where none does. */
export function langOf(tag: string): Lang {
  const wanted = tag.toLowerCase();
  const base = wanted.split('-')[0];
  return (
    LANGS.find((lang) => lang.toLowerCase() === wanted) ??
    LANGS.find((lang) => lang.toLowerCase().split('-')[0] === base) ??
    'pt-BR'
  );
}
