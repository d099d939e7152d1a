/** Proves that every answer of metering is as documented, exact to the last digit, and every refusal has its code. */
import { beforeEach, describe, expect, test } from 'bun:test';
import type { z } from '@hono/zod-openapi';
import type { Ask } from '../../../test/support/edge-room.ts';
import {
  apiKey,
  CONTRACT_BODY,
  charge,
  contract,
  deadLetter,
  KEYS,
  listPrice,
  MeteringEdgeRoom,
  NOVEMBER,
  PRICE_BODY,
  statement,
  storedPulse,
  usageRow,
} from '../../../test/support/metering-edge-room.ts';
import { sampleUnpriced } from '../../../test/support/rating-samples.ts';
import { ApuraError } from '../../domain/errors.ts';
import { rerateDifference } from '../../domain/metering/rating-difference.ts';
import { tooManyUsageRows } from '../../domain/metering/usage-sum.ts';
import { UNPRICED_ITEMS_MAX } from './metering-charge-routes.ts';
import {
  chargeListSchema,
  chargeSchema,
  differenceSchema,
  estimateBodySchema,
  estimateSchema,
  eventListSchema,
  periodListSchema,
  previewBodySchema,
  statementSchema,
  unpricedListSchema,
} from './metering-charge-schemas.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { ENTRY_BYTES_MAX } from './metering-entry-routes.ts';
import { ENTRY_BODIES, ENTRY_SCHEMAS, newApiKeySchema } from './metering-entry-schemas.ts';
import {
  conflictListSchema,
  LETTERS_PER_REQUEST_MAX,
  letterListSchema,
  letterSchema,
  lettersAnswerSchema,
  meteringActListSchema,
  overviewSchema,
  pulseActSchema,
  pulseListSchema,
  pulseStatusSchema,
  wholeLetterSchema,
} from './metering-pulse-schemas.ts';
import { RATING_SPAN_MS_MAX } from './metering-rating-routes.ts';
import { RECOMPUTE_SPAN_MS_MAX } from './metering-usage-routes.ts';

type Json = Record<string, unknown>;
const OPERATOR: Ask = { operator: true };
const SPAN = 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z';
const RATING = { tenant: 'acme', from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };
const LETTER = 'ab'.repeat(32);

let room: MeteringEdgeRoom;

beforeEach(() => {
  room = new MeteringEdgeRoom();
});

const post = (body?: unknown, ask: Ask = OPERATOR): Ask => ({
  ...ask,
  method: 'POST',
  ...(body === undefined ? {} : { body }),
});
const json = async (path: string, ask: Ask = OPERATOR) => (await room.json(path, ask)) as Json;

/** An edge whose use cases answer this. */
function answering(given: Partial<MeteringUseCases>): void {
  room = new MeteringEdgeRoom(given);
}

async function refusal(path: string, ask: Ask = OPERATOR): Promise<readonly [number, string]> {
  const response = await room.ask(path, ask);
  const { code } = (await response.json()) as { readonly code: string };
  return [response.status, code];
}

