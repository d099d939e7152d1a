/** The vote route and the live feeds in the API's document; other parts serve them. */
import { z } from '@hono/zod-openapi';
import type { ApiDeps } from './api-deps.ts';
import { pollIdOf } from './poll-answers.ts';
import { problem } from './problems.ts';
import { BODY_PROBLEMS, jsonBody, jsonContent, problemResponses, type Route } from './route.ts';
import { acceptedSchema, pathPoll, voteSchema } from './schemas.ts';

export function voteDocument(deps: ApiDeps): readonly Route[] {
  return [voteRoute(deps), liveRoute()];
}

function voteRoute(deps: ApiDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'post',
      path: '/v1/polls/{poll}/votes',
      tags: ['Votes'],
      operationId: 'vote',
      summary: 'Vote',
      description:
        '202 says that the vote is durable: it will be counted, once. Make the Idempotency-Key when ' +
        'the vote is first sent, in server time (`GET /v1/time`), and send the same one again until ' +
        'there is an answer: however often it arrives, it counts once. After `503 outcome_unknown` ' +
        'and after no answer, the vote may have been logged: send the SAME id again.',
      request: {
        params: pathPoll,
        headers: z.object({
          'idempotency-key': z.uuid({ version: 'v7' }).optional().openapi({
            description: 'A UUIDv7. Without it the server makes one, and a retry is a new vote.',
            example: '0193512a-7c00-7000-8000-000000000000',
          }),
        }),
        body: jsonBody(voteSchema),
      },
      responses: {
        202: jsonContent('The vote is in the log.', acceptedSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'invalid_idempotency_key',
          'id_in_future',
          'poll_not_found',
          'option_not_found',
          'poll_not_open',
          'poll_closed',
          'id_expired',
          'outcome_unknown',
          'overloaded',
          'not_ready',
          'log_unavailable',
        ),
      },
    },
    handle: (context) => deps.vote(context.req.raw, pollIdOf(context)),
  };
}

function liveRoute(): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}/live',
      tags: ['Results'],
      operationId: 'followPoll',
      summary: 'Follow a poll live: a WebSocket',
      description:
        'Text messages of JSON. First `hello` (`serverTime`, `poll`, `results` as GET results), then, ' +
        'at most four a second and only on change, `results`, and `poll` when the poll changes. To ' +
        'see `after_vote` results, first send `{"type":"auth","token":"<results token>"}`; no other ' +
        'message is taken. A reader that is too slow is closed with 1013, to come back later.',
      request: { params: pathPoll },
      responses: {
        101: { description: 'The WebSocket.' },
        ...problemResponses('poll_not_found', 'not_found', 'overloaded', 'forbidden'),
      },
    },
    handle: () => problem('not_found', 'This is a WebSocket: ask for it with Upgrade: websocket.'),
  };
}

/** The operators' feed, where operators are served. */
export function consoleLiveDocument(): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/console/live',
      tags: ['Console'],
      operationId: 'followAll',
      summary: 'Follow everything live: a WebSocket for operators',
      description:
        'Text messages of JSON: `hello` with polls, the last 300 s of votes, figures and acts; then ' +
        '`tick` (a poll’s counts, at most four a second), `ops` (once a second), `poll` and `act`.',
      security: [{ operatorToken: [] }, { consoleSession: [] }],
      responses: {
        101: { description: 'The WebSocket.' },
        ...problemResponses('unauthorized', 'forbidden', 'not_found', 'overloaded'),
      },
    },
    handle: () => problem('not_found', 'This is a WebSocket: ask for it with Upgrade: websocket.'),
  };
}
