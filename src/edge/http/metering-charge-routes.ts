/** Charges over HTTP: listed by page or as CSV, one by one, with what nothing prices yet, and billing periods. */
import type { Charge } from '../../domain/metering/charge.ts';
import type { ChargePage } from '../../ports/rating-book.ts';
import { jsonResponse } from './json-response.ts';
import { CHARGES_CSV_HEAD, chargeCsvLine } from './metering-charge-csv.ts';
import { chargeJson, periodRecordJson, unpricedJson } from './metering-charge-json.ts';
import {
  chargeListSchema,
  chargeSchema,
  periodListSchema,
  unpricedListSchema,
} from './metering-charge-schemas.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { csvResponse, formOf, VARY } from './metering-forms.ts';
import {
  chargesQuerySchema,
  oneTenantAsked,
  PAGE_ITEMS_DEFAULT,
  PAGE_ITEMS_MAX,
  pathCharge,
  pathText,
  periodsQuerySchema,
  spanAsked,
  tenantAsked,
  unpricedQuerySchema,
} from './metering-query.ts';
import { streamLines } from './page-stream.ts';
import { problem } from './problems.ts';
import { readQuery } from './request-query.ts';
import {
  jsonContent,
  OPERATOR_PROBLEMS,
  problemResponses,
  READER_SECURITY,
  type Route,
} from './route.ts';

/** Series without a price, of one answer. */
export const UNPRICED_ITEMS_MAX = 10_000;

type Charges = MeteringUseCases['charges'];

export function chargeRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [
    listRoute(useCases),
    unpricedRoute(useCases),
    readRoute(useCases),
    periodsRoute(useCases),
  ];
}

function listRoute(useCases: Pick<MeteringUseCases, 'charges'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/charges',
      tags: ['Charges'],
      operationId: 'listCharges',
      summary: 'List charges of billing periods that overlap a span of time',
      description:
        'By tenant, period, contract, sku and unit. As CSV it is a stream of all of them, without ' +
        'pages; `from` and `to` default to all of time.',
      security: READER_SECURITY,
      request: { query: chargesQuerySchema },
      responses: {
        200: {
          description: 'A page of charges.',
          content: {
            'application/json': { schema: chargeListSchema },
            'text/csv': { schema: { type: 'string' as const }, example: CHARGES_CSV_HEAD },
          },
        },
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const { raw } = context.req;
      const query = readQuery(raw, chargesQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { cursor = null, limit, format = formOf(raw, ['json', 'csv']) } = query.value;
      const tenant = tenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const span = spanAsked(query.value);
      if (span.kind === 'refused') return span.response;
      const filter = { tenant: tenant.value, ...span.value };
      if (format === 'json') {
        const page = await useCases.charges(filter, cursor, limit ?? PAGE_ITEMS_DEFAULT);
        const body = { items: page.charges.map(chargeJson), nextCursor: page.nextCursor };
        return jsonResponse(body, 200, { vary: VARY });
      }
      if (cursor !== null || limit !== undefined) {
        return problem('invalid_query', 'A CSV has no pages: leave "cursor" and "limit" out.');
      }
      const pageAt = (at: string | null) => useCases.charges(filter, at, PAGE_ITEMS_MAX);
      // Asked for before the answer begins: what fails here can still be told.
      const first = await pageAt(null);
      const lines = streamLines(CHARGES_CSV_HEAD, chargesFrom(first, pageAt), chargeCsvLine);
      return csvResponse(lines, 'charges.csv');
    },
  };
}

async function* chargesFrom(
  first: ChargePage,
  pageAt: (cursor: string) => ReturnType<Charges>,
): AsyncGenerator<readonly Charge[], void, void> {
  let page = first;
  yield page.charges;
  while (page.nextCursor !== null) {
    page = await pageAt(page.nextCursor);
    yield page.charges;
  }
}

function readRoute(useCases: Pick<MeteringUseCases, 'charge'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/charges/{id}',
      tags: ['Charges'],
      operationId: 'getCharge',
      summary:
        'Read a charge, with every step of how it was reckoned and the way back to its usage',
      security: READER_SECURITY,
      request: { params: pathCharge },
      responses: {
        200: jsonContent('The charge as it is now.', chargeSchema),
        ...problemResponses('charge_not_found', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const id = pathText(context, 'id');
      const charge = id === null ? null : await useCases.charge(id);
      const isHidden = caller.kind === 'tenant' && charge?.series.tenant !== caller.tenant;
      if (charge === null || isHidden) {
        return problem('charge_not_found', 'No charge has this id.');
      }
      return jsonResponse(chargeJson(charge));
    },
  };
}

function unpricedRoute(useCases: Pick<MeteringUseCases, 'unpriced'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/charges/unpriced',
      tags: ['Charges'],
      operationId: 'listUnpriced',
      summary: 'List usage that no contract or price covers yet',
      description: `It is priced by itself once one does. At most ${UNPRICED_ITEMS_MAX} an answer.`,
      security: READER_SECURITY,
      request: { query: unpricedQuerySchema },
      responses: {
        200: jsonContent('By tenant, sku and unit.', unpricedListSchema),
        ...problemResponses('invalid_query', 'too_many_rows', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const query = readQuery(context.req.raw, unpricedQuerySchema);
      if (query.kind === 'refused') return query.response;
      const tenant = tenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const span = spanAsked(query.value);
      if (span.kind === 'refused') return span.response;
      const filter = { tenant: tenant.value, ...span.value };
      const items = await useCases.unpriced(filter, UNPRICED_ITEMS_MAX + 1);
      if (items.length > UNPRICED_ITEMS_MAX) {
        const detail = `An answer has at most ${UNPRICED_ITEMS_MAX} rows: ask for less time, or one tenant.`;
        return problem('too_many_rows', detail);
      }
      return jsonResponse({ items: items.map(unpricedJson) });
    },
  };
}

function periodsRoute(useCases: Pick<MeteringUseCases, 'periods'>): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/billing-periods',
      tags: ['Charges'],
      operationId: 'listBillingPeriods',
      summary: 'List a tenant’s billing periods: `open`, `closing`, `final`',
      security: READER_SECURITY,
      request: { query: periodsQuerySchema },
      responses: {
        200: jsonContent('By their start.', periodListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const query = readQuery(context.req.raw, periodsQuerySchema);
      if (query.kind === 'refused') return query.response;
      const tenant = oneTenantAsked(caller, query.value.tenant);
      if (tenant.kind === 'refused') return tenant.response;
      const span = spanAsked(query.value);
      if (span.kind === 'refused') return span.response;
      const periods = await useCases.periods(tenant.value, span.value.from, span.value.to);
      return jsonResponse({ items: periods.map(periodRecordJson) });
    },
  };
}
