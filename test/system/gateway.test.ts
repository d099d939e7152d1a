/** The shipped gateways, run as they are: routes, one try a vote, honest unknowns, clients' addresses, reloads. */
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VOTE_BODY_BYTES_MAX } from '../../src/edge/http/vote-body.ts';
import { type GatewayKind, gatewayVariables, renderGateway } from '../../tools/gateway.ts';
import { type GatewayProcess, startGateway } from '../../tools/gateway-process.ts';
import { voteKey } from '../support/api-client.ts';
import { freePort } from '../support/free-port.ts';
import { type RecordingDoor, startRecordingDoor } from '../support/recording-door.ts';
import { startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const VOTES = '/v1/polls/demo/votes';
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

interface Room {
  readonly gateway: GatewayProcess;
  readonly ingest: readonly [RecordingDoor, RecordingDoor];
  readonly query: RecordingDoor;
  readonly live: Bun.Server<{ readonly from: string | null }>;
  ask(path: string, init?: RequestInit): Promise<Response>;
  vote(init?: RequestInit): Promise<Response>;
  /** Votes that reached the doors, both together. */
  readonly votes: number;
}

let leave = new AsyncDisposableStack();
afterEach(async () => {
  await leave.disposeAsync();
  leave = new AsyncDisposableStack();
});

async function freeAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** Viewers' side of a process: echoes each message, and tells whose address it was given. */
function startLive() {
  return Bun.serve<{ readonly from: string | null }>({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, server) {
      if (new URL(request.url).pathname === '/readyz') return new Response('{}');
      const data = { from: request.headers.get('x-forwarded-for') };
      return server.upgrade(request, { data }) ? undefined : new Response('no', { status: 426 });
    },
    websocket: {
      open: (socket) => void socket.send(`from ${socket.data.from}`),
      message: (socket, message) => void socket.send(message),
    },
  });
}

