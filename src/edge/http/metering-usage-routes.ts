/** Usage over HTTP: by hour, day or month of any zone; added up anew on demand; thresholds that it reached. */
import { z } from '@hono/zod-openapi';
import {
  LEDGER_ROWS_MAX,
  USAGE_ROWS_MAX,
  type UsageQuestion,
} from '../../application/metering/query-usage.ts';
import { GRANULARITIES, USAGE_BOUNDS_MAX } from '../../domain/metering/usage-bounds.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import { jsonResponse } from './json-response.ts';
import { thresholdEventJson } from './metering-charge-json.ts';
import { eventListSchema } from './metering-charge-schemas.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { decimal } from './metering-entry-schemas.ts';
import { csvResponse, formOf, VARY } from './metering-forms.ts';
import {
  PAGE_ITEMS_DEFAULT,
  spanAsked,
  tenantAsked,
  usageEventsQuerySchema,
  usageQuerySchema,
  windowBound,
} from './metering-query.ts';
import { usageCsv, usageJson } from './metering-usage-json.ts';
import { OPERATOR_ACTOR } from './operators.ts';
import { problem } from './problems.ts';
import { fieldErrorsOf, problemOfFields, readJson } from './request-body.ts';
import { readQuery } from './request-query.ts';
import {
  BODY_PROBLEMS,
  jsonBody,
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  READER_SECURITY,
  type Route,
} from './route.ts';
import { count, time } from './schemas.ts';

/** What one request adds up anew, ms. A longer span takes several. */
export const RECOMPUTE_SPAN_MS_MAX = 100 * 86_400_000;

/** No hour, day or month is shorter by much, ms: what surely has too many windows is refused unasked. */
const WINDOW_MS = {
  PT1H: 3_600_000,
  P1D: 86_400_000,
  P1M: 28 * 86_400_000,
} as const satisfies Readonly<Record<(typeof GRANULARITIES)[number], number>>;

const usageSchema = z
  .strictObject({
    from: time,
    to: time,
    granularity: z.enum(GRANULARITIES),
    time_zone: z.string(),
    as_of: time.openapi({ description: 'Everything received up to here is in it.' }),
    data: z.array(
      z.strictObject({
        from: time,
        to: time,
        value: decimal.openapi({ description: 'The sum.' }),
        unit: z.string(),
        count,
        min: decimal,
        max: decimal,
        last: decimal.openapi({ description: 'Of the pulse that occurred last.' }),
        dimensions: z.strictObject({
          tenant: z.string().optional(),
          sku: z.string().optional(),
        }),
      }),
    ),
  })
  .openapi('Usage');

export function usageRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [usageRoute(useCases), recomputeRoute(useCases), eventsRoute(useCases)];
}

