/** The console's page as the server sends it: a shell for the script, safe under a strict policy. */
import { langOf, MESSAGES } from './messages.ts';

export interface ConsolePage {
  /** A language tag; one that the console does not speak becomes pt-BR. */
  readonly lang: string;
  /** Addresses of the bundled script and style sheet. */
  readonly assets: { readonly script: string; readonly style: string };
}

/** The whole HTML document. It holds no inline script or style and asks no other host for anything. */
export function renderConsolePage({ lang, assets }: ConsolePage): string {
  const known = langOf(lang);
  const m = MESSAGES[known];
  return `<!doctype html>
<html lang="${known}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="robots" content="noindex">
<meta name="referrer" content="same-origin">
<title>${escapeHtml(m.consoleTitle)}</title>
<link rel="stylesheet" href="${escapeHtml(assets.style)}">
<script type="module" src="${escapeHtml(assets.script)}"></script>
</head>
<body>
<div id="console"><p class="boot">${escapeHtml(m.loading)}</p></div>
<noscript><p class="boot">${escapeHtml(m.needsScript)}</p></noscript>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