async function enter(kind: GatewayKind, readers: 'recorded' | 'live' = 'recorded'): Promise<Room> {
  const folder = mkdtempSync(join(tmpdir(), `apura-${kind}-`));
  leave.defer(() => rmSync(folder, { recursive: true, force: true }));
  const first = leave.use(await startRecordingDoor('ingest-1'));
  const second = leave.use(await startRecordingDoor('ingest-2'));
  const query = leave.use(await startRecordingDoor('query'));
  const live = startLive();
  leave.defer(() => live.stop(true));
  const reader = readers === 'live' ? `127.0.0.1:${live.port}` : query.address;
  const gateway = leave.use(
    await startGateway(kind, {
      listen: await freeAddress(),
      folder,
      ingest: [first.address, second.address],
      query: [reader],
    }),
  );
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${gateway.url}${path}`, init);
  return {
    gateway,
    ingest: [first, second],
    query,
    live,
    ask,
    vote: (init = {}) =>
      ask(VOTES, { method: 'POST', headers: JSON_TYPE, body: '{"option":"ana"}', ...init }),
    get votes() {
      return first.requests.length + second.requests.length;
    },
  };
}

/** A socket that keeps what it was sent. */
async function follow(url: string) {
  const received: string[] = [];
  const socket = new WebSocket(url);
  socket.addEventListener('message', ({ data }) => received.push(String(data)));
  leave.defer(() => socket.close());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () => reject(new Error(`no socket at ${url}`)));
  await promise;
  return { socket, received };
}

describe.each(['nginx', 'haproxy'] as const)('%s', (kind) => {
  test('takes votes to the doors, and everything else to the readers', async () => {
    const room = await enter(kind);
    const { door } = (await (await room.vote()).json()) as { door: string };
    expect(door).toStartWith('ingest-');
    const others: readonly (readonly [string, string])[] = [
      ['GET', '/'],
      ['GET', '/p/demo'],
      ['POST', '/p/demo'],
      ['OPTIONS', VOTES],
      ['GET', VOTES],
      ['POST', '/v1/polls'],
      ['POST', '/v1/polls/demo/open'],
      ['GET', '/v1/polls/demo/results'],
      ['GET', '/v1/polls/demo/results/hourly'],
      ['GET', '/docs'],
      ['GET', '/console'],
      ['POST', '/v1/polls/demo/votes/more'],
    ];
    for (const [method, path] of others) {
      const answer = await room.ask(path, { method });
      expect([method, path, await answer.json()]).toMatchObject([method, path, { door: 'query' }]);
    }
    expect(room.votes).toBe(1);
  });

  test('passes a vote on as it came, with its own word on who sent it', async () => {
    const room = await enter(kind);
    const key = voteKey();
    const forged = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      forwarded: 'for=6.6.6.6',
    };
    await room.vote({ headers: { ...JSON_TYPE, 'idempotency-key': key, ...forged } });
    const [reached] = [...room.ingest[0].requests, ...room.ingest[1].requests];
    expect(reached).toMatchObject({ method: 'POST', path: VOTES, body: '{"option":"ana"}' });
    expect(reached?.headers).toMatchObject({
      host: new URL(room.gateway.url).host,
      'idempotency-key': key,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
    });
    expect(reached?.headers.forwarded).toBeUndefined();
  });

  test('shares votes out among the doors, over connections that it keeps', async () => {
    const room = await enter(kind);
    for (let sent = 0; sent < 60; sent += 1) expect((await room.vote()).status).toBe(200);
    for (const door of room.ingest) expect(door.requests.length).toBeGreaterThan(5);
    const connections = room.ingest[0].connections + room.ingest[1].connections;
    expect(connections).toBeLessThan(40);
  });

  test('never tries a vote twice: a door that dies with it makes it unknown', async () => {
    const room = await enter(kind);
    for (const door of room.ingest) door.conduct = 'die';
    const key = voteKey();
    const answer = await room.vote({ headers: { ...JSON_TYPE, 'idempotency-key': key } });
    expect(room.votes).toBe(1);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({
      type: '/docs/errors#outcome_unknown',
      status: 503,
      code: 'outcome_unknown',
      id: key,
    });
  });

  test('says unknown, too, where a door does not answer in time', async () => {
    const room = await enter(kind);
    for (const door of room.ingest) door.conduct = 'stall';
    const answer = await room.vote();
    expect(room.votes).toBe(1);
    expect(answer.status).toBe(503);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body.code).toBe('outcome_unknown');
    expect(Object.keys(body)).not.toContain('id');
  });

  test('puts nothing of a forged key into its answer', async () => {
    const room = await enter(kind);
    for (const door of room.ingest) door.conduct = 'die';
    const forged = `","code":"poll_closed${'x'.repeat(16)}`;
    const answer = await room.vote({ headers: { ...JSON_TYPE, 'idempotency-key': forged } });
    const text = await answer.text();
    expect(text).not.toContain('poll_closed');
    expect(JSON.parse(text)).toMatchObject({ code: 'outcome_unknown' });
  });

  test('asks whoever has no JavaScript to load the page again', async () => {
    const room = await enter(kind);
    room.query.conduct = 'die';
    const answer = await room.ask('/p/demo', {
      method: 'POST',
      headers: FORM_TYPE,
      body: 'option=ana',
    });
    expect(room.query.requests).toHaveLength(1);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await answer.text()).toContain('Recarregue esta página');
  });

  test('goes round a door that is dead', async () => {
    const room = await enter(kind);
    await room.ingest[0].close();
    for (let sent = 0; sent < 30; sent += 1) expect((await room.vote()).status).toBe(200);
    expect(room.ingest[1].requests).toHaveLength(30);
  });

  test('says that nothing was logged where no door can be reached', async () => {
    const room = await enter(kind);
    for (const door of room.ingest) await door.close();
    const answer = await room.vote();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toMatchObject({ status: 503, code: 'not_ready' });
  });

  test('refuses a body that is too large, said or in chunks, and lets the largest through', async () => {
    const room = await enter(kind);
    const largest = `{"option":"ana"}`.padEnd(VOTE_BODY_BYTES_MAX);
    expect((await room.vote({ body: largest })).status).toBe(200);
    const inChunks = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(largest));
        controller.enqueue(new TextEncoder().encode(' '));
        controller.close();
      },
    });
    for (const body of [`${largest} `, inChunks]) {
      const answer = await room.vote({ body });
      expect(answer.status).toBe(413);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ status: 413, code: 'body_too_large' });
    }
    expect(room.votes).toBe(1);
    const picture = await room.ask('/v1/polls/demo/options/ana/image', {
      method: 'PUT',
      body: new Uint8Array(1 << 20),
    });
    expect(picture.status).toBe(200);
    const more = await room.ask('/v1/polls', { method: 'POST', body: new Uint8Array(1_200_000) });
    expect(more.status).toBe(413);
    expect(await more.json()).toMatchObject({ code: 'body_too_large' });
  });

  test('lets live feeds through, both ways and at once', async () => {
    const room = await enter(kind, 'live');
    for (const path of ['/v1/polls/demo/live', '/v1/console/live']) {
      const { socket, received } = await follow(`${room.gateway.url.replace('http', 'ws')}${path}`);
      await waitUntil('the first word', () => received[0] === 'from 127.0.0.1');
      socket.send('sent');
      await waitUntil('the echo', () => received[1] === 'sent');
    }
  });

  test('changes its servers under way, and cuts no viewer', async () => {
    const room = await enter(kind, 'live');
    const viewer = await follow(`${room.gateway.url.replace('http', 'ws')}/v1/polls/demo/live`);
    const added = leave.use(await startRecordingDoor('added'));
    room.gateway.reload({ ingest: [added.address], query: [`127.0.0.1:${room.live.port}`] });
    await waitUntil('a vote at the new door', async () => {
      expect((await room.vote()).status).toBe(200);
      return added.requests.length > 0;
    });
    viewer.socket.send('still there');
    await waitUntil('the echo', () => viewer.received.includes('still there'));
  });

  test('brings votes, results, pages and live feeds of a real Apura through', async () => {
    const folder = mkdtempSync(join(tmpdir(), `apura-${kind}-`));
    leave.defer(() => rmSync(folder, { recursive: true, force: true }));
    const apura = await startServe({ demo: true, env: { APURA_TRUSTED_PROXIES: '127.0.0.1' } });
    leave.defer(() => apura.stop());
    const behind = [`127.0.0.1:${apura.port}`];
    const listen = await freeAddress();
    const { url } = leave.use(
      await startGateway(kind, { listen, folder, ingest: behind, query: behind }),
    );
    expect((await fetch(`${url}/p/demo`)).status).toBe(200);
    const viewer = await follow(`${url.replace('http', 'ws')}/v1/polls/demo/live`);
    const id = voteKey();
    const vote = await fetch(`${url}${VOTES}`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'idempotency-key': id, origin: url },
      body: '{"option":"ana"}',
    });
    expect(vote.status).toBe(202);
    expect(await vote.json()).toMatchObject({ id });
    const page = await fetch(`${url}/p/demo`, {
      method: 'POST',
      headers: { ...FORM_TYPE, origin: url },
      body: `option=ana&key=${id}`,
    });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(id)]);
    await waitUntil('the first frame of the feed', () => viewer.received.length > 0);
    await waitUntil('the receipt', async () => {
      const receipt = await fetch(`${url}/v1/polls/demo/receipts/${id}`);
      return ((await receipt.json()) as { status?: string }).status === 'counted';
    });
  });

  test('is what envsubst makes of the shipped file', () => {
    const settings = {
      listen: '127.0.0.1:8080',
      folder: '/tmp/gateway',
      ingest: ['10.0.0.1:8080', '10.0.0.2:8080'],
      query: ['10.0.0.3:8080'],
    };
    const variables = gatewayVariables(kind, settings);
    const names = Object.keys(variables).map((name) => `$${name}`);
    const file = `deploy/gateway/${kind === 'nginx' ? 'nginx.conf' : 'haproxy.cfg'}`;
    const { stdout } = Bun.spawnSync(['envsubst', names.join(' ')], {
      stdin: Bun.file(file),
      env: { PATH: process.env.PATH, ...variables },
    });
    expect(renderGateway(kind, settings)).toBe(stdout.toString());
  });
});

describe('haproxy', () => {
  test('gives no vote to a door that says that it is not ready', async () => {
    const room = await enter('haproxy');
    room.ingest[0].isReady = false;
    await waitUntil('the door to be left out', async () => {
      const before = room.ingest[0].requests.length;
      for (let sent = 0; sent < 20; sent += 1) await room.vote();
      return room.ingest[0].requests.length === before;
    });
    room.ingest[0].isReady = true;
    const before = room.ingest[0].requests.length;
    await waitUntil('the door to be back', async () => {
      await room.vote();
      return room.ingest[0].requests.length > before;
    });
  });
});

describe('nginx', () => {
  test('keeps public results as long as their maker allows, and nobody else’s', async () => {
    const room = await enter('nginx');
    const results = async (headers: Record<string, string> = {}) => {
      const answer = await room.ask('/v1/polls/demo/results', { headers });
      return ((await answer.json()) as { count: number }).count;
    };
    room.query.headers = { 'cache-control': 'private, no-cache' };
    expect([await results(), await results()]).toEqual([1, 2]);
    room.query.headers = { 'cache-control': 'public, max-age=60' };
    expect([await results(), await results()]).toEqual([3, 3]);
    for (const own of [
      { authorization: 'Bearer x' },
      { 'apura-results-token': 'x' },
      { cookie: 'session=x' },
    ]) {
      const reached = room.query.requests.length;
      expect(await results(own)).toBe(reached + 1);
    }
    expect(await results()).toBe(3);
  });
});