function usageRoute(useCases: Pick<MeteringUseCases, 'usage'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/usage',
      tags: ['Usage'],
      operationId: 'getUsage',
      summary: 'What was used, by hour, day or month of a time zone',
      description:
        'A window in which nothing counts has no row. The first and the last window are cut where ' +
        '`from` and `to` cut them. Corrections and late pulses change windows of the past; `as_of` ' +
        `says what is in. At most ${USAGE_BOUNDS_MAX} windows and ${USAGE_ROWS_MAX} rows an answer, put ` +
        `together from at most ${LEDGER_ROWS_MAX} windows of series.`,
      security: READER_SECURITY,
      request: { query: usageQuerySchema },
      responses: {
        200: {
          description: 'By tenant, sku and unit, then by time.',
          content: {
            'application/json': { schema: usageSchema },
            'text/csv': {
              schema: { type: 'string' as const },
              example:
                'from,to,tenant,sku,unit,value,count,min,max,last\r\n' +
                '2026-11-01T00:00:00.000-03:00,2026-11-02T00:00:00.000-03:00,acme,storage,GiB,' +
                '12.5,3,0.5,10,2\r\n',
            },
          },
        },
        ...problemResponses('invalid_query', 'too_many_rows', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const { raw } = context.req;
      const query = readQuery(raw, usageQuerySchema);
      if (query.kind === 'refused') return query.response;
      const asked = query.value;
      const tenant = tenantAsked(caller, asked.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const span = spanAsked(asked);
      if (span.kind === 'refused') return span.response;
      const question: UsageQuestion = {
        tenant: tenant.value,
        sku: asked.sku ?? null,
        unit: asked.unit ?? null,
        ...span.value,
        granularity: asked.granularity,
        timeZone: asked.time_zone,
        groupBy: asked.group_by,
      };
      const windows = (question.to - question.from) / WINDOW_MS[question.granularity];
      if (windows > USAGE_BOUNDS_MAX) return tooManyWindows();
      const answer = await useCases.usage(question);
      if (answer.kind !== 'ok') return problemOfQuery(answer.problems);
      const form = asked.format ?? formOf(raw, ['json', 'csv']);
      if (form === 'csv') return csvResponse(usageCsv(question, answer), 'usage.csv');
      return jsonResponse(usageJson(question, answer), 200, { vary: VARY });
    },
  };
}

function tooManyWindows(): Response {
  return problem(
    'too_many_rows',
    `An answer has at most ${USAGE_BOUNDS_MAX} windows: ask for less time, or coarser windows.`,
  );
}

/** What a use case found wrong with a question, whose members are named as in its problems. */
function problemOfQuery(problems: readonly FieldProblem[]): Response {
  const [first] = problems;
  const detail = `${first?.pointer.slice(1) || 'The query'}: ${first?.detail ?? 'wrong.'}`;
  return problem('invalid_query', detail, { errors: problems });
}

const recomputeBodySchema = z.strictObject({ from: windowBound, to: windowBound });

function recomputeRoute(useCases: Pick<MeteringUseCases, 'recomputeUsage'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: '/v1/usage/recompute',
      tags: ['Usage'],
      operationId: 'recomputeUsage',
      summary: 'Add usage windows up anew from the pulses themselves',
      description:
        'Puts right what differs, and charges follow. Done again it changes nothing. At most ' +
        `${RECOMPUTE_SPAN_MS_MAX / 86_400_000} days a request.`,
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(recomputeBodySchema.openapi('RecomputeBody')) },
      responses: {
        200: jsonContent(
          'How many windows of 15 minutes differed.',
          z.strictObject({ windowsChanged: count }).openapi('Recomputed'),
        ),
        ...problemResponses(...BODY_PROBLEMS, ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw);
      if (body.kind === 'refused') return body.response;
      const given = recomputeBodySchema.safeParse(body.value);
      if (!given.success) return problemOfFields('invalid_body', fieldErrorsOf(given.error.issues));
      const { from, to } = given.data;
      if (from >= to || to - from > RECOMPUTE_SPAN_MS_MAX) {
        const days = RECOMPUTE_SPAN_MS_MAX / 86_400_000;
        const detail = `Must be later than from, by at most ${days} days.`;
        return problemOfFields('invalid_body', [{ pointer: '/to', code: 'invalid_body', detail }]);
      }
      const windowsChanged = await useCases.recomputeUsage({ from, to, actor: OPERATOR_ACTOR });
      return jsonResponse({ windowsChanged });
    },
  };
}

function eventsRoute(useCases: Pick<MeteringUseCases, 'thresholdEvents'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/usage-events',
      tags: ['Usage'],
      operationId: 'listUsageEvents',
      summary: 'List thresholds that usage has reached, newest first',
      security: READER_SECURITY,
      request: { query: usageEventsQuerySchema },
      responses: {
        200: jsonContent('One a billing period for what a threshold asks for.', eventListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const query = readQuery(context.req.raw, usageEventsQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { limit = PAGE_ITEMS_DEFAULT } = query.value;
      const tenant = tenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const events = await useCases.thresholdEvents(tenant.value, limit);
      return jsonResponse({ items: events.map(thresholdEventJson) });
    },
  };
}
