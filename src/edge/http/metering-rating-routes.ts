/** Prices tried over HTTP: estimates of usage that nobody has had yet, and what new terms would change. */
import { z } from '@hono/zod-openapi';
import { isJsonObject } from '../../domain/metering/body-reader.ts';
import { jsonResponse } from './json-response.ts';
import { chargeJson, differenceJson, unpricedJson } from './metering-charge-json.ts';
import {
  applyBodySchema,
  differenceSchema,
  estimateBodySchema,
  estimateSchema,
  previewBodySchema,
} from './metering-charge-schemas.ts';
import type { MeteringCaller, MeteringUseCases } from './metering-deps.ts';
import { entryRefusal } from './metering-entry-answers.ts';
import { ENTRY_BYTES_MAX } from './metering-entry-routes.ts';
import { instant, tenant } from './metering-query.ts';
import { type Caller, OPERATOR_ACTOR } from './operators.ts';
import { problem } from './problems.ts';
import { type BodyRead, fieldErrorsOf, problemOfFields, readJson } from './request-body.ts';
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

/** What is reckoned anew in one request, ms: a year of billing periods and a little more. */
export const RATING_SPAN_MS_MAX = 400 * 86_400_000;

const span = { tenant, from: instant, to: instant };
const applySchema = z.strictObject(span);
/** The entry's own body is read where entries are put. */
const previewSchema = z.strictObject({
  ...span,
  entry: z
    .strictObject({
      kind: z.enum(['price', 'contract']),
      id: z.string().min(1).max(63).nullable().default(null),
      body: z.unknown(),
    })
    .optional(),
});

export function ratingRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [estimateRoute(useCases), previewRoute(useCases), applyRoute(useCases)];
}

function estimateRoute(useCases: Pick<MeteringUseCases, 'estimate'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'post',
      path: '/v1/estimates',
      tags: ['Charges'],
      operationId: 'estimate',
      summary: 'What usage would cost that nobody has had yet; stores nothing',
      security: READER_SECURITY,
      request: { body: jsonBody(estimateBodySchema) },
      responses: {
        200: jsonContent('Lines as charges are, and what nothing prices.', estimateSchema),
        ...problemResponses(...BODY_PROBLEMS, ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const body = await readJson(context.req.raw, { bytesMax: ENTRY_BYTES_MAX });
      if (body.kind === 'refused') return body.response;
      if (isForAnother(body.value, caller)) {
        return problem('forbidden', 'The API key shows its own tenant alone.');
      }
      const outcome = await useCases.estimate({ body: body.value, caller: meteringCaller(caller) });
      if (outcome.kind !== 'ok') return problemOfFields('invalid_body', outcome.problems);
      const { charges, unpriced } = outcome;
      return jsonResponse({
        charges: charges.map(chargeJson),
        unpriced: unpriced.map(unpricedJson),
      });
    },
  };
}

function isForAnother(body: unknown, caller: Caller): boolean {
  if (caller.kind !== 'tenant' || !isJsonObject(body)) return false;
  return body.tenant !== undefined && body.tenant !== caller.tenant;
}

function meteringCaller(caller: Caller): MeteringCaller {
  return caller.kind === 'tenant'
    ? { actor: `tenant ${caller.tenant}`, tenant: caller.tenant }
    : { actor: OPERATOR_ACTOR, tenant: null };
}

function previewRoute(useCases: Pick<MeteringUseCases, 'rerate' | 'previewEntry'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: '/v1/ratings/preview',
      tags: ['Charges'],
      operationId: 'previewRating',
      summary: 'What reckoning a tenant’s charges anew would change; stores nothing',
      description:
        'With `entry` under a price or contract that is not in the catalogue yet, to be put if the ' +
        'difference is what was meant.',
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(previewBodySchema) },
      responses: {
        200: jsonContent('The difference.', differenceSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'entry_not_found',
          'version_conflict',
          'entry_overlap',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const body = await readSpan(context.req.raw, previewSchema);
      if (body.kind === 'refused') return body.response;
      const { entry, ...of } = body.value;
      if (entry === undefined) {
        return jsonResponse(
          differenceJson(await useCases.rerate({ ...of, apply: false, actor: OPERATOR_ACTOR })),
        );
      }
      const outcome = await useCases.previewEntry({ ...of, ...entry });
      if (outcome.kind === 'ok') return jsonResponse(differenceJson(outcome.difference));
      if (outcome.kind !== 'invalid') return entryRefusal(outcome);
      const problems = outcome.problems.map((each) => ({
        ...each,
        pointer: `/entry/body${each.pointer}`,
      }));
      return problemOfFields('invalid_body', problems);
    },
  };
}

function applyRoute(useCases: Pick<MeteringUseCases, 'rerate'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: '/v1/ratings/apply',
      tags: ['Charges'],
      operationId: 'applyRating',
      summary: 'Reckon a tenant’s charges anew',
      description:
        'Final periods stay as they are: what differs there is charged as an adjustment in an open ' +
        'one. What lies in the future is left out. Done again it changes nothing.',
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(applyBodySchema) },
      responses: {
        200: jsonContent('What it has changed.', differenceSchema),
        ...problemResponses(...BODY_PROBLEMS, ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const body = await readSpan(context.req.raw, applySchema);
      if (body.kind === 'refused') return body.response;
      const input = { ...body.value, apply: true, actor: OPERATOR_ACTOR };
      return jsonResponse(differenceJson(await useCases.rerate(input)));
    },
  };
}

async function readSpan<T extends { readonly from: number; readonly to: number }>(
  request: Request,
  schema: z.ZodType<T>,
): Promise<BodyRead<T>> {
  const body = await readJson(request, { bytesMax: ENTRY_BYTES_MAX });
  if (body.kind === 'refused') return body;
  const given = schema.safeParse(body.value);
  if (!given.success) {
    const response = problemOfFields('invalid_body', fieldErrorsOf(given.error.issues));
    return { kind: 'refused', response };
  }
  const { from, to } = given.data;
  if (from < to && to - from <= RATING_SPAN_MS_MAX) return { kind: 'ok', value: given.data };
  const days = RATING_SPAN_MS_MAX / 86_400_000;
  const error = {
    pointer: '/to',
    code: 'invalid_body',
    detail: `Must be later than from, by at most ${days} days.`,
  } as const;
  return { kind: 'refused', response: problemOfFields('invalid_body', [error]) };
}
