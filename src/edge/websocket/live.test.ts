/** Proves what a socket is told, who may have one, and that nobody is told what the poll hides. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom, OPERATOR_TOKEN } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { pollSchema, resultsSchema } from '../http/schemas.ts';
import { createLive, type Live, type UpgradeContext } from './live.ts';
import type { LiveDeps, OpsFigures } from './live-deps.ts';
import type { LiveSocketData } from './live-socket.ts';

const OPS: OpsFigures = {
  door: {
    received: 5,
    accepted: 4,
    rejected: { poll_closed: 1 },
    unknown: 0,
    acceptedPerSecond: 2,
    peakPerSecond: 3,
    p50Ms: 1.5,
    p99Ms: null,
  },
  lag: { tallyMs: 3, ledgerMs: null, partitions: [{ partition: 0, end: 9, tally: 9, ledger: 8 }] },
  consistency: { state: 'consistent', checkedAt: START_TIME, detail: null },
  processes: [{ name: 'apura', rssBytes: 1, cpuPercent: 2 }],
};
const OPERATOR = { authorization: `Bearer ${OPERATOR_TOKEN}` };

let room: EdgeRoom;
let live: Live;
let server: Bun.Server<LiveSocketData>;
let context: UpgradeContext;
let sockets: Client[];

beforeEach(() => start());
afterEach(() => stop());

function start(overrides: Partial<LiveDeps> = {}): void {
  room = new EdgeRoom();
  context = {};
  sockets = [];
  const { reading, results, operators, resultsTokens, corsOrigins } = room.deps;
  live = createLive({
    reading,
    results,
    operators,
    resultsTokens,
    corsOrigins,
    log: { durability: 'power-safe', logId: 'log-1' },
    recentActs: [],
    ...overrides,
  });
  server = Bun.serve<LiveSocketData>({
    port: 0,
    fetch: (request, bun) =>
      live.isFeed(request)
        ? live.upgrade(request, bun, context)
        : new Response('no feed', { status: 418 }),
    websocket: live.websocket,
  });
}

async function stop(): Promise<void> {
  for (const { socket } of sockets) socket.close();
  live.close();
  await server.stop(true);
}

type Message = Record<string, unknown> & { readonly type: string };

class Client {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  readonly closed: Promise<number>;
  #next = 0;
  #wake = () => {};

  constructor(path: string, headers: Record<string, string> = {}) {
    const url = `ws://localhost:${server.port}${path}`;
    this.socket = new WebSocket(url, { headers } as never);
    this.socket.onmessage = ({ data }) => {
      this.received.push(JSON.parse(String(data)) as Message);
      this.#wake();
    };
    const { promise, resolve } = Promise.withResolvers<number>();
    this.socket.onclose = ({ code }) => {
      resolve(code);
      this.#wake();
    };
    this.closed = promise;
    sockets.push(this);
  }

  /** The next message, or the next of a type. */
  async next(type?: string): Promise<Message> {
    for (;;) {
      const message = this.received[this.#next];
      if (message !== undefined) {
        this.#next += 1;
        if (type === undefined || message.type === type) return message;
        continue;
      }
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed');
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  send(text: string): void {
    this.socket.send(text);
  }
}

const follow = (poll = 'final', headers = {}) => new Client(`/v1/polls/${poll}/live`, headers);
const watch = (headers: Record<string, string> = OPERATOR) =>
  new Client('/v1/console/live', headers);

/** Counts as the live feed brings them: the board first, then the sockets. */
function count(votes: Record<string, number>, version: number, poll = 'final'): void {
  room.count(poll, votes, version);
  live.onFrame({ scope: poll });
}

async function change(
  poll: string,
  path: string,
  body: unknown = {},
  method = 'POST',
): Promise<void> {
  await room.ask(`/v1/polls/${poll}${path}`, { method, operator: true, body });
  const changed = room.directory.shown(poll, room.clock.now());
  if (changed !== undefined) live.onPoll(changed);
}

/** What a handshake by plain HTTP is answered with. */
async function refusal(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://localhost:${server.port}${path}`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
  const { code } = (await response.json()) as { code: string };
  return { status: response.status, code, headers: response.headers };
}

describe('a viewer', () => {
  test('first gets the poll and the results as they are, then every change', async () => {
    await room.place({
      state: 'open',
      opensAt: START_TIME,
      resultsVisibility: 'always',
      resultsDetail: 'count',
    });
    count({ ana: 1 }, 2);
    const viewer = follow();
    expect(await viewer.next()).toEqual({
      type: 'hello',
      serverTime: '2026-11-21T20:00:00.000Z',
      poll: {
        id: 'final',
        state: 'open',
        opensAt: '2026-11-21T20:00:00.000Z',
        closesAt: null,
        version: 1,
      },
      results: (await room.json('/v1/polls/final/results')) as never,
    });
    count({ ana: 2, bruno: 1 }, 5);
    const message = await viewer.next();
    expect(message.type).toBe('results');
    expect(resultsSchema.parse(message.results)).toMatchObject({
      total: 3,
      options: [
        { id: 'ana', votes: 2 },
        { id: 'bruno', votes: 1 },
      ],
      version: 5,
    });
  });

  test('is told of a change once, and of none that it can’t see', async () => {
    await room.place({ state: 'open', resultsVisibility: 'always' });
    await room.place({ id: 'other', state: 'open', resultsVisibility: 'always' });
    const [viewer, other, operator] = [follow(), follow('other'), watch()];
    await Promise.all([viewer.next('hello'), other.next('hello'), operator.next('hello')]);
    count({ ana: 1 }, 2);
    expect((await viewer.next()).results).toMatchObject({ options: [{ share: 1 }, { share: 0 }] });
    // More votes, the same shares; the poll shows no counts. Operators see them.
    count({ ana: 2 }, 3);
    while ((await operator.next('tick')).total !== 2);
    count({ ana: 2, bruno: 2 }, 4);
    expect((await viewer.next()).results).toMatchObject({
      options: [{ share: 0.5 }, { share: 0.5 }],
    });
    expect(viewer.received).toHaveLength(3);
    expect(other.received).toHaveLength(1);
  });

  test('that came in the middle of a change hears of it being taken back', async () => {
    await room.place({ state: 'open', resultsVisibility: 'always' });
    room.count('final', { ana: 1 }, 2);
    const first = follow();
    await first.next('hello');
    room.count('final', { ana: 1, bruno: 1 }, 3);
    const second = follow();
    expect((await second.next('hello')).results).toMatchObject({ version: 3 });
    room.count('final', { ana: 1 }, 4);
    expect((await second.next()).results).toMatchObject({ options: [{ share: 1 }, { share: 0 }] });
  });

  test('gets the newest of many changes, not all of them', async () => {
    await room.place({ state: 'open', resultsVisibility: 'always', resultsDetail: 'count' });
    const viewer = follow();
    await viewer.next('hello');
    for (let votes = 1; votes <= 100; votes += 1) count({ ana: votes }, votes);
    let total: unknown = 0;
    while (total !== 100)
      total = ((await viewer.next('results')).results as { total: number }).total;
    expect(viewer.received.length).toBeLessThanOrEqual(3);
  });

  test('is told when the poll changes, and what that shows or hides', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, resultsVisibility: 'always' });
    count({ ana: 1 }, 2);
    const viewer = follow();
    await viewer.next('hello');
    await change('final', '', { resultsVisibility: 'after_close' }, 'PATCH');
    const message = await viewer.next();
    expect(message.type).toBe('poll');
    expect(message.serverTime).toBe('2026-11-21T20:00:00.000Z');
    const { serverTime, ...listed } = pollSchema.shape;
    expect(Object.keys(message.poll as object).sort()).toEqual(Object.keys(listed).sort());
    expect(serverTime).toBeDefined();
    expect((await viewer.next('results')).results).toMatchObject({
      visible: false,
      reason: 'after_close',
    });
  });

  test('of after_vote results sees them with a token of this poll, at once and live', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    count({ ana: 1 }, 2);
    const [voter, stranger] = [follow(), follow()];
    expect((await voter.next('hello')).results).toMatchObject({ visible: false });
    await stranger.next('hello');
    const { resultsTokens } = room.deps;
    const auth = (token: string) => JSON.stringify({ type: 'auth', token });
    voter.send(auth(resultsTokens.issue('final', START_TIME)));
    expect((await voter.next()).results).toMatchObject({ visible: true, detail: 'percentage' });
    stranger.send(auth(resultsTokens.issue('other', START_TIME)));
    expect((await stranger.next()).results).toMatchObject({ visible: false });
    count({ ana: 1, bruno: 1 }, 3);
    expect((await voter.next()).results).toMatchObject({
      options: [{ share: 0.5 }, { share: 0.5 }],
    });
    expect(
      stranger.received.every(({ results }) => (results as { visible: boolean }).visible === false),
    ).toBe(true);
  });

  test.each([
    ['no JSON', '{'],
    ['another type', '{"type":"vote","option":"ana"}'],
    ['no token', '{"type":"auth"}'],
    ['more than a token', '{"type":"auth","token":"x","admin":true}'],
    ['nothing', ''],
    ['null', 'null'],
  ])('that sends %s is closed', async (_what, text) => {
    await room.place({ state: 'open' });
    const viewer = follow();
    await viewer.next('hello');
    viewer.send(text);
    expect(await viewer.closed).toBe(1008);
  });

  test('that sends more than 1 KiB, or again and again, is closed', async () => {
    await room.place({ state: 'open' });
    const [loud, eager] = [follow(), follow()];
    await Promise.all([loud.next('hello'), eager.next('hello')]);
    loud.send(JSON.stringify({ type: 'auth', token: 'x'.repeat(1_024) }));
    for (let time = 0; time < 10; time += 1) eager.send('{"type":"auth","token":"x"}');
    expect([1006, 1009]).toContain(await loud.closed);
    expect(await eager.closed).toBe(1008);
  });

  test('of a poll that goes back to being a draft is sent away', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 60_000 });
    const viewer = follow();
    await viewer.next('hello');
    await change('final', '', { opensAt: null }, 'PATCH');
    expect(await viewer.closed).toBe(1001);
    expect(viewer.received).toHaveLength(1);
  });

  test('may come from this server’s pages and from configured origins, not from others', async () => {
    await room.place({ state: 'open' });
    const path = '/v1/polls/final/live';
    await follow('final', { origin: `http://localhost:${server.port}` }).next('hello');
    await follow('final', { origin: 'https://partner.example' }).next('hello');
    expect(await refusal(path, { origin: 'https://evil.test' })).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    expect((await refusal(path, { origin: 'null' })).headers.get('x-content-type-options')).toBe(
      'nosniff',
    );
  });

  test('whose poll is gone when its handshake is done is sent away', () => {
    const closed: number[] = [];
    const data = { kind: 'viewer', poll: 'none', server, audience: 'public', received: 0 };
    live.websocket.open?.({ data, close: (code: number) => closed.push(code) } as never);
    expect(closed).toEqual([1001]);
  });

  test('is refused where there is no poll, or no public one', async () => {
    await room.place({ state: 'draft' });
    for (const poll of ['final', 'none']) {
      expect(await refusal(`/v1/polls/${poll}/live`)).toMatchObject({
        status: 404,
        code: 'poll_not_found',
      });
    }
  });

  test('is refused when there are too many, and taken when one has left', async () => {
    await stop();
    start({ viewersMax: 1 });
    await room.place({ state: 'open' });
    const first = follow();
    await first.next('hello');
    expect(await refusal('/v1/polls/final/live')).toMatchObject({
      status: 503,
      code: 'overloaded',
    });
    first.socket.close();
    await first.closed;
    // The server hears of it a moment after the client.
    const isTaken = () =>
      follow()
        .next('hello')
        .then(
          () => true,
          () => false,
        );
    while (!(await isTaken()));
  });
});

