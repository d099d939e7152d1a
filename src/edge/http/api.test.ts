/** Proves what holds for every route: documented, bounded to its methods, guarded, and never a failure by input. */
import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Ask, EdgeRoom, HOST } from '../../../test/support/edge-room.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Record<string, Json>;
  readonly security?: readonly Json[];
}
interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json };
}

let room: EdgeRoom;

beforeEach(() => {
  room = new EdgeRoom();
});

const documentOf = async (of: EdgeRoom) => (await of.json('/openapi.json')) as Document;

/** The routes of the contract, method and path. */
const ROUTES = [
  'get /v1/polls',
  'post /v1/polls',
  'get /v1/polls/{poll}',
  'patch /v1/polls/{poll}',
  'post /v1/polls/{poll}/open',
  'post /v1/polls/{poll}/pause',
  'post /v1/polls/{poll}/resume',
  'post /v1/polls/{poll}/close',
  'post /v1/polls/{poll}/publish',
  'post /v1/polls/{poll}/archive',
  'put /v1/polls/{poll}/options/{option}/image',
  'get /v1/images/{sha256}',
  'post /v1/polls/{poll}/votes',
  'get /v1/polls/{poll}/receipts/{id}',
  'get /v1/polls/{poll}/results',
  'get /v1/polls/{poll}/results/hourly',
  'get /v1/polls/{poll}/results/timeseries',
  'get /v1/polls/{poll}/report',
  'get /v1/polls/{poll}/live',
  'get /v1/polls/{poll}/export',
  'get /v1/polls/{poll}/acts',
  'get /v1/console/live',
  'get /v1/time',
  'get /v1/consistency',
  'post /console/session',
  'get /console/session',
  'delete /console/session',
  'get /healthz',
  'get /readyz',
  'get /metrics',
];
const OPERATOR_ROUTES = ROUTES.filter((route) =>
  /^(post \/v1\/polls$|patch|put)|\/(open|pause|resume|close|publish|archive|export|acts|metrics|consistency)$|console\/live/.test(
    route,
  ),
);

function split(route: string): { method: string; path: string } {
  const [method = '', template = ''] = route.split(' ');
  const path = template
    .replace('{poll}', 'final')
    .replace('{option}', 'ana')
    .replace('{id}', '0193512a-7c00-7000-8000-000000000000')
    .replace('{sha256}', 'ab'.repeat(32));
  return { method: method.toUpperCase(), path };
}

describe('the OpenAPI document', () => {
  test('lists every route of the contract, and no other', async () => {
    const { paths } = await documentOf(room);
    const listed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(listed.sort()).toEqual([...ROUTES].sort());
  });

  test.each(ROUTES)('lists %s, which is served', async (route) => {
    await room.place({ state: 'open' });
    const { method, path } = split(route);
    const response = await room.ask(path, { method, operator: true });
    expect(response.status).not.toBe(405);
    if (response.status !== 404) return;
    const { code, detail } = (await response.json()) as Json;
    const isKnownAbsence = code === 'image_not_found' || String(detail).includes('WebSocket');
    expect(isKnownAbsence).toBe(true);
  });

  test('is whole: every reference leads somewhere, every parameter is declared', async () => {
    const document = await documentOf(room);
    expect(document.openapi).toBe('3.1.0');
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const operation of Object.values(operations)) {
        ids.add(operation.operationId);
        expect(operation.summary).not.toBe('');
        expect(operation.tags).toHaveLength(1);
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
        for (const response of Object.values(operation.responses)) {
          expect(typeof response.description).toBe('string');
        }
        const declared = (operation.parameters ?? [])
          .filter((parameter) => parameter.in === 'path')
          .map(({ name }) => name);
        const used = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);
        expect(declared.sort()).toEqual(used.sort());
        for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
          expect(Object.keys(document.components.securitySchemes)).toContain(scheme);
        }
      }
    }
    expect(ids.size).toBe(ROUTES.length);
  });

  test('tells every way in which a vote can fail', async () => {
    const { paths } = await documentOf(room);
    const vote = JSON.stringify(paths['/v1/polls/{poll}/votes']?.post);
    for (const code of [
      'invalid_json',
      'invalid_idempotency_key',
      'poll_not_found',
      'option_not_found',
      'poll_not_open',
      'poll_closed',
      'id_expired',
      'id_in_future',
      'body_too_large',
      'body_too_deep',
      'unsupported_media_type',
      'invalid_body',
      'unknown_field',
      'outcome_unknown',
      'overloaded',
    ]) {
      expect(vote).toContain(`"${code}"`);
    }
  });
});

