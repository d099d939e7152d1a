import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import fc from 'fast-check';
import { DoorRoom, type DoorRoomOptions, keyAt } from '../../../test/support/door-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { DoorMetrics } from '../../telemetry/door-metrics.ts';
import { createCors } from './cors.ts';
import { createResultsTokens } from './results-token.ts';
import { VOTE_BODY_BYTES_MAX } from './vote-body.ts';
import { VoteRoute } from './vote-route.ts';

const URL = 'http://apura.test/v1/polls/final/votes';
const JSON_TYPE = 'application/json';
const ORIGIN = 'https://tv.example';
const VOTE = '{"option":"ana"}';

class RouteRoom extends DoorRoom {
  readonly books = new DoorMetrics();
  readonly tokens = createResultsTokens(new Uint8Array(32).fill(7));
  readonly route: VoteRoute;

  constructor(options: DoorRoomOptions & { readonly origins?: readonly string[] } = {}) {
    super(options);
    const { origins = [] } = options;
    this.route = new VoteRoute({
      door: this.door,
      clock: this.clock,
      books: this.books,
      resultsTokens: this.tokens,
      cors: createCors(origins),
      corsEnabled: origins.length > 0,
    });
  }

  /** received = accepted + rejected + unknown: nothing that came in is forgotten. */
  expectBalance(): void {
    const { received, accepted, rejected, unknown } = this.books.snapshot();
    const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    expect(received).toBe(accepted + refused + unknown);
  }
}

let room: RouteRoom;

beforeEach(async () => {
  room = new RouteRoom();
  await room.place({ state: 'open', opensAt: START_TIME - 1_000 });
});

afterEach(() => room.expectBalance());

interface Sent {
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  readonly type?: string | null;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly poll?: string;
}

function request({ body = VOTE, type = JSON_TYPE, key = null, headers = {} }: Sent): Request {
  // A type that nobody names is none: fetch would name one for a text.
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return new Request(URL, {
    method: 'POST',
    body: bytes,
    headers: {
      ...(type === null ? {} : { 'content-type': type }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...headers,
    },
  });
}

const send = (sent: Sent = {}): Promise<Response> =>
  room.route.handle(request(sent), sent.poll ?? 'final');

async function expectProblem(response: Response, status: number, code: string) {
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ status, code, type: `/docs/errors#${code}` });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return body;
}

/** A body in pieces, of a length that nobody told. */
function inPieces(text: string, size = 100): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + size));
      at += size;
    },
  });
}

