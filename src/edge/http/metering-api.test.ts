/** Proves what holds for every route of metering: documented, guarded by who asks, and never a failure by input. */
import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Ask, EdgeRoom, HOST } from '../../../test/support/edge-room.ts';
import {
  byKey,
  CONTRACT_BODY,
  KEYS,
  MeteringEdgeRoom,
  PRICE_BODY,
} from '../../../test/support/metering-edge-room.ts';
import { FAILURES_MAX } from './failed-logins.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: Json;
  readonly responses: Record<string, Json>;
  readonly security?: readonly Json[];
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json };
}

const LETTER = 'ab'.repeat(32);
const SPAN = 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z';
const RATING = { tenant: 'acme', from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };

/** What is asked of a route, by method and path, so that it answers 2xx. */
interface Sample {
  readonly route: string;
  readonly path: string;
  readonly body?: unknown;
  /** Whether a tenant's key may ask. */
  readonly tenant: boolean;
}

function sample(route: string, tenant: boolean, path: string, body?: unknown): Sample {
  return { route, tenant, path, ...(body === undefined ? {} : { body }) };
}

function collection(path: string, id: string, body: Json, ofTenants: boolean): readonly Sample[] {
  const one = `${path}/{${path === '/v1/products' ? 'sku' : 'id'}}`;
  return [
    sample(`get ${path}`, ofTenants, path),
    sample(`post ${path}`, false, path, body),
    sample(`get ${one}`, ofTenants, `${path}/${id}`),
    sample(`put ${one}`, false, `${path}/${id}`, body),
    sample(`get ${one}/history`, false, `${path}/${id}/history`),
  ];
}

/** The routes of the contract. */
const SAMPLES: readonly Sample[] = [
  sample('get /v1/usage', true, `/v1/usage?${SPAN}`),
  sample('post /v1/usage/recompute', false, '/v1/usage/recompute', {
    from: RATING.from,
    to: RATING.to,
  }),
  sample('get /v1/usage-events', true, '/v1/usage-events'),
  sample('get /v1/charges', true, '/v1/charges'),
  sample('get /v1/charges/unpriced', true, '/v1/charges/unpriced'),
  sample('get /v1/charges/{id}', true, '/v1/charges/charge-1'),
  sample('get /v1/billing-periods', true, '/v1/billing-periods?tenant=acme'),
  sample('get /v1/statements/{tenant}', true, '/v1/statements/acme'),
  sample('post /v1/estimates', true, '/v1/estimates', { tenant: 'acme' }),
  sample('post /v1/ratings/preview', false, '/v1/ratings/preview', RATING),
  sample('post /v1/ratings/apply', false, '/v1/ratings/apply', RATING),
  ...collection('/v1/products', 'storage', { sku: 'storage', name: 'Storage' }, true),
  ...collection('/v1/prices', 'storage-list', PRICE_BODY, true),
  ...collection('/v1/contracts', 'acme-2026', CONTRACT_BODY, true),
  ...collection(
    '/v1/thresholds',
    'storage-1000',
    { tenant: 'acme', sku: 'storage', unit: 'GB', amount: '1000' },
    true,
  ),
  sample('get /v1/api-keys', false, '/v1/api-keys'),
  sample('post /v1/api-keys', false, '/v1/api-keys', {
    tenant: 'acme',
    name: 'billing page',
    scopes: ['read'],
  }),
  sample('get /v1/api-keys/{id}', false, '/v1/api-keys/reader'),
  sample('post /v1/api-keys/{id}/revoke', false, '/v1/api-keys/reader/revoke'),
  sample('get /v1/pulses', true, '/v1/pulses'),
  sample('get /v1/pulses/conflicts', true, '/v1/pulses/conflicts'),
  sample('get /v1/pulses/{id}', true, '/v1/pulses/p-1?tenant=acme&source=gateway'),
  sample('post /v1/pulses/{id}/void', false, '/v1/pulses/p-1/void?tenant=acme&source=gateway', {
    reason: 'test',
  }),
  sample('post /v1/pulses/{id}/amend', false, '/v1/pulses/p-1/amend?tenant=acme&source=gateway', {
    reason: 'test',
    amount: '2',
  }),
  sample('get /v1/dead-letters', false, '/v1/dead-letters'),
  sample('post /v1/dead-letters/requeue', false, '/v1/dead-letters/requeue', { filter: {} }),
  sample('post /v1/dead-letters/discard', false, '/v1/dead-letters/discard', { ids: [LETTER] }),
  sample('get /v1/dead-letters/{id}', false, `/v1/dead-letters/${LETTER}`),
  sample('post /v1/dead-letters/{id}/requeue', false, `/v1/dead-letters/${LETTER}/requeue`),
  sample('post /v1/dead-letters/{id}/discard', false, `/v1/dead-letters/${LETTER}/discard`),
  sample('get /v1/metering/overview', false, '/v1/metering/overview'),
  sample('get /v1/metering/acts', false, '/v1/metering/acts'),
];
const FOR_TENANTS = SAMPLES.filter(({ tenant }) => tenant);
const FOR_OPERATORS = SAMPLES.filter(({ tenant }) => !tenant);
const named = (samples: readonly Sample[]) => samples.map((each) => [each.route, each] as const);

