/** The queries of the metering API as zod schemas: they read a query strictly, and they document it. */
import { z } from '@hono/zod-openapi';
import { isTimeZone } from '../../domain/counting/time-window.ts';
import { DEAD_LETTER_QUEUES, DEAD_LETTER_STATES } from '../../domain/metering/dead-letter.ts';
import {
  PULSE_ID_BYTES_MAX,
  SKU_BYTES_MAX,
  SOURCE_BYTES_MAX,
  TENANT_BYTES_MAX,
  UNIT_BYTES_MAX,
} from '../../domain/metering/pulse.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { GRANULARITIES } from '../../domain/metering/usage-bounds.ts';
import { instantOf } from '../../domain/voting/rfc3339.ts';
import type { Caller } from './operators.ts';
import { problem } from './problems.ts';
import type { BodyRead } from './request-body.ts';
import type { HttpContext } from './route.ts';

/** Time ends here for every question: the first instant that no RFC 3339 time can name. */
const INSTANT_MAX = Date.UTC(10_000, 0);
export const PAGE_ITEMS_MAX = 1_000;
export const PAGE_ITEMS_DEFAULT = 100;
const CURSOR_LENGTH_MAX = 2_000;
const CODE_LENGTH_MAX = 64;

const encoder = new TextEncoder();

/** Whether pulses can hold the text: stores are asked for nothing else. */
function isName(text: string, bytesMax: number): boolean {
  return text !== '' && encoder.encode(text).length <= bytesMax && !/[\p{Cc}\p{Cs}]/u.test(text);
}

function name(bytesMax: number, description: string) {
  return z
    .string()
    .refine((text) => isName(text, bytesMax), {
      message: `must be a text of 1–${bytesMax} bytes without control characters`,
    })
    .openapi({ description });
}

export const tenant = name(
  TENANT_BYTES_MAX,
  'Default: with an API key its own, else every tenant.',
);
const source = name(SOURCE_BYTES_MAX, 'The service that reported the pulse.');

const cursor = z
  .string()
  .min(1)
  .max(CURSOR_LENGTH_MAX)
  .optional()
  .openapi({ description: '`nextCursor` of the page before.' });
const limit = z
  .string()
  .regex(/^[1-9][0-9]{0,3}$/, `must be a whole number from 1 to ${PAGE_ITEMS_MAX}`)
  .transform(Number)
  .pipe(z.number().max(PAGE_ITEMS_MAX))
  .optional()
  .openapi({
    type: 'integer',
    minimum: 1,
    maximum: PAGE_ITEMS_MAX,
    default: PAGE_ITEMS_DEFAULT,
  });
const page = { cursor, limit };

/** ms since the Unix epoch. */
export const instant = z
  .string()
  .transform((text) => instantOf(text) ?? Number.NaN)
  .pipe(
    z
      .number('must be an RFC 3339 time with a zone; write + as %2B')
      .min(0, 'must not lie before 1970')
      .max(INSTANT_MAX - 1),
  )
  .openapi({ type: 'string', format: 'date-time', example: '2026-11-01T00:00:00Z' });
export const windowBound = instant
  .refine((at) => at % USAGE_WINDOW_MS === 0, 'must lie on a whole quarter of an hour')
  .openapi({
    type: 'string',
    format: 'date-time',
    example: '2026-11-01T00:00:00Z',
    description: 'On a whole quarter of an hour.',
  });
const span = { from: instant.optional(), to: instant.optional() };

const FORMATS = ['json', 'csv'] as const;
const format = z.enum(FORMATS).optional().openapi({ description: 'Default: as `Accept` says.' });

const GROUPS = ['tenant', 'sku', 'unit'] as const;
const DEFAULT_GROUPS = ['tenant', 'sku'] as const;

export const usageQuerySchema = z.strictObject({
  tenant: tenant.optional(),
  sku: name(SKU_BYTES_MAX, 'Default: every product.').optional(),
  unit: name(UNIT_BYTES_MAX, 'Default: every unit.').optional(),
  from: windowBound,
  to: windowBound,
  granularity: z
    .enum(GRANULARITIES)
    .default('P1D')
    .openapi({ description: 'Hours, days or months of `time_zone`.' }),
  time_zone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'must be an IANA time zone, such as America/Sao_Paulo')
    .default('UTC')
    .openapi({ example: 'America/Sao_Paulo' }),
  group_by: z
    .string()
    .transform((text) => text.split(','))
    .pipe(
      z
        .array(z.enum(GROUPS))
        .max(GROUPS.length)
        .refine((names) => new Set(names).size === names.length, 'names a dimension twice'),
    )
    .default([...DEFAULT_GROUPS])
    .openapi({
      type: 'string',
      example: DEFAULT_GROUPS.join(','),
      default: DEFAULT_GROUPS.join(','),
      description:
        'What rows are told apart by beside the window, by commas. Amounts of two units are never ' +
        'added up: a unit is always one of them.',
    }),
  format,
});

