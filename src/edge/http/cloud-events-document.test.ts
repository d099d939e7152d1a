import { expect, test } from 'bun:test';
import { OpenAPIHono } from '@hono/zod-openapi';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../../../test/support/pulse-door-room.ts';
import { NOW } from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { cloudEventsDocument } from './cloud-events-document.ts';
import { CloudEventsRoute } from './cloud-events-route.ts';
import { NO_OPERATORS } from './operators.ts';
import { type HttpEnv, mountRoutes } from './route.ts';

test('the document names every form of the body and every answer, and the route behind it works', async () => {
  const room = new PulseDoorRoom(new ManualClock(NOW));
  const app = new OpenAPIHono<HttpEnv>();
  mountRoutes(app, NO_OPERATORS, [
    cloudEventsDocument(new CloudEventsRoute({ pulses: room.pulses })),
  ]);
  const document = app.getOpenAPI31Document({
    ...{ openapi: '3.1.0', info: { title: 'Apura', version: '0' } },
  });
  const operation = document.paths?.['/v1/pulses']?.post;
  const body = operation?.requestBody as { readonly content: object };
  expect(Object.keys(body.content)).toEqual([
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
  ]);
  expect(Object.keys(operation?.responses ?? {})).toEqual([
    ...['202', '207', '400', '401', '403', '413', '415', '422', '429', '503'],
  ]);
  const response = await app.request(
    '/v1/pulses',
    {
      method: 'POST',
      body: JSON.stringify({
        ...{ specversion: '1.0', id: 'e', source: 's', type: 'cpu', subject: 'acme' },
        ...{ time: new Date(NOW).toISOString(), data: { used_amount: '1', use_unity: 's' } },
      }),
      headers: {
        'content-type': 'application/cloudevents+json',
        authorization: `Bearer ${OPERATOR_TOKEN}`,
      },
    },
    { remoteAddress: '192.0.2.1' },
  );
  expect(response.status).toBe(202);
  expect(room.door.ids).toEqual(['e']);
});