describe('every answer is as documented', () => {
  const answers: readonly (readonly [string, Ask, z.ZodType])[] = [
    ['/v1/usage-events', OPERATOR, eventListSchema],
    ['/v1/charges', OPERATOR, chargeListSchema],
    ['/v1/charges/unpriced', OPERATOR, unpricedListSchema],
    ['/v1/charges/charge-1', OPERATOR, chargeSchema],
    ['/v1/billing-periods?tenant=acme', OPERATOR, periodListSchema],
    ['/v1/statements/acme', OPERATOR, statementSchema],
    ['/v1/estimates', post({}), estimateSchema],
    ['/v1/ratings/preview', post(RATING), differenceSchema],
    ['/v1/ratings/apply', post(RATING), differenceSchema],
    ['/v1/products/storage', OPERATOR, ENTRY_SCHEMAS.product],
    ['/v1/prices/storage-list', OPERATOR, ENTRY_SCHEMAS.price],
    ['/v1/contracts/acme-2026', OPERATOR, ENTRY_SCHEMAS.contract],
    ['/v1/thresholds/storage-1000', OPERATOR, ENTRY_SCHEMAS.threshold],
    ['/v1/api-keys/reader', OPERATOR, ENTRY_SCHEMAS.api_key],
    ['/v1/api-keys', post({}), newApiKeySchema],
    ['/v1/pulses', OPERATOR, pulseListSchema],
    ['/v1/pulses/conflicts', OPERATOR, conflictListSchema],
    ['/v1/pulses/p?tenant=acme&source=gateway', OPERATOR, pulseStatusSchema],
    ['/v1/pulses/p/void?tenant=acme&source=gateway', post({}), pulseActSchema],
    ['/v1/dead-letters', OPERATOR, letterListSchema],
    [`/v1/dead-letters/${LETTER}`, OPERATOR, wholeLetterSchema],
    [`/v1/dead-letters/${LETTER}/discard`, post(), letterSchema],
    ['/v1/dead-letters/requeue', post({ ids: [LETTER] }), lettersAnswerSchema],
    ['/v1/dead-letters/requeue', post({ filter: {} }), lettersAnswerSchema],
    ['/v1/metering/overview', OPERATOR, overviewSchema],
    ['/v1/metering/acts', OPERATOR, meteringActListSchema],
  ];
  test.each(answers.map(([path, ask, schema]) => [path, ask, schema] as const))(
    '%s',
    async (path, ask, schema) => {
      const read = schema.safeParse(await room.json(path, ask));
      expect(read.error?.issues ?? []).toEqual([]);
    },
  );

  test('and so are the bodies that the domain reads', () => {
    expect(ENTRY_BODIES.price.safeParse(PRICE_BODY).error?.issues ?? []).toEqual([]);
    expect(ENTRY_BODIES.contract.safeParse(CONTRACT_BODY).error?.issues ?? []).toEqual([]);
    const usage = [{ sku: 'storage', unit: 'GB', amount: '1' }];
    const { validFrom: _, ...price } = PRICE_BODY;
    expect(estimateBodySchema.safeParse({ usage, price }).success).toBe(true);
    const entry = { kind: 'price', body: PRICE_BODY };
    expect(previewBodySchema.safeParse({ ...RATING, entry }).success).toBe(true);
  });
});

