/** What processes apart answer on their ports, to whom, and when they call themselves ready. */
import { afterEach, describe, expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { configOf } from '../../config/config.ts';
import type { Env } from '../../config/env.ts';
import { CONNECT_USAGE_PATH } from '../../edge/http/connect-usage-route.ts';
import { createCors } from '../../edge/http/cors.ts';
import { createResultsTokens } from '../../edge/http/results-token.ts';
import { VoteRoute } from '../../edge/http/vote-route.ts';
import { DoorMetrics } from '../../telemetry/door-metrics.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { newLogSettings } from '../new-log.ts';
import {
  doorParts,
  partOf,
  processOperations,
  readinessOf,
  startDoorServer,
  startStatusServer,
  troubleOf,
} from './role-server.ts';

const TOKEN = 'operators-token-of-a-test';
const LOG = { durability: 'replicated', logId: 'newest' } as const;
const clock = new ManualClock(0);
const running: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

const contextOf = (env: Env) => ({
  config: configOf({ APURA_HTTP_PORT: '0', APURA_GRPC_PORT: '0', ...env }),
  clock,
  logger: createLogger('silent', 'test'),
});
const operationsOf = (...troubles: (string | null)[]) =>
  processOperations(createInstruments('1.2.3'), () =>
    readinessOf(
      LOG,
      troubles.map((trouble) => partOf('log', trouble)),
    ),
  );

async function statusOf(url: string, path: string, init?: RequestInit): Promise<number> {
  return (await fetch(url + path, init)).status;
}

describe('readiness', () => {
  const place = { settings: newLogSettings(1), generation: 0 };

  test('is that of every part, in the words of the first that has none', () => {
    expect(readinessOf(LOG, [partOf('a', null)])).toMatchObject({ ready: true, ...LOG });
    const unready = readinessOf(LOG, [partOf('a', null), partOf('b', 'It is off.')]);
    expect([unready.ready, troubleOf(unready)]).toEqual([false, 'It is off.']);
    expect(troubleOf(readinessOf(LOG, []))).toBe(null);
  });

  test('of a door ends with any of its logs, and when it stops', () => {
    const doors = [null, 'Stale.'].map((trouble) => ({ place, trouble }));
    expect(doorParts(doors, false).map(({ ready }) => ready)).toEqual([true, false]);
    expect(doorParts([], true)).toEqual([partOf('process', 'It is stopping.')]);
  });
});

test('a worker says how it is without a token, and nothing else', async () => {
  const server = startStatusServer(contextOf({}), operationsOf('It is behind.'), null);
  running.push(() => server.stop());
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { ready: false, ...LOG, parts: [{ name: 'log', ready: false, detail: 'It is behind.' }] },
  ]);
  const metrics = await fetch(`${server.url}/metrics`);
  expect(await metrics.text()).toContain('apura_build_info{version="1.2.3"} 1');
  for (const path of ['/v1/consistency', '/v1/time', '/console', CONNECT_USAGE_PATH]) {
    expect(await statusOf(server.url, path)).toBe(404);
  }
});

describe('a door', () => {
  let trouble: string | null = null;

  async function startDoor(env: Env): Promise<string> {
    const votes = new VoteRoute({
      door: {
        poll: () => null,
        cast: () => {
          throw new Error('There is no poll.');
        },
      },
      clock,
      books: new DoorMetrics(),
      resultsTokens: createResultsTokens(new Uint8Array(32)),
      cors: createCors([]),
      corsEnabled: false,
    });
    const operations = operationsOf(null);
    const metering = {
      view: { get: () => null, ageMs: 0 },
      door: { ingest: async () => ({ kind: 'taken' as const, count: 1, rejections: [] }) },
      trouble: () => trouble,
    };
    const deps = { votes, operations, operatorToken: TOKEN, metering };
    const server = await startDoorServer(contextOf(env), deps);
    running.push(() => server[Symbol.asyncDispose]());
    return server.url;
  }

  test('takes votes and tells the time; its metrics are for operators', async () => {
    const url = await startDoor({});
    const vote = await fetch(`${url}/v1/polls/none/votes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"option":"ana"}',
    });
    expect(await vote.json()).toMatchObject({ code: 'poll_not_found' });
    expect(await statusOf(url, '/readyz')).toBe(200);
    expect(await statusOf(url, '/v1/time')).toBe(200);
    expect(await statusOf(url, '/metrics')).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect(await statusOf(url, '/metrics', { headers })).toBe(200);
  });

  test('takes pulses, from those with a key and from operators', async () => {
    const url = await startDoor({});
    const send = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/v1/pulses`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json', ...headers },
        body: JSON.stringify({
          specversion: '1.0',
          id: 'a-1',
          source: 'meter',
          type: 'gpu',
          subject: 'acme',
          time: '1970-01-01T00:00:00Z',
          data: { used_amount: '1.5', use_unity: 'h' },
        }),
      });
    expect((await send({})).status).toBe(401);
    expect((await send({ authorization: `Bearer ${TOKEN}` })).status).toBe(202);
    trouble = 'The clock is off.';
    expect((await send({ authorization: `Bearer ${TOKEN}` })).status).toBe(503);
    trouble = null;
    expect((await send({ authorization: `Bearer ${TOKEN}` })).status).toBe(202);
  });

  test('with a port for operators has no metrics on the other', async () => {
    const url = await startDoor({ APURA_ADMIN_PORT: '0' });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect(await statusOf(url, '/metrics', { headers })).toBe(404);
    expect(await statusOf(url, '/v1/time')).toBe(200);
  });
});
