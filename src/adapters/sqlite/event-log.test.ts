import { afterEach, describe, expect, test } from 'bun:test';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { sqliteFiles } from '../../../test/support/sqlite-files.ts';
import { decodeBlock, encodeTimeMark } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import { type EventLogHarness, eventLogContract } from '../../ports/event-log.contract.ts';
import { SharedOffsets } from '../../runtime/shared-offsets.ts';
import { openSqliteLog, openSqliteLogReader } from './event-log.ts';

const LOG_ID = 'log-under-test';

const sqlite: EventLogHarness = {
  manyWriters: false,
  trims: true,
  breaks: true,
  async create(partitions) {
    const files = sqliteFiles('log.db');
    const handles: (AsyncDisposable & {
      refuseGrowth?(): void;
      trim?(partition: number, start: number): void;
    })[] = [];
    const options = () => ({ path: files.path, logId: LOG_ID, partitions });
    return {
      async openWriter() {
        const log = openSqliteLog(options());
        handles.push(log);
        return log;
      },
      async openReader() {
        if (!existsSync(files.path)) await openSqliteLog(options())[Symbol.asyncDispose]();
        const log = openSqliteLogReader(options());
        handles.push(log);
        return log;
      },
      async crash() {
        files.crash();
      },
      async trim(partition, start) {
        for (const handle of handles) handle.trim?.(partition, start);
      },
      async breakStorage() {
        for (const handle of handles) handle.refuseGrowth?.();
      },
      async [Symbol.asyncDispose]() {
        for (const handle of handles) await handle[Symbol.asyncDispose]();
        files[Symbol.dispose]();
      },
    };
  },
};

eventLogContract('sqlite', sqlite, memoryEventLog);

