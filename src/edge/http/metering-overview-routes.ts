/** How metering stands, over HTTP: the books of every partition, what is behind, and what operators did. */

import type { Overview } from '../../application/metering/get-overview.ts';
import { jsonResponse } from './json-response.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { meteringActJson } from './metering-pulse-json.ts';
import { meteringActListSchema, overviewSchema } from './metering-pulse-schemas.ts';
import { meteringActsQuerySchema, PAGE_ITEMS_DEFAULT } from './metering-query.ts';
import { readQuery, refuseQuery } from './request-query.ts';
import {
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';

export function overviewRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [overviewRoute(useCases), actsRoute(useCases)];
}

function overviewRoute(useCases: Pick<MeteringUseCases, 'overview'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/metering/overview',
      tags: ['Metering'],
      operationId: 'getMeteringOverview',
      summary: 'The books of every partition, and how far ledger and rating are behind',
      security: OPERATOR_SECURITY,
      responses: {
        200: jsonContent('How it stands now.', overviewSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      return refuseQuery(context.req.raw) ?? jsonResponse(overviewJson(await useCases.overview()));
    },
  };
}

function overviewJson(overview: Overview) {
  const { partitions, usageBehind, usagePending, ratingDue, deadLetters } = overview;
  return {
    partitions: partitions.map(({ partition, end, next, books }) => ({
      partition,
      end,
      next,
      books: {
        received: books.received,
        counted: books.counted,
        duplicates: books.duplicates,
        conflicts: books.conflicts,
        voided: books.voided,
        deadLetters: books.deadLetters,
      },
    })),
    usageBehind,
    usagePending,
    ratingDue,
    deadLetters,
  };
}

function actsRoute(useCases: Pick<MeteringUseCases, 'acts'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/metering/acts',
      tags: ['Metering'],
      operationId: 'listMeteringActs',
      summary:
        'List what operators did to the catalogue, to pulses and to dead letters, newest first',
      security: OPERATOR_SECURITY,
      request: { query: meteringActsQuerySchema },
      responses: {
        200: jsonContent('A page of acts.', meteringActListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const query = readQuery(context.req.raw, meteringActsQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { tenant = null, cursor = null, limit = PAGE_ITEMS_DEFAULT } = query.value;
      const { acts, nextCursor } = await useCases.acts(tenant, cursor, limit);
      return jsonResponse({ items: acts.map(meteringActJson), nextCursor });
    },
  };
}
