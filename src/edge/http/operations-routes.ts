/** What operates Apura asks over HTTP: alive, ready, metrics, time, and whether the books agree. */
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { ApiDeps } from './api-deps.ts';
import { jsonResponse } from './json-response.ts';
import { timeOrNull } from './poll-json.ts';
import {
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';
import { consistencySchema, healthSchema, readinessSchema, timeSchema } from './schemas.ts';

type TimeDeps = { readonly reading: Pick<ApiDeps['reading'], 'clock'> };

export type ProcessDeps = Pick<ApiDeps, 'surface'> &
  TimeDeps & { readonly operations: Pick<ApiDeps['operations'], 'readiness' | 'metrics'> };

type OperationsDeps = ProcessDeps & Pick<ApiDeps, 'operations'>;

export function operationsRoutes(deps: OperationsDeps): readonly Route[] {
  return [...processRoutes(deps), timeRoute(deps), consistencyRoute(deps)];
}

/** What every process answers, whatever its role. */
export function processRoutes(deps: ProcessDeps): readonly Route[] {
  return [healthRoute(), readinessRoute(deps), metricsRoute(deps)];
}

function healthRoute(): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/healthz',
      tags: ['Operations'],
      operationId: 'getHealth',
      summary: 'Whether the process is alive',
      responses: { 200: jsonContent('It is.', healthSchema) },
    },
    handle: () => jsonResponse({ alive: true }),
  };
}

function readinessRoute(deps: ProcessDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/readyz',
      tags: ['Operations'],
      operationId: 'getReadiness',
      summary: 'Whether votes are taken now, and how durable they are',
      responses: {
        200: jsonContent('Every part is ready.', readinessSchema),
        503: jsonContent('Some part is not.', readinessSchema),
      },
    },
    handle() {
      const { ready, durability, logId, parts } = deps.operations.readiness();
      return jsonResponse({ ready, durability, logId, parts }, ready ? 200 : 503);
    },
  };
}

export function timeRoute(deps: TimeDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/time',
      tags: ['Votes'],
      operationId: 'getTime',
      summary: 'The server’s time, in which votes’ ids are made',
      responses: { 200: jsonContent('Now.', timeSchema) },
    },
    handle: () => jsonResponse({ serverTime: rfc3339Of(deps.reading.clock.now()) }),
  };
}

function consistencyRoute(deps: OperationsDeps): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/consistency',
      tags: ['Operations'],
      operationId: 'getConsistency',
      summary: 'Whether log, tally and ledger agree, and how far each has come',
      security: OPERATOR_SECURITY,
      responses: {
        200: jsonContent('The newest check.', consistencySchema),
        ...problemResponses(...OPERATOR_PROBLEMS),
      },
    },
    async handle() {
      const report = await deps.operations.consistency();
      const { state, detail, alarms, drained, logEnd, tally, ledger } = report;
      const checkedAt = timeOrNull(report.checkedAt);
      return jsonResponse({ state, checkedAt, detail, alarms, drained, logEnd, tally, ledger });
    },
  };
}

function metricsRoute(deps: ProcessDeps): Route {
  return {
    // An admin port is itself the permission: a scraper has no use for a token that can close polls.
    access: deps.surface === 'admin' ? 'operator-door' : 'operator',
    doc: {
      method: 'get',
      path: '/metrics',
      tags: ['Operations'],
      operationId: 'getMetrics',
      summary: 'Metrics in the Prometheus text format; on an admin port without a token',
      security: deps.surface === 'admin' ? [] : OPERATOR_SECURITY,
      responses: {
        200: {
          description: 'The metrics.',
          content: { 'text/plain': { schema: { type: 'string' as const } } },
        },
        ...problemResponses(...OPERATOR_PROBLEMS),
      },
    },
    async handle() {
      const { contentType, text } = await deps.operations.metrics();
      const headers = { 'content-type': contentType, 'cache-control': 'no-store' };
      return new Response(text, { headers });
    },
  };
}
