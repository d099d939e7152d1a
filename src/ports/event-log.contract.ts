/** The promises of the event log port, as tests that every adapter runs. */
import { afterEach, describe, expect, test } from 'bun:test';
import { expectLogLikeModel } from '../../test/support/event-log-operations.ts';
import {
  contentOf,
  EVERY_PARTITION,
  type EventLogHarness,
  type EventLogReader,
  type EventLogUnderTest,
  PARTITIONS,
  plainBytes,
} from '../../test/support/event-log-under-test.ts';
import { CONTROL_PARTITION, type EventLog } from './event-log.ts';

export type { EventLogHarness };

const UNBOUNDED = Number.MAX_SAFE_INTEGER;
const RANDOM_TIMEOUT_MS = 180_000;

export function eventLogContract(
  name: string,
  harness: EventLogHarness,
  model: EventLogHarness,
): void {
  describe(`event log contract: ${name}`, () => {
    const open: AsyncDisposable[] = [];

    async function create(): Promise<EventLogUnderTest> {
      const log = await harness.create(PARTITIONS);
      open.push(log);
      return log;
    }

    afterEach(async () => {
      for (const log of open.splice(0)) await log[Symbol.asyncDispose]();
    });

    describe('the description', () => {
      test('is the same in every handle and after a crash', async () => {
        const log = await create();
        const { description } = await log.openWriter();
        expect(description.logId).not.toBe('');
        expect(description.partitions).toBe(PARTITIONS);
        expect(description.appendsUnderWayMax).toBeGreaterThanOrEqual(1);
        expect(Number.isInteger(description.appendsUnderWayMax)).toBe(true);
        expect((await log.openReader()).description).toEqual(description);
        await log.crash();
        expect((await log.openWriter()).description).toEqual(description);
      });
    });

    describe('append', () => {
      test('counts offsets from 0, without holes, apart in every partition', async () => {
        const log = await create();
        const writer = await log.openWriter();
        for (const partition of EVERY_PARTITION) {
          for (let offset = 0; offset < 3; offset += 1) {
            const offsets = await writer.append([{ partition, bytes: block(partition, offset) }]);
            expect(offsets).toEqual([offset]);
          }
          expect(await writer.bounds(partition)).toEqual({ start: 0, end: 3 });
        }
      });

      test('resolves to one offset a block, in the order of the blocks', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const partitions = [1, 0, 1, CONTROL_PARTITION, 1, 0];
        const blocks = partitions.map((partition, index) => ({
          partition,
          bytes: block(partition, index),
        }));
        expect(await writer.append(blocks)).toEqual([0, 0, 1, 0, 2, 1]);
        const reader = await log.openReader();
        expect(await contentOf(reader, 1)).toEqual([block(1, 0), block(1, 2), block(1, 4)]);
        expect(await contentOf(reader, 0)).toEqual([block(0, 1), block(0, 5)]);
        expect(await contentOf(reader, CONTROL_PARTITION)).toEqual([block(CONTROL_PARTITION, 3)]);
        expect(await contentOf(reader, 2)).toEqual([]);
      });

      test('of no blocks appends nothing', async () => {
        const log = await create();
        const writer = await log.openWriter();
        expect(await writer.append([])).toEqual([]);
        expect(await writer.bounds(0)).toEqual({ start: 0, end: 0 });
      });

      test('stores the blocks also of a caller that does not look at the offsets', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const blocks = [0, 1].map((number) => ({ partition: 1, bytes: block(1, number) }));
        const offsets = await writer.append(blocks, { offsets: 'unneeded' });
        expect([[], [0, 1]]).toContainEqual([...offsets]);
        expect(await contentOf(await log.openReader(), 1)).toEqual([block(1, 0), block(1, 1)]);
      });

      test('is not idempotent: the same block twice stands twice', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const same = { partition: 0, bytes: block(0, 7) };
        await writer.append([same, same]);
        await writer.append([same]);
        expect(await contentOf(writer, 0)).toEqual([same.bytes, same.bytes, same.bytes]);
      });

      test('keeps every byte, from one to a million', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const sizes = [1, 255, 4_096, 65_536, 1_000_000];
        const blocks = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => i * 31));
        await writer.append(blocks.map((bytes) => ({ partition: 0, bytes })));
        expect(await contentOf(await log.openReader(), 0)).toEqual(blocks);
      });

      test('leaves the memory of the blocks to the caller once it has resolved', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const bytes = block(0, 1);
        await writer.append([{ partition: 0, bytes }]);
        bytes.fill(0);
        expect(await contentOf(writer, 0)).toEqual([block(0, 1)]);
      });

      test('takes calls at once: each gets its own offsets, in its own order', async () => {
        const log = await create();
        const writers = [await log.openWriter()];
        if (harness.manyWriters) writers.push(await log.openWriter());
        const calls = Array.from({ length: 60 }, async (_, call) => {
          const writer = writers[call % writers.length] ?? fail();
          const blocks = [0, 1, 2].map((part) => ({
            partition: 0,
            bytes: block(call, part),
          }));
          return { call, offsets: await writer.append(blocks) };
        });
        const stored = await Promise.all(calls);
        const content = await contentOf(await log.openReader(), 0);
        expect(content).toHaveLength(180);
        const all = stored.flatMap(({ offsets }) => offsets);
        expect(new Set(all).size).toBe(180);
        for (const { call, offsets } of stored) {
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
          expect(offsets.map((offset) => content[offset])).toEqual(
            [0, 1, 2].map((part) => block(call, part)),
          );
        }
      });
    });

    describe('a crash', () => {
      test('loses nothing that append has confirmed', async () => {
        const log = await create();
        let writer = await log.openWriter();
        const expected: Uint8Array[] = [];
        for (let life = 0; life < 3; life += 1) {
          expected.push(block(life, 0), block(life, 1));
          const [first, second] = expected.slice(-2).map((bytes) => ({ partition: 1, bytes }));
          await writer.append([first ?? fail()]);
          const offsets = await writer.append([second ?? fail()]);
          expect(offsets).toEqual([expected.length - 1]);
          await log.crash();
          writer = await log.openWriter();
          expect(await contentOf(writer, 1)).toEqual(expected);
        }
      });

      test('in the middle of an append leaves the whole call or nothing of it, where the log says so', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const { atomicAppend } = writer.description;
        const call = EVERY_PARTITION.map((partition) => ({
          partition,
          bytes: block(partition, 0),
        }));
        writer.append(call).catch(() => {});
        await log.crash();
        const reader = await log.openWriter();
        const ends = await Promise.all(
          EVERY_PARTITION.map(async (partition) => (await reader.bounds(partition)).end),
        );
        for (const end of ends) expect([0, 1]).toContain(end);
        if (atomicAppend) expect(new Set(ends).size).toBe(1);
        for (const [index, partition] of EVERY_PARTITION.entries()) {
          const expected = ends[index] === 1 ? [block(partition, 0)] : [];
          expect(await contentOf(reader, partition)).toEqual(expected);
        }
      });
    });

    describe('read', () => {
      test('gives blocks from the offset on, in order and without holes', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 10);
        const reader = await log.openReader();
        for (let from = 0; from <= 10; from += 1) {
          const read = await reader.read(0, from, UNBOUNDED);
          expect(read.map(({ offset }) => offset)).toEqual(range(from, 10));
          expect(read.map(plainBytes)).toEqual(range(from, 10).map((n) => block(0, n)));
        }
      });

      test('stays near maxBytes, and gives one block however small that is', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 10);
        const size = block(0, 0).length;
        for (const limit of [0, 1, size - 1, size, size + 1, 3 * size, 5 * size - 1]) {
          const read = await writer.read(0, 2, limit);
          expect(read.length).toBeGreaterThanOrEqual(1);
          // "About": an adapter may look only after it has taken the block that passes the limit.
          expect(read.length).toBeLessThanOrEqual(Math.floor(limit / size) + 1);
          expect(read.map(({ offset }) => offset)).toEqual(range(2, 2 + read.length));
        }
        expect(await writer.read(0, 0, 10 * size)).toHaveLength(10);
      });

      test('is empty at the end, and does not wait there', async () => {
        const log = await create();
        const writer = await log.openWriter();
        expect(await writer.read(0, 0, UNBOUNDED)).toEqual([]);
        await fill(writer, 0, 2);
        expect(await writer.read(0, 2, UNBOUNDED)).toEqual([]);
      });

      test('beyond the end is log_rewound', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 2);
        await expect(writer.read(0, 3, UNBOUNDED)).rejects.toMatchObject({ code: 'log_rewound' });
        await expect(writer.read(1, 1, UNBOUNDED)).rejects.toMatchObject({ code: 'log_rewound' });
        const reader = await log.openReader();
        await expect(reader.read(0, 3, UNBOUNDED)).rejects.toMatchObject({ code: 'log_rewound' });
      });

      test('sees at once what another handle has appended', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const reader = await log.openReader();
        for (let offset = 0; offset < 5; offset += 1) {
          await writer.append([{ partition: 2, bytes: block(2, offset) }]);
          expect(await reader.bounds(2)).toEqual({ start: 0, end: offset + 1 });
          expect(await contentOf(reader, 2)).toHaveLength(offset + 1);
        }
      });
    });

    if (harness.trims) {
      test('below what is still held, read is log_trimmed; offsets stay what they were', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 6);
        await log.trim?.(0, 4);
        for (const handle of [writer, await log.openReader()]) {
          expect(await handle.bounds(0)).toEqual({ start: 4, end: 6 });
          await expect(handle.read(0, 3, UNBOUNDED)).rejects.toMatchObject({ code: 'log_trimmed' });
          const read = await handle.read(0, 4, UNBOUNDED);
          expect(read.map(plainBytes)).toEqual([block(0, 4), block(0, 5)]);
        }
        await log.trim?.(0, 6);
        expect(await writer.bounds(0)).toEqual({ start: 6, end: 6 });
        await log.crash();
        const next = await log.openWriter();
        expect(await next.append([{ partition: 0, bytes: block(0, 6) }])).toEqual([6]);
        expect(await next.bounds(1)).toEqual({ start: 0, end: 0 });
      });
    }

    if (harness.breaks) {
      test('after a storage error the handle is dead, and nothing confirmed is lost', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 2);
        await log.breakStorage?.();
        const failed = { code: 'log_failed' };
        const large = { partition: 0, bytes: new Uint8Array(1_000_000) };
        await expect(writer.append([large])).rejects.toMatchObject(failed);
        const small = { partition: 0, bytes: block(0, 9) };
        await expect(writer.append([small])).rejects.toMatchObject(failed);
        await expect(writer.read(0, 0, UNBOUNDED)).rejects.toMatchObject(failed);
        await expect(writer.bounds(0)).rejects.toMatchObject(failed);
        const { signal } = new AbortController();
        await expect(writer.changed([{ partition: 0, offset: 0 }], signal)).rejects.toMatchObject(
          failed,
        );
        await log.crash();
        const content = await contentOf(await log.openReader(), 0);
        expect(content.slice(0, 2)).toEqual([block(0, 0), block(0, 1)]);
      });
    }

    describe('changed', () => {
      const never = new AbortController().signal;

      test('resolves at once where the end lies above the offset already', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 2);
        await writer.changed([{ partition: 0, offset: 0 }], never);
        await (await log.openReader()).changed([{ partition: 0, offset: 1 }], never);
      });

      test('wakes for an append of the same or of another handle', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const reader = await log.openReader();
        for (let end = 0; end < 3; end += 1) {
          const woken = [writer, reader, reader].map((handle) => seen(handle, 1, end, never));
          await writer.append([{ partition: 1, bytes: block(1, end) }]);
          expect(await Promise.all(woken)).toEqual([end + 1, end + 1, end + 1]);
        }
      });

      test('of several partitions, wakes for an append to any of them', async () => {
        const log = await create();
        const writer = await log.openWriter();
        await fill(writer, 0, 2);
        const positions = [
          { partition: 0, offset: 2 },
          { partition: 2, offset: 0 },
          { partition: CONTROL_PARTITION, offset: 0 },
        ];
        for (const partition of [2, CONTROL_PARTITION]) {
          const woken = (await log.openReader()).changed(positions, never);
          await fill(writer, partition, 1);
          await woken;
          positions.forEach((at) => {
            if (at.partition === partition) at.offset += 1;
          });
        }
      });

      test('of no partitions, waits for the signal', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const controller = new AbortController();
        let woken = false;
        const waiting = writer.changed([], controller.signal).then(() => {
          woken = true;
        });
        await fill(writer, 0, 1);
        await writer.bounds(0);
        expect(woken).toBe(false);
        controller.abort();
        await waiting;
      });

      test('misses no append between looking and waiting', async () => {
        const log = await create();
        const writer = await log.openWriter();
        const reader = await log.openReader();
        const following = (async () => {
          let next = 0;
          while (next < 50) {
            const read = await reader.read(0, next, UNBOUNDED);
            next += read.length;
            if (read.length === 0) await reader.changed([{ partition: 0, offset: next }], never);
          }
          return next;
        })();
        for (let offset = 0; offset < 50; offset += 1) {
          await writer.append([{ partition: 0, bytes: block(0, offset) }]);
        }
        expect(await following).toBe(50);
      });

      test('resolves when the signal aborts, and at once under one that has', async () => {
        const log = await create();
        const writer = await log.openWriter();
        for (const handle of [writer, await log.openReader()]) {
          const controller = new AbortController();
          const waiting = handle.changed([{ partition: 0, offset: 0 }], controller.signal);
          controller.abort();
          await waiting;
          await handle.changed([{ partition: 0, offset: 0 }], controller.signal);
        }
      });
    });

    test('disposing a handle twice is disposing it once, and leaves the others', async () => {
      const log = await create();
      const writer = await log.openWriter();
      await fill(writer, 0, 1);
      const reader = await log.openReader();
      await reader[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
      await fill(writer, 0, 1);
      await writer[Symbol.asyncDispose]();
      expect(await contentOf(await log.openReader(), 0)).toHaveLength(2);
    });

    test(
      'any sequence of appends, reads and crashes gives what the model gives',
      async () => {
        await expectLogLikeModel(harness, model);
      },
      RANDOM_TIMEOUT_MS,
    );
  });
}

/** Waits for a partition's end to lie above `offset` the way that the port asks of callers. */
async function seen(
  log: EventLogReader,
  partition: number,
  offset: number,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    await log.changed([{ partition, offset }], signal);
    const { end } = await log.bounds(partition);
    if (end > offset) return end;
  }
}

async function fill(log: EventLog, partition: number, count: number): Promise<void> {
  for (let offset = 0; offset < count; offset += 1) {
    await log.append([{ partition, bytes: block(partition, offset) }]);
  }
}

/** 100 bytes that differ for every pair of numbers. */
function block(a: number, b: number): Uint8Array {
  return Uint8Array.from({ length: 100 }, (_, index) => (a + 2) * 7 + b * 13 + index);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}

function fail(): never {
  throw new Error('The test asked for what it did not make');
}
