import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { fromBinary, type Message } from '@bufbuild/protobuf';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../../../test/support/pulse-door-room.ts';
import {
  contractPulse,
  messageType,
  NOW,
  writeRequest,
} from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { KEYS_STALE_MS_MAX } from '../../application/metering/api-keys.ts';
import { readWireContract } from '../grpc/wire-contract.ts';
import { trustProxies } from './client-address.ts';
import { CloudEventsRoute } from './cloud-events-route.ts';
import { CONNECT_INGEST_PATH, CONNECT_JSON_BYTES_MAX, ConnectRoute } from './connect-route.ts';
import { PULSE_REQUEST_BYTES_MAX } from './pulse-ingest.ts';
import { type HttpServer, startHttpServer } from './server.ts';

const PROTO = 'application/proto';
const JSON_TYPE = 'application/json';
const contract = readWireContract();

let room: PulseDoorRoom;
let route: ConnectRoute;

beforeEach(() => {
  room = new PulseDoorRoom(new ManualClock(NOW));
  route = new ConnectRoute({ pulses: room.pulses, contract });
});

interface Sent {
  readonly body: string | Uint8Array;
  readonly type?: string;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send({ body, type = PROTO, token = OPERATOR_TOKEN, headers = {} }: Sent) {
  const response = await route.handle(
    new Request(`http://apura.test${CONNECT_INGEST_PATH}`, {
      method: 'POST',
      body: body as string,
      headers: {
        'content-type': type,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    }),
    '192.0.2.1',
  );
  return response;
}

async function expectError(response: Response, status: number, code: string, apuraCode: string) {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('apura-code')).toBe(apuraCode);
  const body = (await response.json()) as { code: string; message: string; details?: unknown };
  expect(body.code).toBe(code);
  expect(body.message).not.toBe('');
  return body;
}

describe('a batch in Protobuf', () => {
  test('goes to the door as it came, and every pulse has its answer', async () => {
    const body = writeRequest([contractPulse(), contractPulse({ id: '' })]);
    const response = await send({ body });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(PROTO);
    const answer = fromBinary(messageType('IngestResponse'), await response.bytes());
    const { results } = answer as Message & { results: { status: number; code: string }[] };
    expect(results.map(({ status, code }) => [status, code])).toEqual([
      [1, ''],
      [2, 'id_missing'],
    ]);
    expect(room.door.taken.length).toBe(1);
  });

  test('may come packed, and no larger unpacked than any', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const packed = gzipSync(room.batch(['a', 'b']));
    expect((await send({ body: packed, headers })).status).toBe(200);
    expect(room.door.ids).toEqual(['a', 'b']);
    const bomb = gzipSync(new Uint8Array(PULSE_REQUEST_BYTES_MAX + 1));
    expect(bomb.length).toBeLessThan(10_000);
    const refused = await send({ body: bomb, headers });
    await expectError(refused, 400, 'invalid_argument', 'body_too_large');
    const broken = await send({ body: packed.subarray(0, 20), headers });
    await expectError(broken, 400, 'invalid_argument', 'invalid_body');
    const other = await send({ body: packed, headers: { 'content-encoding': 'br' } });
    await expectError(other, 501, 'unimplemented', 'unsupported_encoding');
    expect(room.door.taken.length).toBe(2);
  });

  test('of more bytes than any may have is not read', async () => {
    const response = await send({ body: new Uint8Array(PULSE_REQUEST_BYTES_MAX + 1) });
    await expectError(response, 400, 'invalid_argument', 'body_too_large');
  });

  test.each([
    ['malformed', 400, 'invalid_argument', 'malformed_request', false],
    ['too_many', 400, 'invalid_argument', 'too_many_pulses', false],
    ['empty', 400, 'invalid_argument', 'no_pulses', false],
    ['backfill_forbidden', 403, 'permission_denied', 'backfill_forbidden', false],
    ['overloaded', 429, 'resource_exhausted', 'overloaded', true],
    ['unavailable', 503, 'unavailable', 'log_unavailable', true],
    ['unknown', 503, 'unavailable', 'outcome_unknown', true],
  ] as const)('that ends as %s says so', async (kind, status, code, apuraCode, isRetried) => {
    room.door.says = { kind };
    const response = await send({ body: room.batch(['a']) });
    const { details } = await expectError(response, status, code, apuraCode);
    expect(response.headers.get('retry-after')).toBe(isRetried ? '1' : null);
    const info = [{ type: 'google.rpc.RetryInfo', value: 'CgQIARAA' }];
    if (isRetried) expect(details).toEqual(info);
    else expect(details).toBeUndefined();
  });

  test('is refused with the reason, and asked of no door, while nothing may be taken', async () => {
    room.trouble = 'The clock is off.';
    const response = await send({ body: room.batch(['a']) });
    expect(response.headers.get('retry-after')).toBe('2');
    const { message } = await expectError(response, 503, 'unavailable', 'not_ready');
    expect(message).toStartWith('The clock is off. Nothing was taken.');
    expect(room.door.callers).toEqual([]);
  });

  test('is answered in the time that the caller has, and is unknown after it', async () => {
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    const headers = { 'connect-timeout-ms': '20' };
    const response = await send({ body: room.batch(['a']), headers });
    await expectError(response, 504, 'deadline_exceeded', 'outcome_unknown');
    gate.resolve();
    const enough = { 'connect-timeout-ms': '60000' };
    expect((await send({ body: room.batch(['a']), headers: enough })).status).toBe(200);
    const wrong = { 'connect-timeout-ms': 'soon' };
    const refused = await send({ body: room.batch(['a']), headers: wrong });
    await expectError(refused, 400, 'invalid_argument', 'invalid_body');
  });
});

