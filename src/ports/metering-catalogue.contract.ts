/** The promises of the metering catalogue port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { entryChange, meteringAct } from '../../test/support/metering-catalogue-samples.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { EntryKind, MeteringCatalogue } from './metering-catalogue.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

const SETTINGS: LogSettings = {
  logId: 'pulses-1',
  partitions: 12,
  dedupWindowMs: 600_000,
  clockBoundMs: 2_000,
  acceptanceBoundMs: 5_000,
};
const KINDS = ['product', 'price', 'contract', 'threshold', 'api_key'] as const;
const RANDOM_RUNS = 40;
const RANDOM_TIMEOUT_MS = 180_000;

export function meteringCatalogueContract(
  name: string,
  create: CreateStore<MeteringCatalogue>,
  model: CreateStore<MeteringCatalogue>,
): void {
  describe(`metering catalogue contract: ${name}`, () => {
    let store: StoreUnderTest<MeteringCatalogue>;
    let first: MeteringCatalogue;
    let second: MeteringCatalogue;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    /** A handle of the life after a crash. */
    const reopened = async (): Promise<MeteringCatalogue> => {
      await store.crash();
      return store.open();
    };

    describe('log settings', () => {
      test('are minted by whoever comes first, for each log apart, and outlive a crash', async () => {
        const usage = { ...SETTINGS, logId: 'usage-1', partitions: 3 };
        expect(await first.mintLogSettings('resource-consumption', SETTINGS)).toEqual(SETTINGS);
        expect(await second.mintLogSettings('resource-usage', usage)).toEqual(usage);
        const other = { ...SETTINGS, logId: 'other', partitions: 1 };
        for (const open of [async () => second, async () => first, reopened]) {
          const handle = await open();
          expect(await handle.logSettings('resource-consumption')).toEqual(SETTINGS);
          expect(await handle.logSettings('resource-usage')).toEqual(usage);
          expect(await handle.mintLogSettings('resource-consumption', other)).toEqual(SETTINGS);
          expect(await handle.mintLogSettings('resource-usage', other)).toEqual(usage);
        }
      });

      test('that nobody has minted are not made by a question', async () => {
        expect(await first.logSettings('resource-usage')).toBeNull();
        expect(await first.mintLogSettings('resource-usage', SETTINGS)).toEqual(SETTINGS);
        expect(await second.logSettings('resource-consumption')).toBeNull();
      });

      test('proposed by many at once are those of one of them', async () => {
        const minted = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? first : second).mintLogSettings('resource-usage', {
              ...SETTINGS,
              logId: `log-${index}`,
            }),
          ),
        );
        expect(new Set(minted.map(({ logId }) => logId)).size).toBe(1);
      });
    });

    describe('an entry', () => {
      test('is not there before it was put', async () => {
        expect(await first.entries()).toEqual({ revision: 0, entries: [] });
        expect(await first.history('contract', 'c-1')).toEqual([]);
        expect(await first.revision()).toBe(0);
      });

      test('comes back to every handle as it was put, also after a crash', async () => {
        const body = '{"name":"Quem é? 🗳️ \\"\\\\ \\u0000","amount":"0.000000000000000001"}';
        const [kind, id] = ['product', 'sku/é 1'] as const;
        const change = entryChange({ kind, id, tenant: null, body });
        expect(await first.put(change)).toBe('stored');
        const stored = { kind, id, tenant: null, version: 1, body };
        for (const open of [async () => first, async () => second, reopened]) {
          const handle = await open();
          expect(await handle.entries()).toEqual({ revision: 1, entries: [stored] });
          expect(await handle.history(kind, id)).toEqual([stored]);
        }
      });

      test.each(KINDS)('of the kind %s is its own, whatever else has its id', async (kind) => {
        for (const each of KINDS) await first.put(entryChange({ kind: each, id: 'same' }));
        expect(await first.put(entryChange({ kind, id: 'same', expectedVersion: 1 }))).toBe(
          'stored',
        );
        const { entries } = await second.entries();
        expect(entries.map((entry) => [entry.kind, entry.version])).toEqual(
          [...KINDS].sort().map((each) => [each, each === kind ? 2 : 1]),
        );
      });

      test('is created once: a second creation is a conflict that changes nothing', async () => {
        await first.put(entryChange());
        expect(await second.put(entryChange({ body: '{"mine":1}' }))).toBe('conflict');
        expect((await first.history('contract', 'c-1')).map(({ body }) => body)).toEqual([
          '{"version":1}',
        ]);
        expect(await first.revision()).toBe(1);
        expect((await first.acts(null, null, 10)).acts).toHaveLength(1);
      });

      test('moves on only from the version that the change was decided on', async () => {
        await first.put(entryChange());
        expect(await second.put(entryChange({ expectedVersion: 1, body: 'theirs' }))).toBe(
          'stored',
        );
        for (const expectedVersion of [0, 1, 3]) {
          expect(await first.put(entryChange({ expectedVersion, body: 'mine' }))).toBe('conflict');
        }
        expect((await first.entries()).entries).toMatchObject([{ version: 2, body: 'theirs' }]);
        expect(await first.put(entryChange({ id: 'c-2', expectedVersion: 1 }))).toBe('conflict');
      });

      test('is put by one of many who decided on the same version', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? first : second).put(entryChange({ body: `{"by":${index}}` })),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
        expect(await first.history('contract', 'c-1')).toHaveLength(1);
        expect((await second.acts(null, null, 20)).acts).toHaveLength(1);
      });

      test('keeps every version, newest first, with the tenant that it had', async () => {
        await first.put(entryChange());
        await first.put(entryChange({ expectedVersion: 1, tenant: 'other' }));
        await second.put(entryChange({ id: 'c-2' }));
        await second.put(entryChange({ expectedVersion: 2, body: 'last' }));
        const history = await (await reopened()).history('contract', 'c-1');
        expect(history.map(({ version, tenant, body }) => [version, tenant, body])).toEqual([
          [3, 'acme', 'last'],
          [2, 'other', '{"version":2}'],
          [1, 'acme', '{"version":1}'],
        ]);
      });

      test('is listed once, in its newest version, in the order of kind and id', async () => {
        const ids = ['a', 'B', 'é', 'z', '\uffff', '🗳', 'a b', 'ab'];
        for (const id of ids) await first.put(entryChange({ id }));
        await first.put(entryChange({ kind: 'api_key', id: 'z' }));
        await first.put(entryChange({ id: 'z', expectedVersion: 1 }));
        const { revision, entries } = await second.entries();
        expect(revision).toBe(10);
        const expected = ['z', 'B', 'a', 'a b', 'ab', 'z', 'é', '\uffff', '🗳'];
        expect(entries.map(({ id }) => id)).toEqual(expected);
        expect(entries.filter(({ version }) => version === 2)).toHaveLength(1);
      });
    });

    describe('the revision', () => {
      test('rises by one with every change that was stored, and with nothing else', async () => {
        await first.put(entryChange());
        await second.put(entryChange({ id: 'c-2' }));
        expect(await first.put(entryChange())).toBe('conflict');
        await first.recordAct(meteringAct());
        await first.mintLogSettings('resource-usage', SETTINGS);
        expect(await first.revision()).toBe(2);
        expect(await (await reopened()).revision()).toBe(2);
      });

      test('that a change was decided on must still be the newest', async () => {
        expect(await first.put(entryChange({ expectedRevision: 1 }))).toBe('conflict');
        expect(await first.put(entryChange({ expectedRevision: 0 }))).toBe('stored');
        const overlapping = entryChange({ id: 'c-2', expectedRevision: 0 });
        expect(await second.put(overlapping)).toBe('conflict');
        expect((await second.entries()).entries).toHaveLength(1);
        expect((await second.acts(null, null, 9)).acts).toHaveLength(1);
        expect(await second.put({ ...overlapping, expectedRevision: 1 })).toBe('stored');
      });

      test('lets one of many changes of different entries through', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 ? first : second).put(
              entryChange({ id: `c-${index}`, expectedRevision: 0 }),
            ),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
        expect(await first.revision()).toBe(1);
      });

      test('and the entries are of one instant, beside changes', async () => {
        const changes = (async () => {
          for (let index = 0; index < 30; index += 1) {
            await first.put(entryChange({ id: `c-${index}` }));
          }
        })();
        const reads = (async () => {
          for (let seen = 0; seen < 30; ) {
            const { revision, entries } = await second.entries();
            expect(entries).toHaveLength(revision);
            seen = revision;
            await Promise.resolve();
          }
        })();
        await Promise.all([changes, reads]);
      });
    });

    describe('acts', () => {
      test('of a change and on their own are kept, last first, through a crash', async () => {
        const create = meteringAct({ act: 'create', detail: 'é "x"' });
        const requeued = meteringAct({
          at: 2_000,
          act: 'requeue',
          kind: 'dead_letter',
          id: 'ab'.repeat(32),
          tenant: null,
        });
        await first.put(entryChange({ act: create }));
        await second.recordAct(requeued);
        const all = { acts: [requeued, create], nextCursor: null };
        expect(await first.acts(null, null, 10)).toEqual(all);
        expect(await (await reopened()).acts(null, null, 10)).toEqual(all);
      });

      test('are listed by tenant, in pages that leave nothing out', async () => {
        const tenants = ['odd', 'even', null];
        for (let at = 1; at <= 9; at += 1) {
          await first.recordAct(meteringAct({ at, tenant: tenants[at % 3] ?? null }));
        }
        const one = await second.acts('even', null, 2);
        expect(one.acts.map(({ at }) => at)).toEqual([7, 4]);
        await first.recordAct(meteringAct({ at: 10, tenant: 'even' }));
        const two = await second.acts('even', one.nextCursor, 2);
        expect(two.acts.map(({ at }) => at)).toEqual([1]);
        expect(two.nextCursor).toBeNull();
        expect((await second.acts('none', null, 2)).acts).toEqual([]);
        const all = await second.acts(null, null, 4);
        expect(all.acts.map(({ at }) => at)).toEqual([10, 9, 8, 7]);
        const rest = await second.acts(null, all.nextCursor, 6);
        expect(rest.acts.map(({ at }) => at)).toEqual([6, 5, 4, 3, 2, 1]);
        expect(rest.nextCursor).toBeNull();
      });

      test('keep their order when a clock went back between them', async () => {
        await first.recordAct(meteringAct({ at: 2_000, act: 'void' }));
        await first.recordAct(meteringAct({ at: 1_000, act: 'amend' }));
        const { acts } = await first.acts(null, null, 2);
        expect(acts.map(({ act }) => act)).toEqual(['amend', 'void']);
      });

      test('stay as they were when the caller goes on with its objects', async () => {
        const act = { ...meteringAct() };
        await first.recordAct(act);
        act.actor = 'changed';
        expect((await second.acts(null, null, 1)).acts[0]?.actor).toBe('operator');
      });

      test.each(['x', '-1', '1.5', '', '9'.repeat(16)])('refuse the cursor %p', async (cursor) => {
        await expect(second.acts(null, cursor, 2)).rejects.toMatchObject({ code: 'invalid_query' });
      });
    });

    test('a handle may be disposed of twice, and leaves the others', async () => {
      await first[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      expect(await second.put(entryChange())).toBe('stored');
    });

    test(
      'any sequence of changes, acts and crashes gives what the model gives',
      async () => {
        const run = fc.asyncProperty(operations(), async (sequence) => {
          await using actual = await create();
          await using expected = await model();
          expect(await replay(actual, sequence)).toEqual(await replay(expected, sequence));
        });
        await fc.assert(run, { numRuns: RANDOM_RUNS });
      },
      RANDOM_TIMEOUT_MS,
    );
  });
}

