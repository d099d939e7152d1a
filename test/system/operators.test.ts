/** What is for operators is for operators: by token, by cookie, and by a port of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ApiClient, type Json } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';
import { LiveViewer } from '../support/live-viewer.ts';

interface DocumentedRoute {
  readonly method: string;
  readonly path: string;
  readonly isForOperators: boolean;
}

/** Every route of /openapi.json, its parameters filled in. */
async function documentedRoutes(client: ApiClient): Promise<readonly DocumentedRoute[]> {
  const { json } = await client.ask('/openapi.json');
  const paths = json.paths as Readonly<Record<string, Readonly<Record<string, Json>>>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll('{poll}', 'guarded').replaceAll(/\{[^}]+\}/g, 'a'),
      isForOperators:
        Array.isArray(security) &&
        security.length > 0 &&
        security.every((way: Json) => 'operatorToken' in way || 'consoleSession' in way),
    })),
  );
}

const bodyFor = (method: string) => (method === 'GET' || method === 'DELETE' ? {} : { body: {} });

let apura: Installation;
let client: ApiClient;
beforeAll(async () => {
  apura = await Installation.start();
  client = apura.client;
  await client.openPoll('guarded');
});
afterAll(() => apura[Symbol.asyncDispose]());

describe('without the operators’ token', () => {
  test('every route of theirs answers 401, and does nothing', async () => {
    const before = await client.poll('guarded');
    const routes = (await documentedRoutes(client)).filter((route) => route.isForOperators);
    const paths = routes.map(({ method, path }) => `${method} ${path}`);
    for (const known of [
      'POST /v1/polls',
      'PATCH /v1/polls/guarded',
      'POST /v1/polls/guarded/open',
      'POST /v1/polls/guarded/pause',
      'POST /v1/polls/guarded/resume',
      'POST /v1/polls/guarded/close',
      'POST /v1/polls/guarded/publish',
      'POST /v1/polls/guarded/archive',
      'GET /v1/polls/guarded/export',
      'GET /v1/polls/guarded/acts',
      'GET /v1/consistency',
      'GET /metrics',
    ]) {
      expect(paths).toContain(known);
    }
    for (const { method, path } of routes) {
      const answer = await client.ask(path, { method, ...bodyFor(method) });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.json.code).toBe('unauthorized');
    }
    const { serverTime: _serverTime, ...same } = before;
    expect(await client.poll('guarded')).toMatchObject(same);
  });

  test('a wrong one is refused as none is, and guessing is stopped', async () => {
    await using guessed = await Installation.start();
    const guess = () => guessed.client.ask('/v1/consistency', { token: 'not-the-token-at-all' });
    expect((await guess()).json.code).toBe('unauthorized');
    // At once they come in any order: the one after them all is stopped for certain.
    await Promise.all(Array.from({ length: 30 }, guess));
    const last = await guess();
    expect(last.json.code).toBe('too_many_attempts');
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    // Voters behind the same address are not locked out with the guesser.
    expect((await guessed.client.ask('/v1/polls')).status).toBe(200);
  });

  test('drafts are hidden and the console’s feed is shut', async () => {
    const options = [{ name: 'Ana' }, { name: 'Bia' }];
    await client.mustBe(201, '/v1/polls', { body: { id: 'draft', title: 'Draft', options } });
    for (const path of ['/v1/polls/draft', '/v1/polls/draft/results', '/p/draft']) {
      expect((await client.ask(path)).status).toBe(404);
    }
    expect((await client.ask('/v1/polls')).text).not.toContain('"draft"');
    expect((await client.operate('/v1/polls')).text).toContain('"draft"');
    const upgrade = { upgrade: 'websocket', connection: 'Upgrade' };
    const handshake = {
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    };
    const feed = await client.ask('/v1/console/live', { headers: { ...upgrade, ...handshake } });
    expect(feed.status).toBe(401);
    using operator = new LiveViewer(apura.url, '/v1/console/live', apura.token);
    await operator.message('the hello', ({ type }) => type === 'hello');
  });
});

describe('a console session', () => {
  test('acts by its cookie from our own pages, and from no other', async () => {
    const login = await client.ask('/console/session', { body: { token: apura.token } });
    expect(login.status).toBe(204);
    const set = login.headers.get('set-cookie') ?? '';
    expect(set).toContain('HttpOnly');
    expect(set).toContain('SameSite=Strict');
    const cookie = set.split(';')[0] ?? '';
    const act = (headers: Readonly<Record<string, string>>) =>
      client.ask('/v1/polls/guarded/pause', { method: 'POST', body: {}, headers });
    expect((await act({ cookie, origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await act({ cookie })).status).toBe(403);
    expect((await act({ cookie, origin: apura.url })).status).toBe(200);
    expect((await client.ask('/console/session', { headers: { cookie } })).json).toEqual({
      operator: true,
    });
    const logout = { method: 'DELETE', headers: { cookie, origin: apura.url } };
    expect((await client.ask('/console/session', logout)).status).toBe(204);
    expect((await act({ cookie, origin: apura.url })).status).toBe(401);
  });
});

describe('with a port of their own', () => {
  test('operators are served there, and the public port has no trace of them', async () => {
    await using split = await Installation.start({ env: { APURA_ADMIN_PORT: '0' } });
    const adminUrl = /operators {2}(\S+)\/console/.exec(split.serving.output)?.[1] ?? '';
    expect(adminUrl).not.toBe(split.url);
    const { token } = split;
    const admin = new ApiClient(() => ({ url: adminUrl, token }));
    const door = split.client;
    await admin.openPoll('guarded');

    const onDoor = await documentedRoutes(door);
    expect(onDoor.filter((route) => route.isForOperators)).toEqual([]);
    for (const { method, path } of await documentedRoutes(admin)) {
      if (onDoor.some((route) => route.path === path && route.method === method)) continue;
      const answer = await door.operate(path, { method, ...bodyFor(method) });
      // 405 where the path has a method for the public.
      expect([path, [404, 405].includes(answer.status)]).toEqual([path, true]);
    }
    expect((await door.operate('/console')).status).toBe(404);
    expect((await door.operate('/metrics')).status).toBe(404);
    // The operators' token opens nothing there.
    expect((await door.operate('/v1/polls/guarded/results')).json.visible).toBe(false);

    expect((await admin.ask('/console')).status).toBe(200);
    expect((await admin.ask('/metrics')).status).toBe(200);
    expect((await door.voteUntilAnswered('guarded', 'a')).status).toBe(202);
    expect((await admin.countsAtRest('guarded')).votes).toEqual({ a: 1, b: 0 });
  });
});