describe('a batch in JSON', () => {
  const PULSE = {
    ...{ id: 'a', source: 'gateway-1', tenant: 'acme', productSku: 'api.calls' },
    ...{ usedAmount: '12.50', useUnity: 'call', occurredAt: new Date(NOW).toISOString() },
  };
  const json = (body: unknown) => send({ type: JSON_TYPE, body: JSON.stringify(body) });

  test('is read by the JSON mapping of Protobuf', async () => {
    const { productSku, ...rest } = PULSE;
    const response = await json({ pulses: [PULSE, { ...rest, id: 'b', product_sku: productSku }] });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      results: [{ status: 'PULSE_STATUS_ACCEPTED' }, { status: 'PULSE_STATUS_ACCEPTED' }],
    });
    expect(room.door.ids).toEqual(['a', 'b']);
  });

  test('loses no pulse to another that can not be read', async () => {
    const response = await json({
      pulses: [
        { ...PULSE, id: 'a' },
        { ...PULSE, usedAmount: 12.5 },
        { ...PULSE, occurredAt: 'yesterday' },
        { ...PULSE, atributes: {} },
        7,
        { ...PULSE, usedAmount: 'much' },
        { ...PULSE, id: 'g' },
      ],
    });
    const { results } = (await response.json()) as { results: { status: string; code?: string }[] };
    expect(results.map(({ code }) => code ?? '')).toEqual([
      ...['', 'amount_not_text', 'field_invalid', 'field_invalid', 'field_invalid'],
      ...['amount_invalid', ''],
    ]);
    expect(room.door.ids).toEqual(['a', 'g']);
  });

  test.each([
    { occurredAt: '2026-02-29T12:00:00Z' },
    { occurredAt: undefined, occurred_at: '2026-02-30T12:00:00Z' },
    { occurredAt: '2026-10-23T24:00:00Z' },
  ])('moves no pulse to another day: %j', async (time) => {
    const body = { pulses: [{ ...PULSE, ...time }], allowBackfill: true };
    const answer = (await (await json(body)).json()) as { results: unknown[] };
    expect(answer.results).toMatchObject([{ code: 'occurred_at_invalid' }]);
    expect(room.door.taken).toEqual([]);
  });

  test('backfills where it says so', async () => {
    const old = { ...PULSE, occurredAt: '1999-12-31T23:59:59.123456789Z' };
    const without = (await (await json({ pulses: [old] })).json()) as { results: unknown[] };
    expect(without.results).toMatchObject([{ code: 'too_old' }]);
    for (const name of ['allowBackfill', 'allow_backfill']) {
      const answer = (await (await json({ pulses: [old], [name]: true })).json()) as never;
      expect(answer).toEqual({ results: [{ status: 'PULSE_STATUS_ACCEPTED' }] } as never);
    }
  });

  test.each([
    ['{', 'invalid_json'],
    ['[]', 'invalid_body'],
    ['null', 'invalid_body'],
    ['{"pulses":{}}', 'invalid_body'],
    ['{"allowBackfill":"yes"}', 'invalid_body'],
    ['{"pulse":[]}', 'unknown_field'],
    ['{"pulses":[]}', 'no_pulses'],
    [`{"pulses":[${Array(1001).fill('{}').join()}]}`, 'too_many_pulses'],
    [' '.repeat(CONNECT_JSON_BYTES_MAX + 1), 'body_too_large'],
  ])('as %p is refused as a whole', async (body, code) => {
    await expectError(await send({ type: JSON_TYPE, body }), 400, 'invalid_argument', code);
    expect(room.door.taken).toEqual([]);
  });
});

