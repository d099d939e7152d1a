import { expect, test } from 'bun:test';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { NO_USAGE, USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { USAGE_RECORDS_PER_SEND_MAX } from '../../ports/usage-transport.ts';
import { sendPendingUsage } from './usage-sender.ts';

const record = (index: number): UsageRecord => ({
  ...NO_USAGE,
  series: { tenant: 'acme', sku: 'gpu', unit: 'h' },
  start: index * USAGE_WINDOW_MS,
  partition: 3,
  version: index + 1,
});

function room(count: number) {
  const pending = Array.from({ length: count }, (_, index) => record(index));
  const sent: number[] = [];
  const done: string[] = [];
  const ledger = {
    pendingUsage: async (_: number, limit: number) => pending.slice(0, limit),
    markUsageSent: async (records: readonly UsageRecord[]) => {
      done.push('marked');
      pending.splice(0, records.length);
    },
  };
  const transport = {
    send: async (records: readonly UsageRecord[]) => {
      done.push('sent');
      sent.push(records.length);
    },
  };
  return { pending, sent, done, ledger, transport };
}

test('usage that has changed is sent, and only then marked as sent', async () => {
  const { ledger, transport, done, sent, pending } = room(2);
  expect(await sendPendingUsage({ ledger, transport }, 3)).toBe(2);
  expect(done).toEqual(['sent', 'marked']);
  expect([sent, pending.length]).toEqual([[2], 0]);
});

test('much usage goes in parts of bounded size, until none is left', async () => {
  const { ledger, transport, sent, pending } = room(2 * USAGE_RECORDS_PER_SEND_MAX + 7);
  await sendPendingUsage({ ledger, transport }, 3);
  expect(sent).toEqual([USAGE_RECORDS_PER_SEND_MAX, USAGE_RECORDS_PER_SEND_MAX, 7]);
  expect(pending).toHaveLength(0);
});

test('nothing is sent where nothing has changed', async () => {
  const { ledger, transport, done } = room(0);
  expect(await sendPendingUsage({ ledger, transport }, 3)).toBe(0);
  expect(done).toEqual([]);
});

test('usage that could not be sent stays pending', async () => {
  const { ledger, pending } = room(2);
  const transport = { send: () => Promise.reject(new Error('away')) };
  expect(sendPendingUsage({ ledger, transport }, 3)).rejects.toThrow('away');
  expect(pending).toHaveLength(2);
});