describe('usage', () => {
  const zoned = `/v1/usage?${SPAN}&granularity=P1D&time_zone=America/Sao_Paulo`;

  test('is told in exact decimals with its windows, its zone and what is in it', async () => {
    expect(await json(`${zoned}&tenant=acme`)).toEqual({
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
      granularity: 'P1D',
      time_zone: 'America/Sao_Paulo',
      as_of: '2026-11-21T20:00:00.000Z',
      data: [
        {
          from: '2026-11-01T00:00:00.000Z',
          to: '2026-11-02T00:00:00.000Z',
          value: '12.5',
          unit: 'GB',
          count: 3,
          min: '-0.5',
          max: '11',
          last: '2',
          dimensions: { tenant: 'acme', sku: 'storage' },
        },
      ],
    });
    expect(room.lastAsked('usage')).toEqual([
      {
        tenant: 'acme',
        sku: null,
        unit: null,
        from: NOVEMBER,
        to: Date.UTC(2026, 11, 1),
        granularity: 'P1D',
        timeZone: 'America/Sao_Paulo',
        groupBy: ['tenant', 'sku'],
      },
    ]);
  });

  test('loses no digit of a sum that no double holds', async () => {
    const sum = 123_456_789_012_345_678_901_234_567_890_123_456_789n;
    answering({
      usage: async () => ({ kind: 'ok', rows: [usageRow({ sum, tenant: null })], asOf: 0 }),
    });
    expect(await json(`${zoned}&group_by=sku`)).toMatchObject({
      data: [{ value: '123456789012345678901.234567890123456789', dimensions: { sku: 'storage' } }],
    });
    expect(room.lastAsked('usage')).toMatchObject([{ groupBy: ['sku'] }]);
  });

  test('as CSV has times on the zone’s clocks, numbers as they are, and nothing that a spreadsheet runs', async () => {
    const rows = [usageRow(), usageRow({ sku: '=1+1', unit: 'a,"b"', tenant: null })];
    answering({ usage: async () => ({ kind: 'ok', rows, asOf: 0 }) });
    const response = await room.ask(zoned, { ...OPERATOR, headers: { accept: 'text/csv' } });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(response.headers.get('content-disposition')).toContain('usage.csv');
    const times = '2026-10-31T21:00:00.000-03:00,2026-11-01T21:00:00.000-03:00';
    expect((await response.text()).split('\r\n')).toEqual([
      'from,to,tenant,sku,unit,value,count,min,max,last',
      `${times},acme,storage,GB,12.5,3,-0.5,11,2`,
      `${times},,'=1+1,"a,""b""",12.5,3,-0.5,11,2`,
      '',
    ]);
    expect(await (await room.ask(`${zoned}&format=json`, OPERATOR)).json()).toBeObject();
  });

  test('is bounded, in windows before it is asked and in rows by who answers', async () => {
    const years = 'from=1990-01-01T00:00:00Z&to=2026-01-01T00:00:00Z';
    expect(await refusal(`/v1/usage?${years}&granularity=PT1H`)).toEqual([400, 'too_many_rows']);
    expect(room.asked).toEqual([]);
    answering({ usage: () => Promise.reject(tooManyUsageRows(5)) });
    expect(await refusal(zoned)).toEqual([400, 'too_many_rows']);
    expect(await (await room.ask(zoned, OPERATOR)).json()).toMatchObject({
      detail: expect.stringContaining('ask for less time, coarser windows'),
    });
  });

  test.each([
    'from=2026-11-01T00:00:00Z',
    'from=2026-11-01T00:07:00Z&to=2026-12-01T00:00:00Z',
    'from=2026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z',
    `${SPAN}&granularity=PT5M`,
    `${SPAN}&time_zone=Mars/Olympus`,
    `${SPAN}&group_by=sku,sku`,
    `${SPAN}&group_by=region`,
    `${SPAN}&tenant=a&tenant=b`,
  ])('refuses ?%s', async (query) => {
    expect(await refusal(`/v1/usage?${query}`)).toEqual([400, 'invalid_query']);
    expect(room.asked).toEqual([]);
  });

  test('tells what the use case finds wrong', async () => {
    const problems = [
      { pointer: '/granularity', code: 'invalid_body', detail: 'Too many.' },
    ] as const;
    answering({ usage: async () => ({ kind: 'invalid', problems }) });
    expect(await json(zoned)).toMatchObject({
      code: 'invalid_query',
      detail: 'granularity: Too many.',
    });
  });

  test('is added up anew over whole windows of a bounded span', async () => {
    const from = '2026-01-01T00:00:00Z';
    const to = new Date(Date.parse(from) + RECOMPUTE_SPAN_MS_MAX).toISOString();
    expect(await json('/v1/usage/recompute', post({ from, to }))).toEqual({ windowsChanged: 2 });
    expect(room.lastAsked('recomputeUsage')).toMatchObject([{ actor: 'operator' }]);
    const later = new Date(Date.parse(to) + 900_000).toISOString();
    for (const body of [{ from, to: later }, { from: to, to: from }, { from, to: 7 }, { from }]) {
      expect((await refusal('/v1/usage/recompute', post(body)))[0]).toBe(422);
    }
  });
});

describe('charges', () => {
  test('carry their steps, the exact and the rounded amount, and the way back', async () => {
    expect(await json('/v1/charges/charge-1')).toMatchObject({
      quantity: '1000.01',
      steps: [
        { kind: 'tier', tier: 1, quantity: '1000', unitPrice: '0.05', amount: '50' },
        { kind: 'tier', tier: 2, quantity: '0.01', unitPrice: '0.04', amount: '0.0004' },
      ],
      precise: '50.0004',
      rounded: '50.00',
      usage:
        '/v1/usage?tenant=acme&sku=storage&unit=GB&from=2026-11-01T00%3A00%3A00.000Z&to=2026-12-01T00%3A00%3A00.000Z',
    });
    const { usage } = await json('/v1/charges/charge-1');
    expect((await room.ask(String(usage), OPERATOR)).status).toBe(200);
  });

  test('come by page, with the cursor and the span handed on', async () => {
    answering({ charges: async () => ({ charges: [charge()], nextCursor: 'behind-1' }) });
    const page = await json(`/v1/charges?tenant=acme&${SPAN}&cursor=behind-0&limit=1`);
    expect(page.nextCursor).toBe('behind-1');
    const filter = { tenant: 'acme', from: NOVEMBER, to: Date.UTC(2026, 11, 1) };
    expect(room.lastAsked('charges')).toEqual([filter, 'behind-0', 1]);
  });

  test('as CSV come all, page after page', async () => {
    answering({
      charges: async (_filter, cursor) =>
        cursor === null
          ? { charges: [charge()], nextCursor: 'next' }
          : { charges: [charge({ id: '@2', kind: 'adjustment' })], nextCursor: null },
    });
    const lines = (await (await room.ask('/v1/charges?format=csv', OPERATOR)).text()).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toContain(
      'storage,GB,2026-11-01T00:00:00.000Z,2026-12-01T00:00:00.000Z,1000.01,3,50.0004,50.00,EUR',
    );
    expect(lines[2]).toStartWith("'@2,adjustment,");
    expect(await refusal('/v1/charges?format=csv&limit=5')).toEqual([400, 'invalid_query']);
  });

  test('that fail on the first page fail before the CSV begins', async () => {
    answering({
      charges: () => Promise.reject(new ApuraError('invalid_query', 'The cursor is none.')),
    });
    for (const query of ['?format=csv', '?cursor=x']) {
      expect(await refusal(`/v1/charges${query}`)).toEqual([400, 'invalid_query']);
    }
  });

  test('of another tenant are not there', async () => {
    const series = { tenant: 'other', sku: 'a', unit: 'b' };
    answering({ charge: async () => charge({ series }) });
    const asTenant = { headers: { authorization: `Bearer ${KEYS.reader}` } };
    expect(await refusal('/v1/charges/charge-1', asTenant)).toEqual([404, 'charge_not_found']);
    answering({ charge: async () => null });
    expect(await refusal('/v1/charges/charge-1')).toEqual([404, 'charge_not_found']);
  });

  test('without a price are bounded', async () => {
    const items = Array.from({ length: UNPRICED_ITEMS_MAX + 1 }, () => sampleUnpriced());
    answering({ unpriced: async () => items });
    expect(await refusal('/v1/charges/unpriced')).toEqual([400, 'too_many_rows']);
  });

  test('of periods are asked of one tenant', async () => {
    expect(await refusal('/v1/billing-periods')).toEqual([400, 'invalid_query']);
  });
});

