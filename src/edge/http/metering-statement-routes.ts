/** A tenant's statement over HTTP: JSON for programs, CSV for spreadsheets, a page for the printer. */
import { renderStatementPage } from '../../../web/statement/page.ts';
import type { Statement } from '../../domain/metering/statement.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AssetCatalogue } from './assets.ts';
import { jsonResponse } from './json-response.ts';
import { languageOf } from './language.ts';
import { statementCsv } from './metering-charge-csv.ts';
import { statementJson } from './metering-charge-json.ts';
import { statementSchema } from './metering-charge-schemas.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { csvResponse, formOf, VARY } from './metering-forms.ts';
import { oneTenantAsked, pathTenant, pathText, statementQuerySchema } from './metering-query.ts';
import { problem } from './problems.ts';
import { readQuery } from './request-query.ts';
import { OPERATOR_PROBLEMS, problemResponses, READER_SECURITY, type Route } from './route.ts';

export interface StatementDeps {
  readonly useCases: Pick<MeteringUseCases, 'statement' | 'entry'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly assets: Pick<AssetCatalogue, 'url'>;
}

export function statementRoute(deps: StatementDeps): Route {
  return {
    access: 'tenant',
    doc: {
      method: 'get',
      path: '/v1/statements/{tenant}',
      tags: ['Charges'],
      operationId: 'getStatement',
      summary: 'What a tenant owes for a billing period: as JSON, CSV or a page to print',
      description:
        'Every line with its steps, tier by tier, and totals a currency. `final` says that it can ' +
        'never move. Usage that nothing prices yet is listed, and not in the totals.',
      security: READER_SECURITY,
      request: { params: pathTenant, query: statementQuerySchema },
      responses: {
        200: {
          description: 'The statement of the period that holds `at`.',
          content: {
            'application/json': { schema: statementSchema },
            'text/csv': { schema: { type: 'string' as const } },
            'text/html': { schema: { type: 'string' as const } },
          },
        },
        ...problemResponses(
          'statement_not_found',
          'invalid_query',
          'too_many_rows',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context, caller) {
      const { raw } = context.req;
      const query = readQuery(raw, statementQuerySchema);
      if (query.kind === 'refused') return query.response;
      const named = pathText(context, 'tenant');
      if (named === null) return notFound();
      const tenant = oneTenantAsked(caller, named);
      if (tenant.kind === 'refused') return tenant.response;
      const now = deps.clock.now();
      const { at = now, format = formOf(raw, ['json', 'csv', 'html']) } = query.value;
      const statement = await deps.useCases.statement(tenant.value, at);
      if (statement === null) return notFound();
      const zones = await zonesOf(deps, statement);
      if (format === 'csv') return csvResponse(statementCsv(statement, zones), 'statement.csv');
      const json = statementJson(statement, zones, now);
      if (format === 'json') return jsonResponse(json, 200, { vary: VARY });
      const { language, cookie } = languageOf(raw);
      const assets = { style: deps.assets.url('report.css'), icon: '/favicon.ico' };
      return new Response(renderStatementPage({ language, assets, statement: json }), {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
          vary: VARY,
          ...(cookie === null ? {} : { 'set-cookie': cookie }),
        },
      });
    },
  };
}

function notFound(): Response {
  return problem('statement_not_found', 'No billing period of the tenant holds this instant.');
}

/** The time zone of each contract, by its id: periods begin and end by its clocks. */
async function zonesOf(
  { useCases }: StatementDeps,
  { periods }: Statement,
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(periods.map(({ period }) => period.contract))];
  const contracts = await Promise.all(ids.map((id) => useCases.entry('contract', id)));
  return new Map(contracts.flatMap((each) => (each === null ? [] : [[each.id, each.timeZone]])));
}