export const usageEventsQuerySchema = z.strictObject({ tenant: tenant.optional(), limit });
export const chargesQuerySchema = z.strictObject({
  tenant: tenant.optional(),
  ...span,
  ...page,
  format,
});
export const unpricedQuerySchema = z.strictObject({ tenant: tenant.optional(), ...span });
export const periodsQuerySchema = z.strictObject({
  tenant: tenant
    .optional()
    .openapi({ description: 'Operators must name it; with an API key its own.' }),
  ...span,
});
const STATEMENT_FORMATS = ['json', 'csv', 'html'] as const;
export const statementQuerySchema = z.strictObject({
  at: instant.optional().openapi({
    type: 'string',
    format: 'date-time',
    example: '2026-11-21T00:00:00Z',
    description: 'An instant of the billing period. Default: now.',
  }),
  format: z
    .enum(STATEMENT_FORMATS)
    .optional()
    .openapi({ description: 'Default: as `Accept` says.' }),
  lang: z
    .string()
    .max(35)
    .optional()
    .openapi({ example: 'pt-BR', description: 'Of the page. Default: as `Accept-Language` says.' }),
});

export const pulseQuerySchema = z.strictObject({
  tenant: tenant
    .optional()
    .openapi({ description: 'Operators must name it; with an API key its own.' }),
  source,
});
export const pulseActQuerySchema = z.strictObject({
  tenant: name(TENANT_BYTES_MAX, 'Whose pulse it is.'),
  source,
});
export const pulsesQuerySchema = z.strictObject({ tenant: tenant.optional(), ...span, ...page });
export const conflictsQuerySchema = z.strictObject({ tenant: tenant.optional(), ...page });

export const entriesQuerySchema = z.strictObject({ ...page });
export const tenantEntriesQuerySchema = z.strictObject({ tenant: tenant.optional(), ...page });
export const historyQuerySchema = z.strictObject({ limit });

export const lettersQuerySchema = z.strictObject({
  queue: z.enum(DEAD_LETTER_QUEUES).optional(),
  state: z.enum(DEAD_LETTER_STATES).optional(),
  tenant: tenant.optional().openapi({ description: 'Default: every tenant, and none.' }),
  code: name(CODE_LENGTH_MAX, 'Why it failed.').optional(),
  ...page,
});
export const meteringActsQuerySchema = z.strictObject({ tenant: tenant.optional(), ...page });

function pathParameter(parameter: string, description: string, example: string) {
  return z.object({
    [parameter]: z
      .string()
      .openapi({ param: { name: parameter, in: 'path' }, description, example }),
  });
}
export const pathSku = pathParameter('sku', 'The product.', 'storage');
export const pathEntry = pathParameter('id', 'The entry’s id.', 'acme-2026');
export const pathKey = pathParameter('id', 'The key’s id: the part of it before the secret.', '7f');
export const pathCharge = pathParameter('id', 'The charge’s id.', 'c2a9');
export const pathPulse = pathParameter(
  'id',
  'The pulse’s id, as its source chose it, percent-encoded.',
  'evt-0001',
);
export const pathLetter = pathParameter('id', '64 hex digits.', 'ab'.repeat(32));
export const pathTenant = pathParameter('tenant', 'The tenant, percent-encoded.', 'acme');

/** A parameter of the path; null where no store can hold such a text. */
export function pathText(
  context: HttpContext,
  parameter: 'id' | 'sku' | 'tenant',
  bytesMax = PULSE_ID_BYTES_MAX,
): string | null {
  const text = context.req.param(parameter) ?? '';
  return isName(text, bytesMax) ? text : null;
}

/** The tenant that a list is asked about; null is every one, which operators alone may ask. */
export function tenantAsked(caller: Caller, asked: string | undefined): BodyRead<string | null> {
  if (caller.kind !== 'tenant') return { kind: 'ok', value: asked ?? null };
  if (asked === undefined || asked === caller.tenant) return { kind: 'ok', value: caller.tenant };
  const response = problem('forbidden', 'The API key shows its own tenant alone.');
  return { kind: 'refused', response };
}

/** The same where the question is about one tenant in any case. */
export function oneTenantAsked(caller: Caller, asked: string | undefined): BodyRead<string> {
  const read = tenantAsked(caller, asked);
  if (read.kind === 'refused') return read;
  if (read.value !== null) return { kind: 'ok', value: read.value };
  return {
    kind: 'refused',
    response: problem('invalid_query', 'The parameter "tenant" must be given.'),
  };
}

/** `[from, to)`, all of time where nothing is said. */
export function spanAsked({
  from = 0,
  to = INSTANT_MAX,
}: {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}): BodyRead<{ readonly from: number; readonly to: number }> {
  if (from < to) return { kind: 'ok', value: { from, to } };
  return {
    kind: 'refused',
    response: problem('invalid_query', 'The parameter "to" is wrong: must be later than "from".'),
  };
}
