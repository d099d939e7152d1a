/** How `apura audit` tells the partitions of several logs apart. */
import { expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import type { PartitionAudit } from '../../application/counting/audit.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import { runAudit } from './audit.ts';

const sound = (logId: string, partition: number): PartitionAudit => ({
  ...{ logId, partition, blocks: 1, books: [], positions: [], differences: [], failure: null },
});

async function told(audits: readonly PartitionAudit[]): Promise<string> {
  const io = recordingIo();
  expect(await runAudit([], io, [], async () => ({ partitions: audits, metering: null }))).toBe(0);
  return io.out;
}

test('names the log of every partition where there are several', async () => {
  const lines = (
    await told([sound('old', 0), sound('old', CONTROL_PARTITION), sound('new', 0)])
  ).split('\n');
  expect(lines[0]).toStartWith('log old, partition 0:');
  expect(lines[1]).toStartWith('log old, poll changes:');
  expect(lines[2]).toStartWith('log new, partition 0:');
});

test('leaves the log out where there is one', async () => {
  expect(await told([sound('only', 0)])).toStartWith('partition 0:');
});
