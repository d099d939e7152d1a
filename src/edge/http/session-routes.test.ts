/** Proves that the console's session opens to the token alone, and to the console's own pages. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { type Ask, EdgeRoom, HOST, OPERATOR_TOKEN } from '../../../test/support/edge-room.ts';
import { SESSION_VALID_MS } from './console-sessions.ts';
import { FAILURE_WINDOW_MS, FAILURES_MAX } from './failed-logins.ts';

let room: EdgeRoom;

beforeEach(() => {
  room = new EdgeRoom();
});

const signIn = (token: string, ask: Ask = {}) =>
  room.ask('/console/session', { method: 'POST', body: { token }, ...ask });

async function session(): Promise<string> {
  const response = await signIn(OPERATOR_TOKEN, { headers: { origin: HOST } });
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('signing in', () => {
  test('with the token gives a cookie that scripts and other sites can’t use', async () => {
    const response = await signIn(OPERATOR_TOKEN);
    expect(response.status).toBe(204);
    expect(response.headers.get('set-cookie')).toMatch(
      /^apura_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('over TLS gives a cookie that never goes over anything else', async () => {
    const request = new Request(`${HOST}/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: OPERATOR_TOKEN }),
    });
    const response = await room.api.fetch(request, { remoteAddress: '203.0.113.7', isTls: true });
    expect(response.headers.get('set-cookie')).toEndWith('; Secure');
  });

  test('with another token gives nothing', async () => {
    const response = await signIn('wrong');
    expect(response.status).toBe(401);
    expect(response.headers.has('set-cookie')).toBe(false);
  });

  test('with too many wrong tokens has to wait, and the right one then too', async () => {
    for (let time = 0; time < FAILURES_MAX; time += 1)
      expect((await signIn('wrong')).status).toBe(401);
    const blocked = await signIn(OPERATOR_TOKEN);
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers.get('retry-after'))).toBe(FAILURE_WINDOW_MS / 1000);
    expect((await room.ask('/v1/consistency', { operator: true })).status).toBe(429);
    expect((await signIn(OPERATOR_TOKEN, { from: '198.51.100.1' })).status).toBe(204);
    room.clock.advance(FAILURE_WINDOW_MS);
    expect((await signIn(OPERATOR_TOKEN)).status).toBe(204);
  });

  test('wrong bearer tokens count as wrong ones, old results tokens do not', async () => {
    const bearer = (token: string) =>
      room.ask('/v1/consistency', { headers: { authorization: `Bearer ${token}` } });
    for (let time = 0; time < 2 * FAILURES_MAX; time += 1) await bearer('x'.repeat(48));
    expect((await signIn(OPERATOR_TOKEN)).status).toBe(204);
    for (let time = 0; time < FAILURES_MAX; time += 1) await bearer('wrong');
    expect((await signIn(OPERATOR_TOKEN)).status).toBe(429);
  });

  test('is not for other sites’ pages', async () => {
    const response = await signIn(OPERATOR_TOKEN, { headers: { origin: 'https://evil.test' } });
    expect(response.status).toBe(403);
  });

  test.each([
    [{}, 422],
    [{ token: '' }, 422],
    [{ token: 7 }, 422],
    [{ token: 'x'.repeat(1_025) }, 422],
    [{ token: 'x', user: 'root' }, 422],
  ])('refuses the body %j', async (body, status) => {
    const response = await room.ask('/console/session', { method: 'POST', body });
    expect(response.status).toBe(status);
  });
});

describe('a session', () => {
  test('is an operator’s, until its time is over', async () => {
    const cookie = await session();
    const ask = { headers: { cookie } };
    expect(await room.json('/console/session', ask)).toEqual({ operator: true });
    expect((await room.ask('/v1/consistency', ask)).status).toBe(200);
    room.clock.advance(SESSION_VALID_MS);
    expect((await room.ask('/console/session', ask)).status).toBe(401);
  });

  test('ends when its operator leaves', async () => {
    const cookie = await session();
    const response = await room.ask('/console/session', {
      method: 'DELETE',
      headers: { cookie, origin: HOST },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await room.ask('/console/session', { headers: { cookie } })).status).toBe(401);
  });

  test('is not ended by other sites’ pages', async () => {
    const cookie = await session();
    const headers = { cookie, origin: 'https://evil.test' };
    expect((await room.ask('/console/session', { method: 'DELETE', headers })).status).toBe(403);
    expect((await room.ask('/console/session', { headers: { cookie } })).status).toBe(200);
  });

  test('is none without a cookie, or with one that nobody was given', async () => {
    expect((await room.ask('/console/session')).status).toBe(401);
    const headers = { cookie: `apura_session=${'x'.repeat(43)}` };
    expect((await room.ask('/console/session', { headers })).status).toBe(401);
    expect((await room.ask('/console/session', { method: 'DELETE' })).status).toBe(204);
  });
});

describe('a change by cookie', () => {
  const open = async (headers: Record<string, string>, ask: Ask = {}) =>
    room.ask('/v1/polls/final/open', { method: 'POST', headers, ...ask });
  let cookie: string;

  beforeEach(async () => {
    await room.place();
    cookie = await session();
  });

  test('is made from the console’s page', async () => {
    const headers = { cookie, origin: HOST, 'content-type': 'application/json' };
    expect((await open(headers)).status).toBe(200);
  });

  test.each([
    ['another site’s page', { origin: 'https://evil.test' }],
    ['a partner’s page', { origin: 'https://partner.example' }],
    ['a page without a name', { origin: 'null' }],
    ['a neighbour on another port', { origin: `${HOST}:8081` }],
    ['no page at all', {}],
  ])('is refused from %s', async (_who, origin) => {
    const response = await open({ cookie, ...origin, 'content-type': 'application/json' });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'forbidden' });
    expect(await room.json('/v1/polls/final', { operator: true })).toMatchObject({
      state: 'draft',
    });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'is refused as %p, which any form can send',
    async (type) => {
      const response = await open({ cookie, origin: HOST, 'content-type': type }, { body: '{}' });
      expect(response.status).toBe(415);
    },
  );

  test('needs none of this by token', async () => {
    expect((await open({}, { operator: true })).status).toBe(200);
  });
});
