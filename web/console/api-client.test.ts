import { describe, expect, test } from 'bun:test';
import { createApiClient, exportHref, reportHref } from './api-client.ts';
import { pollWith } from './live-fixtures.ts';
import type { Fetch } from './sender.ts';

interface Sent {
  readonly path: string;
  readonly init: RequestInit;
}

function serving(answer: () => Response | Promise<Response>) {
  const sent: Sent[] = [];
  const fetch: Fetch = async (path, init) => {
    sent.push({ path, init });
    return answer();
  };
  return { api: createApiClient(fetch), sent };
}

const headerOf = (sent: Sent | undefined, name: string) =>
  new Headers(sent?.init.headers).get(name);
const problem = (status: number, body: unknown) => () => Response.json(body, { status });

describe('the API client', () => {
  test('sends JSON with its content type, and the version that it has seen', async () => {
    const { api, sent } = serving(() => Response.json(pollWith()));
    const outcome = await api.act('a/b', 'close', 7);
    expect(outcome.ok).toBe(true);
    expect(sent[0]?.path).toBe('/v1/polls/a%2Fb/close');
    expect(headerOf(sent[0], 'content-type')).toBe('application/json');
    expect(sent[0]?.init.body).toBe('{"expectedVersion":7}');
    expect(sent[0]?.init.credentials).toBe('same-origin');
  });

  test('sends a picture as what it is', async () => {
    const { api, sent } = serving(() => new Response(null, { status: 204 }));
    const picture = new Blob(['x'], { type: 'image/webp' });
    expect(await api.putImage('p', 'o', picture)).toEqual({ ok: true, value: null });
    expect(headerOf(sent[0], 'content-type')).toBe('image/webp');
    expect(sent[0]?.init.body).toBe(picture);
  });

  test('answers with the problem that the server names', async () => {
    const { api } = serving(
      problem(422, {
        code: 'invalid_body',
        detail: 'No.',
        errors: [{ pointer: '/title', code: 'invalid_body', detail: 'Too long.' }, 'odd'],
      }),
    );
    const outcome = await api.changePoll('p', {});
    expect(outcome).toEqual({
      ok: false,
      problem: {
        code: 'invalid_body',
        status: 422,
        detail: 'No.',
        errors: [{ pointer: '/title', code: 'invalid_body', detail: 'Too long.' }],
      },
    });
  });

  test('has a code of its own for no answer and for an answer of somebody else', async () => {
    const down = serving(() => Promise.reject(new TypeError('offline')));
    expect(await down.api.results('p')).toMatchObject({ problem: { code: 'network', status: 0 } });
    const proxy = serving(() => new Response('<html>', { status: 502 }));
    expect(await proxy.api.results('p')).toMatchObject({
      problem: { code: 'unreadable', status: 502 },
    });
    const odd = serving(() => Response.json({ hello: 1 }));
    expect(await odd.api.results('p')).toMatchObject({ problem: { code: 'unreadable' } });
  });

  test('tells a closed session from a server that can not say', async () => {
    const open = serving(() => Response.json({ operator: true }));
    expect(await open.api.session()).toEqual({ ok: true, value: true });
    const closed = serving(problem(401, { code: 'unauthorized' }));
    expect(await closed.api.session()).toEqual({ ok: true, value: false });
    const broken = serving(problem(503, { code: 'not_ready' }));
    expect(await broken.api.session()).toMatchObject({ ok: false });
  });

  test('signs in and out, creates, and reads acts and series', async () => {
    const quiet = serving(() => new Response(null, { status: 204 }));
    expect(await quiet.api.signIn('t')).toEqual({ ok: true, value: null });
    expect(await quiet.api.signOut()).toEqual({ ok: true, value: null });
    expect(quiet.sent.map((sent) => sent.init.method)).toEqual(['POST', 'DELETE']);
    const acts = serving(() => Response.json({ items: [], nextCursor: null }));
    expect(await acts.api.acts('p')).toEqual({ ok: true, value: [] });
    expect(await acts.api.timeseries('p', '1m', null)).toMatchObject({ ok: false });
    const points = serving(() => Response.json({ points: [], asOf: '', step: '1m' }));
    expect((await points.api.timeseries('p', '1m', 0)).ok).toBe(true);
    expect(points.sent[0]?.path).toBe(
      '/v1/polls/p/results/timeseries?step=1m&from=1970-01-01T00%3A00%3A00.000Z',
    );
    expect(await points.api.acts('p')).toMatchObject({ ok: false });
  });
});

test('an export is an address of the API', () => {
  expect(exportHref('p', 'votes', 'ndjson')).toBe('/v1/polls/p/export?format=ndjson&what=votes');
});

test('a report is an address of the API', () => {
  expect(reportHref('p', 'html')).toBe('/v1/polls/p/report?format=html');
});
