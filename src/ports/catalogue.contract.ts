/** The promises of the catalogue port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  sampleAct,
  sampleChange,
  sampleImage,
  samplePoll,
} from '../../test/support/catalogue-samples.ts';
import type { ConsistencyRecord } from '../domain/counting/consistency-record.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { ErrorCode } from '../domain/error-codes.ts';
import { ApuraError } from '../domain/errors.ts';
import { ACT_NAMES, type Catalogue } from './catalogue.ts';
import type { CreateStore, StoreUnderTest } from './store-under-test.ts';

const SETTINGS: LogSettings = {
  logId: 'log-1',
  partitions: 12,
  dedupWindowMs: 600_000,
  clockBoundMs: 2_000,
  acceptanceBoundMs: 5_000,
};
const SECOND: LogSettings = { ...SETTINGS, logId: 'log-2', partitions: 24, dedupWindowMs: 1 };
const REPORT: ConsistencyRecord = {
  logId: 'log-1',
  state: 'different',
  checkedAt: 1_795_000_000_000,
  reportedAt: 1_795_000_000_500,
  detail: 'tally and ledger "differ"',
  differences: 3,
  partitions: [{ partition: 1, end: 9, tally: 8, ledger: 2 ** 40 }],
  alarms: ['Retention nears the ledger.', 'é'],
};
const FIRST_REPORT: ConsistencyRecord = {
  ...REPORT,
  state: 'checking',
  checkedAt: null,
  detail: null,
  differences: 0,
  partitions: [],
  alarms: [],
};
const RANDOM_RUNS = 40;
const RANDOM_TIMEOUT_MS = 180_000;

export function catalogueContract(
  name: string,
  create: CreateStore<Catalogue>,
  model: CreateStore<Catalogue>,
): void {
  describe(`catalogue contract: ${name}`, () => {
    let store: StoreUnderTest<Catalogue>;
    let first: Catalogue;
    let second: Catalogue;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    /** A handle of the life after a crash. */
    const reopened = async (): Promise<Catalogue> => {
      await store.crash();
      return store.open();
    };

    describe('log settings', () => {
      test('are minted by whoever comes first, and are the same for all who follow', async () => {
        expect(await first.mintLogSettings(SETTINGS)).toEqual(SETTINGS);
        const other = { ...SETTINGS, logId: 'log-2', partitions: 1 };
        expect(await second.mintLogSettings(other)).toEqual(SETTINGS);
        expect(await first.mintLogSettings(other)).toEqual(SETTINGS);
      });

      test('outlive a crash', async () => {
        await first.mintLogSettings(SETTINGS);
        const handle = await reopened();
        expect(await handle.mintLogSettings({ ...SETTINGS, logId: 'log-2' })).toEqual(SETTINGS);
      });
    });

    describe('the logs of an installation', () => {
      test('are none before the first is minted, and then that one', async () => {
        expect(await first.logs()).toEqual([]);
        await first.mintLogSettings(SETTINGS);
        expect(await second.logs()).toEqual([SETTINGS]);
      });

      test('are listed oldest first, the same to every handle and through a crash', async () => {
        const third = { ...SECOND, logId: 'a' };
        await first.mintLogSettings(SETTINGS);
        expect(await second.addLog(SECOND)).toBe('added');
        expect(await first.addLog(third)).toBe('added');
        for (const handle of [first, second]) {
          expect(await handle.logs()).toEqual([SETTINGS, SECOND, third]);
        }
        expect(await (await reopened()).logs()).toEqual([SETTINGS, SECOND, third]);
      });

      test('hold each log once: a known one is not added, and keeps its settings', async () => {
        await first.mintLogSettings(SETTINGS);
        await first.addLog(SECOND);
        for (const known of [SETTINGS, SECOND]) {
          expect(await second.addLog({ ...known, partitions: 99 })).toBe('known');
        }
        expect(await second.logs()).toEqual([SETTINGS, SECOND]);
      });

      test('keep their first one, whatever is added', async () => {
        expect(await first.addLog(SETTINGS)).toBe('added');
        await first.addLog(SECOND);
        expect(await second.mintLogSettings(SECOND)).toEqual(SETTINGS);
        expect(await second.logs()).toEqual([SETTINGS, SECOND]);
      });

      test('that many add at once get a generation each, and one log one only', async () => {
        await first.mintLogSettings(SETTINGS);
        const ids = ['b', 'c', 'b', 'd', 'c', 'e', 'b', 'd'];
        const outcomes = await Promise.all(
          ids.map((logId, n) => (n % 2 ? first : second).addLog({ ...SECOND, logId })),
        );
        expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(4);
        const logs = (await first.logs()).map(({ logId }) => logId);
        expect(logs[0]).toBe('log-1');
        expect(logs.toSorted()).toEqual(['b', 'c', 'd', 'e', 'log-1']);
      });
    });

    describe('a consistency report', () => {
      test('that nobody made is null', async () => {
        await first.putConsistency({ ...REPORT, logId: 'log-2' });
        expect(await second.consistency('log-1')).toBeNull();
      });

      test('comes back as it was made, in place of the one before, a log', async () => {
        const other = { ...FIRST_REPORT, logId: 'log-2' };
        await first.putConsistency(FIRST_REPORT);
        await first.putConsistency(other);
        expect(await second.consistency('log-1')).toEqual(FIRST_REPORT);
        await second.putConsistency(REPORT);
        expect(await first.consistency('log-1')).toEqual(REPORT);
        expect(await first.consistency('log-2')).toEqual(other);
        expect(await (await reopened()).consistency('log-1')).toEqual(REPORT);
      });
    });

    test('its own clock, where it has one, tells the time', async () => {
      const before = Date.now();
      const now = await first.now();
      if (now === null) return;
      // The store under test is on this machine; another way of reading its clock may round.
      expect(now).toBeGreaterThanOrEqual(before - 1);
      expect(now).toBeLessThanOrEqual(Date.now() + 1);
    });

    describe('a poll', () => {
      test('that nobody stored is null', async () => {
        expect(await first.poll('final')).toBeNull();
        expect(await first.polls(null, 10)).toEqual({ polls: [], nextCursor: null });
      });

      test('comes back to every handle as it was stored, with everything in it', async () => {
        const poll = samplePoll({
          title: 'Quem sai? 🗳️ "é" \\',
          options: [
            { id: 'ana-julia', name: 'Ana Júlia', imageUrl: `/v1/images/${'0'.repeat(64)}` },
            { id: 'b', name: '李', imageUrl: null },
          ],
          opensAt: 1_795_000_000_000,
          closesAt: 1_795_000_600_000,
          state: 'scheduled',
          look: { accentColor: '#00ff7f', logoUrl: '/assets/logo.svg' },
        });
        expect(await first.putPoll(sampleChange(poll))).toBe('stored');
        expect(await first.poll('final')).toEqual(poll);
        expect(await second.poll('final')).toEqual(poll);
        expect(await (await reopened()).poll('final')).toEqual(poll);
      });

      test('is created once: a second creation is a conflict that changes nothing', async () => {
        await first.putPoll(sampleChange(samplePoll()));
        const again = sampleChange(samplePoll({ title: 'Mine' }), { image: sampleImage() });
        expect(await second.putPoll(again)).toBe('conflict');
        expect(await first.poll('final')).toEqual(samplePoll());
        expect((await first.acts(null, null, 10)).acts).toHaveLength(1);
        expect(await first.unpublished()).toHaveLength(1);
        expect(await first.image(sampleImage().sha256)).toBeNull();
      });

      test('moves on only from the version that the change was decided on', async () => {
        await first.putPoll(sampleChange(samplePoll()));
        const mine = samplePoll({ version: 2, title: 'Mine' });
        const theirs = samplePoll({ version: 2, title: 'Theirs' });
        expect(await second.putPoll(sampleChange(theirs))).toBe('stored');
        expect(await first.putPoll(sampleChange(mine))).toBe('conflict');
        expect(await first.poll('final')).toEqual(theirs);
        const leap = samplePoll({ version: 4 });
        expect(await first.putPoll(sampleChange(leap))).toBe('conflict');
        expect(await first.poll('final')).toEqual(theirs);
      });

      test('that is changed before it was created is a conflict', async () => {
        expect(await first.putPoll(sampleChange(samplePoll({ version: 2 })))).toBe('conflict');
        expect(await first.poll('final')).toBeNull();
      });

      test('is not touched by a change of another', async () => {
        await first.putPoll(sampleChange(samplePoll()));
        await first.putPoll(sampleChange(samplePoll({ id: 'semi', title: 'Semi' })));
        expect(await second.poll('final')).toEqual(samplePoll());
      });

      test('keeps what was stored when the caller goes on with its objects', async () => {
        const image = sampleImage();
        const option = { id: 'ana', name: 'Ana', imageUrl: null };
        const poll = samplePoll({ options: [option, { ...option, id: 'bruno' }] });
        await first.putPoll(sampleChange(poll, { image }));
        option.name = 'Changed';
        image.bytes.fill(7);
        expect((await second.poll('final'))?.options[0]?.name).toBe('Ana');
        expect((await second.image(image.sha256))?.bytes).toEqual(sampleImage().bytes);
      });
    });

    describe('the list of polls', () => {
      beforeEach(async () => {
        const times = { c: 3_000, a: 1_000, d: 3_000, b: 2_000, e: 3_000 };
        for (const [id, createdAt] of Object.entries(times)) {
          await first.putPoll(sampleChange(samplePoll({ id, createdAt })));
        }
      });

      const ids = async (cursor: string | null, limit: number) => {
        const page = await second.polls(cursor, limit);
        return { ids: page.polls.map(({ id }) => id).join(''), nextCursor: page.nextCursor };
      };

      test('goes from the newest to the oldest, by id where they are equally new', async () => {
        expect(await ids(null, 10)).toEqual({ ids: 'cdeba', nextCursor: null });
        expect(await ids(null, 5)).toEqual({ ids: 'cdeba', nextCursor: null });
      });

      test('comes in pages that leave nothing out and repeat nothing', async () => {
        const one = await ids(null, 2);
        const two = await ids(one.nextCursor, 2);
        const three = await ids(two.nextCursor, 2);
        expect([one.ids, two.ids, three.ids]).toEqual(['cd', 'eb', 'a']);
        expect(three.nextCursor).toBeNull();
      });

      test('a page goes on behind its cursor though newer polls were made meanwhile', async () => {
        const { nextCursor } = await ids(null, 3);
        await first.putPoll(sampleChange(samplePoll({ id: 'f', createdAt: 4_000 })));
        expect((await ids(nextCursor, 10)).ids).toBe('ba');
      });

      test('holds each poll once, in its newest version', async () => {
        await first.putPoll(sampleChange(samplePoll({ id: 'a', version: 2, title: 'New' })));
        const { polls } = await second.polls(null, 10);
        expect(polls.map(({ title }) => title).filter((title) => title === 'New')).toHaveLength(1);
        expect(polls).toHaveLength(5);
      });

      test.each(['x', '1000', '1000.A_', "1.' OR 1=1 --"])(
        'refuses the cursor %p',
        async (cursor) => {
          await expectCode('invalid_query', second.polls(cursor, 2));
        },
      );
    });

    describe('versions that the log does not have yet', () => {
      const versionsOf = async (handle: Catalogue) =>
        (await handle.unpublished()).map(({ id, version }) => `${id} ${version}`);

      beforeEach(async () => {
        await first.putPoll(sampleChange(samplePoll()));
        await first.putPoll(sampleChange(samplePoll({ id: 'semi' })));
        await first.putPoll(sampleChange(samplePoll({ version: 2, title: 'Two' })));
      });

      test('are all there, a poll’s in order, also after a crash', async () => {
        expect(await versionsOf(second)).toEqual(['final 1', 'semi 1', 'final 2']);
        const handle = await reopened();
        expect(await versionsOf(handle)).toEqual(['final 1', 'semi 1', 'final 2']);
        expect((await handle.unpublished())[2]?.title).toBe('Two');
      });

      test('are gone once confirmed, and no others', async () => {
        await first.markPublished('final', 1);
        expect(await versionsOf(second)).toEqual(['semi 1', 'final 2']);
        await second.markPublished('final', 2);
        await second.markPublished('final', 2);
        expect(await versionsOf(first)).toEqual(['semi 1']);
        expect(await versionsOf(await reopened())).toEqual(['semi 1']);
      });

      test('are confirmed together with all before them', async () => {
        await first.markPublished('final', 2);
        expect(await versionsOf(first)).toEqual(['semi 1']);
      });

      test('stay the newest for readers when they are confirmed', async () => {
        await first.markPublished('final', 2);
        expect((await first.poll('final'))?.version).toBe(2);
      });
    });

    describe('images', () => {
      test('come in with the poll that shows them, byte by byte', async () => {
        const image = sampleImage();
        await first.putPoll(sampleChange(samplePoll(), { image }));
        expect(await second.image(image.sha256)).toEqual(image);
        expect(await second.image('cd'.repeat(32))).toBeNull();
        expect(await (await reopened()).image(image.sha256)).toEqual(image);
      });

      test('of the same digest are stored once', async () => {
        const image = sampleImage();
        await first.putPoll(sampleChange(samplePoll(), { image }));
        const again = sampleChange(samplePoll({ version: 2 }), { image });
        expect(await first.putPoll(again)).toBe('stored');
        expect(await second.image(image.sha256)).toEqual(image);
      });

      test('stay when no poll shows them any more', async () => {
        const image = sampleImage();
        await first.putPoll(sampleChange(samplePoll(), { image }));
        await first.putPoll(sampleChange(samplePoll({ version: 2 })));
        expect(await second.image(image.sha256)).toEqual(image);
      });
    });

    describe('acts', () => {
      test('of a change and on their own are kept, newest first, through a crash', async () => {
        const create = sampleAct({ detail: 'Who wins?' });
        const exported = sampleAct({ at: 2_000, act: 'export', actor: 'auditor' });
        await first.putPoll(sampleChange(samplePoll(), { act: create }));
        await second.recordAct(exported);
        const all = { acts: [exported, create], nextCursor: null };
        expect(await first.acts(null, null, 10)).toEqual(all);
        expect(await (await reopened()).acts(null, null, 10)).toEqual(all);
      });

      test('are listed by poll, in pages that leave nothing out', async () => {
        for (let at = 1; at <= 6; at += 1) {
          await first.recordAct(sampleAct({ at, poll: at % 2 === 0 ? 'even' : 'odd' }));
        }
        const one = await second.acts('even', null, 2);
        expect(one.acts.map(({ at }) => at)).toEqual([6, 4]);
        await first.recordAct(sampleAct({ at: 8, poll: 'even' }));
        const two = await second.acts('even', one.nextCursor, 2);
        expect(two.acts.map(({ at }) => at)).toEqual([2]);
        expect(two.nextCursor).toBeNull();
        expect((await second.acts('none', null, 2)).acts).toEqual([]);
        const all = await second.acts(null, null, 3);
        expect(all.acts.map(({ at }) => at)).toEqual([8, 6, 5]);
        expect((await second.acts(null, all.nextCursor, 9)).acts.map(({ at }) => at)).toEqual([
          4, 3, 2, 1,
        ]);
      });

      test('keep their order when a clock went back between them', async () => {
        await first.recordAct(sampleAct({ at: 2_000, act: 'open' }));
        await first.recordAct(sampleAct({ at: 1_000, act: 'close' }));
        const { acts } = await first.acts(null, null, 2);
        expect(acts.map(({ act }) => act)).toEqual(['close', 'open']);
      });

      test.each(ACT_NAMES)('may be called %s', async (act) => {
        await first.recordAct(sampleAct({ act }));
        expect((await second.acts('final', null, 1)).acts[0]?.act).toBe(act);
      });

      test.each(['x', '-1', '1.5', ''])('refuse the cursor %p', async (cursor) => {
        await expectCode('invalid_query', second.acts(null, cursor, 2));
      });
    });

    test('a handle may be disposed of twice', async () => {
      await first[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      expect(await second.poll('final')).toBeNull();
    });

    test(
      'any sequence of changes, confirmations and crashes gives what the model gives',
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

type Operation =
  | { readonly kind: 'put'; readonly id: string; readonly shift: number; readonly image: number }
  | { readonly kind: 'mark'; readonly id: string; readonly version: number }
  | { readonly kind: 'act'; readonly id: string }
  | { readonly kind: 'crash' };

function operations(): fc.Arbitrary<readonly (Operation & { readonly handle: number })[]> {
  const id = fc.constantFrom('a', 'b', 'c');
  const handle = fc.nat(1);
  // Mostly a change of the newest version; now and then one of an older or of none.
  const shift = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 1) },
  );
  const put = fc.record({
    kind: fc.constant('put' as const),
    handle,
    id,
    shift,
    image: fc.nat(2),
  });
  const mark = fc.record({ kind: fc.constant('mark' as const), handle, id, version: fc.nat(6) });
  const act = fc.record({ kind: fc.constant('act' as const), handle, id });
  const crash = fc.record({ kind: fc.constant('crash' as const), handle });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: put },
      { weight: 3, arbitrary: mark },
      { weight: 1, arbitrary: act },
      { weight: 1, arbitrary: crash },
    ),
    { maxLength: 30 },
  );
}

