import { expect, test } from 'bun:test';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { TurnedTime } from '../../../test/support/turned-time.ts';
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../adapters/memory/metering-catalogue.ts';
import type { Product } from '../../domain/metering/contract.ts';
import type { EntryKind } from '../../ports/metering-catalogue.ts';
import { CATALOGUE_REFRESH_MS, CatalogueView, type DecodeEntry } from './catalogue-view.ts';

const decode: DecodeEntry = (_kind, body) => JSON.parse(body);

class Room {
  readonly time = new TurnedTime();
  readonly catalogue = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  failure: Error | null = null;
  whole = 0;
  readonly view = new CatalogueView({
    clock: this.time.clock,
    decode,
    catalogue: {
      revision: async () => {
        if (this.failure !== null) throw this.failure;
        return this.catalogue.revision();
      },
      entries: async () => {
        this.whole += 1;
        return this.catalogue.entries();
      },
    },
  });

  put(sku: string, body: string, expectedVersion = 0, kind: EntryKind = 'product') {
    return this.catalogue.put({
      ...{ kind, id: sku, tenant: null, expectedVersion, expectedRevision: null, body },
      act: { at: 0, actor: 'operator', act: 'create', kind, id: sku, tenant: null, detail: null },
    });
  }

  product(sku: string, name: string, expectedVersion = 0) {
    const product: Product = { sku, name, version: expectedVersion + 1, createdAt: 0 };
    return this.put(sku, JSON.stringify(product), expectedVersion);
  }
}

test('shows nothing, and of no age, before it was read', () => {
  const { view } = new Room();
  expect(view.revision).toBe(-1);
  expect(view.ageMs).toBe(Number.POSITIVE_INFINITY);
  expect(view.get('product', 'cpu')).toBeNull();
  expect(view.all('api_key')).toEqual([]);
});

test('shows the newest version of every entry, in order', async () => {
  const room = new Room();
  await room.product('ram', 'Memory');
  await room.product('cpu', 'Processor');
  await room.product('cpu', 'Processor time', 1);
  expect(await room.view.refresh()).toBe('changed');
  expect(room.view.revision).toBe(3);
  expect(room.view.all('product').map(({ name }) => name)).toEqual(['Processor time', 'Memory']);
  expect(room.view.get('product', 'ram')?.name).toBe('Memory');
});

test('reads the catalogue whole only where it has changed, and says so to who listens', async () => {
  const room = new Room();
  let told = 0;
  const stop = room.view.onChange(() => {
    told += 1;
  });
  await room.product('cpu', 'Processor');
  await room.view.refresh();
  expect(await room.view.refresh()).toBe('unchanged');
  expect([room.whole, told]).toEqual([1, 1]);
  stop();
  await room.product('ram', 'Memory');
  await room.view.refresh();
  expect([room.whole, told]).toEqual([2, 1]);
});

test('goes on with the last known while the catalogue is away, and says how old that is', async () => {
  const room = new Room();
  await room.product('cpu', 'Processor');
  await room.view.refresh();
  room.failure = new Error('away');
  room.time.pass(5_000);
  await expect(room.view.refresh()).rejects.toThrow('away');
  expect(room.view.get('product', 'cpu')?.name).toBe('Processor');
  expect(room.view.ageMs).toBe(5_000);
  room.failure = null;
  await room.view.refresh();
  expect(room.view.ageMs).toBe(0);
});

test('of several refreshes under way none shows what is older than another has shown', async () => {
  const room = new Room();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  let asked = 0;
  const view = new CatalogueView({
    clock: room.time.clock,
    decode,
    catalogue: {
      revision: () => room.catalogue.revision(),
      entries: async () => {
        const read = await room.catalogue.entries();
        asked += 1;
        if (asked === 1) await answered;
        return read;
      },
    },
  });
  await room.product('cpu', 'Processor');
  const first = view.refresh();
  await settled();
  await room.product('cpu', 'Processor time', 1);
  const second = view.refresh();
  await settled();
  answer();
  expect(await Promise.all([first, second])).toEqual(['changed', 'changed']);
  expect([view.revision, view.get('product', 'cpu')?.name]).toEqual([2, 'Processor time']);
});

test('an entry that can not be read changes nothing of what is shown', async () => {
  const room = new Room();
  await room.product('cpu', 'Processor');
  await room.view.refresh();
  await room.put('bad', 'no JSON');
  await expect(room.view.refresh()).rejects.toThrow();
  expect(room.view.revision).toBe(1);
  expect(room.view.all('product').length).toBe(1);
});

test('follows until it is told to stop, and tells of a trouble once', async () => {
  const room = new Room();
  const troubles: unknown[] = [];
  const stop = new AbortController();
  const ended = room.view.follow(stop.signal, {
    sleep: room.time.sleep,
    onTrouble: (error) => troubles.push(error),
  });
  await settled();
  expect(room.view.revision).toBe(0);
  room.failure = new Error('away');
  await room.time.turnsFor(3 * CATALOGUE_REFRESH_MS);
  expect(troubles).toEqual([room.failure]);
  room.failure = null;
  await room.product('cpu', 'Processor');
  await room.time.turnsFor(CATALOGUE_REFRESH_MS + 50);
  expect(room.view.revision).toBe(1);
  room.failure = new Error('again');
  await room.time.turnsFor(2 * CATALOGUE_REFRESH_MS);
  expect(troubles.length).toBe(2);
  stop.abort();
  await ended;
});