let room: MeteringEdgeRoom;

beforeEach(() => {
  room = new MeteringEdgeRoom();
});

const documentOf = async (of: EdgeRoom) => (await of.json('/openapi.json')) as Document;

function askOf({ route, body }: Sample, ask: Ask = {}): Ask {
  const method = (route.split(' ')[0] ?? '').toUpperCase();
  return { ...ask, method, ...(body === undefined ? {} : { body }) };
}

/** Routes of the document that are not those of voting. */
async function listedIn(of: EdgeRoom): Promise<readonly string[]> {
  const voting = new Set(routesOf(await documentOf(new EdgeRoom({ surface: of.deps.surface }))));
  return routesOf(await documentOf(of)).filter((route) => !voting.has(route));
}

function routesOf({ paths }: Document): readonly string[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
}

describe('the OpenAPI document', () => {
  test('lists every route of the contract beside those of voting, and no other', async () => {
    const listed = await listedIn(room);
    expect([...listed].sort()).toEqual(SAMPLES.map(({ route }) => route).sort());
  });

  test('lists none of them where the process has no metering', async () => {
    expect(await listedIn(new EdgeRoom({ metering: null }))).toEqual([]);
    expect((await new EdgeRoom().ask('/v1/usage', { operator: true })).status).toBe(404);
  });

  test('is whole: every reference leads somewhere, every parameter is declared', async () => {
    const document = await documentOf(room);
    const text = JSON.stringify(document);
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    const ids = new Set<string>();
    for (const { route, tenant } of SAMPLES) {
      const [method = '', path = ''] = route.split(' ');
      const operation = document.paths[path]?.[method];
      if (operation === undefined) throw new Error(route);
      ids.add(operation.operationId);
      expect(operation.summary).not.toBe('');
      expect(operation.tags).toHaveLength(1);
      const declared = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name);
      const used = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);
      expect(declared).toEqual(used);
      expect(Object.keys(operation.responses)).toContain('401');
      const schemes = (operation.security ?? []).flatMap(Object.keys);
      expect(schemes).toContain('operatorToken');
      expect(schemes.includes('apiKey')).toBe(tenant);
      for (const scheme of schemes) {
        expect(Object.keys(document.components.securitySchemes)).toContain(scheme);
      }
    }
    expect(ids.size).toBe(SAMPLES.length);
  });
});

