/** Tenants' API keys over HTTP: made, listed and revoked by operators; the secret is shown once. */
import { jsonResponse } from './json-response.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { entryNotFound, entryRefusal } from './metering-entry-answers.ts';
import { ENTRY_JSON } from './metering-entry-json.ts';
import { type Collection, listRoute, readRoute } from './metering-entry-routes.ts';
import { ENTRY_BODIES, ENTRY_SCHEMAS, newApiKeySchema } from './metering-entry-schemas.ts';
import { pathKey, pathText } from './metering-query.ts';
import { OPERATOR_ACTOR } from './operators.ts';
import { readJson } from './request-body.ts';
import {
  BODY_PROBLEMS,
  jsonBody,
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';

const KEYS: Collection<'api_key'> = {
  kind: 'api_key',
  path: '/v1/api-keys',
  parameter: 'id',
  tag: 'Catalogue',
  one: 'ApiKey',
  many: 'ApiKeys',
  words: 'an API key, without its secret',
  isOfTenant: true,
  isForTenants: false,
};

export function keyRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [
    listRoute(useCases, KEYS),
    createRoute(useCases),
    readRoute(useCases, KEYS),
    revokeRoute(useCases),
  ];
}

function createRoute(useCases: Pick<MeteringUseCases, 'createApiKey'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: KEYS.path,
      tags: [KEYS.tag],
      operationId: 'createApiKey',
      summary: 'Make an API key for a tenant; its secret is in this answer alone',
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(ENTRY_BODIES.api_key) },
      responses: {
        201: jsonContent('The key with its secret; Location names it.', newApiKeySchema),
        ...problemResponses(...BODY_PROBLEMS, 'version_conflict', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw);
      if (body.kind === 'refused') return body.response;
      const outcome = await useCases.createApiKey({ body: body.value, actor: OPERATOR_ACTOR });
      if (outcome.kind !== 'ok') return entryRefusal(outcome);
      const { entry, secret } = outcome;
      const location = `${KEYS.path}/${encodeURIComponent(entry.id)}`;
      return jsonResponse({ ...ENTRY_JSON.api_key(entry), secret }, 201, { location });
    },
  };
}

function revokeRoute(useCases: Pick<MeteringUseCases, 'revokeApiKey'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: `${KEYS.path}/{id}/revoke`,
      tags: [KEYS.tag],
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key for good; every door refuses it within seconds',
      security: OPERATOR_SECURITY,
      request: { params: pathKey },
      responses: {
        200: jsonContent(
          'The revoked key. Revoked again it stays as it is.',
          ENTRY_SCHEMAS.api_key,
        ),
        ...problemResponses('entry_not_found', 'version_conflict', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const id = pathText(context, 'id');
      if (id === null) return entryNotFound();
      const outcome = await useCases.revokeApiKey({ id, actor: OPERATOR_ACTOR });
      if (outcome.kind !== 'ok') return entryRefusal(outcome);
      return jsonResponse(ENTRY_JSON.api_key(outcome.entry));
    },
  };
}
