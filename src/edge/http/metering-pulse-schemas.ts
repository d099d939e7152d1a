/** The shapes of pulses, dead letters and the overview in the API's answers, and of the bodies about them. */
import { z } from '@hono/zod-openapi';
import { DEAD_LETTER_QUEUES, DEAD_LETTER_STATES } from '../../domain/metering/dead-letter.ts';
import { ACT_REASON_LENGTH_MAX } from '../../domain/metering/pulse-act.ts';
import { decimal } from './metering-entry-schemas.ts';
import { count, time } from './schemas.ts';

const nextCursor = z.string().nullable();
const place = { key: z.string(), partition: count, offset: count };
const pulse = {
  id: z.string(),
  source: z.string(),
  tenant: z.string(),
  sku: z.string(),
  unit: z.string(),
  amount: decimal.openapi({ description: 'As it was sent.' }),
  occurredAt: time,
  attributes: z.record(z.string(), z.string()),
};
const storedPulse = {
  ...pulse,
  state: z.enum(['counted', 'voided']),
  countedAmount: decimal.openapi({ description: 'What counts now: 0 where it is voided.' }),
  receivedAt: time,
  storedAt: time,
  duplicates: count.openapi({ description: 'How often the same pulse came again.' }),
  conflicts: count.openapi({ description: 'How often another pulse came under its id.' }),
  acts: z.array(
    z.strictObject({
      actId: z.string(),
      kind: z.enum(['void', 'amend']),
      amount: decimal.nullable(),
      reason: z.string(),
      actor: z.string(),
      at: time,
    }),
  ),
  ...place,
};
const storedPulseSchema = z.strictObject(storedPulse).openapi('StoredPulse');

const letter = {
  id: z.string().openapi({ description: '64 hex digits: the SHA-256 of queue and bytes.' }),
  queue: z.enum(DEAD_LETTER_QUEUES),
  state: z.enum(DEAD_LETTER_STATES),
  code: z.string(),
  message: z.string(),
  tenant: z.string().nullable(),
  origin: z.strictObject({
    logId: z.string(),
    partition: count,
    offset: count,
    index: count.nullable(),
  }),
  attempts: z.number().int().min(1),
  firstFailedAt: time,
  lastFailedAt: time,
  retryAt: time.nullable().openapi({ description: 'When it is tried again by itself.' }),
  resolvedBy: z.string().nullable(),
  resolvedAt: time.nullable(),
  size: count.openapi({ description: 'Bytes.' }),
};
export const letterSchema = z.strictObject(letter).openapi('DeadLetter');
export const wholeLetterSchema = z
  .strictObject({ ...letter, bytes: z.string().openapi({ format: 'byte' }) })
  .openapi('WholeDeadLetter');
export const letterListSchema = z
  .strictObject({ items: z.array(letterSchema), nextCursor })
  .openapi('DeadLetterList');

export const pulseStatusSchema = z
  .union([
    z
      .strictObject({
        ...storedPulse,
        usageSent: z.boolean().openapi({ description: 'Whether its usage has gone to rating.' }),
      })
      .openapi('LedgerPulse'),
    z
      .strictObject({ state: z.literal('dead_letter'), deadLetter: letterSchema })
      .openapi('DeadPulse'),
  ])
  .openapi('PulseStatus');
export const pulseListSchema = z
  .strictObject({ items: z.array(storedPulseSchema), nextCursor })
  .openapi('PulseList');
export const conflictListSchema = z
  .strictObject({
    items: z.array(z.strictObject({ ...pulse, receivedAt: time, ...place }).openapi('Conflict')),
    nextCursor,
  })
  .openapi('ConflictList');

const act = {
  reason: z.string().min(1).max(ACT_REASON_LENGTH_MAX),
  actId: z.string().optional().openapi({
    description: 'Names the act: sent again it changes nothing. Default: `Idempotency-Key`.',
  }),
};
export const voidBodySchema = z
  .strictObject(act)
  .openapi('VoidBody', { example: { reason: 'Sent by a test' } });
export const amendBodySchema = z
  .strictObject({ ...act, amount: decimal })
  .openapi('AmendBody', { example: { reason: 'Read in kB', amount: '12.5' } });
export const pulseActSchema = z
  .strictObject({
    actId: z.string(),
    pending: z.boolean().openapi({
      description: 'The act is durable; the ledger has not come to it, `pulse` is as before.',
    }),
    pulse: storedPulseSchema,
  })
  .openapi('PulseAct');

/** Letters that one request may name. */
export const LETTERS_PER_REQUEST_MAX = 100;
const letterId = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
const letterFilter = z.strictObject({
  queue: z.enum(DEAD_LETTER_QUEUES).optional(),
  tenant: z.string().min(1).max(64).optional(),
  code: z.string().min(1).max(64).optional(),
});
export const lettersBodySchema = z
  .strictObject({
    ids: z.array(letterId).min(1).max(LETTERS_PER_REQUEST_MAX).optional(),
    filter: letterFilter.optional().openapi({
      description: 'PENDING letters that match; an empty one matches all.',
    }),
    cursor: z.string().min(1).max(128).optional().openapi({
      description: 'With a filter: `nextCursor` of the answer before.',
    }),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    message: 'must name either ids or a filter',
  })
  .refine(({ ids, cursor }) => ids === undefined || cursor === undefined, {
    message: 'has a cursor with a filter alone',
    path: ['cursor'],
  })
  .openapi('DeadLettersBody', { example: { filter: { code: 'block_invalid' } } });
export const lettersAnswerSchema = z
  .union([
    z
      .strictObject({
        results: z.array(
          z.strictObject({
            id: letterId,
            result: z.enum(['resolved', 'not_found', 'conflict', 'failed']),
            state: z.enum(DEAD_LETTER_STATES).nullable(),
            code: z.string().optional().openapi({ description: 'Why it has failed.' }),
            detail: z.string().optional().openapi({ description: 'The same in words.' }),
          }),
        ),
      })
      .openapi('DeadLettersById'),
    z
      .strictObject({
        resolved: count,
        failed: z
          .array(z.strictObject({ id: letterId, code: z.string(), detail: z.string() }))
          .openapi({ description: 'Those of this answer’s part that stay as they are, and why.' }),
        nextCursor: z.string().nullable().openapi({
          description: 'More of them match: send the filter again, with this as `cursor`.',
        }),
        hasMore: z.boolean().openapi({ description: 'Whether there is a `nextCursor`.' }),
      })
      .openapi('DeadLettersByFilter'),
  ])
  .openapi('DeadLettersResolved');

export const overviewSchema = z
  .strictObject({
    partitions: z.array(
      z.strictObject({
        partition: count,
        end: count.openapi({ description: 'One past the last block of the log.' }),
        next: count.openapi({ description: 'The next block that the ledger takes.' }),
        books: z.strictObject({
          received: count,
          counted: count,
          duplicates: count,
          conflicts: count,
          voided: count,
          deadLetters: count,
        }),
      }),
    ),
    usageBehind: count,
    usagePending: count,
    ratingDue: count,
    deadLetters: z.record(z.string(), count),
  })
  .openapi('MeteringOverview');
export const meteringActListSchema = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          at: time,
          actor: z.string(),
          act: z.string(),
          kind: z.string(),
          id: z.string(),
          tenant: z.string().nullable(),
          detail: z.string().nullable(),
        })
        .openapi('MeteringAct'),
    ),
    nextCursor,
  })
  .openapi('MeteringActList');
