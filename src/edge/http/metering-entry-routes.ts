/** The metering catalogue over HTTP: products, list prices, contracts and thresholds, each with its versions. */
import { z } from '@hono/zod-openapi';
import type { ShownEntries } from '../../application/metering/shown-entry.ts';
import { compareTexts } from '../../domain/text-order.ts';
import type { EntryKind } from '../../ports/metering-catalogue.ts';
import { jsonResponse } from './json-response.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { entryNotFound, entryRefusal } from './metering-entry-answers.ts';
import { ENTRY_JSON } from './metering-entry-json.ts';
import { ENTRY_BODIES, ENTRY_SCHEMAS } from './metering-entry-schemas.ts';
import {
  entriesQuerySchema,
  historyQuerySchema,
  PAGE_ITEMS_DEFAULT,
  pathEntry,
  pathSku,
  pathText,
  tenantAsked,
  tenantEntriesQuerySchema,
} from './metering-query.ts';
import { type Caller, OPERATOR_ACTOR } from './operators.ts';
import { readJson } from './request-body.ts';
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

/** A contract of a thousand prices, and a little more. */
export const ENTRY_BYTES_MAX = 1 << 20;

type EditedKind = Exclude<EntryKind, 'api_key'>;

/** How a kind of entry is called by the API. */
export interface Collection<Kind extends EntryKind> {
  readonly kind: Kind;
  readonly path: string;
  /** The parameter of the path that names one of them. */
  readonly parameter: 'id' | 'sku';
  readonly tag: string;
  /** In operation ids, such as `getProduct`. */
  readonly one: string;
  readonly many: string;
  /** In summaries, such as `Read a product`. */
  readonly words: string;
  /** Whether each is one tenant's. The others are every tenant's to see. */
  readonly isOfTenant: boolean;
  /** Whether tenants may see theirs. */
  readonly isForTenants: boolean;
}

const PRODUCTS: Collection<'product'> = {
  kind: 'product',
  path: '/v1/products',
  parameter: 'sku',
  tag: 'Catalogue',
  one: 'Product',
  many: 'Products',
  words: 'a product',
  isOfTenant: false,
  isForTenants: true,
};
const PRICES: Collection<'price'> = {
  ...PRODUCTS,
  kind: 'price',
  path: '/v1/prices',
  parameter: 'id',
  one: 'Price',
  many: 'Prices',
  words: 'a list price',
};
const CONTRACTS: Collection<'contract'> = {
  ...PRICES,
  kind: 'contract',
  path: '/v1/contracts',
  one: 'Contract',
  many: 'Contracts',
  words: 'a contract',
  isOfTenant: true,
};
const THRESHOLDS: Collection<'threshold'> = {
  ...CONTRACTS,
  kind: 'threshold',
  path: '/v1/thresholds',
  one: 'Threshold',
  many: 'Thresholds',
  words: 'a usage threshold',
};

export function entryRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [
    ...collectionRoutes(useCases, PRODUCTS),
    ...collectionRoutes(useCases, PRICES),
    ...collectionRoutes(useCases, CONTRACTS),
    ...collectionRoutes(useCases, THRESHOLDS),
  ];
}

function collectionRoutes<Kind extends EditedKind>(
  useCases: MeteringUseCases,
  collection: Collection<Kind>,
): readonly Route[] {
  return [
    listRoute(useCases, collection),
    createRoute(useCases, collection),
    readRoute(useCases, collection),
    replaceRoute(useCases, collection),
    historyRoute(useCases, collection),
  ];
}

export function listRoute<Kind extends EntryKind>(
  useCases: Pick<MeteringUseCases, 'entries'>,
  collection: Collection<Kind>,
): Route {
  const { kind, isForTenants, isOfTenant } = collection;
  const querySchema = isOfTenant ? tenantEntriesQuerySchema : entriesQuerySchema;
  return {
    access: isForTenants ? 'tenant' : 'operator',
    doc: {
      method: 'get',
      path: collection.path,
      tags: [collection.tag],
      operationId: `list${collection.many}`,
      summary: `List them by id: ${collection.words} an item`,
      security: isForTenants ? READER_SECURITY : OPERATOR_SECURITY,
      request: { query: querySchema },
      responses: {
        200: jsonContent(
          'A page of them, each in its newest version.',
          z.strictObject({
            items: z.array(ENTRY_SCHEMAS[kind]),
            nextCursor: z.string().nullable(),
          }),
        ),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const query = readQuery<EntriesQuery>(context.req.raw, querySchema);
      if (query.kind === 'refused') return query.response;
      const tenant = isOfTenant ? tenantAsked(caller, query.value.tenant) : EVERY_TENANT;
      if (tenant.kind === 'refused') return tenant.response;
      const all = await useCases.entries(kind, tenant.value);
      const { cursor, limit = PAGE_ITEMS_DEFAULT } = query.value;
      const rest = all.filter(
        (entry) => cursor === undefined || compareTexts(idOf(entry), cursor) > 0,
      );
      const entries = rest.slice(0, limit);
      const last = entries.at(-1);
      const hasMore = last !== undefined && rest.length > limit;
      return jsonResponse({
        items: entries.map(ENTRY_JSON[kind]),
        nextCursor: hasMore ? idOf(last) : null,
      });
    },
  };
}

interface EntriesQuery {
  readonly tenant?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}
const EVERY_TENANT = { kind: 'ok', value: null } as const;

function createRoute<Kind extends EditedKind>(
  useCases: MeteringUseCases,
  collection: Collection<Kind>,
): Route {
  const { kind } = collection;
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: collection.path,
      tags: [collection.tag],
      operationId: `create${collection.one}`,
      summary: `Create ${collection.words}`,
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(ENTRY_BODIES[kind]) },
      responses: {
        201: jsonContent('Version 1 of it; Location names it.', ENTRY_SCHEMAS[kind]),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'version_conflict',
          'entry_overlap',
          'entry_not_found',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw, { bytesMax: ENTRY_BYTES_MAX });
      if (body.kind === 'refused') return body.response;
      const actor = OPERATOR_ACTOR;
      const outcome = await useCases.putEntry({ kind, id: null, body: body.value, actor });
      if (outcome.kind !== 'ok') return entryRefusal(outcome);
      const { entry } = outcome;
      const location = `${collection.path}/${encodeURIComponent(idOf(entry))}`;
      return jsonResponse(ENTRY_JSON[kind](entry), 201, { location });
    },
  };
}

