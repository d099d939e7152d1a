import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { deadLetterId } from '../../domain/metering/dead-letter.ts';
import { failureReport } from './failure-report.ts';

const sha256 = (...parts: readonly Uint8Array[]): string =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex');
const REPORTER = { logId: 'log', partition: 3, clock: new ManualClock(9_000), sha256 };
const WHY = { code: 'malformed', message: 'No pulse.' };

test('a report holds the bytes, where they lie, why they failed and when, and nothing of their block', () => {
  const block = Uint8Array.of(9, 9, 1, 2, 3, 9);
  const bytes = block.subarray(2, 5);
  const failed = { bytes, offset: 7, index: 1, tenant: 'acme' };
  const report = failureReport(REPORTER, 'resource-consumption.dlq', failed, WHY);
  expect(report).toEqual({
    id: deadLetterId('resource-consumption.dlq', bytes, sha256),
    queue: 'resource-consumption.dlq',
    bytes: Uint8Array.of(1, 2, 3),
    origin: { logId: 'log', partition: 3, offset: 7, index: 1 },
    tenant: 'acme',
    ...WHY,
    failedAt: 9_000,
  });
  expect(report.bytes.buffer.byteLength).toBe(3);
  block.fill(0);
  expect(report.bytes).toEqual(Uint8Array.of(1, 2, 3));
});

test('the same bytes are the same letter wherever they fail, and another one in the other queue', () => {
  const bytes = Uint8Array.of(1);
  const at = (offset: number) => ({ bytes, offset, index: null, tenant: null });
  const [first, again, other] = [
    failureReport(REPORTER, 'resource-usage.dlq', at(1), WHY),
    failureReport({ ...REPORTER, partition: 0 }, 'resource-usage.dlq', at(2), WHY),
    failureReport(REPORTER, 'resource-consumption.dlq', at(1), WHY),
  ];
  expect(again.id).toBe(first.id);
  expect(other.id).not.toBe(first.id);
});