describe('who calls', () => {
  test('must say so, and may send', async () => {
    const body = room.batch(['a']);
    const nobody = await send({ body, token: null });
    await expectError(nobody, 401, 'unauthenticated', 'unauthorized');
    const reader = await send({ body, token: await room.key('acme', { scopes: ['read'] }) });
    await expectError(reader, 403, 'permission_denied', 'forbidden');
    expect((await send({ body, token: await room.key('acme') })).status).toBe(200);
    room.blockedForMs = 1500;
    const blocked = await send({ body, token: 'guess' });
    await expectError(blocked, 429, 'resource_exhausted', 'too_many_attempts');
    expect(blocked.headers.get('retry-after')).toBe('2');
  });

  test('by a key is believed for a bounded time while the catalogue is away', async () => {
    const clock = new ManualClock(NOW);
    room = new PulseDoorRoom(clock);
    route = new ConnectRoute({ pulses: room.pulses, contract });
    const token = await room.key('acme');
    clock.advance(KEYS_STALE_MS_MAX);
    const body = room.batch(['a']);
    expect((await send({ body, token })).status).toBe(200);
    clock.advance(1);
    await expectError(await send({ body, token }), 503, 'unavailable', 'not_ready');
    expect((await send({ body })).status).toBe(200);
  });

  test('in another form than Connect has is told which', async () => {
    const response = await send({ body: room.batch(['a']), type: 'application/grpc' });
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-post')).toBe('application/proto, application/json');
  });
});

describe('on the HTTP port', () => {
  let server: HttpServer;

  beforeEach(() => {
    server = startHttpServer({
      ...{ host: '127.0.0.1', port: 0, portName: 'APURA_HTTP_PORT', sharePort: false, tls: null },
      ...{ votes: null, live: null, surface: 'public', clientAddress: trustProxies([]) },
      pulses: { connect: route, cloudEvents: new CloudEventsRoute({ pulses: room.pulses }) },
      api: { fetch: async () => new Response('the rest', { status: 404 }) },
    });
  });

  afterEach(() => server.stop());

  test('both doors take pulses, of any size that the contract allows', async () => {
    const authorization = `Bearer ${OPERATOR_TOKEN}`;
    const attributes = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`${at}`.padStart(64, 'n'), 'v'.repeat(256)]),
    );
    const ids = Array.from({ length: 1000 }, (_, at) => String(at));
    const large = await fetch(`${server.url}${CONNECT_INGEST_PATH}`, {
      method: 'POST',
      body: room.batch(ids, { attributes }) as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': PROTO, authorization },
    });
    expect(large.status).toBe(200);
    expect(room.door.taken.length).toBe(1000);
    const event = await fetch(`${server.url}/v1/pulses`, {
      method: 'POST',
      body: JSON.stringify({
        ...{ specversion: '1.0', id: 'e', source: 's', type: 'cpu', subject: 'acme' },
        ...{ time: new Date(NOW).toISOString(), data: { used_amount: '1', use_unity: 's' } },
      }),
      headers: { 'content-type': 'application/cloudevents+json', authorization },
    });
    expect(event.status).toBe(202);
    expect(room.door.ids.at(-1)).toBe('e');
    const get = await fetch(`${server.url}/v1/pulses`);
    expect(await get.text()).toBe('the rest');
  });
});