export function readRoute<Kind extends EntryKind>(
  useCases: Pick<MeteringUseCases, 'entry'>,
  collection: Collection<Kind>,
): Route {
  const { kind, isForTenants } = collection;
  return {
    access: isForTenants ? 'tenant' : 'operator',
    doc: {
      method: 'get',
      path: pathOf(collection),
      tags: [collection.tag],
      operationId: `get${collection.one}`,
      summary: `Read ${collection.words}`,
      security: isForTenants ? READER_SECURITY : OPERATOR_SECURITY,
      request: { params: paramsOf(collection) },
      responses: {
        200: jsonContent('Its newest version.', ENTRY_SCHEMAS[kind]),
        ...problemResponses('entry_not_found', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context, caller) {
      const id = pathText(context, collection.parameter);
      const entry = id === null ? null : await useCases.entry(kind, id);
      if (entry === null || !mayShow(entry, caller)) return entryNotFound();
      return jsonResponse(ENTRY_JSON[kind](entry));
    },
  };
}

function replaceRoute<Kind extends EditedKind>(
  useCases: MeteringUseCases,
  collection: Collection<Kind>,
): Route {
  const { kind } = collection;
  return {
    access: 'operator',
    doc: {
      method: 'put',
      path: pathOf(collection),
      tags: [collection.tag],
      operationId: `replace${collection.one}`,
      summary: `Replace ${collection.words} as a whole by its next version`,
      description:
        'What the body leaves out is back at its default. With `expectedVersion` it is refused if ' +
        'someone was faster.',
      security: OPERATOR_SECURITY,
      request: { params: paramsOf(collection), body: jsonBody(ENTRY_BODIES[kind]) },
      responses: {
        200: jsonContent('The version that holds from now on.', ENTRY_SCHEMAS[kind]),
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
      const body = await readJson(context.req.raw, { bytesMax: ENTRY_BYTES_MAX });
      if (body.kind === 'refused') return body.response;
      const id = pathText(context, collection.parameter);
      if (id === null) return entryNotFound();
      const actor = OPERATOR_ACTOR;
      const outcome = await useCases.putEntry({ kind, id, body: body.value, actor });
      if (outcome.kind !== 'ok') return entryRefusal(outcome);
      return jsonResponse(ENTRY_JSON[kind](outcome.entry));
    },
  };
}

function historyRoute<Kind extends EditedKind>(
  useCases: MeteringUseCases,
  collection: Collection<Kind>,
): Route {
  const { kind } = collection;
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: `${pathOf(collection)}/history`,
      tags: [collection.tag],
      operationId: `list${collection.one}Versions`,
      summary: `List the versions of ${collection.words}, newest first`,
      security: OPERATOR_SECURITY,
      request: { params: paramsOf(collection), query: historyQuerySchema },
      responses: {
        200: jsonContent(
          'The newest of its versions.',
          z.strictObject({ items: z.array(ENTRY_SCHEMAS[kind]) }),
        ),
        ...problemResponses('entry_not_found', 'invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const query = readQuery(context.req.raw, historyQuerySchema);
      if (query.kind === 'refused') return query.response;
      const id = pathText(context, collection.parameter);
      const versions = id === null ? [] : await useCases.entryHistory(kind, id);
      if (versions.length === 0) return entryNotFound();
      const { limit = PAGE_ITEMS_DEFAULT } = query.value;
      return jsonResponse({ items: versions.slice(0, limit).map(ENTRY_JSON[kind]) });
    },
  };
}

function pathOf({ path, parameter }: Collection<EntryKind>): string {
  return `${path}/{${parameter}}`;
}

function paramsOf({ parameter }: Collection<EntryKind>) {
  return parameter === 'sku' ? pathSku : pathEntry;
}

/** What is another tenant's is not there. */
function mayShow(entry: ShownEntries[EntryKind], caller: Caller): boolean {
  return caller.kind !== 'tenant' || !('tenant' in entry) || entry.tenant === caller.tenant;
}

function idOf(entry: ShownEntries[EntryKind]): string {
  return 'id' in entry ? entry.id : entry.sku;
}