describe('a vote is accepted', () => {
  test('with its id, its instant and a token that opens the results', async () => {
    const key = keyAt(START_TIME - 500);
    const response = await send({ key });
    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('application/json');
    const { token, ...answer } = (await response.json()) as Record<string, string>;
    expect(answer).toEqual({ id: key, acceptedAt: '2026-11-21T20:00:00.000Z' });
    expect(room.tokens.verify('final', token ?? '', START_TIME)).toBe(true);
    expect(room.tokens.verify('semi', token ?? '', START_TIME)).toBe(false);
    expect((await room.logged()).map(({ count }) => count)).toEqual([1]);
    expect(room.books.snapshot()).toMatchObject({ received: 1, accepted: 1, unknown: 0 });
  });

  test('only after the log has confirmed it', async () => {
    const turns: (() => void)[] = [];
    const loop = { nextTurn: (run: () => void) => turns.push(run), after: () => () => {} };
    room = new RouteRoom({ loop });
    await room.place({ state: 'open', opensAt: START_TIME - 1_000 });
    let answered = false;
    const response = send().then((answer) => {
      answered = true;
      return answer;
    });
    await settled();
    expect([answered, room.books.snapshot().accepted]).toEqual([false, 0]);
    while (turns.length > 0) turns.shift()?.();
    expect((await response).status).toBe(202);
  });

  test('at the time that it is, each to the millisecond', async () => {
    for (const step of [0, 1, 0, 999]) {
      room.clock.advance(step);
      const { acceptedAt } = (await (await send()).json()) as { acceptedAt: string };
      expect(Date.parse(acceptedAt)).toBe(room.clock.now());
    }
  });

  test('under an id of the server’s where it brings no key', async () => {
    const { id } = (await (await send()).json()) as { id: string };
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(START_TIME);
  });

  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; charset=UTF-8 ',
  ])('as %s', async (type) => {
    expect((await send({ type })).status).toBe(202);
  });

  test('for the option that it names, among many that are written in many ways', async () => {
    for (const body of [VOTE, '{"option":"bruno"}', VOTE, ' {"option":"bruno"}', VOTE]) {
      expect((await send({ body })).status).toBe(202);
    }
    const items = (await room.logged()).flatMap(({ keys, keyIndex }) =>
      [...keyIndex].map((index) => keys[index]?.item),
    );
    expect(items).toEqual(['ana', 'bruno', 'ana', 'bruno', 'ana']);
  });

  test('also with a byte order mark before it, sent in pieces or not', async () => {
    const body = `\ufeff${VOTE}`;
    const length = String(Buffer.byteLength(body));
    expect((await send({ body, headers: { 'content-length': length } })).status).toBe(202);
    expect((await send({ body: inPieces(body, 1) })).status).toBe(202);
  });

  test('with its latency in the books', async () => {
    await send();
    room.books.endSecond(1);
    expect(room.books.snapshot()).toMatchObject({ acceptedPerSecond: 1, p50Ms: 0, p99Ms: 0 });
  });
});

