/** The HTTP of a role that runs apart: health, readiness and metrics, and a door's votes beside them. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Api } from './api.ts';
import { CLOUD_EVENTS_PATH } from './cloud-events-route.ts';
import { createCors } from './cors.ts';
import { type ProcessDeps, processRoutes, timeRoute } from './operations-routes.ts';
import { NO_OPERATORS, type Operators } from './operators.ts';
import { problem, problemOf, type ReportFailure } from './problems.ts';
import { type HttpEnv, methodNotAllowed, mountRoutes, type Route } from './route.ts';
import { addSecurityHeaders } from './security-headers.ts';

export interface RoleApiDeps extends ProcessDeps {
  /** Null where nobody needs to be one: on a worker's port, which serves nothing but its own figures. */
  readonly operators: Pick<Operators, 'identify'> | null;
  /** Whether voters come here, and so need the server's time and cross-origin answers. */
  readonly isDoor: boolean;
  readonly corsOrigins: readonly string[];
  readonly reportFailure: ReportFailure;
}

export function createRoleApi(deps: RoleApiDeps): Api {
  const app = new OpenAPIHono<HttpEnv>();
  const routes: Route[] = [...processRoutes(deps)];
  if (deps.isDoor) routes.push(timeRoute(deps));
  const isPublic = deps.surface === 'public';
  mountRoutes(
    app,
    deps.operators ?? NO_OPERATORS,
    routes.filter(({ access }) => !isPublic || access === 'public'),
  );
  // Votes and pulses themselves never come here.
  if (deps.isDoor) {
    for (const path of ['/v1/polls/:poll/votes', CLOUD_EVENTS_PATH]) {
      app.all(path, () => methodNotAllowed(['POST']));
    }
  }
  app.notFound(() => problem('not_found', 'This process has nothing at this path.'));
  app.onError((error) => problemOf(error, deps.reportFailure));
  const cors = createCors(deps.corsOrigins);
  return {
    async fetch(request, context) {
      const response = cors.preflight(request) ?? (await app.fetch(request, context));
      addSecurityHeaders(response.headers);
      cors.addHeaders(request, response.headers);
      return response;
    },
  };
}