describe('every path', () => {
  test.each([...new Set(ROUTES.map((route) => route.split(' ')[1] ?? ''))])(
    '%s answers other methods with 405 and Allow',
    async (path) => {
      const { path: concrete } = split(`get ${path}`);
      const methods = ROUTES.filter((route) => route.endsWith(` ${path}`)).map(
        (route) => split(route).method,
      );
      const other = ['PUT', 'DELETE', 'OPTIONS'].find((method) => !methods.includes(method));
      const response = await room.ask(concrete, { method: other ?? '' });
      expect(response.status).toBe(405);
      const allow = response.headers.get('allow')?.split(', ') ?? [];
      expect(allow.sort()).toEqual(
        [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].sort(),
      );
      expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
    },
  );

  test('answers HEAD as GET, without the body', async () => {
    await room.place({ state: 'open' });
    const response = await room.ask('/v1/polls/final', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).not.toBeNull();
    expect(await response.text()).toBe('');
  });

  test.each([
    '/nothing',
    '/v1',
    '/v1/polls/',
    '/v1/polls/final/',
    '//',
    '/v1/%2e%2e/x',
    '/p',
    '/assets/',
  ])('%p that does not exist is a 404 problem', async (path) => {
    const response = await room.ask(path);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('every route for operators', () => {
  test('is among those that were checked', () => expect(OPERATOR_ROUTES).toHaveLength(14));

  test.each(OPERATOR_ROUTES)('refuses %s to the public before anything is read', async (route) => {
    const { method, path } = split(route);
    const response = await room.ask(path, { method });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="apura"');
  });

  test.each([...OPERATOR_ROUTES, 'post /console/session', 'get /console'])(
    'is not on a public port: %s',
    async (route) => {
      const { method, path } = split(route);
      const outside = new EdgeRoom({ surface: 'public' });
      await outside.place({ state: 'open' });
      const status = (await outside.ask(path, { method, operator: true })).status;
      expect([404, 405]).toContain(status);
      const { paths } = await documentOf(outside);
      expect(paths[route.split(' ')[1] ?? '']?.[method.toLowerCase()]).toBeUndefined();
    },
  );

  test('shows a public port’s visitor no more for having a token', async () => {
    const outside = new EdgeRoom({ surface: 'public' });
    await outside.place({ state: 'open', resultsVisibility: 'never' });
    const body = await outside.json('/v1/polls/final/results', { operator: true });
    expect(body).toMatchObject({ visible: false });
  });
});

describe('every answer', () => {
  test.each([
    '/',
    '/v1/polls',
    '/openapi.json',
    '/docs',
    '/nothing',
    '/assets/vote.js',
    '/healthz',
  ])('to %s carries the security headers', async (path) => {
    const { headers } = await room.ask(path, { headers: { accept: 'text/html' } });
    expect(headers.get('content-security-policy')).toStartWith("default-src 'self'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('permissions-policy')).toContain('camera=()');
  });

  test('lets configured origins read it, and their browsers ask before they vote', async () => {
    const origin = 'https://partner.example';
    const read = await room.ask('/v1/polls', { headers: { origin } });
    expect(read.headers.get('access-control-allow-origin')).toBe(origin);
    const headers = { origin, 'access-control-request-method': 'POST' };
    const asked = await room.ask('/v1/polls/final/votes', { method: 'OPTIONS', headers });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    const stranger = await room.ask('/v1/polls', { headers: { origin: 'https://evil.test' } });
    expect(stranger.headers.has('access-control-allow-origin')).toBe(false);
  });
});

describe('a failure inside', () => {
  const broken = () =>
    new EdgeRoom({
      operations: {
        readiness: () => {
          throw new Error('secret of the inside');
        },
        consistency: () => Promise.reject(new Error('secret of the inside')),
        metrics: () => Promise.reject(new Error('secret of the inside')),
      },
    });

  test.each(['/v1/consistency', '/metrics', '/readyz'])(
    'at %s is an internal problem with an id that finds it in the log',
    async (path) => {
      const failing = broken();
      const response = await failing.ask(path, { operator: true });
      expect(response.status).toBe(500);
      const text = await response.text();
      expect(text).not.toContain('secret');
      const [failure] = failing.failures;
      expect(JSON.parse(text)).toMatchObject({
        code: 'internal',
        instance: `urn:uuid:${failure?.requestId}`,
      });
      expect(String(failure?.error)).toContain('secret');
    },
  );

  test('that is no error even is an internal problem all the same', async () => {
    const failing = new EdgeRoom({
      operations: {
        ...room.deps.operations,
        readiness: () => {
          throw 'secret of the inside';
        },
      },
    });
    const response = await failing.ask('/readyz');
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(failing.failures).toHaveLength(1);
  });

  test('is words for a person in front of a browser', async () => {
    const response = await broken().ask('/readyz', { headers: { accept: 'text/html' } });
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).not.toContain('secret');
  });
});

describe('no input', () => {
  const paths = fc.oneof(
    fc.constantFrom(...ROUTES).map((route) => split(route).path),
    fc.constantFrom('/', '/p/final', '/p/final/look.css', '/console', '/docs', '/assets/x'),
    fc.webPath(),
    fc.string().map((text) => `/v1/polls/${encodeURIComponent(text.toWellFormed())}/results`),
  );
  const query = fc.oneof(
    fc.constant(''),
    fc.webQueryParameters().map((text) => `?${text}`),
    fc
      .tuple(fc.date({ noInvalidDate: true }), fc.date({ noInvalidDate: true }))
      .map(([from, to]) => `?step=1m&from=${from.toJSON()}&to=${to.toJSON()}`),
  );
  const headerValue = fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\x7e]/g, ''));
  const headers = fc.dictionary(
    fc.constantFrom(
      'accept',
      'accept-language',
      'authorization',
      'apura-results-token',
      'content-type',
      'content-length',
      'cookie',
      'idempotency-key',
      'if-none-match',
      'origin',
      'upgrade',
      'x-forwarded-for',
    ),
    fc.oneof(
      headerValue,
      fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'image/png',
        'text/html',
        'Bearer x',
        'apura_session=x; apura_lang=y',
        '"x", W/"y"',
      ),
    ),
  );
  const body = fc.oneof(
    fc.json({ maxDepth: 10 }),
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
    fc.webQueryParameters(),
  );

  test('makes a failure of the server', async () => {
    await room.place({ state: 'open', opensAt: room.clock.now(), resultsVisibility: 'always' });
    room.count('final', { ana: 3 }, 4);
    await fc.assert(
      fc.asyncProperty(
        paths,
        query,
        fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'),
        headers,
        body,
        fc.boolean(),
        async (path, search, method, given, sent, operator) => {
          const hasBody = !['GET', 'HEAD'].includes(method);
          const ask: Ask = { method, headers: given, operator, ...(hasBody ? { body: sent } : {}) };
          if (!URL.canParse(`${HOST}${path}${search}`)) return;
          const response = await room.ask(path + search, ask);
          await response.arrayBuffer();
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(room.failures).toEqual([]);
  });
});
