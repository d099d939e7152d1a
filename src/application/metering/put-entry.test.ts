import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { MeteringWorks } from '../../../test/support/metering-works.ts';
import type { EntryChange, EntryKind } from '../../ports/metering-catalogue.ts';
import { ApiKeys } from './api-keys.ts';
import { createApiKey, revokeApiKey } from './manage-api-keys.ts';
import { ATTEMPTS_MAX, putEntry } from './put-entry.ts';

const PRICE = {
  sku: 'disk',
  unit: 'GiB',
  currency: 'EUR',
  model: 'per_unit',
  unitPrice: '2',
  validFrom: '2026-01-01T00:00:00Z',
};
const CONTRACT = { tenant: 'acme', currency: 'EUR', validFrom: '2026-01-01T00:00:00Z' };
const THRESHOLD = { tenant: 'acme', sku: 'disk', unit: 'GiB', amount: '10' };
const KEY = { tenant: 'acme', name: 'meter', scopes: ['ingest'] };
const actor = 'ann';

const roomAt = (): MeteringWorks => new MeteringWorks('2026-03-10');

function depsOf(room: MeteringWorks) {
  const { catalogue, view, clock } = room;
  return { catalogue, view, clock, newId: () => 'made' };
}

async function actsOf(room: MeteringWorks): Promise<readonly string[]> {
  const { acts } = await room.useCases.acts(null, null, 100);
  return acts.map(
    ({ actor: who, act, kind, id, tenant, detail }) =>
      `${who} ${act} ${kind} ${id} ${tenant} ${detail}`,
  );
}

test("an entry is made once, under the id that it names or one of the server's making", async () => {
  const room = roomAt();
  const { useCases } = room;
  const named = { kind: 'contract', id: null, body: { ...CONTRACT, id: 'gold' }, actor } as const;
  const made = await useCases.putEntry(named);
  expect(made).toMatchObject({
    kind: 'ok',
    entry: { id: 'gold', tenant: 'acme', version: 1, createdAt: room.clock.now() },
  });
  expect(await useCases.putEntry(named)).toEqual({ kind: 'version_conflict', version: 1 });
  const unnamed = await useCases.putEntry({ kind: 'threshold', id: null, body: THRESHOLD, actor });
  expect(unnamed).toMatchObject({ entry: { id: expect.stringMatching(/^[a-z0-9]{10}$/) } });
  const product = { sku: 'disk', name: 'Disk' };
  expect(
    await useCases.putEntry({ kind: 'product', id: null, body: product, actor }),
  ).toMatchObject({ kind: 'ok', entry: { sku: 'disk', name: 'Disk', version: 1 } });
  expect(await useCases.entry('product', 'disk')).toEqual({
    ...{ sku: 'disk', name: 'Disk', version: 1, createdAt: room.clock.now() },
  });
  expect((await actsOf(room)).at(-1)).toBe('ann create contract gold acme null');
});

test('a change replaces the whole entry, keeps its history, and says what it changed', async () => {
  const room = roomAt();
  const { useCases } = room;
  await useCases.putEntry({ kind: 'price', id: null, body: { ...PRICE, id: 'list' }, actor });
  room.clock.advance(1_000);
  const body = { ...PRICE, unitPrice: '3', minimum: '5.00', expectedVersion: 1 };
  const changed = await useCases.putEntry({ kind: 'price', id: 'list', body, actor: 'bob' });
  expect(changed).toMatchObject({ kind: 'ok', entry: { version: 2 } });
  expect(await useCases.putEntry({ kind: 'price', id: 'list', body, actor })).toEqual({
    kind: 'version_conflict',
    version: 2,
  });
  const history = await useCases.entryHistory('price', 'list');
  expect(history.map(({ version, createdAt }) => [version, createdAt])).toEqual([
    [2, room.clock.now() - 1_000],
    [1, room.clock.now() - 1_000],
  ]);
  expect((await actsOf(room))[0]).toBe('bob update price list null minimum, model');
});

test('a body that is wrong changes nothing, and an id that nobody has is not found', async () => {
  const room = roomAt();
  const { useCases } = room;
  const wrong = await useCases.putEntry({ kind: 'product', id: null, body: { sku: '' }, actor });
  expect(wrong).toMatchObject({ kind: 'invalid' });
  const body = THRESHOLD;
  expect(await useCases.putEntry({ kind: 'threshold', id: 'none', body, actor })).toEqual({
    kind: 'not_found',
  });
  expect(await useCases.entry('threshold', 'none')).toBeNull();
  expect(await room.catalogue.revision()).toBe(0);
});