describe('an operator', () => {
  test.each(named(SAMPLES))('may ask %s, which is served', async (_route, each) => {
    const response = await room.ask(each.path, askOf(each, { operator: true }));
    expect([200, 201]).toContain(response.status);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('a tenant’s key', () => {
  test.each(named(FOR_TENANTS))('may ask %s', async (_route, each) => {
    const response = await room.ask(each.path, askOf(each, byKey(KEYS.reader)));
    expect(response.status).toBe(200);
  });

  test.each(named(FOR_OPERATORS))('may not ask %s', async (_route, each) => {
    const response = await room.ask(each.path, askOf(each, byKey(KEYS.reader)));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'forbidden' });
    expect(room.asked).toEqual([]);
  });

  test.each(named(FOR_TENANTS))('without the scope read may not ask %s', async (_route, each) => {
    const response = await room.ask(each.path, askOf(each, byKey(KEYS.sender)));
    expect(response.status).toBe(403);
    expect(room.asked).toEqual([]);
  });

  test.each([
    `/v1/usage?tenant=other&${SPAN}`,
    '/v1/usage-events?tenant=other',
    '/v1/charges?tenant=other',
    '/v1/charges/unpriced?tenant=other',
    '/v1/billing-periods?tenant=other',
    '/v1/statements/other',
    '/v1/contracts?tenant=other',
    '/v1/thresholds?tenant=other',
    '/v1/pulses?tenant=other',
    '/v1/pulses/conflicts?tenant=other',
    '/v1/pulses/conflicts?tenant=other&source=gateway',
    '/v1/pulses/p-1?tenant=other&source=gateway',
  ])('is told that %s is another tenant’s', async (path) => {
    const response = await room.ask(path, byKey(KEYS.reader));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'forbidden' });
    expect(room.asked).toEqual([]);
  });

  test('asks no estimate for another tenant', async () => {
    const ask: Ask = { method: 'POST', body: { tenant: 'other' } };
    expect((await room.ask('/v1/estimates', byKey(KEYS.reader, ask))).status).toBe(403);
    expect(room.asked).toEqual([]);
  });

  test.each([
    [`/v1/usage?${SPAN}`, 'usage'],
    ['/v1/charges', 'charges'],
    ['/v1/charges?format=csv', 'charges'],
    ['/v1/charges/unpriced', 'unpriced'],
    ['/v1/pulses', 'pulses'],
    ['/v1/pulses/p-1?source=gateway', 'pulse'],
  ] as const)('asks %s for its own tenant where it names none', async (path, method) => {
    await (await room.ask(path, byKey(KEYS.reader))).text();
    expect(room.lastAsked(method)).toMatchObject([{ tenant: 'acme' }, ...anything(method)]);
  });

  test.each([
    ['/v1/contracts', ['contract', 'acme']],
    ['/v1/thresholds', ['threshold', 'acme']],
    ['/v1/prices', ['price', null]],
  ])('lists %s of its own tenant, and what is every tenant’s', async (path, input) => {
    await room.ask(path, byKey(KEYS.reader));
    expect(room.lastAsked('entries')).toEqual(input);
  });

  test('is a stranger on the routes of voting, and none of them counts it as a guess', async () => {
    await room.place({ state: 'open' });
    for (let asked = 0; asked <= FAILURES_MAX; asked += 1) {
      expect((await room.ask('/v1/polls/final', byKey(KEYS.reader))).status).toBe(200);
    }
    expect((await room.ask('/v1/consistency', byKey(KEYS.reader))).status).toBe(403);
    expect((await room.ask('/v1/consistency', { operator: true })).status).toBe(200);
  });
});

function anything(method: string): readonly unknown[] {
  if (method === 'unpriced') return [expect.any(Number)];
  return ['charges', 'pulses'].includes(method) ? [null, expect.any(Number)] : [];
}

