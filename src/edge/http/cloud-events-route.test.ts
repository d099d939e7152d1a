import { beforeEach, describe, expect, test } from 'bun:test';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../../../test/support/pulse-door-room.ts';
import { NOW, readPulse } from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import {
  CLOUD_EVENTS_BYTES_MAX,
  CLOUD_EVENTS_PATH,
  CloudEventsRoute,
} from './cloud-events-route.ts';

const ONE = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json; charset=utf-8';

const EVENT = {
  ...{ specversion: '1.0', id: 'e1', source: '/gateways/1', type: 'api.calls', subject: 'acme' },
  time: new Date(NOW).toISOString(),
  data: { used_amount: '12.50', use_unity: 'call', attributes: { region: 'eu-1' } },
};

let room: PulseDoorRoom;
let route: CloudEventsRoute;

beforeEach(() => {
  room = new PulseDoorRoom(new ManualClock(NOW));
  route = new CloudEventsRoute({ pulses: room.pulses });
});

interface Sent {
  readonly type?: string;
  readonly token?: string | null;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function send(
  body: unknown,
  { type = ONE, token = OPERATOR_TOKEN, query = '', headers = {} }: Sent = {},
) {
  return route.handle(
    new Request(`http://apura.test${CLOUD_EVENTS_PATH}${query}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        'content-type': type,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    }),
    '192.0.2.1',
  );
}

interface Answer {
  readonly detail: string;
  readonly code?: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly results: readonly {
    id: string | null;
    status: string;
    code?: string;
    message?: string;
  }[];
}
const read = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

async function expectProblem(response: Response, status: number, code: string): Promise<Answer> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = await read(response);
  expect(body.code).toBe(code);
  return body;
}

describe('an event', () => {
  test('becomes a pulse', async () => {
    const response = await send(EVENT);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({
      ...{ accepted: 1, rejected: 0, results: [{ id: 'e1', status: 'ACCEPTED' }] },
    });
    const [taken] = room.door.taken;
    expect(readPulse(taken as Uint8Array)).toMatchObject({
      ...{ id: 'e1', source: '/gateways/1', tenant: 'acme', productSku: 'api.calls' },
      ...{ usedAmount: '12.50', useUnity: 'call', attributes: { region: 'eu-1' } },
      occurredAt: { seconds: BigInt(NOW / 1000), nanos: 0 },
    });
  });

  test('names its tenant in an extension, else as subject, and its product in its data, else as type', async () => {
    const data = { ...EVENT.data, product_sku: 'cpu' };
    await send({ ...EVENT, tenant: 'zenith', data, traceparent: '00-0-0-00', dataschema: null });
    const [taken] = room.door.taken;
    expect(readPulse(taken as Uint8Array)).toMatchObject({ tenant: 'zenith', productSku: 'cpu' });
    const { subject, ...bare } = EVENT;
    await send(bare, { token: await room.key(subject) });
    expect(room.door.taken.length).toBe(2);
  });

  test.each([
    ['2026-10-24T11:59:59.123456789Z', -0.877],
    ['2026-10-24t11:59:59.1z', -0.9],
    ['2026-10-24T13:59:59+02:00', -1],
    ['2026-10-24T05:29:59-06:30', -1],
    ['2026-10-24T12:00:00.000000000123Z', 0],
  ])('of %s has that time', async (time, seconds) => {
    expect((await send({ ...EVENT, time })).status).toBe(202);
    const { occurredAt } = readPulse(room.door.taken[0] as Uint8Array);
    const at = Number(occurredAt?.seconds) * 1000 + Math.floor((occurredAt?.nanos ?? 0) / 1e6);
    expect(at - NOW).toBe(Math.round(seconds * 1000));
  });

  test.each([
    [{ time: 'noon' }, 'occurred_at_invalid'],
    [{ time: '2026-02-30T12:00:00Z' }, 'occurred_at_invalid'],
    [{ time: '2026-10-24T24:00:00Z' }, 'occurred_at_invalid'],
    [{ time: '2026-10-24T12:60:00Z' }, 'occurred_at_invalid'],
    [{ time: '2026-10-24T12:00:60Z' }, 'occurred_at_invalid'],
    [{ time: '2026-10-24T12:00:00+24:00' }, 'occurred_at_invalid'],
    [{ time: '2026-10-24T12:00:00' }, 'occurred_at_invalid'],
    [{ time: '0075-10-24T12:00:00Z' }, 'occurred_at_invalid'],
    [{ time: 7 }, 'event_invalid'],
    [{ id: 'a\ud800' }, 'event_invalid'],
    [{ source: '\udc00' }, 'event_invalid'],
    [{ tenant: '\ud800' }, 'event_invalid'],
    [{ data: { ...EVENT.data, use_unity: '\ud800' } }, 'field_invalid'],
    [{ data: { ...EVENT.data, attributes: { a: '\ud800' } } }, 'field_invalid'],
    [{ data: { ...EVENT.data, attributes: { '\ud800': 'a' } } }, 'field_invalid'],
    [{ time: undefined }, 'occurred_at_missing'],
    [{ time: '1999-10-24T12:00:00Z' }, 'too_old'],
    [{ specversion: '0.3' }, 'event_invalid'],
    [{ id: undefined }, 'id_missing'],
    [{ id: 5 }, 'event_invalid'],
    [{ source: '' }, 'source_missing'],
    [{ type: undefined }, 'event_invalid'],
    [{ subject: undefined }, 'tenant_missing'],
    [{ data: undefined }, 'event_invalid'],
    [{ data: [] }, 'event_invalid'],
    [{ data: { ...EVENT.data, used_amount: 12.5 } }, 'amount_not_text'],
    [{ data: { ...EVENT.data, used_amount: null } }, 'field_invalid'],
    [{ data: { ...EVENT.data, used_amount: '1e3' } }, 'amount_invalid'],
    [{ data: { used_amount: '1' } }, 'unit_missing'],
    [{ data: { ...EVENT.data, product_sku: 5 } }, 'field_invalid'],
    [{ data: { ...EVENT.data, attributes: { a: 1 } } }, 'field_invalid'],
    [{ data: { ...EVENT.data, attributes: ['a'] } }, 'field_invalid'],
    [{ data: { ...EVENT.data, amount: '1' } }, 'unknown_field'],
  ])('with %j is rejected as %s', async (fields, code) => {
    const { results } = await expectProblem(
      await send({ ...EVENT, ...fields }),
      422,
      'pulses_rejected',
    );
    expect(results.length).toBe(1);
    expect(results[0]).toMatchObject({ status: 'REJECTED', code });
    expect(results[0]?.message).not.toBe('');
    expect(room.door.taken).toEqual([]);
  });

  test('that is none is rejected', async () => {
    const { results } = await expectProblem(await send(7), 422, 'pulses_rejected');
    expect(results).toMatchObject([{ id: null, code: 'event_invalid' }]);
  });
});

describe('a batch of events', () => {
  test('loses none to another that is rejected', async () => {
    const events = [
      EVENT,
      { ...EVENT, id: 'e2', data: { ...EVENT.data, used_amount: 1 } },
      { ...EVENT, id: 'e3', data: { ...EVENT.data, use_unity: '' } },
      { ...EVENT, id: 'e4' },
    ];
    const response = await send(events, { type: BATCH });
    expect(response.status).toBe(207);
    const answer = await read(response);
    expect([answer.accepted, answer.rejected]).toEqual([2, 2]);
    expect(answer.results.map(({ id, status, code }) => [id, status, code ?? ''])).toEqual([
      ['e1', 'ACCEPTED', ''],
      ['e2', 'REJECTED', 'amount_not_text'],
      ['e3', 'REJECTED', 'unit_missing'],
      ['e4', 'ACCEPTED', ''],
    ]);
    expect(room.door.ids).toEqual(['e1', 'e4']);
  });

  test('that is all taken is answered with 202', async () => {
    const response = await send([EVENT, { ...EVENT, id: 'e2' }], { type: BATCH });
    expect(response.status).toBe(202);
    expect(room.door.ids).toEqual(['e1', 'e2']);
  });

  test('must be a list of 1 to 1,000', async () => {
    await expectProblem(await send(EVENT, { type: BATCH }), 422, 'invalid_body');
    await expectProblem(await send([], { type: BATCH }), 400, 'no_pulses');
    await expectProblem(
      await send(Array(1001).fill(EVENT), { type: BATCH }),
      413,
      'too_many_pulses',
    );
    expect(room.door.taken).toEqual([]);
  });
});

describe('an event in headers', () => {
  const HEADERS = {
    'ce-specversion': '1.0',
    'ce-id': 'e%201',
    'ce-source': 'caf%C3%A9',
    'ce-type': 'api.calls',
    'ce-tenant': 'acme',
    'ce-time': EVENT.time,
  };

  test('becomes a pulse, its headers unescaped', async () => {
    const response = await send(EVENT.data, { type: 'application/json', headers: HEADERS });
    expect(response.status).toBe(202);
    const [taken] = room.door.taken;
    expect(readPulse(taken as Uint8Array)).toMatchObject({
      id: 'e 1',
      source: 'café',
      tenant: 'acme',
    });
  });

  test('whose headers are not escaped is taken as it stands', async () => {
    const headers = { ...HEADERS, 'ce-id': '100%' };
    expect((await send(EVENT.data, { type: 'application/json', headers })).status).toBe(202);
    expect(room.door.ids).toEqual(['100%']);
  });
});

describe('a request', () => {
  test.each([
    ['text/plain', {}],
    ['application/json', {}],
    ['application/cloudevents+json; charset=latin1', {}],
    ['application/octet-stream', { 'ce-specversion': '1.0' }],
  ])('of %s is not read', async (type, headers) => {
    await expectProblem(await send(EVENT, { type, headers }), 415, 'unsupported_media_type');
  });

  test('that is no JSON, or too large, is refused', async () => {
    await expectProblem(await send('{'), 400, 'invalid_json');
    await expectProblem(await send(' '.repeat(CLOUD_EVENTS_BYTES_MAX + 1)), 413, 'body_too_large');
    const headers = { 'content-encoding': 'br' };
    await expectProblem(await send(EVENT, { headers }), 415, 'unsupported_encoding');
  });

  test('backfills where it says so and its key may', async () => {
    const old = { ...EVENT, time: '1999-10-24T12:00:00Z' };
    expect((await send(old, { query: '?allow_backfill=true' })).status).toBe(202);
    const token = await room.key('acme');
    const refused = await send(old, { query: '?allow_backfill=true', token });
    await expectProblem(refused, 403, 'backfill_forbidden');
    await expectProblem(await send(old, { query: '?allow_backfill=1' }), 400, 'invalid_query');
    await expectProblem(await send(old, { query: '?backfill=true' }), 400, 'invalid_query');
  });

  test('needs a caller who may send', async () => {
    const nobody = await send(EVENT, { token: null });
    await expectProblem(nobody, 401, 'unauthorized');
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="apura"');
    const reader = await send(EVENT, { token: await room.key('acme', { scopes: ['read'] }) });
    await expectProblem(reader, 403, 'forbidden');
    room.view.refresh();
    const other = await send(EVENT, { token: await room.key('zenith') });
    const { results } = await expectProblem(other, 422, 'pulses_rejected');
    expect(results).toMatchObject([{ code: 'tenant_mismatch' }]);
  });

  test.each([
    ['unknown', 'outcome_unknown', '1'],
    ['overloaded', 'overloaded', '1'],
    ['unavailable', 'log_unavailable', '1'],
  ] as const)('that ends as %s is to be sent again', async (kind, code, retryAfter) => {
    room.door.says = { kind };
    const response = await send(EVENT);
    await expectProblem(response, 503, code);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
  });

  test('is refused with the reason, and asked of no door, while nothing may be taken', async () => {
    room.trouble = 'The clock is off.';
    const response = await send(EVENT);
    expect(response.headers.get('retry-after')).toBe('2');
    const { detail } = await expectProblem(response, 503, 'not_ready');
    expect(detail).toStartWith('The clock is off. Nothing was taken.');
    expect(room.door.callers).toEqual([]);
    room.trouble = null;
    expect((await send(EVENT)).status).toBe(202);
  });
});
