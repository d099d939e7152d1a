/** The record of what operators did, over HTTP. */
import { ACTS_PAGE_MAX } from '../../application/voting/list-acts.ts';
import type { ApiDeps } from './api-deps.ts';
import { jsonResponse } from './json-response.ts';
import { pollIdOf, pollNotFound } from './poll-answers.ts';
import { actJson } from './poll-json.ts';
import { actsQuerySchema } from './query-schemas.ts';
import { readQuery } from './request-query.ts';
import {
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';
import { actListSchema, pathPoll } from './schemas.ts';

export function actRoutes(deps: ApiDeps): readonly Route[] {
  return [
    {
      access: 'operator',
      doc: {
        method: 'get',
        path: '/v1/polls/{poll}/acts',
        tags: ['Polls'],
        operationId: 'listActs',
        summary: 'Who did what to the poll, newest first',
        security: OPERATOR_SECURITY,
        request: { params: pathPoll, query: actsQuerySchema },
        responses: {
          200: jsonContent('A page of acts.', actListSchema),
          ...problemResponses('poll_not_found', 'invalid_query', ...OPERATOR_PROBLEMS),
        },
      },
      async handle(context) {
        const query = readQuery(context.req.raw, actsQuerySchema);
        if (query.kind === 'refused') return query.response;
        const poll = pollIdOf(context);
        if (deps.results.poll(poll, 'operator') === null) return pollNotFound();
        const { cursor = null, limit = ACTS_PAGE_MAX } = query.value;
        const page = await deps.useCases.listActs({ poll, cursor, limit });
        return jsonResponse({ items: page.acts.map(actJson), nextCursor: page.nextCursor });
      },
    },
  ];
}
