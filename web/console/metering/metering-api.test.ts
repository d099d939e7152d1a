import { describe, expect, test } from 'bun:test';
import type { Send } from '../sender.ts';
import { createMeteringApi, statementHref, usageHref } from './metering-api.ts';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

function answering(...answers: readonly unknown[]) {
  const sent: Sent[] = [];
  const send: Send = async (method, path, body) => {
    sent.push({ method, path, body });
    return { ok: true, value: answers[sent.length - 1] };
  };
  return { api: createMeteringApi(send), sent };
}

const FAILURE = { code: 'log_mismatch', detail: 'Of another log.' };
const FILTER = { queue: '', state: 'PENDING', tenant: 'a&b', code: '' };

describe('the metering API client', () => {
  test('asks for usage with instants, the zone and what rows are told apart by', () => {
    const question = {
      tenant: 'a b',
      sku: null,
      unit: 'GiB',
      from: 0,
      to: 900_000,
      granularity: 'P1D',
      timeZone: 'America/Sao_Paulo',
      groupBy: ['tenant', 'sku'],
    } as const;
    expect(usageHref(question, 'csv')).toBe(
      '/v1/usage?tenant=a+b&unit=GiB&from=1970-01-01T00%3A00%3A00.000Z' +
        '&to=1970-01-01T00%3A15%3A00.000Z&granularity=P1D&time_zone=America%2FSao_Paulo' +
        '&group_by=tenant%2Csku&format=csv',
    );
    expect(statementHref('a/b', '2026-01-01T00:00:00Z', 'html', 'es')).toBe(
      '/v1/statements/a%2Fb?at=2026-01-01T00%3A00%3A00Z&format=html&lang=es',
    );
  });

  test('reads a list to its last page', async () => {
    const { api, sent } = answering(
      { items: [{ id: 'a' }], nextCursor: 'a' },
      { items: [{ id: 'b' }], nextCursor: null },
    );
    const outcome = await api.entries('contract');
    expect(outcome).toMatchObject({ ok: true, value: [{ id: 'a' }, { id: 'b' }] });
    expect(sent.map(({ path }) => path)).toEqual([
      '/v1/contracts?limit=1000',
      '/v1/contracts?limit=1000&cursor=a',
    ]);
  });

  test('acts on dead letters by id or by filter, and tells which stay as they are and why', async () => {
    const { api, sent } = answering(
      {
        results: [
          { id: 'w', result: 'resolved', state: 'REQUEUED' },
          { id: 'x', result: 'conflict', state: 'DISCARDED' },
          { id: 'y', result: 'not_found', state: null },
          { ...{ id: 'z', result: 'failed', state: 'PENDING' }, ...FAILURE },
        ],
      },
      { resolved: 500, failed: [{ id: 'z', ...FAILURE }], nextCursor: 'place', hasMore: true },
    );
    expect(await api.actOnLetters({ ids: ['w', 'x'] }, 'requeue')).toEqual({
      ok: true,
      value: {
        resolved: 1,
        failed: [
          { id: 'x', code: 'dead_letter_state', detail: '' },
          { id: 'y', code: 'dead_letter_not_found', detail: '' },
          { id: 'z', ...FAILURE },
        ],
        nextCursor: null,
      },
    });
    expect(await api.actOnLetters({ filter: FILTER, cursor: 'a' }, 'discard')).toMatchObject({
      value: { resolved: 500, failed: [{ id: 'z', ...FAILURE }], nextCursor: 'place' },
    });
    expect(sent).toEqual([
      { method: 'POST', path: '/v1/dead-letters/requeue', body: { ids: ['w', 'x'] } },
      {
        method: 'POST',
        path: '/v1/dead-letters/discard',
        body: { filter: { tenant: 'a&b' }, cursor: 'a' },
      },
    ]);
  });

  test('places what is wrong with a tried price by pointers into the price', async () => {
    const refuse: Send = async (_method, path) => ({
      ok: false,
      problem: {
        code: 'invalid_body',
        status: 422,
        detail: '',
        errors: [
          {
            pointer: path.endsWith('estimates') ? '/price/unitPrice' : '/entry/body/tiers/0/upTo',
            code: 'invalid_body',
            detail: 'No.',
          },
          { pointer: '/tenant', code: 'invalid_body', detail: 'No.' },
        ],
      },
    });
    const api = createMeteringApi(refuse);
    const price = {
      sku: 'a',
      unit: 'b',
      model: 'flat',
      price: '1',
      conversion: null,
      freeUnits: '0',
      minimum: null,
      maximum: null,
      discountPercent: '0',
      currency: 'EUR',
    } as const;
    const body = { ...price, validFrom: '2026-01-01T00:00:00Z', validTo: null };
    const previewed = await api.preview(
      { tenant: 'acme', from: 0, to: 1 },
      { kind: 'price', id: null, body },
    );
    const estimated = await api.estimate({ price, usage: [] });
    const pointers = [previewed, estimated].map((outcome) =>
      outcome.ok ? [] : outcome.problem.errors.map(({ pointer }) => pointer),
    );
    expect(pointers).toEqual([
      ['/tiers/0/upTo', '/tenant'],
      ['/unitPrice', '/tenant'],
    ]);
  });

  test('knows products by their sku and thresholds by their id, and puts them as others', async () => {
    const product = { sku: 'a/b', name: 'A', version: 1, createdAt: '' };
    const threshold = { id: 't', tenant: 'a', sku: 'b', unit: 'c', amount: '1', version: 1 };
    const { api, sent } = answering(product, product, threshold, { items: [] });
    await api.entry('product', 'a/b');
    const body = { sku: 'a/b', name: 'A' };
    const put = await api.put({ kind: 'product', id: 'a/b', body });
    expect(put).toMatchObject({ ok: true, value: { name: 'A' } });
    const { id: _id, version: _version, ...said } = threshold;
    await api.put({ kind: 'threshold', id: null, body: said });
    await api.events();
    expect(sent).toEqual([
      { method: 'GET', path: '/v1/products/a%2Fb', body: undefined },
      { method: 'PUT', path: '/v1/products/a%2Fb', body },
      { method: 'POST', path: '/v1/thresholds', body: said },
      { method: 'GET', path: '/v1/usage-events?limit=1000', body: undefined },
    ]);
  });

  test('an answer of another shape is a problem, not a page that breaks', async () => {
    const { api } = answering(
      ...[{}, { items: 1 }, null, { version: 1 }, { version: 1 }, { items: 0 }],
      { resolved: 1, failed: [{ id: 'x' }], nextCursor: null },
    );
    for (const ask of [
      api.overview,
      () => api.entries('product'),
      api.keys,
      () => api.entry('price', 'x'),
      () => api.entry('threshold', 'x'),
      api.events,
      () => api.actOnLetters({ filter: FILTER }, 'requeue'),
    ]) {
      expect(await ask()).toMatchObject({ ok: false, problem: { code: 'unreadable' } });
    }
  });
});
