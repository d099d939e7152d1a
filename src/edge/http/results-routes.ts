/** Results over HTTP: now, by the hour, by the minute, as far as the poll shows them to whoever asks. */
import { getHourly } from '../../application/voting/get-hourly.ts';
import {
  type GetTimeseriesResult,
  getTimeseries,
} from '../../application/voting/get-timeseries.ts';
import type { ShownSeries } from '../../domain/voting/shown-results.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { ApiDeps } from './api-deps.ts';
import { READER_HEADERS, taggedJson } from './json-response.ts';
import type { Caller } from './operators.ts';
import { cacheControlFor, pollIdOf, pollNotFound } from './poll-answers.ts';
import { hourlyJson, timeseriesJson } from './poll-json.ts';
import { problem } from './problems.ts';
import { noQuerySchema, rangeQuerySchema, timeseriesQuerySchema } from './query-schemas.ts';
import { readQuery, refuseQuery } from './request-query.ts';
import { type HttpContext, jsonContent, problemResponses, type Route } from './route.ts';
import { hourlySchema, pathPoll, resultsSchema, timeseriesSchema } from './schemas.ts';
import { createShortCache, type ShortCache } from './short-cache.ts';

const RESULTS_TOKEN_HEADER = 'apura-results-token';

/** Who may ask, for the document of a route that shows results. */
export const TOKEN_SECURITY = [
  {},
  { resultsToken: [] },
  { operatorToken: [] },
  { consoleSession: [] },
];

/** A series runs over every minute of the poll: made once a second, however many draw the same curve. */
const SERIES_AGE_MAX_MS = 1_000;
const SERIES_KEPT_MAX = 64;

export function resultsRoutes(deps: ApiDeps): readonly Route[] {
  const { clock } = deps.reading;
  const series = createShortCache<SeriesText>(
    () => clock.monotonic(),
    SERIES_AGE_MAX_MS,
    SERIES_KEPT_MAX,
  );
  return [resultsRoute(deps), hourlyRoute(deps, series), timeseriesRoute(deps, series)];
}

/** A results token makes a voter, whichever of the two headers it comes in. */
export function audienceFor(deps: ApiDeps, context: HttpContext, caller: Caller): Audience {
  if (caller.kind === 'operator') return 'operator';
  const token = context.req.header(RESULTS_TOKEN_HEADER) ?? caller.bearer;
  if (token === null) return 'public';
  const now = deps.reading.clock.now();
  return deps.resultsTokens.verify(pollIdOf(context), token, now) ? 'voter' : 'public';
}

function cacheControlOf(caller: Caller, audience: Audience): string {
  return audience === 'voter' ? 'private, max-age=1' : cacheControlFor(caller);
}

function resultsRoute(deps: ApiDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}/results',
      tags: ['Results'],
      operationId: 'getResults',
      summary: 'The result so far, as far as the poll shows it',
      description:
        'Operators see counts at any time. A results token, from the answer to a vote, opens ' +
        '`after_vote`: send it as bearer token or in `Apura-Results-Token`.',
      security: TOKEN_SECURITY,
      request: { params: pathPoll, query: noQuerySchema },
      responses: {
        200: jsonContent('The result, or why it is hidden.', resultsSchema),
        304: { description: 'Not changed since the ETag that If-None-Match names.' },
        ...problemResponses('poll_not_found', 'invalid_query'),
      },
    },
    handle(context, caller) {
      const refusal = refuseQuery(context.req.raw);
      if (refusal !== null) return refusal;
      const audience = audienceFor(deps, context, caller);
      const body = deps.results.results(pollIdOf(context), audience);
      if (body === null) return pollNotFound();
      return taggedJson(context.req.raw, body, cacheControlOf(caller, audience));
    },
  };
}

function hourlyRoute(deps: ApiDeps, series: ShortCache<SeriesText>): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}/results/hourly',
      tags: ['Results'],
      operationId: 'getHourly',
      summary: 'The result by the clock hours of the poll’s time zone',
      description: 'Without `from` and `to`: all hours of the poll; they sum to its total.',
      security: TOKEN_SECURITY,
      request: { params: pathPoll, query: rangeQuerySchema },
      responses: {
        200: jsonContent('The hours, or why they are hidden.', hourlySchema),
        ...problemResponses('poll_not_found', 'invalid_query'),
      },
    },
    handle(context, caller) {
      const query = readQuery(context.req.raw, rangeQuerySchema);
      if (query.kind === 'refused') return query.response;
      const poll = pollIdOf(context);
      const audience = audienceFor(deps, context, caller);
      const { from, to } = rangeOf(query.value);
      const key = `hours ${poll} ${pollTag(deps, poll, audience)} ${audience} ${from} ${to}`;
      const text = series.get(key, () =>
        seriesText(getHourly(deps.reading, { poll, audience, from, to }), hourlyJson),
      );
      return seriesAnswer(text, cacheControlOf(caller, audience));
    },
  };
}

function timeseriesRoute(deps: ApiDeps, series: ShortCache<SeriesText>): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}/results/timeseries',
      tags: ['Results'],
      operationId: 'getTimeseries',
      summary: 'The result by steps of time',
      security: TOKEN_SECURITY,
      request: { params: pathPoll, query: timeseriesQuerySchema },
      responses: {
        200: jsonContent('The points, or why they are hidden.', timeseriesSchema),
        ...problemResponses('poll_not_found', 'invalid_query'),
      },
    },
    handle(context, caller) {
      const query = readQuery(context.req.raw, timeseriesQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { step } = query.value;
      const poll = pollIdOf(context);
      const audience = audienceFor(deps, context, caller);
      const { from, to } = rangeOf(query.value);
      const key = `${step} ${poll} ${pollTag(deps, poll, audience)} ${audience} ${from} ${to}`;
      const text = series.get(key, () => {
        const outcome = getTimeseries(deps.reading, { poll, audience, step, from, to });
        return seriesText(outcome, (shown) => timeseriesJson(shown, step));
      });
      return seriesAnswer(text, cacheControlOf(caller, audience));
    },
  };
}

/** A series as it is sent, or the problem in its place. */
type SeriesText = { readonly json: string } | { readonly problem: () => Response };

function seriesText(
  outcome: GetTimeseriesResult,
  toJson: (series: ShownSeries) => unknown,
): SeriesText {
  switch (outcome.kind) {
    case 'ok':
      return { json: JSON.stringify(toJson(outcome.series)) };
    case 'poll_not_found':
      return { problem: pollNotFound };
    case 'range_too_long': {
      const detail = `An answer has at most ${outcome.windowsMax} points.`;
      return { problem: () => problem('invalid_query', detail) };
    }
  }
}

function seriesAnswer(text: SeriesText, cacheControl: string): Response {
  if ('problem' in text) return text.problem();
  return new Response(text.json, {
    headers: {
      'content-type': 'application/json',
      'cache-control': cacheControl,
      vary: READER_HEADERS,
    },
  });
}

/** Changes with the poll's settings and state, so that what was just hidden is not shown a second longer. */
function pollTag(deps: ApiDeps, poll: string, audience: Audience): string {
  return deps.results.poll(poll, audience)?.etag ?? '';
}

function rangeOf({
  from,
  to,
}: {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}) {
  return { from: from ?? null, to: to ?? null };
}
