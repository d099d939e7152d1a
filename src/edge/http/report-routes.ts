/** The poll's report over HTTP: JSON for programs, CSV for spreadsheets, a page for the printer. */
import { createHash } from 'node:crypto';
import { renderReportPage } from '../../../web/report/page.ts';
import type { Report } from '../../../web/report/report.ts';
import type { GetReportResult } from '../../application/voting/get-report.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { ApiDeps } from './api-deps.ts';
import { holdsAlready } from './entity-tag.ts';
import { READER_HEADERS } from './json-response.ts';
import { languageOf } from './language.ts';
import { preferredType } from './media-type.ts';
import { pollIdOf, pollNotFound } from './poll-answers.ts';
import { problem } from './problems.ts';
import { REPORT_FORMATS, reportQuerySchema } from './query-schemas.ts';
import { reportCsv } from './report-csv.ts';
import { reportJson } from './report-json.ts';
import { reportSchema } from './report-schema.ts';
import { readQuery } from './request-query.ts';
import { audienceFor, TOKEN_SECURITY } from './results-routes.ts';
import { type HttpContext, problemResponses, type Route } from './route.ts';
import { pathPoll } from './schemas.ts';
import { createShortCache, type ShortCache } from './short-cache.ts';

type Format = (typeof REPORT_FORMATS)[number];

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv; charset=utf-8; header=present',
  html: 'text/html; charset=utf-8',
};

/** A report runs over every minute of its polls: drawn up once a second, however many ask for it. */
const REPORT_AGE_MAX_MS = 1_000;
const REPORTS_KEPT_MAX = 16;
/** Whoever reads may go back and forth for a moment; no cache between may keep it. */
const CACHE_CONTROL = 'private, max-age=1';
const VARY = `Accept, Accept-Language, ${READER_HEADERS}`;
const TAG_LENGTH = 32;

export function reportRoutes(deps: ApiDeps): readonly Route[] {
  const { clock } = deps.reading;
  const drawnUp = createShortCache<Promise<GetReportResult>>(
    () => clock.monotonic(),
    REPORT_AGE_MAX_MS,
    REPORTS_KEPT_MAX,
  );
  return [reportRoute(deps, drawnUp)];
}

function reportRoute(deps: ApiDeps, drawnUp: ShortCache<Promise<GetReportResult>>): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}/report',
      tags: ['Results'],
      operationId: 'getReport',
      summary: 'What goes on paper after a vote: as JSON, CSV or a page to print',
      description:
        'Totals, options by the hours of the poll’s time zone, peaks, and the books, from the ledger’s ' +
        'windows. Operators read it at any time, with the acts on record; others where the poll shows ' +
        'them counts, with the books once the count is final. `compare` lays other polls beside it, by ' +
        'hours since each one’s opening.',
      security: TOKEN_SECURITY,
      request: { params: pathPoll, query: reportQuerySchema },
      responses: {
        200: {
          description: 'The report.',
          content: {
            'application/json': { schema: reportSchema },
            'text/csv': {
              schema: { type: 'string' as const },
              example:
                'section,poll,from,to,option,name,value\r\ntotal,final,,,,votes,4\r\n' +
                'option,final,,,ana,votes,3\r\noption,final,,,ana,share,0.75\r\n',
            },
            'text/html': { schema: { type: 'string' as const } },
          },
        },
        304: { description: 'Not changed since the ETag that If-None-Match names.' },
        ...problemResponses('poll_not_found', 'invalid_query', 'forbidden'),
      },
    },
    async handle(context, caller) {
      const { raw } = context.req;
      const query = readQuery(raw, reportQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { compare = [], format = formatOf(raw) } = query.value;
      const poll = pollIdOf(context);
      if (compare.includes(poll)) {
        return problem('invalid_query', 'A poll can not stand beside itself.');
      }
      const audience = audienceFor(deps, context, caller);
      const outcome = await drawnUp.get(keyOf(deps, [poll, ...compare], audience), () =>
        deps.useCases.getReport({ poll, audience, compare }),
      );
      if (outcome.kind !== 'ok') return refusalOf(outcome, poll);
      return reportAnswer(deps, context, format, reportJson(outcome.report, outcome.now));
    },
  };
}

function formatOf(request: Request): Format {
  const type = preferredType(request.headers.get('accept'), [
    'application/json',
    'text/csv',
    'text/html',
  ]);
  return REPORT_FORMATS.find((format) => MEDIA_TYPES[format].startsWith(type)) ?? 'json';
}

/** With the entity tags of the polls, so that what was just hidden is not shown a moment longer. */
function keyOf(deps: ApiDeps, polls: readonly string[], audience: Audience): string {
  const tags = polls.map((poll) => `${poll} ${deps.results.poll(poll, audience)?.etag ?? ''}`);
  return `${audience} ${tags.join(' ')}`;
}

function refusalOf(
  outcome: Exclude<GetReportResult, { readonly kind: 'ok' }>,
  asked: string,
): Response {
  switch (outcome.kind) {
    case 'poll_not_found':
      return outcome.poll === asked
        ? pollNotFound()
        : problem('poll_not_found', `No poll has the id ${outcome.poll}.`);
    case 'forbidden':
      return problem('forbidden', `The counts of ${outcome.poll} are not for this reader now.`);
    case 'range_too_long':
      return problem(
        'invalid_query',
        `A report has at most ${outcome.hoursMax} hours; ${outcome.poll} has more.`,
      );
  }
}

function reportAnswer(
  deps: ApiDeps,
  context: HttpContext,
  format: Format,
  report: Report,
): Response {
  const { raw } = context.req;
  const { language, cookie } = languageOf(raw);
  const etag = tagOf(report, format === 'html' ? `${format} ${language}` : format);
  const headers: Record<string, string> = {
    'content-type': MEDIA_TYPES[format],
    'cache-control': CACHE_CONTROL,
    vary: VARY,
    etag,
  };
  if (holdsAlready(raw, etag)) return new Response(null, { status: 304, headers });
  switch (format) {
    case 'json':
      return new Response(JSON.stringify(report), { headers });
    case 'csv':
      headers['content-disposition'] = `attachment; filename="${report.poll}-report.csv"`;
      return new Response(reportCsv(report), { headers });
    case 'html': {
      if (cookie !== null) headers['set-cookie'] = cookie;
      const assets = { style: deps.assets.url('report.css'), icon: '/favicon.ico' };
      return new Response(renderReportPage({ language, assets, report }), { headers });
    }
  }
}

/** Weak: reports that differ in nothing but when they were asked for are the same report. */
function tagOf(report: Report, form: string): string {
  const { generatedAt: _, asOf: __, record, ...lasting } = report;
  const { consistency, ...acts } = record ?? { consistency: null };
  const told = JSON.stringify([lasting, acts, consistency?.state, form]);
  return `W/"${createHash('sha256').update(told).digest('hex').slice(0, TAG_LENGTH)}"`;
}
