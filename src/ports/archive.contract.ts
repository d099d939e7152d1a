/** The promises of the archive port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { event, sealEvents } from '../../test/support/blocks.ts';
import {
  columnsOf,
  HOUR_MS,
  keyOf,
  type LoggedPulse,
  logged,
  NOON,
} from '../../test/support/pulse-samples.ts';
import { archivableVotes } from '../application/archive/archive-decoder.ts';
import { decodeBlock, encodeKey } from '../domain/counting/block.ts';
import { eventIdHex } from '../domain/counting/event-id.ts';
import {
  ARCHIVE_PAGE_BYTES_MAX,
  ARCHIVE_PAGE_EVENTS_MAX,
  type Archive,
  type ArchivedEvent,
} from './archive.ts';
import { type CreateStore, LOG_ID, type StoreUnderTest } from './store-under-test.ts';

const RANDOM_TIMEOUT_MS = 120_000;
const RANDOM_RUNS = 12;
const EVER = [0, Number.MAX_SAFE_INTEGER] as const;

/** What a test says of an archived pulse. */
interface Seen {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
}

export function archiveContract(name: string, create: CreateStore<Archive>): void {
  describe(`archive contract: ${name}`, () => {
    let store: StoreUnderTest<Archive>;
    let first: Archive;
    let second: Archive;

    beforeEach(async () => {
      store = await create();
      first = await store.open();
      second = await store.open();
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    /** Puts pulses, by their offsets in log order. */
    const put = (archive: Archive, pulses: readonly LoggedPulse[], partition = 0, log = LOG_ID) =>
      archive.put(log, partition, columnsOf(pulses));

    describe('what was put', () => {
      test('is read as it came, through any handle', async () => {
        const pulses = [
          logged({
            id: 'a',
            amount: '-12.50',
            occurredAt: NOON + 1,
            receivedAt: NOON + 2,
            offset: 7,
          }),
          logged({ id: 'b', attributes: { region: 'são-paulo' }, offset: 7 }),
          logged({ id: 'c', occurredAt: NOON + HOUR_MS - 1, offset: 9 }),
        ];
        await put(first, pulses, 3);
        const columns = columnsOf(pulses);
        const expected = pulses.map((pulse, at) => ({
          key: keyOf(pulse),
          digest: Buffer.from(columns.digests.subarray(16 * at, 16 * at + 16)).toString('hex'),
          partition: 3,
          offset: pulse.offset ?? 0,
          occurredAt: pulse.pulse.occurredAt,
          receivedAt: pulse.receivedAt,
          bytes: Buffer.from(columns.bytes.subarray(columns.start[at], columns.end[at])),
        }));
        const found = await all(second, ...EVER);
        expect(found.map((pulse) => ({ ...pulse, bytes: Buffer.from(pulse.bytes) }))).toEqual(
          expected,
        );
      });

      test('is there once, however often and in whatever portions of blocks it is put', async () => {
        const blocks = [0, 1, 2].map((offset) =>
          Array.from({ length: 3 }, (_, n) => logged({ id: `${offset}-${n}`, offset })),
        );
        await put(first, blocks.flat());
        for (const block of blocks) await put(second, block);
        await put(first, [...(blocks[1] ?? []), ...(blocks[2] ?? [])]);
        expect((await seen(second)).map(({ id }) => id)).toEqual(
          blocks.flat().map(({ pulse }) => pulse.id),
        );
      });

      test('has each copy of a pulse that was logged several times', async () => {
        await put(first, [logged({ offset: 4 }), logged({ offset: 4 }), logged({ offset: 5 })]);
        await put(first, [logged({ offset: 0 })], 1);
        expect(await seen(first)).toEqual([
          { id: 'pulse-1', partition: 0, offset: 4 },
          { id: 'pulse-1', partition: 0, offset: 4 },
          { id: 'pulse-1', partition: 0, offset: 5 },
          { id: 'pulse-1', partition: 1, offset: 0 },
        ]);
      });

      test('may be votes: of one key they share its bytes, and each is read with its own', async () => {
        const votes = [
          event(1, { acceptedAt: NOON + 5 }),
          event(2, { acceptedAt: NOON - 1, item: 'bia', lane: 'flagged' }),
          event(3, { acceptedAt: NOON + HOUR_MS }),
          event(1, { acceptedAt: NOON + 5 }),
        ];
        const block = decodeBlock(sealEvents(votes, NOON + HOUR_MS + 9));
        const { columns } = archivableVotes([{ offset: 12, block }]);
        expect(columns.start[0]).toBe(columns.start[2] ?? Number.NaN);
        await first.put(LOG_ID, 1, columns);
        await second.put(LOG_ID, 1, columns);
        const expected = [1, 0, 3, 2].map((at) => {
          const vote = votes[at] ?? event(0);
          return {
            key: eventIdHex(vote),
            digest: '0'.repeat(32),
            partition: 1,
            offset: 12,
            occurredAt: vote.acceptedAt,
            receivedAt: NOON + HOUR_MS + 9,
            bytes: Buffer.from(encodeKey(vote)),
          };
        });
        const found = await all(second, ...EVER);
        expect(found.map((vote) => ({ ...vote, bytes: Buffer.from(vote.bytes) }))).toEqual(
          expected,
        );
      });

      test('is one log’s alone', async () => {
        await put(first, [logged({ id: 'ours' })]);
        await put(first, [logged({ id: 'theirs' })], 0, 'another-log');
        expect((await seen(first)).map(({ id }) => id)).toEqual(['ours']);
        expect(await all(first, ...EVER, 'a-third-log')).toEqual([]);
      });

      test('may be nothing', async () => {
        await put(first, []);
        expect(await all(first, ...EVER)).toEqual([]);
      });
    });

    describe('a range', () => {
      test('has its start and not its end, to the millisecond', async () => {
        const times = [
          NOON - 1,
          NOON,
          NOON + 1,
          NOON + HOUR_MS - 1,
          NOON + HOUR_MS,
          NOON + 2 * HOUR_MS,
        ];
        await put(
          first,
          times.map((occurredAt, n) => logged({ id: String(n), occurredAt })),
        );
        const ids = async (from: number, to: number) =>
          (await seen(second, from, to)).map(({ id }) => id);
        expect(await ids(NOON, NOON + HOUR_MS)).toEqual(['1', '2', '3']);
        expect(await ids(NOON + 1, NOON + 1)).toEqual([]);
        expect(await ids(NOON + 1, NOON + 2)).toEqual(['2']);
        expect(await ids(NOON + HOUR_MS - 1, NOON + 2 * HOUR_MS + 1)).toEqual(['3', '4', '5']);
        expect(await ids(0, NOON)).toEqual(['0']);
      });

      test('comes in order of hour, partition, offset and place in the block', async () => {
        const late = { occurredAt: NOON - HOUR_MS };
        await put(first, [logged({ id: 'e', offset: 300 }), logged({ id: 'f', offset: 300 })], 2);
        await put(first, [logged({ id: 'd', offset: 2_000 })], 1);
        await put(
          first,
          [logged({ id: 'c', offset: 130 }), logged({ id: 'b', ...late, offset: 131 })],
          1,
        );
        await put(
          first,
          [logged({ id: 'a', ...late, offset: 9 }), logged({ id: 'a2', ...late, offset: 10 })],
          1,
        );
        expect((await seen(first)).map(({ id }) => id)).toEqual([
          'a',
          'a2',
          'b',
          'c',
          'd',
          'e',
          'f',
        ]);
      });

      test(
        'comes in pages that are neither empty nor larger than they may be',
        async () => {
          const attributes = Object.fromEntries(
            Array.from({ length: 12 }, (_, n) => [`name-${n}`, 'x'.repeat(250)]),
          );
          const large = Array.from({ length: 2_000 }, (_, n) =>
            logged({ id: `large-${n}`, attributes, offset: Math.floor(n / 500) }),
          );
          const small = Array.from({ length: 9_000 }, (_, n) =>
            logged({ id: `small-${n}`, offset: 10 + Math.floor(n / 3_000) }),
          );
          await put(first, large);
          await put(first, small);
          const pages = await Array.fromAsync(first.read(LOG_ID, ...EVER));
          for (const page of pages) {
            expect(page.length).toBeWithin(1, ARCHIVE_PAGE_EVENTS_MAX + 1);
            const bytes = page.reduce((sum, pulse) => sum + pulse.bytes.length, 0);
            expect(bytes).toBeLessThanOrEqual(ARCHIVE_PAGE_BYTES_MAX);
          }
          expect(pages.length).toBeGreaterThan(3);
          expect(pages.flat().map(({ key }) => key)).toEqual([...large, ...small].map(keyOf));
        },
        RANDOM_TIMEOUT_MS,
      );
    });

    describe('a position', () => {
      test('is 0 at the start, and each partition’s and log’s own', async () => {
        expect(await first.position(LOG_ID, 0)).toBe(0);
        await first.setPosition(LOG_ID, 0, 7);
        expect(await second.position(LOG_ID, 0)).toBe(7);
        expect(await first.position(LOG_ID, 1)).toBe(0);
        expect(await first.position('another-log', 0)).toBe(0);
      });

      test('never goes back, whoever moves it', async () => {
        await first.setPosition(LOG_ID, 0, 0);
        for (const [archive, offset, then] of [
          [first, 5, 5],
          [second, 3, 5],
          [first, 0, 5],
          [second, 6, 6],
          [first, 6, 6],
          [second, 2 ** 40, 2 ** 40],
          [first, 7, 2 ** 40],
        ] as const) {
          await archive.setPosition(LOG_ID, 0, offset);
          expect(await first.position(LOG_ID, 0)).toBe(then);
          expect(await second.position(LOG_ID, 0)).toBe(then);
        }
      });

      test('is the greatest of those set at the same time', async () => {
        const offsets = Array.from({ length: 40 }, (_, n) => ((n * 17) % 40) + 1);
        await Promise.all(
          offsets.map((offset, n) => (n % 2 === 0 ? first : second).setPosition(LOG_ID, 0, offset)),
        );
        expect(await second.position(LOG_ID, 0)).toBe(40);
      });
    });

    test(
      'a put that a crash cut short is whole once it is done again',
      async () => {
        const pulses = Array.from({ length: 3_000 }, (_, n) =>
          logged({
            id: String(n),
            occurredAt: NOON + (n % 50) * HOUR_MS,
            offset: Math.floor(n / 100),
          }),
        );
        const cut = put(first, pulses).catch(() => 'failed');
        await store.crash();
        await cut;
        const again = await store.open();
        expect(await again.position(LOG_ID, 0)).toBe(0);
        await put(again, pulses);
        const ids = (await seen(again)).map(({ id }) => Number(id));
        expect(ids.toSorted((left, right) => left - right)).toEqual(pulses.map((_, n) => n));
      },
      RANDOM_TIMEOUT_MS,
    );

    test('what was put and where it stood outlast a crash', async () => {
      await put(first, [logged({ id: 'kept', offset: 4 })]);
      await first.setPosition(LOG_ID, 0, 5);
      await store.crash();
      const again = await store.open();
      expect(await again.position(LOG_ID, 0)).toBe(5);
      expect(await seen(again)).toEqual([{ id: 'kept', partition: 0, offset: 4 }]);
    });

    test('closing twice is closing once, and other handles go on', async () => {
      await first[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await put(second, [logged({})]);
      expect(await seen(second)).toHaveLength(1);
    });

    test(
      'any blocks, put by any handle in any portions and repeated, come out as a sort gives them',
      async () => {
        let runs = 0;
        const blocks = fc.array(
          fc.record({
            partition: fc.nat(2),
            offset: fc.nat(600),
            hours: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 6 }),
          }),
          { maxLength: 12 },
        );
        await fc.assert(
          fc.asyncProperty(blocks, fc.nat(), async (drawn, seed) => {
            runs += 1;
            const log = `${LOG_ID}-${runs}`;
            const byName = new Map(
              drawn.map((block) => [`${block.partition}/${block.offset}`, block]),
            );
            const named = [...byName.values()].map(({ partition, offset, hours }) => ({
              partition,
              pulses: hours.map((hour, index) =>
                logged({
                  id: `${partition}/${offset}/${index}`,
                  occurredAt: NOON + hour * HOUR_MS + index,
                  offset,
                }),
              ),
            }));
            for (const [n, { partition, pulses }] of [...named, ...named].entries()) {
              await put((n + seed) % 2 === 0 ? first : second, pulses, partition, log);
            }
            for (const partition of [0, 1, 2]) {
              const whole = named.filter((block) => block.partition === partition);
              await put(
                second,
                whole.flatMap(({ pulses }) => pulses),
                partition,
                log,
              );
            }
            const expected = named
              .flatMap(({ partition, pulses }) => pulses.map((pulse) => ({ partition, pulse })))
              .toSorted(
                (left, right) =>
                  hourOf(left.pulse) - hourOf(right.pulse) ||
                  left.partition - right.partition ||
                  (left.pulse.offset ?? 0) - (right.pulse.offset ?? 0),
              );
            const found = await all(first, ...EVER, log);
            expect(found.map(({ key }) => key)).toEqual(expected.map(({ pulse }) => keyOf(pulse)));
          }),
          { numRuns: RANDOM_RUNS },
        );
      },
      RANDOM_TIMEOUT_MS,
    );
  });
}

function hourOf({ pulse }: LoggedPulse): number {
  return Math.floor(pulse.occurredAt / HOUR_MS);
}

async function all(
  archive: Archive,
  from: number,
  to: number,
  log = LOG_ID,
): Promise<readonly ArchivedEvent[]> {
  return (await Array.fromAsync(archive.read(log, from, to))).flat();
}

async function seen(
  archive: Archive,
  from: number = EVER[0],
  to: number = EVER[1],
): Promise<readonly Seen[]> {
  return (await all(archive, from, to)).map(({ bytes, partition, offset }) => ({
    id: idOf(bytes),
    partition,
    offset,
  }));
}

/** Field 1 comes first in the messages of the samples, and is short. */
function idOf(message: Uint8Array): string {
  return new TextDecoder().decode(message.subarray(2, 2 + (message[1] ?? 0)));
}
