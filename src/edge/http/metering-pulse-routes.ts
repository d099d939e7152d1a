/** Pulses over HTTP, behind the doors: where one has got to, lists of them, and corrections. */

import type { PulseActResult } from '../../application/metering/act-on-pulse.ts';
import { jsonResponse } from './json-response.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { conflictJson, letterJson, storedPulseJson } from './metering-pulse-json.ts';
import {
  amendBodySchema,
  conflictListSchema,
  pulseActSchema,
  pulseListSchema,
  pulseStatusSchema,
  voidBodySchema,
} from './metering-pulse-schemas.ts';
import {
  conflictsQuerySchema,
  oneTenantAsked,
  PAGE_ITEMS_DEFAULT,
  pathPulse,
  pathText,
  pulseActQuerySchema,
  pulseQuerySchema,
  pulsesQuerySchema,
  spanAsked,
  tenantAsked,
} from './metering-query.ts';
import { type Caller, OPERATOR_ACTOR } from './operators.ts';
import { problem } from './problems.ts';
import { problemOfFields, readJson } from './request-body.ts';
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

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,64}$/;
/** The id of a pulse that the path of another route hides. */
const CONFLICTS = 'conflicts';

const ACT_SUMMARIES = {
  void: 'Take a pulse out of usage, by an act that stays on record',
  amend: 'Put another amount in place of a pulse’s own, by an act that stays on record',
} as const;

export function pulseRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [
    listRoute(useCases),
    conflictsRoute(useCases),
    readRoute(useCases),
    actRoute(useCases, 'void'),
    actRoute(useCases, 'amend'),
  ];
}

function listRoute(useCases: Pick<MeteringUseCases, 'pulses'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/pulses',
      tags: ['Pulses'],
      operationId: 'listPulses',
      summary: 'List pulses of the ledger by when they occurred, voided ones too',
      security: READER_SECURITY,
      request: { query: pulsesQuerySchema },
      responses: {
        200: jsonContent('A page of pulses.', pulseListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const query = readQuery(context.req.raw, pulsesQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { cursor = null, limit = PAGE_ITEMS_DEFAULT } = query.value;
      const tenant = tenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const span = spanAsked(query.value);
      if (span.kind === 'refused') return span.response;
      const filter = { tenant: tenant.value, ...span.value };
      const { pulses, nextCursor } = await useCases.pulses(filter, cursor, limit);
      return jsonResponse({ items: pulses.map(storedPulseJson), nextCursor });
    },
  };
}

function conflictsRoute(useCases: Pick<MeteringUseCases, 'conflicts' | 'pulse'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: `/v1/pulses/${CONFLICTS}`,
      tags: ['Pulses'],
      operationId: 'listConflicts',
      summary: 'List pulses that came under the id of another; they do not count',
      description:
        'Those received last first. With `source` it is the pulse of that source whose id is ' +
        '`conflicts`.',
      security: READER_SECURITY,
      request: { query: conflictsQuerySchema },
      responses: {
        200: jsonContent('A page of them.', conflictListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const { raw } = context.req;
      if (new URL(raw.url).searchParams.has('source')) {
        return pulseAnswer(useCases, raw, caller, CONFLICTS);
      }
      const query = readQuery(raw, conflictsQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { cursor = null, limit = PAGE_ITEMS_DEFAULT } = query.value;
      const tenant = tenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const page = await useCases.conflicts(tenant.value, cursor, limit);
      const { conflicts, nextCursor } = page;
      return jsonResponse({ items: conflicts.map(conflictJson), nextCursor });
    },
  };
}

function readRoute(useCases: Pick<MeteringUseCases, 'pulse'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/pulses/{id}',
      tags: ['Pulses'],
      operationId: 'getPulse',
      summary: 'Where a pulse has got to: counted, voided or a dead letter, and when',
      security: READER_SECURITY,
      request: { params: pathPulse, query: pulseQuerySchema },
      responses: {
        200: jsonContent('The pulse.', pulseStatusSchema),
        ...problemResponses('pulse_not_found', 'invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    handle(context, caller) {
      return pulseAnswer(useCases, context.req.raw, caller, pathText(context, 'id'));
    },
  };
}

async function pulseAnswer(
  useCases: Pick<MeteringUseCases, 'pulse'>,
  request: Request,
  caller: Caller,
  id: string | null,
): Promise<Response> {
  const query = readQuery(request, pulseQuerySchema);
  if (query.kind === 'refused') return query.response;
  const tenant = oneTenantAsked(caller, query.value.tenant);
  if (tenant.kind === 'refused') return tenant.response;
  if (id === null) return pulseNotFound();
  const { source } = query.value;
  const status = await useCases.pulse({ tenant: tenant.value, source, id });
  switch (status.kind) {
    case 'ok':
      return jsonResponse({ ...storedPulseJson(status.pulse), usageSent: status.usageSent });
    case 'dead_letter':
      return jsonResponse({ state: 'dead_letter', deadLetter: letterJson(status.letter) });
    case 'not_found':
      return pulseNotFound();
  }
}

function actRoute(useCases: Pick<MeteringUseCases, 'actOnPulse'>, act: 'void' | 'amend'): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: `/v1/pulses/{id}/${act}`,
      tags: ['Pulses'],
      operationId: `${act}Pulse`,
      summary: ACT_SUMMARIES[act],
      description: 'Idempotent by `actId`, or by the header `Idempotency-Key`. Nothing is erased.',
      security: OPERATOR_SECURITY,
      request: {
        params: pathPulse,
        query: pulseActQuerySchema,
        body: jsonBody(act === 'void' ? voidBodySchema : amendBodySchema),
      },
      responses: {
        200: jsonContent('The act has had its effect.', pulseActSchema),
        202: jsonContent('The act is durable; the ledger has not come to it.', pulseActSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'invalid_query',
          'invalid_idempotency_key',
          'pulse_not_found',
          'act_id_taken',
          'log_unavailable',
          'append_unknown',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const { raw } = context.req;
      const query = readQuery(raw, pulseActQuerySchema);
      if (query.kind === 'refused') return query.response;
      const idempotencyKey = raw.headers.get('idempotency-key');
      if (idempotencyKey !== null && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
        const detail = 'The key of an act has 1–64 visible ASCII characters.';
        return problem('invalid_idempotency_key', detail);
      }
      const body = await readJson(raw);
      if (body.kind === 'refused') return body.response;
      const id = pathText(context, 'id');
      if (id === null) return pulseNotFound();
      const outcome = await useCases.actOnPulse({
        act,
        ...query.value,
        id,
        body: body.value,
        idempotencyKey,
        actor: OPERATOR_ACTOR,
      });
      return actAnswer(outcome);
    },
  };
}

function actAnswer(outcome: PulseActResult): Response {
  switch (outcome.kind) {
    case 'ok': {
      const { actId, pending, pulse } = outcome;
      return jsonResponse({ actId, pending, pulse: storedPulseJson(pulse) }, pending ? 202 : 200);
    }
    case 'invalid':
      return problemOfFields('invalid_body', outcome.problems);
    case 'not_found':
      return pulseNotFound();
    case 'act_id_taken': {
      const { actId } = outcome;
      return problem('act_id_taken', `${actId} names another act already.`, { members: { actId } });
    }
  }
}

function pulseNotFound(): Response {
  return problem('pulse_not_found', 'The ledger does not know the pulse, or not yet.');
}