describe('a vote is refused', () => {
  test.each([
    null,
    '',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json, text/plain',
    'application/json; charset=latin1',
    'application/json; charset="utf-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('415 as %p', async (type) => {
    await expectProblem(await send({ type }), 415, 'unsupported_media_type');
  });

  describe('413 from 1,025 bytes on, and not before', () => {
    const bodyOf = (bytes: number): string => VOTE.padEnd(bytes, ' ');

    test('with its length told', async () => {
      for (const [bytes, status] of [
        [VOTE_BODY_BYTES_MAX, 202],
        [VOTE_BODY_BYTES_MAX + 1, 413],
      ] as const) {
        const headers = { 'content-length': String(bytes) };
        expect((await send({ body: bodyOf(bytes), headers })).status).toBe(status);
      }
    });

    test('in pieces, of a length that nobody told', async () => {
      for (const size of [1, 100, 512, 2_000]) {
        const inside = await send({ body: inPieces(bodyOf(VOTE_BODY_BYTES_MAX), size) });
        expect(inside.status).toBe(202);
        const beyond = await send({ body: inPieces(bodyOf(VOTE_BODY_BYTES_MAX + 1), size) });
        await expectProblem(beyond, 413, 'body_too_large');
        expect(beyond.headers.get('connection')).toBe('close');
      }
    });

    test('without being read to its end', async () => {
      let pulled = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(600).fill(0x20));
        },
      });
      await expectProblem(await send({ body: endless }), 413, 'body_too_large');
      expect(pulled).toBeLessThan(10);
    });

    test('where its length is told as something that is no number', async () => {
      const headers = { 'content-length': 'many' };
      await expectProblem(await send({ headers }), 413, 'body_too_large');
    });
  });

  test.each([
    ['', 400, 'invalid_json'],
    ['{"option":', 400, 'invalid_json'],
    ['['.repeat(400), 400, 'body_too_deep'],
    ['[]', 422, 'invalid_body'],
    ['{"option":7}', 422, 'invalid_body'],
    ['{"option":"ana","option":"bruno"}', 422, 'invalid_body'],
    ['{"option":"ana","more":1}', 422, 'unknown_field'],
    ['{"option":"ana","__proto__":1}', 422, 'unknown_field'],
    ['{"option":"ana","pass":"x"}', 422, 'not_supported'],
    ['{"option":"nobody"}', 422, 'option_not_found'],
  ])('for its body %p as %d %s', async (body, status, code) => {
    await expectProblem(await send({ body }), status, code);
  });

  test('with every field that is wrong', async () => {
    expect(
      await expectProblem(await send({ body: '{"a/b":1}' }), 422, 'unknown_field'),
    ).toMatchObject({
      errors: [{ pointer: '/a~1b', code: 'unknown_field' }],
    });
    expect(await expectProblem(await send({ body: '{' }), 400, 'invalid_json')).not.toHaveProperty(
      'errors',
    );
  });

  test('where there is no body at all', async () => {
    await expectProblem(await send({ body: null }), 400, 'invalid_json');
  });

  test('where its bytes are no UTF-8', async () => {
    const inside = Uint8Array.from(Buffer.from('{"option":"an\xff"}', 'latin1'));
    const around = Uint8Array.from(Buffer.from('\xfe{"option":"ana"}', 'latin1'));
    await expectProblem(await send({ body: inside }), 422, 'option_not_found');
    await expectProblem(await send({ body: around }), 400, 'invalid_json');
  });

  test('where its sender goes away in the middle of it', async () => {
    const broken = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"opt'));
          controller.error(new Error('gone'));
        },
      });
    await expectProblem(await send({ body: broken() }), 422, 'invalid_body');
    const headers = { 'content-length': '16' };
    await expectProblem(await send({ body: broken(), headers }), 422, 'invalid_body');
    expect(await room.logged()).toEqual([]);
  });

  test.each(['', 'x', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f', `${keyAt(START_TIME)}, x`])(
    '400 under the key %p',
    async (key) => {
      await expectProblem(
        await send({ headers: { 'idempotency-key': key } }),
        400,
        'invalid_idempotency_key',
      );
    },
  );

  test('410 under a key that is too old, 400 under one from the future', async () => {
    await expectProblem(await send({ key: keyAt(START_TIME - 300_001) }), 410, 'id_expired');
    await expectProblem(await send({ key: keyAt(START_TIME + 2_001) }), 400, 'id_in_future');
  });

  test('404 where there is no such poll, or none that the public may know of', async () => {
    await room.place({ id: 'draft', state: 'draft' });
    for (const poll of ['other', 'draft', '__proto__', '']) {
      await expectProblem(await send({ poll }), 404, 'poll_not_found');
    }
  });

  test('409 where the poll takes no votes now, saying why', async () => {
    await room.place({ id: 'soon', state: 'scheduled', opensAt: START_TIME + 60_000 });
    await room.place({ id: 'paused', state: 'paused', opensAt: START_TIME });
    await room.place({ id: 'over', state: 'closed', opensAt: START_TIME, closesAt: START_TIME });
    expect(await expectProblem(await send({ poll: 'soon' }), 409, 'poll_not_open')).toMatchObject({
      state: 'scheduled',
      opensAt: '2026-11-21T20:01:00.000Z',
    });
    expect(await expectProblem(await send({ poll: 'paused' }), 409, 'poll_not_open')).toMatchObject(
      {
        state: 'paused',
        opensAt: null,
      },
    );
    await expectProblem(await send({ poll: 'over' }), 409, 'poll_closed');
  });
});