describe('nobody else', () => {
  test.each(named(SAMPLES))('may ask %s', async (_route, each) => {
    const response = await room.ask(each.path, askOf(each));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="apura"');
    expect(room.asked).toEqual([]);
  });

  test.each([
    [KEYS.wrong, 401, 'unauthorized', 'no API key'],
    [KEYS.unheard, 401, 'unauthorized', 'no API key'],
    [KEYS.revoked, 401, 'unauthorized', 'revoked'],
    [KEYS.expired, 401, 'unauthorized', 'expired'],
    [KEYS.stale, 503, 'not_ready', ''],
    ['a-wrong-operator-token', 401, 'unauthorized', 'API key'],
  ])('is let in by %s', async (key, status, code, words) => {
    const response = await room.ask('/v1/charges', byKey(key));
    expect(response.status).toBe(status);
    const body = (await response.json()) as Json;
    expect(body.code).toBe(code);
    if (status === 401) expect(String(body.detail)).toContain(words);
  });

  test('may guess keys for long: wrong ones count as failed logins of the network', async () => {
    const guess = () => room.ask('/v1/charges', byKey(KEYS.wrong));
    for (let failed = 0; failed < FAILURES_MAX; failed += 1) {
      expect((await guess()).status).toBe(401);
    }
    const blocked = await guess();
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await room.ask('/v1/charges', { operator: true })).status).toBe(429);
    const elsewhere = byKey(KEYS.wrong, { from: '198.51.100.9' });
    expect((await room.ask('/v1/charges', elsewhere)).status).toBe(401);
  });

  test('is locked out by a neighbour’s guesses who holds a right key', async () => {
    for (let failed = 0; failed <= FAILURES_MAX; failed += 1) {
      await room.ask('/v1/charges', byKey(KEYS.wrong));
    }
    expect((await room.ask('/v1/charges', byKey(KEYS.reader))).status).toBe(200);
  });

  test('is locked out for a key that this process has not heard of yet', async () => {
    for (let asked = 0; asked <= FAILURES_MAX; asked += 1) {
      expect((await room.ask('/v1/charges', byKey(KEYS.unheard))).status).toBe(401);
    }
    expect((await room.ask('/v1/charges', { operator: true })).status).toBe(200);
  });

  test('may change anything from another site’s page by the console’s cookie', async () => {
    const opened = await room.ask('/console/session', {
      method: 'POST',
      headers: { origin: HOST },
      body: { token: 'an-operator-token-for-tests' },
    });
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const apply = (origin: string) =>
      room.ask('/v1/ratings/apply', { method: 'POST', body: RATING, headers: { cookie, origin } });
    expect((await apply('https://evil.test')).status).toBe(403);
    expect((await apply(HOST)).status).toBe(200);
  });
});

describe('a public port beside an admin port', () => {
  let outside: MeteringEdgeRoom;

  beforeEach(() => {
    outside = new MeteringEdgeRoom({}, { surface: 'public' });
  });

  test('has the tenants’ routes alone', async () => {
    const listed = await listedIn(outside);
    expect([...listed].sort()).toEqual(FOR_TENANTS.map(({ route }) => route).sort());
  });

  test.each(named(FOR_TENANTS))('answers %s to a key, and to no operator', async (_route, each) => {
    expect((await outside.ask(each.path, askOf(each, byKey(KEYS.reader)))).status).toBe(200);
    const operator = await outside.ask(each.path, askOf(each, { operator: true }));
    expect(operator.status).toBe(401);
  });

  test('counts wrong keys', async () => {
    for (let failed = 0; failed < FAILURES_MAX; failed += 1) {
      expect((await outside.ask('/v1/charges', byKey(KEYS.wrong))).status).toBe(401);
    }
    expect((await outside.ask('/v1/charges', byKey(KEYS.wrong))).status).toBe(429);
  });
});

test('an operator whose token begins as keys do is an operator all the same', async () => {
  const { operators } = room.deps;
  const token = 'apura_chosen_by_hand';
  const own = new MeteringEdgeRoom(
    {},
    {
      operators: {
        tryToken: (text, address) =>
          text === token ? { kind: 'right' } : operators.tryToken(text, address),
        identify: () => ({ kind: 'operator', via: 'token' }),
      },
    },
  );
  expect((await own.ask('/v1/metering/overview', byKey(token))).status).toBe(200);
});