type Operation = { readonly handle: number } & (
  | {
      readonly what: 'put';
      readonly kind: EntryKind;
      readonly id: string;
      readonly tenant: string | null;
      /** How far from the newest version and revision the change was decided; null: whatever the revision. */
      readonly versionShift: number;
      readonly revisionShift: number | null;
    }
  | { readonly what: 'act'; readonly tenant: string | null }
  | { readonly what: 'crash' }
);

function operations(): fc.Arbitrary<readonly Operation[]> {
  const handle = fc.nat(1);
  const tenant = fc.constantFrom(null, 'acme', 'other');
  // Mostly a change of the newest version; now and then one of an older or of none.
  const shift = fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 1) },
  );
  const put = fc.record({
    what: fc.constant('put' as const),
    handle,
    kind: fc.constantFrom<EntryKind>('product', 'contract'),
    id: fc.constantFrom('a', 'b', '🗳'),
    tenant,
    versionShift: shift,
    revisionShift: fc.option(shift, { nil: null }),
  });
  const act = fc.record({ what: fc.constant('act' as const), handle, tenant });
  const crash = fc.record({ what: fc.constant('crash' as const), handle });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: put },
      { weight: 2, arbitrary: act },
      { weight: 1, arbitrary: crash },
    ),
    { maxLength: 30 },
  );
}

