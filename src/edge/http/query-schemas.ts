/** The queries of the API as zod schemas: they read a query strictly, and they document it. */
import { z } from '@hono/zod-openapi';
import { REPORT_COMPARED_MAX } from '../../application/voting/get-report.ts';
import { POLL_STATES, SLUG_PATTERN } from '../../domain/voting/poll.ts';
import { instantOf } from '../../domain/voting/rfc3339.ts';
import { stepSchema } from './schemas.ts';

const cursor = z.string().min(1).max(200).optional().openapi({
  description: '`nextCursor` of the page before.',
});
/** A whole number in a query. */
const limit = (max: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/)
    .transform(Number)
    .pipe(z.number().max(max))
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: max });

export const listQuerySchema = z.strictObject({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(POLL_STATES)))
    .optional()
    .openapi({ type: 'string', example: 'open,paused' }),
  cursor,
  limit: limit(200),
});
export const actsQuerySchema = z.strictObject({ cursor, limit: limit(200) });
/** A time in a query, read as everywhere else: ms since the Unix epoch. */
const instant = z
  .string()
  .transform(instantOf)
  .pipe(z.number('must be an RFC 3339 time'))
  .optional()
  .openapi({ type: 'string', format: 'date-time', example: '2026-11-21T20:00:00Z' });
export const rangeQuerySchema = z.strictObject({ from: instant, to: instant });
export const timeseriesQuerySchema = rangeQuerySchema.extend({ step: stepSchema.default('1m') });
export const exportQuerySchema = z.strictObject({
  format: z.enum(['csv', 'ndjson']).default('csv'),
  what: z.enum(['votes', 'results', 'hourly']).default('votes'),
});
export const REPORT_FORMATS = ['json', 'csv', 'html'] as const;
export const reportQuerySchema = z.strictObject({
  format: z.enum(REPORT_FORMATS).optional().openapi({ description: 'Default: as `Accept` says.' }),
  compare: z
    .string()
    .transform((text) => text.split(','))
    .pipe(
      z
        .array(z.string().regex(SLUG_PATTERN))
        .max(REPORT_COMPARED_MAX)
        .refine((polls) => new Set(polls).size === polls.length, 'names a poll twice'),
    )
    .optional()
    .openapi({
      type: 'string',
      example: 'semi,quarter',
      description: `Polls to lay beside this one, at most ${REPORT_COMPARED_MAX}, by commas.`,
    }),
  lang: z
    .string()
    .max(35)
    .optional()
    .openapi({ example: 'pt-BR', description: 'Of the page. Default: as `Accept-Language` says.' }),
});
export const noQuerySchema = z.strictObject({});