describe('an operator', () => {
  test('first gets everything as it is', async () => {
    await room.place({ state: 'draft' });
    await room.place({ id: 'live', state: 'open', opensAt: START_TIME, createdAt: START_TIME + 1 });
    count({ ana: 2 }, 3, 'live');
    live.onOps(OPS);
    live.onAct({ at: START_TIME, actor: 'operator', act: 'open', poll: 'live', detail: null });
    room.clock.advance(1_000);
    const operator = watch();
    const hello = await operator.next();
    expect(hello).toMatchObject({
      type: 'hello',
      serverTime: '2026-11-21T20:00:01.000Z',
      durability: 'power-safe',
      logId: 'log-1',
      polls: [{ id: 'live' }, { id: 'final' }],
      ops: { ...OPS, consistency: { checkedAt: '2026-11-21T20:00:00.000Z' } } as never,
      acts: [{ at: '2026-11-21T20:00:00.000Z', act: 'open', poll: 'live' }],
    });
    const [history] = hello.history as {
      poll: string;
      seconds: { from: number; votes: { ana: number[] } };
    }[];
    expect(history?.poll).toBe('live');
    expect(history?.seconds.votes.ana).toHaveLength(300);
    expect(history?.seconds.votes.ana.at(-1)).toBe(2);
    expect((history?.seconds.from ?? 0) + 300_000).toBe(START_TIME + 1_000);
    expect(await operator.next()).toMatchObject({ type: 'tick', poll: 'live', total: 2 });
  });

  test('sees counts whatever the poll shows to others, second by second', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, resultsVisibility: 'never' });
    const operator = watch();
    await operator.next('hello');
    await operator.next('tick');
    count({ ana: 3, bruno: 1 }, 4);
    expect(await operator.next('tick')).toEqual({
      type: 'tick',
      serverTime: '2026-11-21T20:00:00.000Z',
      poll: 'final',
      total: 4,
      options: { ana: 3, bruno: 1 },
      version: 4,
      stale: false,
    });
    room.clock.advance(1_000);
    count({ ana: 4, bruno: 1 }, 5);
    expect(await operator.next('tick')).toMatchObject({
      total: 5,
      second: { at: '2026-11-21T20:00:00.000Z', votes: { ana: 3, bruno: 1 } },
    });
  });

  test('hears of the last second of votes too, when nothing comes after it', async () => {
    await stop();
    start();
    await room.place({ state: 'open', opensAt: START_TIME });
    const operator = watch();
    await operator.next('hello');
    await operator.next('tick');
    count({ ana: 3 }, 4);
    await operator.next('tick');
    room.clock.advance(1_000);
    expect(await operator.next('tick')).toMatchObject({ second: { votes: { ana: 3 } } });
  });

  test('does not get the votes of before the start as votes of now', async () => {
    await room.place({ state: 'open', opensAt: START_TIME - 3_600_000 });
    count({ ana: 1_000_000 }, 4);
    count({ ana: 1_000_001 }, 5);
    room.clock.advance(1_000);
    const { history } = await watch().next('hello');
    expect(history).toMatchObject([{ seconds: { votes: { ana: expect.arrayContaining([1]) } } }]);
    expect(JSON.stringify(history)).not.toContain('1000000');
  });

  test('hears of polls, figures and every act', async () => {
    await room.place();
    const operator = watch();
    await operator.next('hello');
    live.onOps(OPS);
    expect(await operator.next()).toMatchObject({
      type: 'ops',
      serverTime: expect.any(String),
      door: { received: 5 },
    });
    await change('final', '/open');
    expect(await operator.next()).toMatchObject({
      type: 'poll',
      poll: { id: 'final', state: 'open' },
    });
    for (const act of ['open', 'pause'] as const) {
      live.onAct({ at: START_TIME, actor: 'clock', act, poll: 'final', detail: null });
    }
    expect(await operator.next()).toMatchObject({
      type: 'act',
      act: { act: 'open', actor: 'clock' },
    });
    expect(await operator.next()).toMatchObject({ type: 'act', act: { act: 'pause' } });
  });

  test('may come by the console’s session', async () => {
    const cookie = `apura_session=${room.deps.sessions.open()}`;
    await watch({ cookie, origin: `http://localhost:${server.port}` }).next('hello');
    expect(
      await refusal('/v1/console/live', { cookie, origin: 'https://evil.test' }),
    ).toMatchObject({ status: 403 });
    expect(
      await refusal('/v1/console/live', { cookie, origin: 'https://partner.example' }),
    ).toMatchObject({ status: 403 });
  });

  test('is who has the token, on a port for operators', async () => {
    expect(await refusal('/v1/console/live')).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(await refusal('/v1/console/live', { authorization: 'Bearer x' })).toMatchObject({
      status: 401,
    });
    context = { surface: 'public' };
    expect(await refusal('/v1/console/live', OPERATOR)).toMatchObject({ status: 404 });
  });

  test('says nothing', async () => {
    const operator = watch();
    await operator.next('hello');
    operator.send('{}');
    expect(await operator.closed).toBe(1008);
  });
});

describe('the feeds', () => {
  test('are WebSockets: a plain request is not for them', async () => {
    const response = await fetch(`http://localhost:${server.port}/v1/polls/final/live`);
    expect(response.status).toBe(418);
    expect(
      await refusal('/v1/console/live', { ...OPERATOR, 'sec-websocket-key': '' }),
    ).toMatchObject({ status: 404 });
  });

  test('closing closes every socket, and takes no more', async () => {
    await room.place({ state: 'open' });
    const all = [follow(), watch()];
    await Promise.all(all.map((client) => client.next('hello')));
    live.close();
    live.close();
    expect(await Promise.all(all.map(({ closed }) => closed))).toEqual([1001, 1001]);
    expect(await refusal('/v1/polls/final/live')).toMatchObject({ status: 503, code: 'not_ready' });
  });
});
