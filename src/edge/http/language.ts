/** Which language a page speaks: as asked, as remembered, as the browser prefers, else pt-BR. */
import { cookieOf } from './console-sessions.ts';

export const LANGUAGES = ['pt-BR', 'en', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

const LANGUAGE_COOKIE = 'apura_lang';
const DEFAULT_LANGUAGE: Language = 'pt-BR';
const YEAR_SECONDS = 365 * 24 * 3600;
/** No browser sends more; a longer list is somebody else's. */
const PREFERENCES_MAX = 20;

export interface ChosenLanguage {
  readonly language: Language;
  /** The Set-Cookie value that remembers a language that was asked for by `?lang=`; null else. */
  readonly cookie: string | null;
}

export function languageOf(request: Request): ChosenLanguage {
  const asked = languageNamed(new URL(request.url).searchParams.get('lang') ?? '');
  if (asked !== null) {
    const cookie = `${LANGUAGE_COOKIE}=${asked}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax`;
    return { language: asked, cookie };
  }
  const remembered = languageNamed(cookieOf(request.headers.get('cookie'), LANGUAGE_COOKIE) ?? '');
  const language =
    remembered ?? preferredOf(request.headers.get('accept-language') ?? '') ?? DEFAULT_LANGUAGE;
  return { language, cookie: null };
}

/** `pt`, `pt-PT` and `PT-br` are all answered in pt-BR: the primary tag decides. */
function languageNamed(tag: string): Language | null {
  const primary = tag.trim().toLowerCase().split('-')[0];
  return LANGUAGES.find((language) => language.toLowerCase().split('-')[0] === primary) ?? null;
}

/** RFC 9110, 12.5.4: by weight, then by order; weight 0 is a refusal. */
function preferredOf(header: string): Language | null {
  let best: { readonly language: Language; readonly weight: number } | null = null;
  for (const part of header.split(',', PREFERENCES_MAX)) {
    const [tag = '', ...parameters] = part.split(';');
    const language = languageNamed(tag);
    const q = parameters.map((text) => text.trim()).find((text) => text.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    if (language !== null && weight > 0 && weight > (best?.weight ?? 0))
      best = { language, weight };
  }
  return best?.language ?? null;
}
