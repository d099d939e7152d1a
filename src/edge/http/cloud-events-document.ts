/** `POST /v1/pulses` in the API's document; the server answers it without passing by there. */
import { z } from '@hono/zod-openapi';
import type { ApiDeps } from './api-deps.ts';
import { CLOUD_EVENTS_PATH } from './cloud-events-route.ts';
import { jsonContent, problemResponses, type Route } from './route.ts';

const eventSchema = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().openapi({ description: 'The pulse’s own id: the same in every retry.' }),
    source: z.string().openapi({ description: 'The service that reports.', example: 'gateway-1' }),
    type: z.string().openapi({ description: 'The product, unless data.product_sku says it.' }),
    subject: z.string().optional().openapi({
      description: 'The tenant, unless the extension `tenant` says it or the key belongs to one.',
    }),
    tenant: z.string().optional(),
    time: z.string().openapi({ format: 'date-time' }),
    data: z.strictObject({
      used_amount: z.string().openapi({
        description: 'An exact decimal as a text; a JSON number is rejected.',
        example: '12.50',
      }),
      use_unity: z.string().openapi({ example: 'call' }),
      product_sku: z.string().optional(),
      attributes: z.record(z.string(), z.string()).optional(),
    }),
  })
  .openapi('PulseEvent');

const resultsSchema = z
  .object({
    accepted: z.int(),
    rejected: z.int(),
    results: z.array(
      z.object({
        id: z.string().nullable(),
        status: z.enum(['ACCEPTED', 'REJECTED']),
        code: z.string().optional(),
        message: z.string().optional(),
      }),
    ),
  })
  .openapi('PulseResults');

export function cloudEventsDocument({ takePulses }: Pick<ApiDeps, 'takePulses'>): readonly Route[] {
  return takePulses === undefined || takePulses === null ? [] : [sendRoute(takePulses)];
}

function sendRoute(takePulses: NonNullable<ApiDeps['takePulses']>): Route {
  return {
    // The route itself asks who calls: a tenant's key is enough.
    access: 'public',
    doc: {
      method: 'post',
      path: CLOUD_EVENTS_PATH,
      tags: ['Pulses'],
      operationId: 'sendPulses',
      summary: 'Send pulses, as CloudEvents 1.0',
      description:
        'One event, a batch of up to 1,000, or one with its attributes in `ce-` headers and its data ' +
        'as an application/json body. Each event is judged for itself. What is ACCEPTED is durable ' +
        'and will be counted, once. After a 503, and after no answer, send the same events with the ' +
        'same ids again.',
      security: [{ apiKey: [] }, { operatorToken: [] }],
      request: {
        query: z.object({ allow_backfill: z.enum(['true', 'false']).optional() }),
        body: {
          required: true,
          content: {
            'application/cloudevents+json': { schema: eventSchema },
            'application/cloudevents-batch+json': { schema: z.array(eventSchema).min(1).max(1000) },
            'application/json': { schema: eventSchema.shape.data },
          },
        },
      },
      responses: {
        202: jsonContent('All were taken.', resultsSchema),
        207: jsonContent('Some were taken; `results` says which.', resultsSchema),
        ...problemResponses(
          'invalid_json',
          'invalid_body',
          'invalid_query',
          'no_pulses',
          'too_many_pulses',
          'body_too_large',
          'unsupported_media_type',
          'unsupported_encoding',
          'pulses_rejected',
          'unauthorized',
          'forbidden',
          'backfill_forbidden',
          'too_many_attempts',
          'outcome_unknown',
          'overloaded',
          'log_unavailable',
          'not_ready',
        ),
      },
    },
    handle: (context) => takePulses(context.req.raw, context.env.remoteAddress),
  };
}