describe('a rating', () => {
  test('shows its difference in the digits of the currency', async () => {
    expect(await json('/v1/ratings/preview', post(RATING))).toMatchObject({
      lines: [{ before: null, currency: 'EUR', difference: '50.00' }],
      totals: [{ currency: 'EUR', before: '0.00', after: '50.00', difference: '50.00' }],
    });
    expect(room.lastAsked('rerate')).toMatchObject([{ tenant: 'acme', apply: false }]);
    await json('/v1/ratings/apply', post(RATING));
    expect(room.lastAsked('rerate')).toMatchObject([{ tenant: 'acme', apply: true }]);
  });

  test('can be tried under terms that are not in the catalogue, and names what is wrong with them', async () => {
    const entry = { kind: 'contract', id: 'acme-2026', body: CONTRACT_BODY };
    const tried = await json('/v1/ratings/preview', post({ ...RATING, entry }));
    expect(tried).toMatchObject({ lines: [{ after: null, difference: '-50.00' }] });
    expect(room.lastAsked('previewEntry')).toMatchObject([{ ...entry, tenant: 'acme' }]);
    expect(room.lastAsked('rerate')).toBeUndefined();
    const problems = [{ pointer: '/prices/0', code: 'invalid_body', detail: 'Wrong.' }] as const;
    answering({ previewEntry: async () => ({ kind: 'invalid', problems }) });
    expect(await json('/v1/ratings/preview', post({ ...RATING, entry }))).toMatchObject({
      code: 'invalid_body',
      errors: [{ pointer: '/entry/body/prices/0' }],
    });
    answering({ previewEntry: async () => ({ kind: 'overlap', with: 'acme-2025' }) });
    const refused = await refusal('/v1/ratings/preview', post({ ...RATING, entry }));
    expect(refused).toEqual([409, 'entry_overlap']);
  });

  test('covers a bounded span', async () => {
    const to = new Date(Date.parse(RATING.from) + RATING_SPAN_MS_MAX + 1).toISOString();
    for (const body of [{ ...RATING, to }, { ...RATING, to: RATING.from }, { tenant: 'acme' }]) {
      expect(await refusal('/v1/ratings/apply', post(body))).toEqual([422, 'invalid_body']);
    }
    expect(room.asked).toEqual([]);
  });

  test('of nothing differs in nothing', async () => {
    answering({ rerate: async () => rerateDifference([], []) });
    expect(await json('/v1/ratings/apply', post(RATING))).toEqual({ lines: [], totals: [] });
  });

  test('that nobody has used yet is an estimate, for whoever asks', async () => {
    const asTenant = { headers: { authorization: `Bearer ${KEYS.reader}` } };
    await json('/v1/estimates', post({ usage: [] }, asTenant));
    const caller = { actor: 'tenant acme', tenant: 'acme' };
    expect(room.lastAsked('estimate')).toEqual([{ body: { usage: [] }, caller }]);
    const problems = [{ pointer: '/usage', code: 'invalid_body', detail: 'Wrong.' }] as const;
    answering({ estimate: async () => ({ kind: 'invalid', problems }) });
    expect(await refusal('/v1/estimates', post({}))).toEqual([422, 'invalid_body']);
    expect(room.lastAsked('estimate')).toMatchObject([{ caller: { tenant: null } }]);
  });
});

