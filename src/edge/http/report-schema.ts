/** The shape of a report's JSON as a zod schema, with an example for the document. */
import { z } from '@hono/zod-openapi';
import { POLL_STATES } from '../../domain/voting/poll.ts';
import { count, slug, time } from './schemas.ts';

const options = z.array(
  z
    .strictObject({
      id: slug,
      votes: count,
      share: z.number().min(0).max(1),
      leader: z.boolean(),
      name: z.string(),
    })
    .openapi('ReportOption'),
);
const peak = z.strictObject({ from: time, to: time, votes: count }).openapi('ReportPeak');
const acts = z.array(
  z
    .strictObject({ at: time, actor: z.string(), act: z.string(), detail: z.string().nullable() })
    .openapi('ReportAct'),
);

const books = z
  .strictObject({
    logged: count.openapi({ description: 'counted + duplicate + expired + late + voided' }),
    counted: count.openapi({ description: 'valid + flagged' }),
    duplicate: count,
    expired: count,
    late: count,
    voided: count,
    valid: count,
    flagged: count,
    balanced: z.boolean().openapi({
      description:
        'Whether both sums hold. While votes come in fast, windows and books may be of different moments.',
    }),
  })
  .openapi('ReportBooks', {
    description:
      'Of what reached the log. What doors refused never did: their metrics count it by reason.',
  });

const record = z
  .strictObject({
    acts,
    actsLeftOff: z.boolean().openapi({ description: 'Whether there are older acts.' }),
    voids: acts.openapi({ description: 'The acts that took votes off the count or back.' }),
    consistency: z.strictObject({
      state: z.enum(['consistent', 'different', 'checking']),
      checkedAt: time.nullable(),
      detail: z.string().nullable(),
    }),
  })
  .openapi('ReportRecord');

const compared = z
  .strictObject({
    poll: slug,
    title: z.string(),
    state: z.enum(POLL_STATES),
    final: z.boolean(),
    startsAt: time.nullable(),
    total: count,
    options,
    hours: z.array(count).openapi({ description: 'By hours since the opening.' }),
  })
  .openapi('ComparedPoll');

const EXAMPLE = {
  poll: 'final',
  title: 'Who leaves?',
  logId: '0193512a7c00',
  state: 'closed',
  final: true,
  timeZone: 'America/Sao_Paulo',
  opensAt: '2026-11-21T20:00:00.000Z',
  closesAt: '2026-11-21T21:00:00.000Z',
  closedAt: '2026-11-21T21:00:09.214Z',
  total: 4,
  options: [
    { id: 'ana', votes: 3, share: 0.75, leader: true, name: 'Ana' },
    { id: 'bruno', votes: 1, share: 0.25, leader: false, name: 'Bruno' },
  ],
  hours: [
    {
      from: '2026-11-21T20:00:00.000Z',
      to: '2026-11-21T21:00:00.000Z',
      total: 4,
      options: { ana: 3, bruno: 1 },
    },
  ],
  peakMinute: { from: '2026-11-21T20:07:00.000Z', to: '2026-11-21T20:08:00.000Z', votes: 3 },
  peakHour: { from: '2026-11-21T20:00:00.000Z', to: '2026-11-21T21:00:00.000Z', votes: 4 },
  books: {
    logged: 6,
    counted: 4,
    duplicate: 1,
    expired: 0,
    late: 1,
    voided: 0,
    valid: 4,
    flagged: 0,
    balanced: true,
  },
  record: null,
  comparison: null,
  version: 12,
  offsets: [{ partition: 0, next: 12 }],
  asOf: '2026-11-21T21:30:00.000Z',
  generatedAt: '2026-11-21T21:30:00.000Z',
};

export const reportSchema = z
  .strictObject({
    poll: slug,
    title: z.string(),
    logId: z.string(),
    state: z.enum(POLL_STATES),
    final: z.boolean().openapi({ description: 'Whether the count can never move again.' }),
    timeZone: z.string(),
    opensAt: time.nullable(),
    closesAt: time.nullable(),
    closedAt: time.nullable(),
    total: count,
    options,
    hours: z.array(
      z.strictObject({ from: time, to: time, total: count, options: z.record(slug, count) }),
    ),
    peakMinute: peak.nullable(),
    peakHour: peak.nullable(),
    books: books
      .nullable()
      .openapi({ description: 'Null for who is no operator until the count is final.' }),
    record: record.nullable().openapi({ description: 'For operators.' }),
    comparison: z
      .array(compared)
      .nullable()
      .openapi({ description: 'This poll, then those of `compare`.' }),
    version: count.openapi({ description: 'Sum of the offsets.' }),
    offsets: z.array(z.strictObject({ partition: count, next: count })),
    asOf: time,
    generatedAt: time,
  })
  .openapi('Report', { example: EXAMPLE });
