/** The shapes of the API's JSON as zod schemas: they make the OpenAPI document, and tests hold answers to them. */
import { z } from '@hono/zod-openapi';
import {
  ACCENT_COLOR_PATTERN,
  DEFAULT_RESULTS_DETAIL,
  DEFAULT_RESULTS_VISIBILITY,
  DEFAULT_TIME_ZONE,
  IMAGE_PATH_PATTERN,
  OPTION_NAME_LENGTH_MAX,
  OPTIONS_MAX,
  OPTIONS_MIN,
  POLL_STATES,
  RESULTS_DETAILS,
  RESULTS_VISIBILITIES,
  SLUG_PATTERN,
  TITLE_LENGTH_MAX,
} from '../../domain/voting/poll.ts';
import { RECEIPT_STATUSES } from '../../domain/voting/receipt.ts';

export const time = z.iso
  .datetime({ offset: true })
  .openapi({ example: '2026-11-21T20:00:00.000Z', description: 'RFC 3339; answers are in UTC.' });
export const slug = z.string().regex(SLUG_PATTERN).openapi({ example: 'final' });
const imageUrl = z
  .string()
  .regex(IMAGE_PATH_PATTERN)
  .nullable()
  .openapi({ description: 'The path of an image on this server, or null.' });
const accentColor = z
  .string()
  .regex(new RegExp(ACCENT_COLOR_PATTERN.source, 'i'))
  .nullable()
  .openapi({ example: '#0a7d55' });
export const count = z.number().int().min(0);
const position = {
  asOf: time,
  version: count.openapi({ description: 'Never goes backwards.' }),
  stale: z
    .boolean()
    .openapi({ description: 'Known to be behind what was logged or shown before.' }),
};

export const pathPoll = z.object({
  poll: z.string().openapi({ param: { name: 'poll', in: 'path' }, example: 'final' }),
});
export const pathOption = pathPoll.extend({
  option: z.string().openapi({ param: { name: 'option', in: 'path' }, example: 'ana' }),
});
export const pathReceipt = pathPoll.extend({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    example: '0193512a-7c00-7000-8000-000000000000',
    description: 'The id of a vote, as sent in Idempotency-Key or as answered.',
  }),
});
export const pathImage = z.object({
  sha256: z.string().openapi({ param: { name: 'sha256', in: 'path' } }),
});

const look = z.strictObject({ accentColor, logoUrl: imageUrl }).openapi('Look');

export const pollSchema = z
  .strictObject({
    id: slug,
    title: z.string(),
    state: z.enum(POLL_STATES),
    options: z.array(z.strictObject({ id: slug, name: z.string(), imageUrl }).openapi('Option')),
    opensAt: time.nullable(),
    closesAt: time.nullable(),
    timeZone: z.string().openapi({ example: 'America/Sao_Paulo' }),
    votePolicy: z.literal('unlimited'),
    challengePolicy: z.literal('off'),
    resultsVisibility: z.enum(RESULTS_VISIBILITIES),
    resultsDetail: z.enum(RESULTS_DETAILS),
    look,
    version: z.number().int().min(1),
    createdAt: time,
    updatedAt: time,
    serverTime: time,
  })
  .openapi('Poll');

export const pollListSchema = z
  .strictObject({
    items: z.array(pollSchema.omit({ serverTime: true }).openapi('ListedPoll')),
    nextCursor: z.string().nullable(),
    serverTime: time,
  })
  .openapi('PollList');

const settings = {
  title: z.string().min(1).max(TITLE_LENGTH_MAX),
  options: z
    .array(
      z
        .strictObject({
          id: slug.optional().openapi({ description: 'Default: made from the name.' }),
          name: z.string().min(1).max(OPTION_NAME_LENGTH_MAX),
          imageUrl: imageUrl.optional(),
        })
        .openapi('NewOption'),
    )
    .min(OPTIONS_MIN)
    .max(OPTIONS_MAX),
  opensAt: time.nullable().optional(),
  closesAt: time.nullable().optional(),
  timeZone: z.string().optional().openapi({ default: DEFAULT_TIME_ZONE }),
  votePolicy: z.literal('unlimited').optional(),
  challengePolicy: z.literal('off').optional(),
  resultsVisibility: z
    .enum(RESULTS_VISIBILITIES)
    .optional()
    .openapi({ default: DEFAULT_RESULTS_VISIBILITY }),
  resultsDetail: z.enum(RESULTS_DETAILS).optional().openapi({ default: DEFAULT_RESULTS_DETAIL }),
  look: look.partial().optional().openapi('LookChange'),
};

export const newPollSchema = z
  .strictObject({
    id: slug.optional().openapi({ description: 'Default: made by the server.' }),
    ...settings,
  })
  .openapi('NewPoll', {
    example: {
      title: 'Quem deve sair?',
      options: [{ name: 'Ana' }, { name: 'Bia' }],
      closesAt: '2026-11-24T22:00:00-03:00',
    },
  });

export const pollPatchSchema = z
  .strictObject({
    expectedVersion: z.number().int().min(1).optional(),
    ...settings,
    title: settings.title.optional(),
    options: settings.options.optional(),
  })
  .openapi('PollPatch', { example: { closesAt: '2026-11-24T22:30:00-03:00', expectedVersion: 4 } });