describe('a statement', () => {
  test('spells every line out, on the clocks of its contract', async () => {
    expect(await json('/v1/statements/acme?at=2026-11-05T00:00:00Z')).toMatchObject({
      tenant: 'acme',
      final: false,
      periods: [
        {
          contract: 'acme-2026',
          timeZone: 'America/Sao_Paulo',
          state: 'open',
          lines: [
            { steps: [{ words: 'tier 1: 1000 × 0.05', subtotal: '50' }, { subtotal: '50.0004' }] },
          ],
          totals: [{ currency: 'EUR', amount: '50.00', lines: 1 }],
        },
      ],
      totals: [{ currency: 'EUR', amount: '50.00' }],
      unpriced: [{ sku: 'api', reason: 'no_price' }],
    });
    expect(room.lastAsked('statement')).toEqual(['acme', Date.UTC(2026, 10, 5)]);
  });

  test('as CSV has a line a step, and totals', async () => {
    answering({
      statement: async () =>
        statement([charge({ series: { tenant: 'acme', sku: '=cmd', unit: 'GB' } })]),
    });
    const lines = (await (await room.ask('/v1/statements/acme?format=csv', OPERATOR)).text()).split(
      '\r\n',
    );
    const period = 'acme-2026,2026-10-31T21:00:00.000-03:00,open';
    expect(lines).toContain(
      `line,${period},charge-1,usage,'=cmd,GB,2026-10-31T21:00:00.000-03:00,2026-11-30T21:00:00.000-03:00,1000.01,,50.00,EUR`,
    );
    expect(lines).toContain(
      `step,${period},charge-1,tier,'=cmd,GB,,,0.01,tier 2: 0.01 × 0.04,0.0004,EUR`,
    );
    expect(lines).toContain(`period_total,${period},,,,,,,,,50.00,EUR`);
    expect(lines).toContain('total,,,,,,,,,,,,50.00,EUR');
    expect(lines.some((line) => line.startsWith('unpriced,,,,,,api,call,'))).toBe(true);
  });

  test('as a page speaks the reader’s language and holds no markup of others', async () => {
    answering({
      statement: async () =>
        statement([charge({ series: { tenant: 'acme', sku: '<b>x', unit: 'GB' } })]),
    });
    const asked = { ...OPERATOR, headers: { accept: 'text/html,*/*;q=0.8' } };
    const response = await room.ask('/v1/statements/acme', asked);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await response.text();
    expect(page).toContain('<html lang="pt-BR">');
    expect(page).toContain('faixa 2: 0,01 × 0,04');
    expect(page).toContain('&lt;b&gt;x');
    expect(page).not.toMatch(/<b>|<script|style="/);
    const english = await room.ask('/v1/statements/acme?format=html&lang=en', OPERATOR);
    expect(english.headers.get('set-cookie')).toContain('apura_lang=en');
    expect(await english.text()).toContain('tier 2: 0.01 × 0.04');
  });

  test('of no period is not there; of a contract that is gone it is in UTC', async () => {
    answering({ statement: async () => null });
    expect(await refusal('/v1/statements/acme')).toEqual([404, 'statement_not_found']);
    answering({ entry: async () => null });
    expect(await json('/v1/statements/acme')).toMatchObject({ periods: [{ timeZone: 'UTC' }] });
  });
});

describe('the catalogue', () => {
  test('shows entries as their bodies are written, so that they can be put again', async () => {
    const shown = await json('/v1/contracts/acme-2026');
    expect(shown).toMatchObject({
      ...CONTRACT_BODY,
      validFrom: '2026-01-01T00:00:00.000Z',
      validTo: null,
      prices: [
        { model: 'package', quantityPerPackage: '20', price: '5', freeUnits: '0' },
        { model: 'flat', price: '9.9', minimum: '1', maximum: null },
        { model: 'per_unit', conversion: { operation: 'divide', factor: '1024', scale: 3 } },
      ],
      version: 1,
    });
    expect(await json('/v1/prices/storage-list')).toMatchObject({
      currency: 'EUR',
      tiers: [{ upTo: '1000', unitPrice: '0.05', flatPrice: '0' }, { upTo: null }],
    });
  });

  test('takes a body as it is, and says where the entry is', async () => {
    const created = await room.ask('/v1/prices', post(PRICE_BODY));
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/v1/prices/storage-list');
    const input = { kind: 'price', body: PRICE_BODY, actor: 'operator' };
    expect(room.lastAsked('putEntry')).toEqual([{ ...input, id: null }]);
    const put = await room.ask('/v1/prices/storage-list', { ...post(PRICE_BODY), method: 'PUT' });
    expect(put.status).toBe(200);
    expect(room.lastAsked('putEntry')).toEqual([{ ...input, id: 'storage-list' }]);
  });

  test.each([
    [{ kind: 'not_found' }, 404, 'entry_not_found', {}],
    [{ kind: 'version_conflict', version: 7 }, 409, 'version_conflict', { version: 7 }],
    [{ kind: 'overlap', with: 'acme-2025' }, 409, 'entry_overlap', { with: 'acme-2025' }],
    [
      {
        kind: 'invalid',
        problems: [{ pointer: '/name', code: 'unknown_field', detail: 'Not known.' }],
      },
      422,
      'unknown_field',
      { errors: [{ pointer: '/name' }] },
    ],
  ] as const)('refuses %p', async (refused, status, code, members) => {
    answering({ putEntry: async () => refused });
    for (const [path, method] of [
      ['/v1/contracts', 'POST'],
      ['/v1/contracts/acme-2026', 'PUT'],
    ] as const) {
      const response = await room.ask(path, { ...post({}), method });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ code, ...members });
    }
  });

  test('takes contracts that are larger than a poll, and no larger than its bound', async () => {
    const large = { padding: 'x'.repeat(ENTRY_BYTES_MAX - 20) };
    expect((await room.ask('/v1/contracts', post(large))).status).toBe(201);
    const larger = { padding: 'x'.repeat(ENTRY_BYTES_MAX) };
    expect(await refusal('/v1/contracts', post(larger))).toEqual([413, 'body_too_large']);
  });

  test('is listed by page', async () => {
    const entries = ['a', 'b', 'c'].map((id) => contract({ id }));
    answering({ entries: (async () => entries) as MeteringUseCases['entries'] });
    const first = (await json('/v1/contracts?limit=2')) as { items: Json[]; nextCursor: string };
    expect(first.items.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(first.nextCursor).toBe('b');
    const last = (await json('/v1/contracts?limit=2&cursor=b')) as { items: Json[] };
    expect(last).toMatchObject({ items: [{ id: 'c' }], nextCursor: null });
  });

  test('keeps what is another tenant’s from a tenant, and shows what is not there to nobody', async () => {
    answering({ entry: (async () => contract({ tenant: 'other' })) as MeteringUseCases['entry'] });
    const asTenant = { headers: { authorization: `Bearer ${KEYS.reader}` } };
    expect(await refusal('/v1/contracts/x', asTenant)).toEqual([404, 'entry_not_found']);
    expect((await room.ask('/v1/contracts/x', OPERATOR)).status).toBe(200);
    answering({ entry: async () => null, entryHistory: async () => [] });
    expect(await refusal('/v1/products/x')).toEqual([404, 'entry_not_found']);
    expect(await refusal('/v1/products/x/history')).toEqual([404, 'entry_not_found']);
  });

  test('tells versions newest first, as many as are asked for', async () => {
    const versions = [3, 2, 1].map((version) => listPrice({ version }));
    answering({ entryHistory: (async () => versions) as MeteringUseCases['entryHistory'] });
    const { items } = (await json('/v1/prices/storage-list/history?limit=2')) as { items: Json[] };
    expect(items.map(({ version }) => version)).toEqual([3, 2]);
  });

  test('names a product by its sku, whatever characters that has', async () => {
    await json('/v1/products/storage%2Fssd%20%C3%A9');
    expect(room.lastAsked('entry')).toEqual(['product', 'storage/ssd é']);
  });

  test('shows a key’s secret once, and its digest never', async () => {
    const made = await room.ask('/v1/api-keys', post({}));
    expect(made.headers.get('location')).toBe('/v1/api-keys/reader');
    expect(await made.json()).toMatchObject({ id: 'reader', secret: KEYS.reader });
    // A store that hands the digest on by mistake must not be enough to show it.
    answering({ entry: (async () => apiKey()) as MeteringUseCases['entry'] });
    for (const path of ['/v1/api-keys', '/v1/api-keys/reader']) {
      const text = await (await room.ask(path, OPERATOR)).text();
      expect(text).not.toMatch(/secret|abab/i);
    }
    expect(await json('/v1/api-keys/reader/revoke', post())).toMatchObject({ version: 2 });
    answering({ revokeApiKey: async () => ({ kind: 'not_found' }) });
    expect(await refusal('/v1/api-keys/x/revoke', post())).toEqual([404, 'entry_not_found']);
    answering({ createApiKey: async () => ({ kind: 'version_conflict', version: 1 }) });
    expect(await refusal('/v1/api-keys', post({}))).toEqual([409, 'version_conflict']);
  });
});