test('what an entry is known by never changes', async () => {
  const { useCases } = roomAt();
  await useCases.putEntry({ kind: 'contract', id: null, body: { ...CONTRACT, id: 'gold' }, actor });
  await useCases.putEntry({ kind: 'threshold', id: null, body: { ...THRESHOLD, id: 't' }, actor });
  await useCases.putEntry({ kind: 'product', id: null, body: { sku: 'disk', name: 'D' }, actor });
  const moved = { ...CONTRACT, tenant: 'zoo' };
  expect(await useCases.putEntry({ kind: 'contract', id: 'gold', body: moved, actor })).toEqual({
    kind: 'invalid',
    problems: [{ pointer: '/tenant', code: 'invalid_body', detail: 'Must stay "acme".' }],
  });
  const other = { ...THRESHOLD, tenant: 'zoo' };
  expect(await useCases.putEntry({ kind: 'threshold', id: 't', body: other, actor })).toMatchObject(
    { problems: [{ pointer: '/tenant' }] },
  );
  const sku = { sku: 'ram', name: 'D' };
  expect(await useCases.putEntry({ kind: 'product', id: 'disk', body: sku, actor })).toMatchObject({
    problems: [{ pointer: '/sku' }],
  });
});

test('contracts of one tenant, and prices of one product, never overlap', async () => {
  const { useCases } = roomAt();
  const put = (kind: 'contract' | 'price', body: object, id: string | null = null) =>
    useCases.putEntry({ kind, id, body, actor });
  await put('contract', { ...CONTRACT, id: 'gold', validTo: '2026-06-01T00:00:00Z' });
  await put('price', { ...PRICE, id: 'list' });
  expect(await put('contract', { ...CONTRACT, validFrom: '2026-05-01T00:00:00Z' })).toEqual({
    kind: 'overlap',
    with: 'gold',
  });
  expect(await put('price', PRICE)).toEqual({ kind: 'overlap', with: 'list' });
  expect(await put('price', { ...PRICE, currency: 'USD' })).toMatchObject({ kind: 'ok' });
  expect(await put('contract', { ...CONTRACT, tenant: 'zoo' })).toMatchObject({ kind: 'ok' });
  const next = { ...CONTRACT, id: 'next', validFrom: '2026-06-01T00:00:00Z' };
  expect(await put('contract', next)).toMatchObject({ kind: 'ok' });
  expect(await put('contract', CONTRACT, 'gold')).toEqual({ kind: 'overlap', with: 'next' });
});

test('of two contracts that are put at once one is refused, because the other was stored between', async () => {
  const room = roomAt();
  const deps = depsOf(room);
  let raced = false;
  const racing = {
    ...deps,
    catalogue: {
      put: async <Kind extends EntryKind>(change: EntryChange<Kind>) => {
        if (!raced) {
          raced = true;
          const other = { kind: 'contract', id: null, body: { ...CONTRACT, id: 'quick' }, actor };
          await putEntry(deps, { ...other, kind: 'contract' });
        }
        return room.catalogue.put(change);
      },
    },
  };
  const slow = { kind: 'contract', id: null, body: { ...CONTRACT, id: 'slow' }, actor } as const;
  expect(await putEntry(racing, slow)).toEqual({ kind: 'overlap', with: 'quick' });
  expect((await room.useCases.entries('contract', null)).map(({ id }) => id)).toEqual(['quick']);
});

test("a change that somebody else's change came before is decided again on what they have stored", async () => {
  const room = roomAt();
  const deps = depsOf(room);
  await putEntry(deps, { kind: 'product', id: null, body: { sku: 'disk', name: 'A' }, actor });
  let races = 1;
  const racing = {
    ...deps,
    catalogue: {
      put: async <Kind extends EntryKind>(change: EntryChange<Kind>) => {
        if (races > 0) {
          races -= 1;
          const body = { sku: 'disk', name: 'B' };
          await putEntry(deps, { kind: 'product', id: 'disk', body, actor });
        }
        return room.catalogue.put(change);
      },
    },
  };
  const body = { sku: 'disk', name: 'C' };
  const change = { kind: 'product', id: 'disk', body, actor } as const;
  expect(await putEntry(racing, change)).toMatchObject({ entry: { name: 'C', version: 3 } });
  races = 1;
  const named = { ...change, body: { ...body, expectedVersion: 3 } };
  expect(await putEntry(racing, named)).toEqual({ kind: 'version_conflict', version: 4 });
  races = ATTEMPTS_MAX;
  expect(await putEntry(racing, change)).toMatchObject({ kind: 'version_conflict' });
});