export const actBodySchema = z
  .strictObject({ expectedVersion: z.number().int().min(1).optional() })
  .openapi('Act');

const hidden = {
  poll: slug,
  state: z.enum(POLL_STATES),
  visible: z.literal(false),
  ...position,
};
const hiddenReason = z.enum(['never', 'after_vote', 'after_close', 'after_publish']);
const seriesReason = z.enum([...hiddenReason.options, 'winner_only']);

export const resultsSchema = z
  .discriminatedUnion('visible', [
    z
      .strictObject({
        poll: slug,
        state: z.enum(POLL_STATES),
        visible: z.literal(true),
        detail: z.enum(RESULTS_DETAILS),
        total: count.nullable(),
        options: z.array(
          z.strictObject({
            id: slug,
            votes: count.nullable(),
            share: z.number().min(0).max(1).nullable(),
            leader: z.boolean().nullable(),
          }),
        ),
        ...position,
      })
      .openapi('VisibleResults'),
    z.strictObject({ ...hidden, reason: hiddenReason }).openapi('HiddenResults'),
  ])
  .openapi('Results');

const seriesHead = {
  poll: slug,
  state: z.enum(POLL_STATES),
  visible: z.literal(true),
  detail: z.enum(['percentage', 'count']),
  timeZone: z.string(),
  ...position,
};
const byOption = z.record(slug, z.number().min(0)).openapi({
  description: 'Votes by option id, or with detail `percentage` shares of the window.',
});

export const hourlySchema = z
  .discriminatedUnion('visible', [
    z
      .strictObject({
        ...seriesHead,
        hours: z.array(
          z.strictObject({ from: time, to: time, total: count.nullable(), options: byOption }),
        ),
      })
      .openapi('VisibleHours'),
    z.strictObject({ ...hidden, reason: seriesReason }).openapi('HiddenHours'),
  ])
  .openapi('Hourly');

export const stepSchema = z.enum(['1m', '5m', '1h']);

export const timeseriesSchema = z
  .discriminatedUnion('visible', [
    z
      .strictObject({
        ...seriesHead,
        step: stepSchema,
        points: z.array(z.strictObject({ from: time, total: count.nullable(), options: byOption })),
      })
      .openapi('VisibleTimeseries'),
    z
      .strictObject({ ...hidden, reason: seriesReason, step: stepSchema })
      .openapi('HiddenTimeseries'),
  ])
  .openapi('Timeseries');

export const voteSchema = z
  .strictObject({ option: slug })
  .openapi('Vote', { example: { option: 'ana' } });

export const acceptedSchema = z
  .strictObject({
    id: z.uuid().openapi({ description: 'The vote’s id, for its receipt.' }),
    acceptedAt: time,
    token: z
      .string()
      .openapi({ description: 'Opens `after_vote` results of this poll for a day.' }),
  })
  .openapi('AcceptedVote');

export const receiptSchema = z
  .strictObject({
    id: z.uuid(),
    poll: slug,
    status: z.enum(RECEIPT_STATUSES),
    acceptedAt: time.nullable(),
  })
  .openapi('Receipt');

export const actListSchema = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          at: time,
          actor: z.string(),
          act: z.string(),
          poll: slug,
          detail: z.string().nullable(),
        })
        .openapi('OperatorAct'),
    ),
    nextCursor: z.string().nullable(),
  })
  .openapi('ActList');

export const timeSchema = z.strictObject({ serverTime: time }).openapi('Time');

export const sessionBodySchema = z
  .strictObject({ token: z.string().min(1).max(1_024) })
  .openapi('NewSession');
export const sessionSchema = z.strictObject({ operator: z.literal(true) }).openapi('Session');

export const readinessSchema = z
  .strictObject({
    ready: z.boolean(),
    durability: z.enum(['power-safe', 'replicated', 'process-safe', 'volatile']),
    logId: z.string(),
    parts: z.array(
      z.strictObject({ name: z.string(), ready: z.boolean(), detail: z.string().nullable() }),
    ),
  })
  .openapi('Readiness');

export const healthSchema = z.strictObject({ alive: z.literal(true) }).openapi('Health');

const logPartition = { log: z.string(), partition: z.number().int() };
const nextOffsets = z.array(z.strictObject({ ...logPartition, next: count }));

export const consistencySchema = z
  .strictObject({
    state: z.enum(['consistent', 'different', 'checking']),
    checkedAt: time.nullable(),
    detail: z.string().nullable(),
    alarms: z.array(z.string()).openapi({ description: 'What an operator must know of.' }),
    drained: z.boolean(),
    logEnd: z.array(z.strictObject({ ...logPartition, end: count })),
    tally: nextOffsets,
    ledger: nextOffsets,
  })
  .openapi('Consistency');

export const problemSchema = z
  .looseObject({
    type: z.string().openapi({ example: '/docs/errors#poll_not_found' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ example: 'poll_not_found' }),
    instance: z.string().optional(),
    errors: z
      .array(z.strictObject({ pointer: z.string(), code: z.string(), detail: z.string() }))
      .optional(),
  })
  .openapi('Problem');