describe('every path', () => {
  test.each([...new Set(SAMPLES.map(({ route }) => route.split(' ')[1] ?? ''))])(
    '%s answers other methods with 405 and Allow',
    async (path) => {
      const samples = SAMPLES.filter(({ route }) => route.endsWith(` ${path}`));
      const methods = samples.map(({ route }) => (route.split(' ')[0] ?? '').toUpperCase());
      const response = await room.ask(samples[0]?.path ?? '', { method: 'DELETE' });
      expect(response.status).toBe(405);
      const allow = response.headers.get('allow')?.split(', ') ?? [];
      const head = methods.includes('GET') ? ['HEAD'] : [];
      expect(allow.sort()).toEqual([...methods, ...head].sort());
    },
  );

  test.each(
    named(
      SAMPLES.filter(({ route }) => !/^(get \/v1\/pulses\/|post .*\/(void|amend)$)/.test(route)),
    ),
  )('%s refuses a parameter that it does not know', async (route, each) => {
    if (!route.startsWith('get') || /\{(id|sku)\}$/.test(route)) return;
    const path = `${each.path}${each.path.includes('?') ? '&' : '?'}tennant=acme`;
    const response = await room.ask(path, askOf(each, { operator: true }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });
});

describe('no input', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
    fc.webQueryParameters(),
    fc.constantFrom(
      'acme',
      'PT1H',
      'P1M',
      '%00',
      '%',
      '-1',
      '0',
      '1e9',
      '9007199254740993',
      '2026-02-30T00:00:00Z',
      '2026-11-01T00:00:00Z',
      '2026-11-01T00:07:00Z',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      'America/Sao_Paulo',
      'tenant,sku,unit',
      'csv',
      'html',
    ),
    fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date(Date.UTC(9999, 0)) })
      .map((date) => date.toJSON()),
  );
  const parameter = fc.constantFrom(
    ...['tenant', 'sku', 'unit', 'from', 'to', 'granularity', 'time_zone', 'group_by', 'format'],
    ...['cursor', 'limit', 'at', 'lang', 'source', 'queue', 'state', 'code'],
  );
  const query = fc
    .array(fc.tuple(parameter, value), { maxLength: 6 })
    .map((pairs) => pairs.map(([name, text]) => `${name}=${text}`).join('&'));
  const path = fc.oneof(
    fc.constantFrom(...SAMPLES).map((each) => each.path.split('?')[0] ?? ''),
    fc
      .tuple(
        fc.constantFrom('pulses', 'charges', 'products', 'statements', 'dead-letters', 'api-keys'),
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.constantFrom('', '/void', '/history', '/requeue', '/revoke'),
      )
      .map(([name, text, act]) => `/v1/${name}/${encodeURIComponent(text.toWellFormed())}${act}`),
  );
  const body = fc.oneof(
    fc.json({ maxDepth: 10 }),
    fc.constantFrom(...SAMPLES.map((each) => JSON.stringify(each.body ?? null))),
    fc.record({ tenant: fc.jsonValue(), from: fc.jsonValue(), to: fc.jsonValue() }),
    fc.record({ ids: fc.jsonValue(), filter: fc.jsonValue() }, { requiredKeys: [] }),
    fc.record({ from: value, to: value }),
  );
  const headers = fc.record(
    {
      accept: fc.constantFrom('text/csv', 'text/html', 'application/json;q=x', '*/*'),
      'idempotency-key': fc.string({ maxLength: 200 }).map((text) => text.replace(/[^ -~]/g, '')),
      'content-type': fc.constantFrom('application/json', 'text/plain'),
    },
    { requiredKeys: [] },
  );

  test('makes a failure of the server', async () => {
    await fc.assert(
      fc.asyncProperty(
        path,
        query,
        fc.constantFrom('GET', 'POST', 'PUT', 'HEAD'),
        headers,
        body,
        fc.boolean(),
        async (at, search, method, given, sent, isOperator) => {
          const hasBody = !['GET', 'HEAD'].includes(method);
          const text = typeof sent === 'string' ? sent : JSON.stringify(sent);
          const ask: Ask = { method, headers: given, ...(hasBody ? { body: text } : {}) };
          if (!URL.canParse(`${HOST}${at}?${search}`)) return;
          const response = await room.ask(
            `${at}?${search}`,
            isOperator ? { ...ask, operator: true } : byKey(KEYS.reader, ask),
          );
          await response.arrayBuffer();
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(room.failures).toEqual([]);
  });

  test('that is of no use reaches a store', async () => {
    for (const search of ['tenant=%00', 'tenant=', 'from=x', `to=${'9'.repeat(400)}`, 'limit=0']) {
      expect((await room.ask(`/v1/charges?${search}`, { operator: true })).status).toBe(400);
    }
    expect((await room.ask('/v1/charges/%00', { operator: true })).status).toBe(404);
    expect(
      (await room.ask(`/v1/pulses/${'x'.repeat(129)}?tenant=a&source=b`, { operator: true }))
        .status,
    ).toBe(404);
    expect(room.asked).toEqual([]);
  });
});
