/** A route is a document and a handler: what is served and what /openapi.json says can't drift apart. */
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { RequestContext } from './api-deps.ts';
import {
  type Caller,
  type Operators,
  refuseForeignPage,
  refuseUnlessOperator,
  refuseUnlessReader,
} from './operators.ts';
import { PROBLEM_MEDIA_TYPE, PROBLEMS, type PublicErrorCode, problem } from './problems.ts';
import { problemSchema } from './schemas.ts';

export interface HttpEnv {
  Bindings: RequestContext;
}
export type HttpApp = OpenAPIHono<HttpEnv>;
export type HttpContext = Context<HttpEnv>;

export type Access =
  /** Anybody; operators may be shown more. */
  | 'public'
  /** Operators, and tenants by an API key that may read; the route shows each its own. */
  | 'tenant'
  /** Operators only. Not on a public port that has an admin port beside it. */
  | 'operator'
  /** Anybody, but part of the operators' side all the same. */
  | 'operator-door';

export interface Route {
  readonly access: Access;
  readonly doc: RouteConfig;
  readonly handle: (context: HttpContext, caller: Caller) => Response | Promise<Response>;
}

/** Serves and documents the routes, and answers every other method on their paths with 405. */
export function mountRoutes(
  app: HttpApp,
  operators: Pick<Operators, 'identify'>,
  routes: readonly Route[],
): void {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    const { doc } = route;
    app.openAPIRegistry.registerPath(doc);
    const path = doc.path.replaceAll(/\{([^}]+)\}/g, ':$1');
    const method = doc.method.toUpperCase();
    methods.set(path, [...(methods.get(path) ?? []), method]);
    app.on(method, path, (context) => {
      const request = context.req.raw;
      const caller = operators.identify(request, context.env.remoteAddress);
      const refusal = refuse(route.access, request, caller);
      return refusal ?? route.handle(context, caller);
    });
  }
  for (const [path, known] of methods) {
    const allow = known.includes('GET') ? [...known, 'HEAD'] : known;
    app.all(path, () => methodNotAllowed(allow));
  }
}

export function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return problem('method_not_allowed', `This path answers ${allow}.`, { headers: { allow } });
}

/** The actor of this caller's acts is known, and a change by cookie comes from our own page. */
function refuse(access: Access, request: Request, caller: Caller): Response | null {
  if (access === 'public' || access === 'operator-door') return null;
  const refusal = access === 'operator' ? refuseUnlessOperator(caller) : refuseUnlessReader(caller);
  if (refusal !== null || caller.kind !== 'operator') return refusal;
  const isChange = request.method !== 'GET' && request.method !== 'HEAD';
  return isChange && caller.via === 'cookie' ? refuseForeignPage(request) : null;
}

/** A JSON answer with `schema`, for a route's document. */
export function jsonContent(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } };
}

/** A JSON body with `schema`, for a route's document. */
export function jsonBody(schema: z.ZodType, required = true) {
  return { required, content: { 'application/json': { schema } } };
}

/** The problems that a route can answer, by status, with an example of each code. */
export function problemResponses(...codes: readonly PublicErrorCode[]): RouteConfig['responses'] {
  const byStatus = new Map<number, PublicErrorCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: RouteConfig['responses'] = {};
  for (const [status, group] of byStatus) {
    const retryAfter = group.some((code) => PROBLEMS[code].retryAfterSeconds !== undefined);
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
      ...(retryAfter ? { headers: z.object({ 'Retry-After': z.string() }) } : {}),
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: problemSchema,
          examples: Object.fromEntries(
            group.map((code) => {
              const { title } = PROBLEMS[code];
              const type = `/docs/errors#${code}`;
              return [code, { value: { type, title, status, detail: title, code } }];
            }),
          ),
        },
      },
    };
  }
  return responses;
}

/** What any route with a JSON body can answer. */
export const BODY_PROBLEMS = [
  'invalid_json',
  'body_too_deep',
  'body_too_large',
  'unsupported_media_type',
  'unsupported_encoding',
  'unknown_field',
  'invalid_body',
] as const;

/** What any route for operators can answer. */
export const OPERATOR_PROBLEMS = ['unauthorized', 'forbidden', 'too_many_attempts'] as const;

/** Who must ask, for a route's document. */
export const OPERATOR_SECURITY = [{ operatorToken: [] }, { consoleSession: [] }];
export const READER_SECURITY = [...OPERATOR_SECURITY, { apiKey: [] }];
