/** Attacks on the gRPC port, each by a client of its own kind: what is too much is cut off, and the others are served on. */
import { afterEach, describe, expect, test } from 'bun:test';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type GrpcLimits, type GrpcServer, startGrpcServer } from '../../src/edge/grpc/server.ts';
import { trustProxies } from '../../src/edge/http/client-address.ts';
import { clientPulse, GrpcClient } from '../support/grpc-client.ts';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../support/pulse-door-room.ts';
import {
  callHeaders,
  FLAG,
  FRAME,
  frame,
  headerBlock,
  hpackText,
  RawHttp2,
} from '../support/raw-http2.ts';
import { waitUntil } from '../support/wait-until.ts';

const INGEST = '/apura.metering.v1.PulseService/Ingest';
const SOON_MS = 30_000;

let stack = new AsyncDisposableStack();

afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

async function serve(limits: Partial<GrpcLimits> = {}) {
  const room = new PulseDoorRoom();
  const server = await startGrpcServer({
    ...{ host: '127.0.0.1', port: 0, portName: 'APURA_GRPC_PORT', tls: null },
    ...{ pulses: room.pulses, takesPulses: true, putUsage: null, isReady: () => true },
    ...{ clientAddress: trustProxies([]), clock: room.clock, reportFailure: () => {}, limits },
  });
  stack.defer(() => server.stop());
  return { room, server, raw: async () => stack.use(await RawHttp2.open(server.port)) };
}

/** Somebody else, who does nothing wrong. */
async function expectServed(server: GrpcServer): Promise<void> {
  using client = new GrpcClient(server.port);
  const pulse = clientPulse('a', { tenant: 'acme' });
  const { results } = await client.ingest([pulse], { token: OPERATOR_TOKEN });
  expect(results[0]?.code).toBe('');
}

const closed = (raw: RawHttp2) => waitUntil('it is cut off', () => raw.isClosed, SOON_MS);
const open = (stream: number, token: string | null = OPERATOR_TOKEN, path = INGEST) =>
  frame(FRAME.headers, FLAG.endHeaders, stream, headerBlock(callHeaders(path, token)));
const CANCEL = Buffer.from([0, 0, 0, 8]);