describe('a pulse', () => {
  const PULSE = '/v1/pulses/evt%2F1?tenant=acme&source=gateway';

  test('tells its state, its times and how often it came', async () => {
    expect(await json(PULSE)).toMatchObject({
      id: 'pulse-1',
      amount: '1.5',
      countedAmount: '1.5',
      attributes: { region: 'sa-east' },
      state: 'counted',
      usageSent: true,
      storedAt: '2026-11-21T20:00:00.000Z',
    });
    const name = { tenant: 'acme', source: 'gateway', id: 'evt/1' };
    expect(room.lastAsked('pulse')).toEqual([name]);
  });

  test('can be a dead letter, or nowhere', async () => {
    answering({ pulse: async () => ({ kind: 'dead_letter', letter: deadLetter() }) });
    const dead = await json(PULSE);
    expect(dead).toMatchObject({ state: 'dead_letter', deadLetter: { id: LETTER, size: 3 } });
    answering({ pulse: async () => ({ kind: 'not_found' }) });
    expect(await refusal(PULSE)).toEqual([404, 'pulse_not_found']);
    expect(await refusal('/v1/pulses/p?source=gateway')).toEqual([400, 'invalid_query']);
    expect(await refusal('/v1/pulses/p?tenant=acme')).toEqual([400, 'invalid_query']);
  });

  test('whose id is the path of another route can be asked for', async () => {
    expect(await json('/v1/pulses/conflicts?tenant=acme&source=gateway')).toMatchObject({
      state: 'counted',
    });
    expect(room.lastAsked('pulse')).toMatchObject([{ id: 'conflicts' }]);
  });

  test('is acted on by its name, once by the header’s key', async () => {
    const ask = post({ reason: 'test' });
    const headers = { 'idempotency-key': 'act-1' };
    const path = '/v1/pulses/p/void?tenant=acme&source=gateway';
    expect(await json(path, { ...ask, headers })).toMatchObject({ actId: 'act-1', pending: false });
    expect(room.lastAsked('actOnPulse')).toEqual([
      {
        act: 'void',
        tenant: 'acme',
        source: 'gateway',
        id: 'p',
        body: { reason: 'test' },
        idempotencyKey: 'act-1',
        actor: 'operator',
      },
    ]);
    const wrong = { ...ask, headers: { 'idempotency-key': 'two words' } };
    expect(await refusal(path, wrong)).toEqual([400, 'invalid_idempotency_key']);
    answering({
      actOnPulse: async () => ({ kind: 'ok', actId: 'a', pending: true, pulse: storedPulse() }),
    });
    expect((await room.ask(path, ask)).status).toBe(202);
  });

  test.each([
    [{ kind: 'not_found' }, 404, 'pulse_not_found'],
    [{ kind: 'act_id_taken', actId: 'act-1' }, 409, 'act_id_taken'],
    [{ kind: 'invalid', problems: [] }, 422, 'invalid_body'],
  ] as const)('is not acted on: %p', async (outcome, status, code) => {
    answering({ actOnPulse: async () => outcome });
    const path = '/v1/pulses/p/amend?tenant=acme&source=gateway';
    expect(await refusal(path, post({}))).toEqual([status, code]);
  });
});