test('entries are listed by id, for one tenant without those of others', async () => {
  const { useCases } = roomAt();
  for (const [id, tenant] of [
    ['b', 'acme'],
    ['a', 'acme'],
    ['c', 'zoo'],
  ] as const) {
    await useCases.putEntry({
      kind: 'threshold',
      id: null,
      body: { ...THRESHOLD, id, tenant },
      actor,
    });
  }
  await useCases.putEntry({ kind: 'product', id: null, body: { sku: 'disk', name: 'D' }, actor });
  const idsOf = async (tenant: string | null) =>
    (await useCases.entries('threshold', tenant)).map(({ id }) => id);
  expect(await idsOf(null)).toEqual(['a', 'b', 'c']);
  expect(await idsOf('acme')).toEqual(['a', 'b']);
  expect(await useCases.entries('product', 'acme')).toHaveLength(1);
});

test("a key's secret is shown once and opens its tenant; only its digest is kept", async () => {
  const room = roomAt();
  const { useCases, view, clock } = room;
  const made = await useCases.createApiKey({ body: KEY, actor });
  if (made.kind !== 'ok') throw new Error(made.kind);
  const { secret, entry } = made;
  expect(secret).toMatch(/^apura_[a-z0-9]{10}_[A-Za-z0-9_-]{43}$/);
  expect(entry).toMatchObject({ tenant: 'acme', scopes: ['ingest'], revokedAt: null, version: 1 });
  const bare = secret.slice(secret.indexOf('_', 6) + 1);
  const digest = createHash('sha256').update(bare).digest('hex');
  const [stored] = (await room.catalogue.entries()).entries;
  expect(stored?.body).toContain(digest);
  expect(stored?.body).not.toContain(bare);
  const shown = [
    await useCases.entry('api_key', entry.id),
    await useCases.entries('api_key', 'acme'),
    await useCases.entryHistory('api_key', entry.id),
    entry,
  ];
  expect(JSON.stringify(shown)).not.toContain('ecret');
  await view.refresh();
  const keys = new ApiKeys({
    view,
    clock,
    matchesSha256: (text, sha256) => createHash('sha256').update(text).digest('hex') === sha256,
    tryOperatorToken: () => ({ kind: 'wrong' }),
  });
  expect(keys.identify(secret, '::1')).toMatchObject({ kind: 'caller' });
  expect(await useCases.revokeApiKey({ id: entry.id, actor: 'bob' })).toMatchObject({
    kind: 'ok',
    entry: { revokedAt: clock.now(), version: 2 },
  });
  await view.refresh();
  expect(keys.identify(secret, '::1')).toEqual({ kind: 'unauthorized', why: 'revoked' });
  expect(await actsOf(room)).toEqual([
    `bob revoke api_key ${entry.id} acme meter`,
    `ann create api_key ${entry.id} acme meter`,
  ]);
});

test('revoking a key again changes nothing, and an unknown one is not found', async () => {
  const room = roomAt();
  const { useCases } = room;
  expect(await useCases.revokeApiKey({ id: 'none', actor })).toEqual({ kind: 'not_found' });
  const made = await useCases.createApiKey({ body: KEY, actor });
  if (made.kind !== 'ok') throw new Error(made.kind);
  const { id } = made.entry;
  const first = await useCases.revokeApiKey({ id, actor });
  room.clock.advance(1_000);
  expect(await useCases.revokeApiKey({ id, actor })).toEqual(first);
  expect(await useCases.createApiKey({ body: { ...KEY, scopes: [] }, actor })).toMatchObject({
    kind: 'invalid',
  });
  const deps = { ...depsOf(room), newSecret: () => 's', secretSha256: () => '0'.repeat(64) };
  await createApiKey(deps, { body: KEY, actor });
  expect(await createApiKey(deps, { body: KEY, actor })).toEqual({
    kind: 'version_conflict',
    version: 1,
  });
  const put = async () => 'conflict' as const;
  const lost = { ...deps, catalogue: { put } };
  expect(await revokeApiKey({ ...lost, view: room.view }, { id: 'made', actor })).toEqual({
    kind: 'version_conflict',
    version: 1,
  });
});