describe('a connection is cut off, and others are not', () => {
  test.each([
    ['calls that are let in', INGEST, OPERATOR_TOKEN],
    ['calls that are not let in', INGEST, null],
    ['methods that are not there', '/nothing/There', null],
  ])('that resets its streams rapidly: %s', async (_name, path, token) => {
    const { room, server, raw } = await serve();
    const attacker = await raw();
    for (let stream = 1; stream < 4_001; stream += 2) {
      attacker.write(open(stream, token, path), frame(FRAME.rstStream, 0, stream, CANCEL));
      if (attacker.isClosed) break;
    }
    await closed(attacker);
    expect(server.cutOff.get('resets')).toBe(1);
    expect(room.door.callers.length).toBe(0);
    await waitUntil('its calls are gone', () => server.calls === 0, SOON_MS);
    await expectServed(server);
  });

  test.each([
    ['pings', 'pings', () => frame(FRAME.ping, 0, 0, new Uint8Array(8)), 200],
    ['settings', 'settings', () => frame(FRAME.settings, 0, 0), 50],
    [
      'windows',
      'idle_frames',
      () => frame(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])),
      12_000,
    ],
    [
      'priorities',
      'idle_frames',
      () => frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 0])),
      12_000,
    ],
    ['unknown frames', 'idle_frames', () => frame(FRAME.unknown, 0, 0), 12_000],
  ] as const)('that floods the server with %s', async (_name, breach, make, count) => {
    const { server, raw } = await serve();
    const attacker = await raw();
    const one = make();
    attacker.write(...Array.from({ length: count }, () => one));
    await closed(attacker);
    expect(server.cutOff.get(breach)).toBe(1);
    await expectServed(server);
  });

  test('that floods a call with empty data', async () => {
    const { server, raw } = await serve();
    const attacker = await raw();
    attacker.write(open(1));
    attacker.write(...Array.from({ length: 12_000 }, () => frame(FRAME.data, 0, 1)));
    await closed(attacker);
    expect(server.cutOff.get('idle_frames')).toBe(1);
    await expectServed(server);
  });

  test.each([
    ['large', 8_000, 20],
    ['empty', 0, 12_000],
  ])('that goes on and on with %s pieces of headers', async (_name, bytes, count) => {
    const { server, raw } = await serve();
    const attacker = await raw();
    const part = headerBlock(callHeaders(INGEST, OPERATOR_TOKEN));
    const more = Buffer.concat([Buffer.of(0), hpackText('x'), hpackText('y'.repeat(bytes))]);
    attacker.write(frame(FRAME.headers, 0, 1, part));
    const piece = frame(FRAME.continuation, 0, 1, bytes === 0 ? Buffer.alloc(0) : more);
    attacker.write(...Array.from({ length: count }, () => piece));
    await closed(attacker);
    expect(
      [...server.cutOff.keys()].some((why) => why === 'header_bytes' || why === 'idle_frames'),
    ).toBe(true);
    await expectServed(server);
  });

  test('that announces a frame larger than any', async () => {
    const { server, raw } = await serve();
    const attacker = await raw();
    attacker.write(frame(FRAME.data, 0, 1, new Uint8Array(0), 16_777_215));
    await closed(attacker);
    expect(server.cutOff.get('frame_bytes')).toBe(1);
  });

  test('that unpacks its headers into more than anybody needs', async () => {
    const { room, server, raw } = await serve();
    const attacker = await raw();
    // One large field into the dynamic table, and then its index again and again: a byte for 4,000.
    const field = Buffer.concat([Buffer.of(0x40), hpackText('x'), hpackText('y'.repeat(3_900))]);
    const bomb = Buffer.concat([
      headerBlock(callHeaders(INGEST, OPERATOR_TOKEN)),
      field,
      Buffer.alloc(8_000, 0x80 | 62),
    ]);
    const before = process.memoryUsage().rss;
    for (let stream = 1; stream < 41; stream += 2) {
      attacker.write(frame(FRAME.headers, FLAG.endHeaders, stream, bomb));
    }
    await waitUntil(
      'the call is refused',
      () => attacker.isClosed || attacker.received.some(({ stream }) => stream === 39),
      SOON_MS,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    expect(room.door.callers).toEqual([]);
    await expectServed(server);
  });

  test('that says nothing at first', async () => {
    const { server } = await serve({ connectionSilenceMsMax: 200 });
    const silent = stack.use(await RawHttp2.silent(server.port));
    await closed(silent);
    expect(server.cutOff.get('silence')).toBe(1);
    await waitUntil('it is forgotten', () => server.connections === 0, SOON_MS);
  });

  test('that speaks another protocol', async () => {
    const { server } = await serve();
    const other = stack.use(await RawHttp2.silent(server.port));
    other.write(Buffer.from('GET / HTTP/1.1\r\nHost: apura.test\r\n\r\n'));
    await closed(other);
    await expectServed(server);
  });

  test('that has no call for too long', async () => {
    const { server, raw } = await serve({ connectionIdleMsMax: 300 });
    const idle = await raw();
    await closed(idle);
    await waitUntil('it is forgotten', () => server.connections === 0, SOON_MS);
  });

  test('that grows too old, with a stream open too', async () => {
    const { room, server, raw } = await serve({
      connectionAgeMsMax: 300,
      connectionAgeGraceMs: 200,
    });
    room.door.gate = new Promise(() => {});
    const old = await raw();
    old.write(open(1, OPERATOR_TOKEN, '/apura.metering.v1.PulseService/IngestStream'));
    await waitUntil(
      'it is asked to go',
      () => old.received.some(({ type }) => type === FRAME.goaway),
      SOON_MS,
    );
    await closed(old);
    await waitUntil('its calls are gone', () => server.calls === 0, SOON_MS);
  });

  test('that does not answer when asked whether it lives', async () => {
    const { server, raw } = await serve({ keepaliveMs: 200, keepaliveTimeoutMs: 200 });
    const dead = await raw();
    dead.write(open(1, OPERATOR_TOKEN, '/apura.metering.v1.PulseService/IngestStream'));
    await closed(dead);
    expect(dead.received.some(({ type, flags }) => type === FRAME.ping && flags === 0)).toBe(true);
    await waitUntil('its calls are gone', () => server.calls === 0, SOON_MS);
  });

  test('that is one too many', async () => {
    const { server, raw } = await serve({ connectionsMax: 2 });
    const [first, second] = [await raw(), await raw()];
    await waitUntil('two are open', () => server.connections === 2, SOON_MS);
    const third = await raw();
    await closed(third);
    expect(server.cutOff.get('connections')).toBe(1);
    expect([first.isClosed, second.isClosed]).toEqual([false, false]);
    first.socket.destroy();
    await waitUntil('there is room', () => server.connections === 1, SOON_MS);
    await expectServed(server);
  });
});