describe('dead letters', () => {
  test('are listed by every filter, without their bytes, and read with them', async () => {
    const filter = { queue: 'resource-usage.dlq', state: 'PENDING', tenant: 'acme', code: 'x' };
    const list = await room.ask(`/v1/dead-letters?${new URLSearchParams(filter)}`, OPERATOR);
    expect(await list.text()).not.toContain('"bytes"');
    expect(room.lastAsked('deadLetters')).toEqual([filter, null, 100]);
    const { bytes } = await json(`/v1/dead-letters/${LETTER}`);
    expect([...Buffer.from(String(bytes), 'base64')]).toEqual([0, 255, 10]);
  });

  test('that are not there, or not to be moved, are refused', async () => {
    answering({
      deadLetter: async () => null,
      requeueDeadLetter: async () => ({ kind: 'not_found' }),
      discardDeadLetter: async () => ({
        kind: 'conflict',
        letter: deadLetter({ state: 'REQUEUED' }),
      }),
    });
    const path = `/v1/dead-letters/${LETTER}`;
    expect(await refusal(path)).toEqual([404, 'dead_letter_not_found']);
    expect(await refusal(`${path}/requeue`, post())).toEqual([404, 'dead_letter_not_found']);
    expect(await json(`${path}/discard`, post())).toMatchObject({
      status: 409,
      code: 'dead_letter_state',
      state: 'REQUEUED',
    });
  });

  test('are moved many at once, with the result of each id', async () => {
    const other = 'cd'.repeat(32);
    answering({
      requeueDeadLetter: async ({ id }) =>
        id === other
          ? { kind: 'conflict', letter: deadLetter({ state: 'DISCARDED' }) }
          : { kind: 'ok', letter: deadLetter({ state: 'REQUEUED' }) },
    });
    const ids = [LETTER, other, LETTER];
    expect(await json('/v1/dead-letters/requeue', post({ ids }))).toEqual({
      results: [
        { id: LETTER, result: 'resolved', state: 'REQUEUED' },
        { id: other, result: 'conflict', state: 'DISCARDED' },
      ],
    });
  });

  test('are moved by filter, as many as one request does', async () => {
    const filter = { code: 'block_invalid' };
    const answer = await json('/v1/dead-letters/discard', post({ filter }));
    expect(answer).toEqual({ resolved: 7, failed: [], nextCursor: 'place', hasMore: true });
    const asked = {
      filter: { queue: null, state: null, tenant: null, code: 'block_invalid' },
      ...{ state: 'DISCARDED', actor: 'operator' },
    };
    expect(room.lastAsked('resolveDeadLetters')).toEqual([{ ...asked, cursor: null }]);
    const failed = [{ id: LETTER, code: 'log_mismatch', detail: 'Of another log.' } as const];
    answering({ resolveDeadLetters: async () => ({ resolved: 0, failed, nextCursor: null }) });
    const cursor = 'place';
    expect(await json('/v1/dead-letters/discard', post({ filter, cursor }))).toEqual({
      ...{ resolved: 0, failed, nextCursor: null, hasMore: false },
    });
    expect(room.lastAsked('resolveDeadLetters')).toEqual([{ ...asked, cursor }]);
  });

  test('are moved by id also behind one that can not be, which says why', async () => {
    const other = 'cd'.repeat(32);
    answering({
      requeueDeadLetter: async ({ id }) => {
        if (id === LETTER) throw new ApuraError('log_mismatch', 'Of another log.');
        return { kind: 'ok', letter: deadLetter({ state: 'REQUEUED' }) };
      },
    });
    expect(await json('/v1/dead-letters/requeue', post({ ids: [LETTER, other] }))).toEqual({
      results: [
        {
          ...{ id: LETTER, result: 'failed', state: 'PENDING' },
          ...{ code: 'log_mismatch', detail: 'Of another log.' },
        },
        { id: other, result: 'resolved', state: 'REQUEUED' },
      ],
    });
    answering({ requeueDeadLetter: () => Promise.reject(new ApuraError('log_unavailable', '')) });
    const [status] = await refusal('/v1/dead-letters/requeue', post({ ids: [LETTER, other] }));
    expect(status).toBe(503);
  });

  test.each([
    ['nothing', {}],
    ['no id', { ids: [] }],
    ['what is no id', { ids: ['x'] }],
    ['ids and a filter', { ids: [LETTER], filter: {} }],
    ['ids and a cursor', { ids: [LETTER], cursor: 'place' }],
    ['too many ids', { ids: Array.from({ length: LETTERS_PER_REQUEST_MAX + 1 }, () => LETTER) }],
    ['a state', { filter: { state: 'PENDING' } }],
  ])('are not moved by %s', async (_name, body) => {
    expect((await refusal('/v1/dead-letters/requeue', post(body)))[0]).toBe(422);
    expect(room.asked).toEqual([]);
  });
});
