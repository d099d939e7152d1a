/** Proves that the API's document and 405s know of the route of pulses, which the server answers by itself. */
import { expect, test } from 'bun:test';
import { type Ask, EdgeRoom } from '../../../test/support/edge-room.ts';
import { MeteringEdgeRoom } from '../../../test/support/metering-edge-room.ts';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../../../test/support/pulse-door-room.ts';
import { NOW } from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { ApiDeps } from './api-deps.ts';
import { CloudEventsRoute } from './cloud-events-route.ts';

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  readonly requestBody: { readonly content: object };
  readonly responses: object;
}

const doors = new PulseDoorRoom(new ManualClock(NOW));
const route = new CloudEventsRoute({ pulses: doors.pulses });
const TAKES: Partial<ApiDeps> = { takePulses: (request, from) => route.handle(request, from) };

const EVENT: Ask = {
  method: 'POST',
  body: JSON.stringify({
    ...{ specversion: '1.0', id: 'e', source: 's', type: 'cpu', subject: 'acme' },
    ...{ time: new Date(NOW).toISOString(), data: { used_amount: '1', use_unity: 's' } },
  }),
  headers: {
    'content-type': 'application/cloudevents+json',
    authorization: `Bearer ${OPERATOR_TOKEN}`,
  },
};

test('the document names every form of the body and every answer, and the route behind it works', async () => {
  const room = new MeteringEdgeRoom({}, TAKES);
  const { paths } = (await room.json('/openapi.json')) as Document;
  const operation = paths['/v1/pulses']?.post;
  expect(Object.keys(operation?.requestBody.content ?? {})).toEqual([
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
  ]);
  expect(Object.keys(operation?.responses ?? {})).toEqual([
    ...['202', '207', '400', '401', '403', '413', '415', '422', '429', '503'],
  ]);
  expect((await room.ask('/v1/pulses', EVENT)).status).toBe(202);
  expect(doors.door.ids).toEqual(['e']);
});

test.each(['combined', 'public', 'admin'] as const)(
  'on a %s port another method is told all that the path answers',
  async (surface) => {
    const room = new MeteringEdgeRoom({}, { ...TAKES, surface });
    const response = await room.ask('/v1/pulses', { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
  },
);

test('a process that takes no pulses has no such route', async () => {
  for (const takePulses of [null, undefined]) {
    const room = new EdgeRoom(takePulses === undefined ? {} : { takePulses });
    const { paths } = (await room.json('/openapi.json')) as Document;
    expect(Object.keys(paths)).not.toContain('/v1/pulses');
    expect((await room.ask('/v1/pulses', EVENT)).status).toBe(404);
  }
});