describe('503', () => {
  test('not_ready while the door can not know its polls', async () => {
    room.isReady = false;
    const response = await send();
    await expectProblem(response, 503, 'not_ready');
    expect(response.headers.get('retry-after')).toBe('2');
  });

  test('overloaded when too many wait', async () => {
    room = new RouteRoom({ pendingEventsMax: 1 });
    await room.place({ state: 'open', opensAt: START_TIME - 1_000 });
    const [first, second] = await Promise.all([send(), send()]);
    expect(first.status).toBe(202);
    await expectProblem(second, 503, 'overloaded');
    expect(second.headers.get('retry-after')).toBe('1');
  });

  test('log_unavailable where the log took nothing', async () => {
    room.logStore.failNextAppend({ code: 'log_unavailable', appended: 0 });
    const response = await send();
    await expectProblem(response, 503, 'log_unavailable');
    expect(response.headers.get('retry-after')).toBe('1');
  });

  test('outcome_unknown with the id to send again, also where the server made it', async () => {
    for (const key of [keyAt(START_TIME), null]) {
      room.logStore.failNextAppend({ code: 'append_unknown', appended: 1 });
      const response = await send({ key });
      const { id } = await expectProblem(response, 503, 'outcome_unknown');
      expect(response.headers.get('retry-after')).toBe('1');
      if (key !== null) expect(id).toBe(key);
      const again = await send({ key: String(id) });
      expect((await again.json()) as object).toMatchObject({ id });
    }
    expect(room.books.snapshot()).toMatchObject({ received: 4, accepted: 2, unknown: 2 });
  });
});

describe('other origins', () => {
  test('get no permission where none may call', async () => {
    const response = await send({ headers: { origin: ORIGIN } });
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
  });

  test('that may call get it with every answer', async () => {
    room = new RouteRoom({ origins: [ORIGIN] });
    await room.place({ state: 'open', opensAt: START_TIME - 1_000 });
    for (const [body, status] of [
      [VOTE, 202],
      ['{', 400],
    ] as const) {
      const response = await send({ body, headers: { origin: ORIGIN } });
      expect(response.status).toBe(status);
      expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    }
  });
});

describe('a vote without HTTP around it', () => {
  test('is accepted, refused or unknown as any other', async () => {
    const key = keyAt(START_TIME);
    expect(await room.route.cast('final', 'ana', key)).toEqual({
      kind: 'accepted',
      id: key,
      acceptedAt: START_TIME,
    });
    expect(await room.route.cast('other', 'ana', key)).toEqual({
      kind: 'refused',
      code: 'poll_not_found',
    });
    expect(await room.route.cast('final', 'nobody', null)).toEqual({
      kind: 'refused',
      code: 'option_not_found',
    });
    room.logStore.failNextAppend({ code: 'log_unavailable', appended: 0 });
    expect(await room.route.cast('final', 'ana', key)).toEqual({
      kind: 'refused',
      code: 'log_unavailable',
    });
    room.logStore.failNextAppend({ code: 'append_unknown', appended: 1 });
    expect(await room.route.cast('final', 'ana', key)).toEqual({ kind: 'unknown', id: key });
    expect(room.books.snapshot()).toMatchObject({ received: 5, accepted: 1, unknown: 1 });
  });
});

describe('whatever is sent', () => {
  const ANSWERS = [202, 400, 404, 409, 410, 413, 415, 422];
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 1_400 }).map((bytes) => new Uint8Array(bytes)),
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(VOTE, '{"option":"bruno"}', '{"option":"nobody"}', '{"option":1}'),
  );
  const keys = fc.oneof(
    fc.constant(null),
    fc.integer({ min: START_TIME - 400_000, max: START_TIME + 4_000 }).map((time) => keyAt(time)),
    fc.stringMatching(/^[!-~]{0,40}$/),
  );
  const sents = fc.record({
    body: bodies,
    type: fc.oneof(
      { weight: 4, arbitrary: fc.constant(JSON_TYPE) },
      { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{0,40}$/) },
    ),
    key: keys,
    poll: fc.oneof(fc.constant('final'), fc.constantFrom('semi', 'draft', ''), fc.string()),
    headers: fc.dictionary(
      fc.constantFrom('origin', 'content-encoding', 'transfer-encoding', 'content-length', 'x-a'),
      fc.stringMatching(/^[ -~]{0,20}$/),
    ),
  });

  test('the answer is no failure of the server’s, and the books balance', async () => {
    const runs = fc.asyncProperty(sents, async ({ headers, ...sent }) => {
      const response = await send({ ...sent, headers });
      expect(ANSWERS).toContain(response.status);
      room.expectBalance();
    });
    await fc.assert(runs, { numRuns: 600 });
  });

  test('and whatever becomes of the log, the books balance', async () => {
    const faults = fc.constantFrom(null, 'log_unavailable', 'append_unknown', 'log_failed');
    const votes = fc.array(fc.record({ sent: sents, fault: faults, isReady: fc.boolean() }), {
      maxLength: 12,
    });
    const runs = fc.asyncProperty(votes, fc.integer({ min: 1, max: 4 }), async (list, pending) => {
      room = new RouteRoom({ pendingEventsMax: pending });
      await room.place({ state: 'open', opensAt: START_TIME - 1_000 });
      await room.place({ id: 'semi', state: 'paused', opensAt: START_TIME - 1_000 });
      const answers = list.map(({ sent, fault, isReady }) => {
        if (fault !== null) room.logStore.failNextAppend({ code: fault, appended: 0 });
        room.isReady = isReady;
        const { body, type, key, poll } = sent;
        return send({ body, type, key, poll });
      });
      for (const response of await Promise.all(answers)) {
        expect([...ANSWERS, 503]).toContain(response.status);
      }
      expect(room.books.received).toBe(list.length);
      room.expectBalance();
    });
    await fc.assert(runs, { numRuns: 120 });
  });
});

