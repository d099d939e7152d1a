/** Proves what a role that runs apart answers: its own figures, to whom they are meant for, and nothing else. */
import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { Readiness } from './api-deps.ts';
import { createRoleApi, type RoleApiDeps } from './role-api.ts';

const READY: Readiness = { ready: true, durability: 'replicated', logId: 'log-1', parts: [] };

function ask(path: string, deps: Partial<RoleApiDeps> = {}, headers: Record<string, string> = {}) {
  const api = createRoleApi({
    surface: 'admin',
    operators: null,
    isDoor: false,
    corsOrigins: [],
    reading: { clock: new ManualClock(0) },
    operations: {
      readiness: () => READY,
      metrics: async () => ({ contentType: 'text/plain', text: 'apura_up 1\n' }),
    },
    reportFailure: () => {},
    ...deps,
  });
  const request = new Request(`http://127.0.0.1${path}`, { headers });
  return api.fetch(request, { remoteAddress: '127.0.0.1' });
}

const operators: RoleApiDeps['operators'] = {
  identify: (request) =>
    request.headers.get('authorization') === 'Bearer right'
      ? { kind: 'operator', via: 'token' }
      : { kind: 'public', bearer: null, blockedForMs: 0 },
};

describe('a worker', () => {
  test('says that it is alive, whether it is ready, and its metrics without a token', async () => {
    expect(await (await ask('/healthz')).json()).toEqual({ alive: true });
    expect(await (await ask('/readyz')).json()).toEqual(READY);
    expect(await (await ask('/metrics')).text()).toBe('apura_up 1\n');
  });

  test('is not ready with 503', async () => {
    const readiness = (): Readiness => ({ ...READY, ready: false });
    const metrics = async () => ({ contentType: 'text/plain', text: '' });
    const operations = { readiness, metrics };
    expect((await ask('/readyz', { operations })).status).toBe(503);
  });

  test('has nothing else', async () => {
    for (const path of ['/', '/v1/time', '/v1/polls', '/v1/consistency', '/console', '/docs']) {
      const response = await ask(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'not_found' });
    }
  });

  test('answers a failure of its own with a problem, and reports it', async () => {
    const failures: unknown[] = [];
    const response = await ask('/metrics', {
      operations: {
        readiness: () => READY,
        metrics: () => Promise.reject(new Error('broken')),
      },
      reportFailure: (error) => failures.push(error),
    });
    expect(response.status).toBe(500);
    expect(failures).toHaveLength(1);
  });
});

describe('a door', () => {
  const door = { isDoor: true, surface: 'combined', operators } as const;

  test('tells voters the time, also those of other origins that it knows', async () => {
    const origin = 'https://tv.example';
    const response = await ask('/v1/time', { ...door, corsOrigins: [origin] }, { origin });
    expect(await response.json()).toEqual({ serverTime: '1970-01-01T00:00:00.000Z' });
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  });

  test.each(['/v1/polls/final/votes', '/v1/pulses'])('says that one posts to %s', async (path) => {
    const response = await ask(path, door);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
    expect((await ask(path)).status).toBe(404);
  });

  test('shows its metrics to operators alone, for its port is the public one', async () => {
    expect((await ask('/metrics', door)).status).toBe(401);
    expect((await ask('/metrics', door, { authorization: 'Bearer right' })).status).toBe(200);
    expect((await ask('/readyz', door)).status).toBe(200);
    const beside = { ...door, surface: 'public' } as const;
    expect((await ask('/metrics', beside, { authorization: 'Bearer right' })).status).toBe(404);
  });
});