/** Every answer on the way, and all that the store holds in the end. */
async function replay(
  store: StoreUnderTest<Catalogue>,
  sequence: readonly (Operation & { readonly handle: number })[],
): Promise<unknown> {
  let handles = [await store.open(), await store.open()] as const;
  const answers: unknown[] = [];
  for (const [at, operation] of sequence.entries()) {
    const handle = handles[operation.handle === 0 ? 0 : 1];
    switch (operation.kind) {
      case 'put': {
        const { id, shift, image } = operation;
        const expectedVersion = ((await handle.poll(id))?.version ?? 0) + shift;
        const poll = samplePoll({ id, version: expectedVersion + 1, updatedAt: at, createdAt: 9 });
        const sha256 = `${image}`.repeat(64);
        const change = { expectedVersion, image: image === 0 ? null : sampleImage({ sha256 }) };
        if (expectedVersion >= 0) answers.push(await handle.putPoll(sampleChange(poll, change)));
        break;
      }
      case 'mark':
        await handle.markPublished(operation.id, operation.version);
        break;
      case 'act':
        await handle.recordAct(sampleAct({ at, poll: operation.id }));
        break;
      case 'crash':
        await store.crash();
        handles = [await store.open(), await store.open()];
    }
    answers.push(await handles[1].unpublished());
  }
  const [handle] = handles;
  const images = await Promise.all(['1', '2'].map((digit) => handle.image(digit.repeat(64))));
  return [answers, await handle.polls(null, 10), await handle.acts(null, null, 100), images];
}

async function expectCode(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApuraError);
  expect(error instanceof ApuraError ? error.code : null).toBe(code);
}
