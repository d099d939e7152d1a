/** The console's sign-in: an operator token becomes a session that scripts in the page can't read. */
import type { ApiDeps } from './api-deps.ts';
import { cookieOf, SESSION_COOKIE, sessionCookie } from './console-sessions.ts';
import { jsonResponse } from './json-response.ts';
import { isSameHost, refuseUnlessOperator, tooManyFailures } from './operators.ts';
import { problem } from './problems.ts';
import { fieldErrorsOf, problemOfFields, readJson } from './request-body.ts';
import {
  BODY_PROBLEMS,
  type HttpContext,
  jsonBody,
  jsonContent,
  OPERATOR_PROBLEMS,
  problemResponses,
  type Route,
} from './route.ts';
import { sessionBodySchema, sessionSchema } from './schemas.ts';

export function sessionRoutes(deps: ApiDeps): readonly Route[] {
  return [openRoute(deps), readRoute(), endRoute(deps)];
}

function openRoute(deps: ApiDeps): Route {
  return {
    access: 'operator-door',
    doc: {
      method: 'post',
      path: '/console/session',
      tags: ['Console'],
      operationId: 'openSession',
      summary: 'Sign in with an operator token',
      request: { body: jsonBody(sessionBodySchema) },
      responses: {
        204: { description: 'The session is open; its cookie lasts 12 hours.' },
        ...problemResponses(...BODY_PROBLEMS, ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const request = context.req.raw;
      // Another site must not sign its visitors in, as anybody.
      if (request.headers.has('origin') && !isSameHost(request)) {
        return problem('forbidden', 'Sign in from a page of this server.');
      }
      const body = await readJson(request);
      if (body.kind === 'refused') return body.response;
      const given = sessionBodySchema.safeParse(body.value);
      if (!given.success) return problemOfFields('invalid_body', fieldErrorsOf(given.error.issues));
      const trial = deps.operators.tryToken(given.data.token, context.env.remoteAddress);
      switch (trial.kind) {
        case 'right':
          return noContent(sessionCookie(deps.sessions.open(), isTls(context)));
        case 'wrong':
          return problem('unauthorized', 'The token is not an operator’s.');
        case 'blocked':
          return tooManyFailures(trial.forMs);
      }
    },
  };
}

function readRoute(): Route {
  return {
    access: 'operator-door',
    doc: {
      method: 'get',
      path: '/console/session',
      tags: ['Console'],
      operationId: 'getSession',
      summary: 'Whether the asker is signed in',
      responses: {
        200: jsonContent('Signed in.', sessionSchema),
        ...problemResponses(...OPERATOR_PROBLEMS),
      },
    },
    handle: (_context, caller) => refuseUnlessOperator(caller) ?? jsonResponse({ operator: true }),
  };
}

function endRoute(deps: ApiDeps): Route {
  return {
    access: 'operator-door',
    doc: {
      method: 'delete',
      path: '/console/session',
      tags: ['Console'],
      operationId: 'endSession',
      summary: 'Sign out; without a session too',
      responses: {
        204: { description: 'There is no session any more.' },
        ...problemResponses('forbidden'),
      },
    },
    handle(context) {
      const request = context.req.raw;
      const session = cookieOf(request.headers.get('cookie'), SESSION_COOKIE);
      if (session !== null && !isSameHost(request)) {
        return problem('forbidden', 'Sign out from a page of this server.');
      }
      if (session !== null) deps.sessions.end(session);
      return noContent(sessionCookie(null, isTls(context)));
    },
  };
}

function isTls(context: HttpContext): boolean {
  return context.env.isTls === true || context.req.raw.url.startsWith('https:');
}

function noContent(cookie: string): Response {
  const headers = { 'set-cookie': cookie, 'cache-control': 'no-store' };
  return new Response(null, { status: 204, headers });
}
