/** Finds the words of a language. */
import type { Messages } from './messages.ts';
import { EN } from './messages-en.ts';
import { ES } from './messages-es.ts';
import { PT_BR } from './messages-pt-br.ts';
import type { Language } from './poll.ts';

const ALL: Readonly<Record<Language, Messages>> = { 'pt-BR': PT_BR, en: EN, es: ES };

export function messagesIn(language: Language): Messages {
  return ALL[language];
}
