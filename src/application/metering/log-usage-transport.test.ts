import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { decodeBlock } from '../../domain/counting/block.ts';
import { NO_USAGE, USAGE_WINDOW_MS, type UsageRecord } from '../../domain/metering/usage.ts';
import { decodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { PartitionBlock } from '../../ports/event-log.ts';
import { logUsageTransport } from './log-usage-transport.ts';

const record = (partition: number, index: number): UsageRecord => ({
  ...NO_USAGE,
  series: { tenant: 'acme', sku: 'gpu', unit: 'h' },
  start: index * USAGE_WINDOW_MS,
  partition,
  version: 1 + index,
});

test('usage goes into the log in one append, every record once, a partition of pulses in one of usage', async () => {
  const appended: (readonly PartitionBlock[])[] = [];
  const transport = logUsageTransport({
    log: {
      description: {
        logId: 'usage',
        partitions: 2,
        durability: 'volatile',
        atomicAppend: true,
        appendsUnderWayMax: 1,
      },
      append: async (blocks) => {
        appended.push(blocks);
        return [];
      },
    },
    clock: new ManualClock(1_000),
    writerId: 7n,
  });
  const records = [record(0, 0), record(1, 1), record(2, 2), record(3, 3)];
  await transport.send(records);
  await transport.send([record(5, 9)]);
  expect(appended.map((blocks) => blocks.map(({ partition }) => partition))).toEqual([[0, 1], [1]]);
  const blocks = appended.flat().map(({ bytes }) => decodeBlock(bytes));
  expect(blocks.map(({ partition, sequence }) => [partition, sequence])).toEqual([
    [0, 1],
    [1, 2],
    [1, 3],
  ]);
  const read = blocks.map((block) =>
    block.kind === 'usage' ? [...decodeUsageRecords(block.payload)] : [],
  );
  expect(read).toEqual([
    [record(0, 0), record(2, 2)],
    [record(1, 1), record(3, 3)],
    [record(5, 9)],
  ]);
});