test('whoever measures the way with a ping for each message is not cut off', async () => {
  const { room, server, raw } = await serve();
  const client = await raw();
  const message = Buffer.from([0, 0, 0, 0, 2, 0x0a, 0]);
  const CALLS = 600;
  for (let sent = 0; sent < CALLS; ) {
    for (const last = sent + 50; sent < last; sent += 1) {
      const stream = sent * 2 + 1;
      client.write(
        open(stream),
        frame(FRAME.data, FLAG.endStream, stream, message),
        frame(FRAME.ping, 0, 0, new Uint8Array(8)),
        frame(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])),
      );
    }
    await waitUntil('all are answered', () => room.door.callers.length === sent, SOON_MS);
  }
  expect(client.isClosed).toBe(false);
  expect(server.cutOff.size).toBe(0);
});

interface Ended {
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
}

/** A call over node's own HTTP/2; ends with the status that the server gives it. */
function call(
  session: ClientHttp2Session,
  {
    body,
    token = OPERATOR_TOKEN,
    headers = {},
    ends = true,
  }: {
    body: readonly Uint8Array[];
    token?: string | null;
    headers?: Readonly<Record<string, string>>;
    ends?: boolean;
  },
): Promise<Ended> {
  const stream = session.request({ ...callHeaders(INGEST, token), ...headers });
  const ended = new Promise<Ended>((resolve, reject) => {
    const read = (fields: Readonly<Record<string, unknown>>): void => {
      const grpcStatus = fields['grpc-status'];
      if (grpcStatus === undefined) return;
      const code = fields['apura-code'];
      resolve({
        status: Number(grpcStatus),
        code: typeof code === 'string' ? code : null,
        message: decodeURIComponent(String(fields['grpc-message'] ?? '')),
      });
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', reject);
    stream.on('close', () => reject(new Error(`closed with ${stream.rstCode}`)));
    stream.resume();
  });
  for (const part of body) stream.write(part);
  if (ends) stream.end();
  return ended;
}

function message(bytes: Uint8Array, isPacked = false, length = bytes.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isPacked ? 1 : 0, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

async function session(server: GrpcServer): Promise<ClientHttp2Session> {
  const opened = connectHttp2(`http://127.0.0.1:${server.port}`);
  opened.on('error', () => {});
  stack.defer(() => opened.destroy());
  await new Promise<void>((resolve) => opened.once('connect', () => resolve()));
  return opened;
}

describe('a call is refused', () => {
  test('by its headers, before a byte of it is read, where nobody knows who calls', async () => {
    const { room, server } = await serve();
    const ended = await call(await session(server), { body: [], token: null, ends: false });
    expect([ended.status, ended.code]).toEqual([status.UNAUTHENTICATED, 'unauthorized']);
    expect(room.door.callers).toEqual([]);
    await waitUntil('no call is under way', () => server.calls === 0, SOON_MS);
  });

  test('that announces more bytes than any may have, before they come', async () => {
    const { server } = await serve();
    const body = [message(new Uint8Array(10), false, 2 ** 30)];
    const ended = await call(await session(server), { body, ends: false });
    expect(ended.status).toBe(status.RESOURCE_EXHAUSTED);
    expect(server.cutOff.get('message_bytes')).toBe(1);
    await waitUntil('no call is under way', () => server.calls === 0, SOON_MS);
  });

  test('that unpacks to more bytes than any may have, and memory hardly notices', async () => {
    const { room, server } = await serve();
    const bomb = gzipSync(Buffer.alloc(400 * 2 ** 20));
    const before = process.memoryUsage().rss;
    const attacker = await session(server);
    const headers = { 'grpc-encoding': 'gzip' };
    for (let times = 0; times < 5; times += 1) {
      const ended = await call(attacker, { body: [message(bomb, true)], headers });
      expect(ended.status).toBe(status.RESOURCE_EXHAUSTED);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
    expect([...server.cutOff]).toEqual([['unpacked_bytes', 5]]);
    expect(room.door.callers).toEqual([]);
    await expectServed(server);
  });

  test('that is packed in a way that nobody knows, or not at all though it says so', async () => {
    const { room, server } = await serve();
    const attacker = await session(server);
    const bytes = room.batch(['a']);
    const unknown = await call(attacker, {
      body: [message(bytes, true)],
      headers: { 'grpc-encoding': 'br' },
    });
    expect(unknown.status).toBe(status.UNIMPLEMENTED);
    const broken = await call(attacker, {
      body: [message(bytes, true)],
      headers: { 'grpc-encoding': 'gzip' },
    });
    expect(broken.status).toBe(status.INTERNAL);
    const right = await call(attacker, {
      body: [message(gzipSync(bytes), true)],
      headers: { 'grpc-encoding': 'gzip' },
    });
    expect(right.status).toBe(status.OK);
    expect(room.door.ids).toEqual(['a']);
  });

  test('that drips in so slowly that it would never end', async () => {
    const { server } = await serve({ callMsMax: 300 });
    const body = [message(new Uint8Array(10), false, 1_000)];
    const ended = await call(await session(server), { body, ends: false });
    expect(ended.status).toBe(status.DEADLINE_EXCEEDED);
    expect(server.cutOff.get('slow_call')).toBe(1);
    await waitUntil('no call is under way', () => server.calls === 0, SOON_MS);
  });

  test('that is one too many for the process, and may be sent again', async () => {
    const { room, server } = await serve({ callsMax: 3 });
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    using client = new GrpcClient(server.port);
    const pulse = clientPulse('a', { tenant: 'acme' });
    const send = () => client.ingest([pulse], { token: OPERATOR_TOKEN });
    const first = [send(), send(), send()];
    await waitUntil('three are under way', () => room.door.underWay === 3, SOON_MS);
    const error: ServiceError = await send().catch((reason) => reason);
    expect([error.code, error.metadata.get('apura-code')[0]]).toEqual([
      status.RESOURCE_EXHAUSTED,
      'overloaded',
    ]);
    gate.resolve();
    await Promise.all(first);
    await send();
  });

  test('by HTTP/2 that is one too many for its connection', async () => {
    const { room, server, raw } = await serve({ connectionCallsMax: 4 });
    room.door.gate = new Promise(() => {});
    const attacker = await raw();
    const bytes = message(room.batch(['a']));
    for (let stream = 1; stream < 21; stream += 2) {
      attacker.write(open(stream), frame(FRAME.data, FLAG.endStream, stream, bytes));
    }
    const refused = (): number =>
      attacker.received.filter(
        ({ type, payload }) =>
          type === FRAME.rstStream && payload.readUInt32BE(0) === constants.NGHTTP2_REFUSED_STREAM,
      ).length;
    await waitUntil('six are refused', () => refused() === 6, SOON_MS);
    expect(room.door.underWayMost).toBe(4);
    await expectReached(server);
  });
});

/** Where the door answers nothing: that others still get to it. */
async function expectReached(server: GrpcServer): Promise<void> {
  const other = await session(server);
  const ended = await call(other, { body: [], token: null, ends: false });
  expect(ended.status).toBe(status.UNAUTHENTICATED);
}

test('a stream whose answers nobody reads is read from no further', async () => {
  const { room, server, raw } = await serve({ streamBatchesMax: 4 });
  const deaf = await raw();
  deaf.write(open(1, OPERATOR_TOKEN, '/apura.metering.v1.PulseService/IngestStream'));
  // A hundred pulses of two bytes each, every one rejected in a hundred: our windows close at once.
  const batch = Buffer.concat(Array.from({ length: 100 }, () => Buffer.of(0x0a, 0)));
  const request = message(Buffer.concat([Buffer.of(0x12, 200, 1), batch]));
  const BATCHES = 300;
  for (let sent = 0; sent < BATCHES; sent += 1) deaf.write(frame(FRAME.data, 0, 1, request));
  await waitUntil('the door was asked', () => room.door.callers.length > 0, SOON_MS);
  let before = -1;
  const isSteady = async (): Promise<boolean> => {
    const was = before;
    before = room.door.callers.length;
    await Bun.sleep(300);
    return was === before;
  };
  await waitUntil('no more are taken', isSteady, SOON_MS);
  expect(room.door.callers.length).toBeLessThan(BATCHES / 3);
  await expectServed(server);
});
