/** The API's own documentation: the OpenAPI document, a page that shows it, and the list of errors. */
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts';
import { version } from '../../version.ts';
import type { AssetCatalogue } from './assets.ts';
import { escapeHtml } from './html.ts';
import { ERRORS_PAGE, PROBLEMS } from './problems.ts';
import type { HttpApp } from './route.ts';
import { methodNotAllowed } from './route.ts';

/** Documents change with the server only. */
const CACHE = 'public, max-age=300';
const START_SCRIPT = '/docs/start.js';
const ERRORS_STYLE = '/docs/errors.css';

/** The page's own icons are data URLs in the published style sheet. */
const DOCS_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Mounted last: the document lists what was mounted before. */
export function mountDocs(app: HttpApp, assets: AssetCatalogue): void {
  let document: string | null = null;
  const openapi = (): string => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Apura',
          version,
          description:
            'Counts votes, and pulses of consumption, that must not be miscounted. Times are RFC 3339 in UTC; failures are ' +
            'problem documents (RFC 9457) with a stable `code`, listed at `/docs/errors`.',
          license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        },
        servers: [{ url: '/' }],
      }),
    );
    return document;
  };
  const pages: Readonly<Record<string, () => Response>> = {
    '/openapi.json': () => answer(openapi(), 'application/json'),
    '/docs': () => answer(docsPage(assets), 'text/html; charset=utf-8', DOCS_POLICY),
    [START_SCRIPT]: () => answer(START, 'text/javascript; charset=utf-8'),
    [ERRORS_PAGE]: () => answer(errorsPage(), 'text/html; charset=utf-8'),
    [ERRORS_STYLE]: () => answer(STYLE, 'text/css; charset=utf-8'),
  };
  for (const [path, page] of Object.entries(pages)) {
    app.get(path, page);
    app.all(path, () => methodNotAllowed(['GET', 'HEAD']));
  }
}

/** Ways in, for the document. */
export function registerSecuritySchemes(app: HttpApp): void {
  const { openAPIRegistry: registry } = app;
  registry.registerComponent('securitySchemes', 'operatorToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'The operator token.',
  });
  registry.registerComponent('securitySchemes', 'consoleSession', {
    type: 'apiKey',
    in: 'cookie',
    name: 'apura_session',
    description: 'The console’s session. Changes need a same-origin page and a JSON body.',
  });
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description:
      'A tenant’s API key: with the scope `read` it shows what is that tenant’s, with `ingest` it ' +
      'sends that tenant’s pulses.',
  });
  registry.registerComponent('securitySchemes', 'resultsToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'The results token from the answer to a vote of the poll.',
  });
}

function answer(body: string, contentType: string, policy?: string): Response {
  return new Response(body, {
    headers: {
      'content-type': contentType,
      'cache-control': CACHE,
      ...(policy === undefined ? {} : { 'content-security-policy': policy }),
    },
  });
}

const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
  validatorUrl: null,
});
`;

function docsPage(assets: AssetCatalogue): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Apura API</title>
<link rel="stylesheet" href="${assets.url('swagger-ui.css')}">
</head>
<body>
<div id="docs"></div>
<noscript><p>This page needs JavaScript. The document itself is <a href="/openapi.json">/openapi.json</a>.</p></noscript>
<script src="${assets.url('swagger-ui-bundle.js')}"></script>
<script src="${START_SCRIPT}"></script>
</body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: 0.4rem 0.6rem; text-align: left; vertical-align: top; }
tr:target { background: #fd08; }
`;

/** Where every problem's \`type\` leads. */
function errorsPage(): string {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  const rows = codes
    .filter((code) => PROBLEMS[code].isPublic)
    .map((code) => {
      const { status, title, retryAfterSeconds } = PROBLEMS[code];
      const retry = retryAfterSeconds === undefined ? '' : `after ${retryAfterSeconds} s`;
      return `<tr id="${code}"><th scope="row"><code>${code}</code></th><td>${status}</td><td>${escapeHtml(title)}</td><td>${retry}</td></tr>`;
    })
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Apura: error codes</title>
<link rel="stylesheet" href="${ERRORS_STYLE}">
</head>
<body>
<h1>Error codes</h1>
<p>Every failure is a problem document (RFC 9457) with one of these codes. Codes never change their meaning.</p>
<table>
<thead><tr><th scope="col">code</th><th scope="col">HTTP</th><th scope="col">meaning</th><th scope="col">ask again</th></tr></thead>
<tbody>
${rows}
</tbody>
</table>
</body>
</html>
`;
}
