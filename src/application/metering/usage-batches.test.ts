import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { encodePulseBlock, encodeTimeMark, encodeUsageBlock } from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { crc32c } from '../../domain/counting/crc32c.ts';
import { NO_USAGE, type UsageRecord } from '../../domain/metering/usage.ts';
import { encodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import { readUsageBatches, type UsageBatch } from './usage-batches.ts';

const WRITER = { writerId: 1n, sequence: 1 };
const record = (version: number): UsageRecord => ({
  ...NO_USAGE,
  series: { tenant: 'acme', sku: 'gpu', unit: 'h' },
  start: 0,
  partition: 3,
  version,
});
const usage = (time: number, ...records: UsageRecord[]) =>
  encodeUsageBlock(0, time, WRITER, records.length, encodeUsageRecords(records));

async function batchesOf(blocks: readonly Uint8Array[], end = blocks.length, atOnce = 2) {
  const batches: UsageBatch[] = [];
  const source = {
    log: {
      read: async (_: number, from: number) =>
        blocks
          .map((bytes, offset) => ({ offset, bytes }))
          .slice(from, Math.min(from + atOnce, blocks.length)),
    },
    logId: 'usage-log',
    partition: 0,
    clock: new ManualClock(9_000),
    stepBytesMax: 1,
    sha256: (...parts: readonly Uint8Array[]) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      return hash.digest('hex');
    },
  };
  for await (const batch of readUsageBatches(source, START, end)) batches.push(batch);
  return batches;
}

describe('usage is read from its log', () => {
  test('in batches that join without a gap, up to the end that was asked for', async () => {
    const blocks = [
      usage(50, record(1)),
      usage(20, record(2), record(3)),
      encodeTimeMark(0, 60, WRITER),
    ];
    const batches = await batchesOf(blocks);
    expect(batches.map(({ step }) => [step.from, step.checkpoint.nextOffset])).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(batches.flatMap(({ step }) => step.records.map(({ version }) => version))).toEqual([
      1, 2, 3,
    ]);
    expect(batches.map(({ step }) => step.checkpoint.logTime)).toEqual([50, 60]);
    expect(batches.flatMap(({ step }) => step.deadLetters)).toEqual([]);
  });

  test('and a log that gives less than it has promised is left alone until it does', async () => {
    expect(await batchesOf([usage(1, record(1))], 5)).toHaveLength(1);
  });

  test.each<[string, Uint8Array]>([
    ['no block', Uint8Array.of(1, 2, 3)],
    ['a block of pulses', encodePulseBlock(0, 1, WRITER, 0, new Uint8Array(0))],
    ['a block whose payload is no usage', encodeUsageBlock(0, 1, WRITER, 1, Uint8Array.of(0x0a))],
  ])('%s becomes a dead letter with its bytes, and those around it are taken', async (_, bytes) => {
    const [batch] = await batchesOf([usage(1, record(1)), bytes, usage(2, record(2))], 3, 3);
    expect(batch?.step.records.map(({ version }) => version)).toEqual([1, 2]);
    expect(batch?.step.deadLetters).toEqual([
      expect.objectContaining({
        queue: 'resource-usage.dlq',
        bytes,
        origin: { logId: 'usage-log', partition: 0, offset: 1, index: null },
        code: 'block_invalid',
        failedAt: 9_000,
      }),
    ]);
  });

  test('and the mark of a step that ends with bytes that are no block is theirs', async () => {
    const bytes = Uint8Array.of(9, 9);
    const [batch] = await batchesOf([bytes]);
    expect(batch?.step.checkpoint.lastBlockCrc).toBe(crc32c(bytes));
  });
});
