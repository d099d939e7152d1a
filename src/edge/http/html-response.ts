/** Answers with a page, and notices: pages that say one thing, such as that there is no such poll. */
import { renderNoticePage } from '../../../web/vote/page.ts';
import type { Notice, PageAssets } from '../../../web/vote/page-model.ts';
import type { AssetCatalogue } from './assets.ts';
import { languageOf } from './language.ts';

export interface PageAnswer {
  readonly status?: number;
  readonly cacheControl?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a page says depends on these. */
const VARY = 'Accept-Encoding, Accept-Language, Cookie';

export function htmlResponse(
  html: string | Uint8Array<ArrayBuffer>,
  languageCookie: string | null,
  { status = 200, cacheControl = 'no-store', headers = {} }: PageAnswer = {},
): Response {
  return new Response(html, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': cacheControl,
      vary: VARY,
      ...(languageCookie === null ? {} : { 'set-cookie': languageCookie }),
      ...headers,
    },
  });
}

export function noticeResponse(
  deps: { readonly assets: AssetCatalogue; readonly now: number },
  request: Request,
  notice: Notice,
  answer: PageAnswer = {},
): Response {
  const { language, cookie } = languageOf(request);
  const html = renderNoticePage({
    lang: language,
    assets: votePageAssets(deps.assets),
    serverTime: deps.now,
    notice,
  });
  return htmlResponse(html, cookie, answer);
}

export function votePageAssets(assets: AssetCatalogue): PageAssets {
  return { script: assets.url('vote.js'), style: assets.url('vote.css'), icon: '/favicon.ico' };
}

/** Whether a person reads the answer: a browser that opens an address asks for HTML by name. */
export function wantsHtml(request: Request): boolean {
  return /\btext\/html\b/i.test(request.headers.get('accept') ?? '');
}
