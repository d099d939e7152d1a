/** Exports over HTTP: votes, results and hours as CSV or NDJSON, live and after, each one on record. */
import type { ExportedVote } from '../../application/voting/export-votes.ts';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../domain/counting/event-id.ts';
import { ApuraError } from '../../domain/errors.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { ApiDeps } from './api-deps.ts';
import { csvLine } from './csv.ts';
import { type ExportFormat, hoursText, resultsText } from './exported-results.ts';
import { OPERATOR_ACTOR } from './operators.ts';
import { streamLines } from './page-stream.ts';
import { pollIdOf, pollNotFound } from './poll-answers.ts';
import { problem } from './problems.ts';
import { exportQuerySchema } from './query-schemas.ts';
import { readQuery } from './request-query.ts';
import { OPERATOR_PROBLEMS, OPERATOR_SECURITY, problemResponses, type Route } from './route.ts';
import { pathPoll } from './schemas.ts';

type What = 'votes' | 'results' | 'hourly';

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
};

export function exportRoutes(deps: ApiDeps): readonly Route[] {
  return [
    {
      access: 'operator',
      doc: {
        method: 'get',
        path: '/v1/polls/{poll}/export',
        tags: ['Results'],
        operationId: 'exportPoll',
        summary: 'Download votes, results or hours; live and after',
        description:
          'Votes come in the order of their ids. While a poll is open, one may be stored behind the ' +
          'reader; an export of a closed poll is whole. Every export is on record.',
        security: OPERATOR_SECURITY,
        request: { params: pathPoll, query: exportQuerySchema },
        responses: {
          200: {
            description: 'A stream of lines.',
            content: {
              'text/csv': { schema: { type: 'string' as const } },
              'application/x-ndjson': {
                schema: { type: 'string' as const },
                example:
                  '{"id":"0193512a7c00f3a09b1c4d5e6f708192","option":"ana",' +
                  '"acceptedAt":"2026-11-21T20:00:00.000Z","state":"counted","partition":0,"offset":12}',
              },
            },
          },
          ...problemResponses('poll_not_found', 'invalid_query', ...OPERATOR_PROBLEMS),
        },
      },
      async handle(context) {
        const query = readQuery(context.req.raw, exportQuerySchema);
        if (query.kind === 'refused') return query.response;
        const { format, what } = query.value;
        const poll = pollIdOf(context);
        const body =
          what === 'votes'
            ? await votesBody(deps, poll, format)
            : await shownBody(deps, poll, what, format);
        if (body === null) return pollNotFound();
        if (body instanceof Response) return body;
        return new Response(body, {
          headers: {
            'content-type': MEDIA_TYPES[format],
            'content-disposition': `attachment; filename="${poll}-${what}.${format}"`,
            'cache-control': 'no-store',
          },
        });
      },
    },
  ];
}

async function votesBody(
  deps: ApiDeps,
  poll: string,
  format: ExportFormat,
): Promise<ReadableStream<Uint8Array> | Response | null> {
  const outcome = await deps.useCases.exportVotes({
    poll,
    audience: 'operator',
    actor: OPERATOR_ACTOR,
  });
  if (outcome.kind === 'poll_not_found') return null;
  if (outcome.kind === 'forbidden') return problem('forbidden', 'Only operators export votes.');
  const id = exportedIdIn(poll);
  if (format === 'csv') {
    const head = csvLine(['id', 'option', 'acceptedAt', 'state', 'partition', 'offset']);
    return streamLines(head, outcome.pages, (vote) =>
      csvLine([
        id(vote),
        vote.option,
        rfc3339Of(vote.acceptedAt),
        vote.state,
        vote.partition,
        vote.offset,
      ]),
    );
  }
  // Every value is an id, a slug, a time or a number: nothing in them needs escaping.
  return streamLines(
    '',
    outcome.pages,
    (vote) =>
      `{"id":"${id(vote)}","option":"${vote.option}","acceptedAt":"${rfc3339Of(vote.acceptedAt)}",` +
      `"state":"${vote.state}","partition":${vote.partition},"offset":${vote.offset}}\n`,
  );
}

/** Exports name a vote as log and stores do, by its id16: 32 hex digits. */
function exportedIdIn(poll: string): (vote: ExportedVote) => string {
  const seed = scopeSeed(poll);
  const words = idWords();
  return ({ id }) => {
    if (!parseUuidV7(id, words)) throw new ApuraError('store_corrupt', `${id} is no vote's id.`);
    mixScope(words, seed);
    return eventIdHex(words);
  };
}

/** What memory holds, as an operator sees it: a few lines, however many votes. */
async function shownBody(
  deps: ApiDeps,
  poll: string,
  what: Exclude<What, 'votes'>,
  format: ExportFormat,
): Promise<string | Response | null> {
  const text =
    what === 'results'
      ? resultsText(deps.reading, poll, format)
      : hoursText(deps.reading, poll, format);
  if (typeof text === 'string') {
    await deps.useCases.recordAct({
      at: deps.reading.clock.now(),
      actor: OPERATOR_ACTOR,
      act: 'export',
      poll,
      detail: `${what}, ${format}`,
    });
  }
  return text;
}