/** Every answer on the way, and all that the store holds in the end. */
async function replay(
  store: StoreUnderTest<MeteringCatalogue>,
  sequence: readonly Operation[],
): Promise<unknown> {
  let handles = [await store.open(), await store.open()] as const;
  const answers: unknown[] = [];
  for (const [at, operation] of sequence.entries()) {
    const handle = handles[operation.handle === 0 ? 0 : 1];
    switch (operation.what) {
      case 'put': {
        const { kind, id, tenant, versionShift, revisionShift } = operation;
        const newest = (await handle.history(kind, id))[0]?.version ?? 0;
        const revision = await handle.revision();
        const expectedVersion = newest + versionShift;
        const expectedRevision = revisionShift === null ? null : revision + revisionShift;
        const act = meteringAct({ at, kind, id, tenant });
        const change = { kind, id, tenant, expectedVersion, expectedRevision, act };
        answers.push(await handle.put(entryChange({ ...change, body: `{"at":${at}}` })));
        break;
      }
      case 'act':
        await handle.recordAct(meteringAct({ at, tenant: operation.tenant }));
        break;
      case 'crash':
        await store.crash();
        handles = [await store.open(), await store.open()];
    }
    answers.push(await handles[1].entries());
  }
  const [handle] = handles;
  const histories = await Promise.all(['a', 'b', '🗳'].map((id) => handle.history('contract', id)));
  return [
    answers,
    histories,
    await handle.acts(null, null, 99),
    await handle.acts('acme', null, 9),
  ];
}
