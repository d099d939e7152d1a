/** The pages: the list of polls, a poll's page, its look, the console's shell, and the files that they load. */
import { renderConsolePage } from '../../../web/console/page.ts';
import { renderLookCss } from '../../../web/vote/look.ts';
import { renderPollListPage, renderVotePage } from '../../../web/vote/page.ts';
import type { Results } from '../../../web/vote/poll.ts';
import { listPolls } from '../../application/voting/list-polls.ts';
import { formatUuidV7 } from '../../domain/counting/event-id.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { PagesDeps } from './api-deps.ts';
import { acceptsGzip } from './content-coding.ts';
import { FAVICON } from './favicon.ts';
import { answerFormVote } from './form-vote.ts';
import { htmlResponse, noticeResponse, votePageAssets } from './html-response.ts';
import { type Language, languageOf } from './language.ts';
import { createPackedTemplate, type PackedTemplate } from './packed-template.ts';
import { pollIdOf } from './poll-answers.ts';
import { pollJson } from './poll-json.ts';
import { problem } from './problems.ts';
import { type HttpApp, type HttpContext, methodNotAllowed } from './route.ts';
import { createShortCache } from './short-cache.ts';

/** A poll's page is written this often at most; a reader's clock may be that much behind, of the 2 s it may. */
const PAGE_AGE_MAX_MS = 250;
const PAGES_KEPT_MAX = 64;
/** Stands in a written page where each reader's own key goes. */
const KEY_PLACEHOLDER = '00000000-0000-7000-8000-000000000000';
/** Polls that the list at `/` shows. */
const LISTED_MAX = 50;

const HOUR_CACHE = 'public, max-age=3600';
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function mountPages(app: HttpApp, deps: PagesDeps): void {
  const votePage = createVotePage(deps);
  const page = (path: string, methods: readonly string[]): void => {
    app.all(path, () => methodNotAllowed(methods));
  };

  app.get('/', (context) => homePage(deps, context, votePage));
  page('/', ['GET', 'HEAD']);

  app.get('/p/:poll', (context) => {
    const poll = shownPoll(deps, pollIdOf(context));
    return poll === null ? notFoundPage(deps, context) : votePage(context, poll);
  });
  app.post('/p/:poll', async (context) => {
    const poll = shownPoll(deps, pollIdOf(context));
    return poll === null
      ? notFoundPage(deps, context)
      : answerFormVote(deps, context.req.raw, poll);
  });
  page('/p/:poll', ['GET', 'HEAD', 'POST']);

  app.get('/p/:poll/look.css', (context) => lookStyle(deps, context));
  page('/p/:poll/look.css', ['GET', 'HEAD']);

  if (deps.surface !== 'public') {
    app.get('/console', (context) => consolePage(deps, context));
    page('/console', ['GET', 'HEAD']);
  }

  app.get('/assets/:file', (context) => {
    const { raw } = context.req;
    const file = context.req.param('file') ?? '';
    return deps.assets.respond(raw, file) ?? problem('not_found', 'No such file was built.');
  });
  page('/assets/:file', ['GET', 'HEAD']);

  app.get('/favicon.ico', () => {
    const headers = { 'content-type': 'image/svg+xml', 'cache-control': HOUR_CACHE };
    return new Response(FAVICON, { headers });
  });
  page('/favicon.ico', ['GET', 'HEAD']);
}

type VotePage = (context: HttpContext, poll: Poll) => Response;

/** Every reader gets the same page but for the key, which makes a form's vote count once. */
function createVotePage(deps: PagesDeps): VotePage {
  const { clock } = deps.reading;
  const written = createShortCache<PackedTemplate>(
    () => clock.monotonic(),
    PAGE_AGE_MAX_MS,
    PAGES_KEPT_MAX,
  );
  const write = (poll: Poll, lang: Language, origin: string): PackedTemplate => {
    const results = deps.results.results(poll.id, 'public');
    const html = renderVotePage({
      lang,
      assets: votePageAssets(deps.assets),
      serverTime: clock.now(),
      origin,
      poll: pollJson(poll),
      results: results === null ? null : (JSON.parse(results.json) as Results),
      formKey: KEY_PLACEHOLDER,
    });
    const [before = '', after = ''] = html.split(KEY_PLACEHOLDER);
    return createPackedTemplate(before, after);
  };
  return (context, poll) => {
    const { raw } = context.req;
    const { language, cookie } = languageOf(raw);
    const origin = originOf(context);
    const key = `${poll.id} ${poll.version} ${poll.state} ${language} ${origin}`;
    const page = written.get(key, () => write(poll, language, origin));
    const voteKey = newVoteKey(clock.now());
    if (!acceptsGzip(raw)) return htmlResponse(page.plain(voteKey), cookie);
    const headers = { 'content-encoding': 'gzip' };
    return htmlResponse(page.packed(voteKey), cookie, { headers });
  };
}

/** A UUIDv7 in server time. */
function newVoteKey(time: number): string {
  const [x = 0, y = 0, z = 0] = crypto.getRandomValues(new Uint32Array(3));
  return formatUuidV7({ time, x, y, z: z & 0x3ff });
}

/** A single poll that takes votes is the page that people come for; else they choose. */
function homePage(deps: PagesDeps, context: HttpContext, votePage: VotePage): Response {
  const audience = 'public';
  const first = { audience, cursor: null, limit: LISTED_MAX } as const;
  const open = listPolls(deps.reading, { ...first, states: ['open', 'paused'] });
  const [only, second] = open.items;
  if (only !== undefined && second === undefined) return votePage(context, only);
  const all = listPolls(deps.reading, first);
  const { language, cookie } = languageOf(context.req.raw);
  const html = renderPollListPage({
    lang: language,
    assets: votePageAssets(deps.assets),
    serverTime: deps.reading.clock.now(),
    origin: originOf(context),
    polls: all.items.map(pollJson),
  });
  return htmlResponse(html, cookie);
}

function consolePage(deps: PagesDeps, context: HttpContext): Response {
  const { language, cookie } = languageOf(context.req.raw);
  const { assets } = deps;
  const files = { script: assets.url('console.js'), style: assets.url('console.css') };
  return htmlResponse(renderConsolePage({ lang: language, assets: files }), cookie);
}

function lookStyle(deps: PagesDeps, context: HttpContext): Response {
  const poll = shownPoll(deps, pollIdOf(context));
  if (poll === null) return problem('poll_not_found', 'No poll has this id.');
  const isThisVersion = context.req.query('v') === String(poll.version);
  return new Response(renderLookCss(poll.look), {
    headers: {
      'content-type': 'text/css; charset=utf-8',
      'cache-control': isThisVersion ? IMMUTABLE : 'no-cache',
    },
  });
}

function shownPoll(deps: PagesDeps, id: string): Poll | null {
  const poll = deps.reading.directory.shown(id, deps.reading.clock.now());
  return poll === undefined || poll.state === 'draft' ? null : poll;
}

function notFoundPage(deps: PagesDeps, context: HttpContext): Response {
  const { assets, reading } = deps;
  const where = { assets, now: reading.clock.now() };
  return noticeResponse(where, context.req.raw, { kind: 'poll_not_found' }, { status: 404 });
}

/** Where the reader reached this server, for link previews. */
function originOf(context: HttpContext): string {
  const { protocol, host } = new URL(context.req.raw.url);
  return `${context.env.isTls === true ? 'https:' : protocol}//${host}`;
}