describe('on the wire', () => {
  let server: Bun.Server<undefined>;

  beforeEach(() => {
    server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      routes: {
        '/v1/polls/:poll/votes': {
          POST: (incoming: Bun.BunRequest<'/v1/polls/:poll/votes'>) =>
            room.route.handle(incoming, incoming.params.poll),
        },
      },
      fetch: () => new Response(null, { status: 404 }),
    });
  });

  afterEach(() => server.stop(true));

  /** Sends bytes as they are, and gives what came back until the connection closed or answered. */
  function raw(text: string, hangUp = false): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port ?? 0, '127.0.0.1');
      let answer = '';
      socket.on('connect', () => {
        if (hangUp) socket.end(text);
        else socket.write(text);
      });
      socket.on('data', (chunk) => {
        answer += chunk.toString();
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  const head = (...headers: readonly string[]): string =>
    ['POST /v1/polls/final/votes HTTP/1.1', 'Host: apura.test', 'Content-Type: application/json']
      .concat(headers, '', '')
      .join('\r\n');
  const chunked = (text: string): string =>
    `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  const statusOf = (answer: string): number => Number(answer.split(' ')[1] ?? 0);

  test.each([
    ['told', (body: string) => head(`Content-Length: ${body.length}`) + body],
    ['chunked', (body: string) => head('Transfer-Encoding: chunked') + chunked(body)],
  ])('a body of 1,024 bytes is taken and one of 1,025 is not, %s', async (_, message) => {
    expect(statusOf(await raw(message(VOTE.padEnd(1_024))))).toBe(202);
    expect(statusOf(await raw(message(VOTE.padEnd(1_025))))).toBe(413);
  });

  test('a body that is larger than its head says is never taken for a vote', async () => {
    const long = VOTE.padEnd(5_000);
    const both = head('Content-Length: 16', 'Transfer-Encoding: chunked') + chunked(long);
    expect(statusOf(await raw(both))).not.toBe(202);
    const twice = head('Content-Length: 16', 'Content-Length: 5000') + long;
    expect(statusOf(await raw(twice))).not.toBe(202);
    expect(room.books.snapshot().accepted).toBe(0);
  });

  test('a sender that hangs up in the middle leaves nothing in the log', async () => {
    await raw(head('Content-Length: 16') + VOTE.slice(0, 8), true);
    await raw(`${head('Transfer-Encoding: chunked')}10\r\n${VOTE.slice(0, 8)}`, true);
    expect(statusOf(await raw(head('Content-Length: 16') + VOTE))).toBe(202);
    for (let turn = 0; turn < 20; turn += 1) await settled();
    expect((await room.logged()).map(({ count }) => count)).toEqual([1]);
    room.expectBalance();
  });
});
