/** Usage to rating over plain HTTP: what the sender sends by the protocol is what the route puts. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../../../test/support/pulse-door-room.ts';
import { NOW } from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { readWireContract } from '../grpc/wire-contract.ts';
import { trustProxies } from './client-address.ts';
import { CONNECT_USAGE_PATH, ConnectUsageRoute } from './connect-usage-route.ts';
import { openConnectUsageTransport } from './connect-usage-transport.ts';
import { type HttpServer, startHttpServer } from './server.ts';
import { usageIntake } from './usage-intake.ts';

const RECORD: UsageRecord = {
  ...{ series: { tenant: 'acme', sku: 'cpu', unit: 's' }, start: 900_000, partition: 3 },
  ...{ version: 2, sum: 125n * 10n ** 17n, count: 2, min: 5n, max: 7n, last: 7n },
  ...{ lastAt: 901_000, lastKey: 'ab'.repeat(16) },
};
const JSON_RECORD = {
  ...{ tenant: 'acme', productSku: 'cpu', useUnity: 's', windowStart: '1970-01-01T00:15:00Z' },
  ...{ partition: 3, version: '2', sum: '12.5', count: '2', min: '2.5', max: '10', last: '10' },
  ...{ lastAt: '1970-01-01T00:15:01Z', lastKey: 'ab'.repeat(16) },
};

let room: PulseDoorRoom;
let put: UsageRecord[];
let putUsage: (records: readonly UsageRecord[]) => Promise<void>;
let failures: unknown[];
let server: HttpServer;
const open: UsageTransport[] = [];

beforeEach(() => {
  room = new PulseDoorRoom(new ManualClock(NOW));
  put = [];
  failures = [];
  putUsage = async (records) => {
    put.push(...records);
  };
  const take = usageIntake({
    putUsage: (records) => putUsage(records),
    reportFailure: (error) => failures.push(error),
  });
  server = startHttpServer<undefined>({
    ...{ host: '127.0.0.1', port: 0, portName: 'port', tls: null, votes: null, live: null },
    ...{ sharePort: false, surface: 'admin', clientAddress: trustProxies([]) },
    usage: new ConnectUsageRoute({ pulses: room.pulses, take, contract: readWireContract() }),
    api: { fetch: async () => new Response('<html>somebody else</html>') },
  });
});

afterEach(async () => {
  for (const transport of open.splice(0)) await transport[Symbol.asyncDispose]();
  await server.stop();
});

function transport(token = OPERATOR_TOKEN, url = server.url): UsageTransport {
  const opened = openConnectUsageTransport({ url, token, authorities: null });
  open.push(opened);
  return opened;
}

async function failure(sending: Promise<void>): Promise<ApuraError> {
  const error = await sending.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApuraError)) throw new Error(`Sending came to ${error}`);
  return error;
}

async function sendJson(body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${server.url}${CONNECT_USAGE_PATH}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${OPERATOR_TOKEN}`,
      ...headers,
    },
  });
  return [response.status, response.headers.get('apura-code'), await response.text()] as const;
}

test('usage arrives as it was sent, and is said to be there only once it is kept', async () => {
  const gate = Promise.withResolvers<void>();
  putUsage = async (records) => {
    await gate.promise;
    put.push(...records);
  };
  let isSaid = false;
  const sending = transport()
    .send([RECORD, { ...RECORD, partition: 4 }])
    .then(() => {
      isSaid = true;
    });
  await fetch(server.url);
  expect(isSaid).toBe(false);
  gate.resolve();
  await sending;
  expect(put).toEqual([RECORD, { ...RECORD, partition: 4 }]);
});

test('the same call in JSON puts the same', async () => {
  expect(await sendJson({ records: [JSON_RECORD] })).toEqual([200, null, '{}']);
  expect(put).toMatchObject([{ series: RECORD.series, start: RECORD.start, sum: RECORD.sum }]);
});

test('usage is taken from the operator alone', async () => {
  for (const [token, code] of [
    ['nobody', 'unauthenticated'],
    [await room.key('acme'), 'permission_denied'],
  ] as const) {
    const error = await failure(transport(token).send([RECORD]));
    expect([error.code, error.message]).toEqual([
      'rating_unavailable',
      expect.stringContaining(code),
    ]);
  }
  expect(put).toEqual([]);
});

test.each([
  ['no JSON', '{', 400, 'invalid_json'],
  ['an unknown field', { records: [], more: 1 }, 400, 'invalid_body'],
  [
    'a record without a key',
    { records: [{ ...JSON_RECORD, lastKey: '' }] },
    400,
    'malformed_request',
  ],
  ['no record', { records: [] }, 400, 'malformed_request'],
] as const)('%s is refused, and nothing of it put', async (_, body, status, code) => {
  expect((await sendJson(body)).slice(0, 2)).toEqual([status, code]);
  expect(put).toEqual([]);
});

test('another form than the two of the protocol is refused', async () => {
  expect((await sendJson('x', { 'content-type': 'text/plain' }))[0]).toBe(415);
});

test('usage that could not be put is to be sent again, and the failure is told of', async () => {
  const away = new ApuraError('store_unavailable', 'away');
  putUsage = () => Promise.reject(away);
  const error = await failure(transport().send([RECORD]));
  expect([error.code, error.message]).toEqual([
    'rating_unavailable',
    expect.stringContaining('send all of it again'),
  ]);
  expect(failures).toEqual([away]);
  expect((await sendJson({ records: [JSON_RECORD] })).slice(0, 2)).toEqual([
    503,
    'store_unavailable',
  ]);
});

test('a page of another server at that address is no success', async () => {
  const other = startHttpServer<undefined>({
    ...{ host: '127.0.0.1', port: 0, portName: 'port', tls: null, votes: null, live: null },
    ...{ sharePort: false, surface: 'admin', clientAddress: trustProxies([]) },
    api: { fetch: async () => new Response('<html>somebody else</html>') },
  });
  const error = await failure(transport(OPERATOR_TOKEN, other.url).send([RECORD]));
  expect(error.message).toContain('200 <html>');
  await other.stop();
  expect((await failure(transport(OPERATOR_TOKEN, other.url).send([RECORD]))).code).toBe(
    'rating_unavailable',
  );
});

test('a sender that is closed gives up what is under way', async () => {
  const gate = Promise.withResolvers<void>();
  putUsage = () => gate.promise;
  const closing = transport();
  const sending = failure(closing.send([RECORD]));
  await closing[Symbol.asyncDispose]();
  expect((await sending).code).toBe('rating_unavailable');
  gate.resolve();
});
