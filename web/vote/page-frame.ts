/** The frame that all voter pages share: head, brand, languages and foot. */
import { type Html, html } from './html.ts';
import type { Messages } from './messages.ts';
import { messagesIn } from './messages-in.ts';
import type { PageAssets } from './page-model.ts';
import { LANGUAGES, type Poll } from './poll.ts';

export type Frame = {
  readonly messages: Messages;
  readonly assets: PageAssets;
  readonly origin: string | null;
  readonly title: string;
  readonly description: string;
  /** Lends the page its look, its preview picture and its address. */
  readonly poll: Poll | null;
  /** False for a page that nobody should find or keep, such as an error. */
  readonly lasting: boolean;
  /** Whether the page has something for the script to do. */
  readonly scripted: boolean;
  readonly body: Html;
};

/** The whole document. */
export function renderFrame(frame: Frame): string {
  const { messages, assets, poll, body } = frame;
  return html`<!doctype html>
<html lang="${messages.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>${frame.title}</title>
<meta name="description" content="${frame.description}">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f7f6f3" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#121418" media="(prefers-color-scheme: dark)">
${frame.lasting ? preview(frame) : html`<meta name="robots" content="noindex">`}
<link rel="stylesheet" href="${assets.style}">
${poll !== null && lookLink(poll)}
${assets.icon !== undefined && html`<link rel="icon" href="${assets.icon}">`}
${frame.scripted && html`<script type="module" src="${assets.script}"></script>`}
</head>
<body>
<header class="top">
  <a class="brand" href="/">${brand(poll)}</a>
  <nav class="languages" aria-label="${messages.languages}">${LANGUAGES.map((language) => {
    const { languageCode, languageName } = messagesIn(language);
    const current = language === messages.language && html` aria-current="true"`;
    return html`<a href="?lang=${language}" lang="${language}" hreflang="${language}"${current}>${languageCode}<span class="unseen"> ${languageName}</span></a>`;
  })}</nav>
</header>
<main>${body}
</main>
<footer class="foot"><p>${messages.poll.promise}</p></footer>
</body>
</html>
`.toString();
}

/** A path of this server, or null: the page never makes the reader's browser ask anyone else. */
export function localPath(url: string | null): string | null {
  return url !== null && /^\/(?![/\\])/.test(url) ? url : null;
}

export function pollPath(poll: string): string {
  return `/p/${encodeURIComponent(poll)}`;
}

function brand(poll: Poll | null): Html {
  const logo = localPath(poll?.look.logoUrl ?? null);
  if (logo !== null) return html`<img class="logo" src="${logo}" alt="Apura" height="32">`;
  return html`<svg class="brand-mark" width="24" height="24" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="7" /><path d="M6.5 12.6l3.6 3.7 7.4-8" fill="none" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" /></svg><span>Apura</span>`;
}

function lookLink(poll: Poll): Html | false {
  if (poll.look.accentColor === null) return false;
  return html`<link rel="stylesheet" href="${pollPath(poll.id)}/look.css?v=${poll.version}">`;
}

function preview({ messages, origin, title, description, poll }: Frame): Html {
  const picture = poll?.options.map((option) => localPath(option.imageUrl)).find(Boolean) ?? null;
  return html`<meta property="og:type" content="website">
<meta property="og:site_name" content="Apura">
<meta property="og:locale" content="${messages.language.replace('-', '_')}">
<meta property="og:title" content="${title}">
<meta property="og:description" content="${description}">
${origin !== null && html`<meta property="og:url" content="${origin}${poll === null ? '/' : pollPath(poll.id)}">`}
${origin !== null && picture !== null && html`<meta property="og:image" content="${origin}${picture}">`}
<meta name="twitter:card" content="${origin !== null && picture !== null ? 'summary_large_image' : 'summary'}">`;
}
