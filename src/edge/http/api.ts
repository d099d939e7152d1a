/** All of HTTP but the vote's hot path: routes, documents and pages behind one function from request to answer. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { actRoutes } from './act-routes.ts';
import type { ApiDeps, RequestContext } from './api-deps.ts';
import { cloudEventsDocument } from './cloud-events-document.ts';
import { createCors } from './cors.ts';
import { mountDocs, registerSecuritySchemes } from './docs-routes.ts';
import { exportRoutes } from './export-routes.ts';
import { noticeResponse, wantsHtml } from './html-response.ts';
import { imageRoutes } from './image-routes.ts';
import { identifyTenants } from './metering-callers.ts';
import { meteringRoutes } from './metering-routes.ts';
import { operationsRoutes } from './operations-routes.ts';
import { NO_OPERATORS } from './operators.ts';
import { mountPages } from './pages.ts';
import { pollRoutes } from './poll-routes.ts';
import { problem, problemOf } from './problems.ts';
import { receiptRoutes } from './receipt-routes.ts';
import { reportRoutes } from './report-routes.ts';
import { resultsRoutes } from './results-routes.ts';
import { type Access, type HttpEnv, mountRoutes, type Route } from './route.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { sessionRoutes } from './session-routes.ts';
import { consoleLiveDocument, voteDocument } from './vote-document.ts';

export interface Api {
  /** Answers any request; never rejects. */
  fetch(request: Request, context: RequestContext): Promise<Response>;
}

export function createApi(deps: ApiDeps): Api {
  const app = new OpenAPIHono<HttpEnv>();
  const isPublic = deps.surface === 'public';
  const routes = routesOf(deps).filter(({ access }) => !isPublic || isForPublic(access));
  const operators = isPublic ? NO_OPERATORS : deps.operators;
  const keys = deps.metering?.keys;
  const callers =
    keys === undefined ? operators : identifyTenants({ operators, keys, trials: deps.operators });
  registerSecuritySchemes(app);
  mountRoutes(app, callers, routes);
  mountDocs(app, deps.assets);
  mountPages(app, deps);
  app.notFound(({ req }) => notFound(deps, req.raw));
  app.onError((error, { req }) => failure(deps, req.raw, error));

  const cors = createCors(deps.corsOrigins);
  const answer = async (request: Request, context: RequestContext): Promise<Response> => {
    try {
      return cors.preflight(request) ?? (await app.fetch(request, context));
    } catch (error) {
      return failure(deps, request, error);
    }
  };
  return {
    async fetch(request, context) {
      const response = await answer(request, context);
      addSecurityHeaders(response.headers);
      cors.addHeaders(request, response.headers);
      return response;
    },
  };
}

function routesOf(deps: ApiDeps): readonly Route[] {
  return [
    ...voteDocument(deps),
    ...receiptRoutes(deps),
    ...resultsRoutes(deps),
    ...reportRoutes(deps),
    ...pollRoutes(deps),
    ...imageRoutes(deps),
    ...exportRoutes(deps),
    ...actRoutes(deps),
    ...sessionRoutes(deps),
    consoleLiveDocument(),
    ...operationsRoutes(deps),
    ...cloudEventsDocument(deps),
    ...meteringRoutes(deps),
  ];
}

/** What a public port has that has an admin port beside it: tenants come there with their keys. */
function isForPublic(access: Access): boolean {
  return access === 'public' || access === 'tenant';
}

function notFound(deps: ApiDeps, request: Request): Response {
  if (!isPage(request)) return problem('not_found', 'There is nothing at this path.');
  const where = { assets: deps.assets, now: deps.reading.clock.now() };
  return noticeResponse(where, request, { kind: 'poll_not_found' }, { status: 404 });
}

function failure(deps: ApiDeps, request: Request, error: unknown): Response {
  let requestId: string | undefined;
  const answer = problemOf(error, (failed, id) => {
    requestId = id;
    deps.reportFailure(failed, id);
  });
  if (!isPage(request) || requestId === undefined) return answer;
  const where = { assets: deps.assets, now: deps.reading.clock.now() };
  return noticeResponse(where, request, { kind: 'error', requestId }, { status: answer.status });
}

/** A person in front of a browser reads words; a program, and whatever asks the API, reads problems. */
function isPage(request: Request): boolean {
  return wantsHtml(request) && !new URL(request.url).pathname.startsWith('/v1/');
}
