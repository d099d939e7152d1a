/** Proves that only the API's own word is taken as definite, and everything else as "unknown". */
import { describe, expect, test } from 'bun:test';
import { ServerClock } from './server-clock.ts';
import { type Fetch, openVoteDoor } from './vote-door.ts';

const KEY = '019a0000-0000-7000-8000-000000000000';

function answering(make: () => Response) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push({ url, init });
    return make();
  };
  return { asked, door: openVoteDoor('paredão 1', fetch, new ServerClock(stoppedClocks)) };
}

const stoppedClocks = { monotonic: () => 0, wall: () => 0 };

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  answering(() => new Response(JSON.stringify(body), { status, headers })).door;

describe('sending', () => {
  test('carries the option in the body and the key in its header, and survives the page', async () => {
    const { asked, door } = answering(() => new Response('{}', { status: 500 }));
    await door.send('ana', KEY);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url).toBe('/v1/polls/pared%C3%A3o%201/votes');
    expect(asked[0]?.init).toMatchObject({
      method: 'POST',
      body: '{"option":"ana"}',
      keepalive: true,
      headers: { 'content-type': 'application/json', 'idempotency-key': KEY },
    });
  });

  test('a 202 is accepted, with the token for the results when there is one', async () => {
    const acceptedAt = '2026-11-21T20:00:00.000Z';
    const accepted = { kind: 'accepted', acceptedAt } as const;
    const full = json(202, { id: KEY, acceptedAt, token: 'tok' });
    expect(await full.send('a', KEY)).toEqual({ ...accepted, token: 'tok' });
    const bare = json(202, { id: KEY, acceptedAt });
    expect(await bare.send('a', KEY)).toEqual({ ...accepted, token: null });
  });

  test('a 4xx with a code is a refusal', async () => {
    const door = json(409, { code: 'poll_closed' });
    expect(await door.send('a', KEY)).toEqual({ kind: 'refused', code: 'poll_closed' });
  });

  test('503 overloaded says that nothing was logged; 503 outcome_unknown that it may have been', async () => {
    const overloaded = json(503, { code: 'overloaded' }, { 'retry-after': '7' });
    expect(await overloaded.send('a', KEY)).toEqual({ kind: 'overloaded', retryAfterMs: 7_000 });
    const unknown = json(503, { code: 'outcome_unknown' }, { 'retry-after': '1' });
    expect(await unknown.send('a', KEY)).toEqual({
      kind: 'unknown',
      heard: true,
      retryAfterMs: 1_000,
    });
  });

  const strangers: [string, () => Response][] = [
    ["a captive portal's page", () => new Response('<html>', { status: 200 })],
    ["a proxy's 403", () => new Response('Forbidden', { status: 403 })],
    ['a 202 without a body', () => new Response('', { status: 202 })],
    ['a 502', () => new Response('bad gateway', { status: 502 })],
    ['a 429 with a code', () => Response.json({ code: 'limited' }, { status: 429 })],
    ['a JSON text that is no object', () => new Response('null', { status: 409 })],
    ['a Retry-After that is no number', withRetryAfter('soon')],
  ];
  test.each(strangers)('%s says nothing about the vote', async (_, make) => {
    const answer = await answering(make).door.send('a', KEY);
    expect(answer).toEqual({ kind: 'unknown', heard: true, retryAfterMs: null });
  });
});

function withRetryAfter(value: string): () => Response {
  return () => new Response('', { status: 503, headers: { 'retry-after': value } });
}

test('no answer, and an answer that takes too long, are unknown and unheard', async () => {
  const unheard = { kind: 'unknown', heard: false, retryAfterMs: null } as const;
  const dead: Fetch = () => Promise.reject(new TypeError('Failed to fetch'));
  const hanging: Fetch = (_, init) =>
    new Promise((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    });
  for (const fetch of [dead, hanging]) {
    const door = openVoteDoor('p', fetch, new ServerClock(stoppedClocks), 1);
    expect(await door.send('a', KEY)).toEqual(unheard);
    expect(await door.ask(KEY)).toEqual(unheard);
    expect(await door.measureClock()).toBe(false);
  }
});

describe('asking the receipt', () => {
  test.each([
    'pending',
    'counted',
    'duplicate',
    'expired',
    'late',
    'voided',
    'not_counted_final',
  ] as const)('understands %s', async (status) => {
    const door = json(200, { id: KEY, poll: 'p', status, acceptedAt: null });
    expect(await door.ask(KEY)).toEqual({ kind: 'receipt', status, acceptedAt: null });
  });

  test('a status that it does not know, or a stranger, is unknown; a problem is a refusal', async () => {
    const unknown = { kind: 'unknown', heard: true, retryAfterMs: null } as const;
    expect(await json(200, { status: 'toString' }).ask(KEY)).toEqual(unknown);
    expect(await json(404, {}).ask(KEY)).toEqual(unknown);
    const refused = await json(404, { code: 'receipt_unknown' }).ask(KEY);
    expect(refused).toEqual({ kind: 'refused', code: 'receipt_unknown' });
  });
});

test('measuring sets the clock between the request and the answer', async () => {
  let monotonic = 1_000;
  const clock = new ServerClock({ monotonic: () => monotonic, wall: () => monotonic });
  const fetch: Fetch = async () => {
    monotonic += 400;
    return Response.json({ serverTime: '2026-11-21T20:00:00.000Z' });
  };
  expect(await openVoteDoor('p', fetch, clock).measureClock()).toBe(true);
  expect(clock.now()).toBe(Date.parse('2026-11-21T20:00:00.200Z'));
  const wrong: Fetch = async () => Response.json({ serverTime: 'late' });
  expect(await openVoteDoor('p', wrong, clock).measureClock()).toBe(false);
});