describe('the log file', () => {
  const open: { files: ReturnType<typeof sqliteFiles>; handles: AsyncDisposable[] }[] = [];

  afterEach(async () => {
    for (const { files, handles } of open.splice(0)) {
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      files[Symbol.dispose]();
    }
  });

  function folder() {
    const entry = { files: sqliteFiles('log.db'), handles: [] as AsyncDisposable[] };
    open.push(entry);
    return entry;
  }

  const mark = (time: number): Uint8Array =>
    encodeTimeMark(0, time, { writerId: 1n, sequence: time });

  test.each([
    ['small', 4_096],
    ['large', 16_384],
  ])('of %s blocks has pages of %i bytes, however it is opened later', async (blocks, bytes) => {
    using files = sqliteFiles('log.db');
    const options = { path: files.path, logId: LOG_ID, partitions: 1 };
    for (const largeBlocks of [blocks === 'large', blocks !== 'large']) {
      await using log = openSqliteLog({ ...options, largeBlocks });
      await log.append([
        { partition: 0, bytes: encodeTimeMark(0, 1, { writerId: 1n, sequence: 1 }) },
      ]);
      using database = new DatabaseSync(files.path, { readOnly: true });
      expect(database.prepare('PRAGMA page_size').get()).toEqual({ page_size: bytes });
    }
    await using log = openSqliteLogReader(options);
    expect(await log.read(0, 0, 1_000)).toHaveLength(2);
  });

  test('is flushed at every commit: the setting reads back as FULL', async () => {
    const { files, handles } = folder();
    const log = openSqliteLog({ path: files.path, logId: LOG_ID, partitions: 1 });
    handles.push(log);
    expect(log.description.durability).toBe('power-safe');
    expect(log.synchronous).toBe(2);
  });

  test('belongs to one log id and keeps its number of partitions', async () => {
    const { files } = folder();
    await openSqliteLog({ path: files.path, logId: LOG_ID, partitions: 2 })[Symbol.asyncDispose]();
    const again = (logId: string, partitions: number) => () =>
      openSqliteLog({ path: files.path, logId, partitions });
    expect(again('another', 2)).toThrow(expect.objectContaining({ code: 'log_mismatch' }));
    expect(again(LOG_ID, 3)).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    expect(again(LOG_ID, 0)).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    expect(() =>
      openSqliteLogReader({ path: files.path, logId: 'another', partitions: 2 }),
    ).toThrow(expect.objectContaining({ code: 'log_mismatch' }));
    expect(() =>
      openSqliteLogReader({ path: `${files.path}-not`, logId: LOG_ID, partitions: 2 }),
    ).toThrow(expect.objectContaining({ code: 'log_unavailable' }));
  });

  test('a reader in another thread sees commits by the shared ends alone', async () => {
    const { files, handles } = folder();
    const ends = new SharedOffsets(2);
    const log = openSqliteLog({ path: files.path, logId: LOG_ID, partitions: 1, ends });
    const reader = openSqliteLogReader({
      path: files.path,
      logId: LOG_ID,
      partitions: 1,
      ends: new SharedOffsets(ends.buffer),
    });
    handles.push(log, reader);
    const woken = reader.changed([{ partition: 0, offset: 0 }], new AbortController().signal);
    await log.append([{ partition: 0, bytes: mark(7) }]);
    await woken;
    expect((await reader.read(0, 0, 1)).length).toBe(1);
    expect(reader.append([])).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  test('a hole in the middle is corruption, not an end', async () => {
    const { files, handles } = folder();
    const log = openSqliteLog({ path: files.path, logId: LOG_ID, partitions: 1 });
    handles.push(log);
    for (let time = 0; time < 5; time += 1) await log.append([{ partition: 0, bytes: mark(time) }]);
    const other = new DatabaseSync(files.path);
    other.prepare('DELETE FROM block WHERE position = ?').run(2 ** 44 + 2);
    other.close();
    await expect(log.read(0, 0, 1 << 20)).rejects.toMatchObject({ code: 'log_corrupt' });
  });

  test.each(['as kill -9 leaves it', 'as closing leaves it'])(
    'cut at any place or with any bit flipped, a log %s opens with an intact prefix or stops with a code',
    async (state) => {
      const { files } = folder();
      const blocks = 120;
      const log = openSqliteLog({ path: files.path, logId: LOG_ID, partitions: 1 });
      for (let time = 0; time < blocks; time += 1) {
        await log.append([{ partition: 0, bytes: mark(time) }]);
      }
      if (state === 'as kill -9 leaves it') files.crash();
      await log[Symbol.asyncDispose]();
      const suffixes = ['', '-wal'].filter((suffix) => existsSync(files.path + suffix));
      const outcomes = { prefix: 0, refused: 0 };
      for (const suffix of suffixes) {
        const { size } = statSync(files.path + suffix);
        const step = Math.max(1, Math.floor(size / 150));
        for (let at = 0; at < size; at += step) {
          for (const damage of ['cut', 'flip'] as const) {
            using damaged = damagedCopy(files.path, suffixes, suffix, at, damage);
            outcomes[await outcomeOf(damaged, blocks)] += 1;
          }
        }
      }
      expect(outcomes.prefix).toBeGreaterThan(0);
      if (state === 'as closing leaves it') expect(outcomes.refused).toBeGreaterThan(100);
    },
    60_000,
  );

  /** Reads all of the damaged log as a worker would. Anything but a prefix or a code fails the test. */
  async function outcomeOf(
    damaged: { readonly path: string },
    blocks: number,
  ): Promise<'prefix' | 'refused'> {
    try {
      await using log = openSqliteLog({ path: damaged.path, logId: LOG_ID, partitions: 1 });
      const { end } = await log.bounds(0);
      let next = 0;
      while (next < end) {
        for (const { offset, bytes } of await log.read(0, next, 1 << 16)) {
          const block = decodeBlock(bytes);
          expect(offset).toBe(next);
          expect(block).toMatchObject({ kind: 'time-mark', blockTime: offset, sequence: offset });
          next += 1;
        }
      }
      expect(end).toBeLessThanOrEqual(blocks);
      return 'prefix';
    } catch (error) {
      if (error instanceof ApuraError) return 'refused';
      throw error;
    }
  }

  function damagedCopy(
    path: string,
    suffixes: readonly string[],
    target: string,
    at: number,
    damage: 'cut' | 'flip',
  ): { readonly path: string } & Disposable {
    const copy = sqliteFiles('log.db');
    for (const suffix of suffixes) copyFileSync(path + suffix, copy.path + suffix);
    const bytes = readFileSync(copy.path + target);
    if (damage === 'flip') bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
    writeFileSync(copy.path + target, damage === 'cut' ? bytes.subarray(0, at) : bytes);
    return copy;
  }
});
