import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { ManualClock } from '../../adapters/memory/clock.ts';
import {
  encodeControlBlock,
  encodePulseBlock,
  encodeTimeMark,
  encodeUsageBlock,
} from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { parseDecimal, ZERO } from '../../domain/counting/decimal.ts';
import type { Pulse } from '../../domain/metering/pulse.ts';
import { encodePulseAct, type PulseActRecord } from '../../domain/metering/pulse-act.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import { pulseKey, pulseKeyAt } from '../../domain/metering/pulse-identity.ts';
import { type PulseBatch, readPulseBatches } from './pulse-batches.ts';

const WRITER = { writerId: 1n, sequence: 1 };
const T0 = 1_700_000_000_000;
const pulse = (id: string, amount: string): Pulse => ({
  id,
  source: 'meter',
  tenant: 'acme',
  sku: 'gpu',
  amount: parseDecimal(amount) ?? ZERO,
  unit: 'h',
  occurredAt: T0,
  attributes: {},
});

/** A block whose payload is these messages, each behind its length. */
function block(
  messages: readonly Uint8Array[],
  partition = 0,
  count = messages.length,
): Uint8Array {
  const payload = messages.flatMap((bytes) => [bytes.length, ...bytes]);
  return encodePulseBlock(partition, T0, WRITER, count, Uint8Array.from(payload));
}

async function batchesOf(blocks: readonly Uint8Array[], atOnce = blocks.length) {
  const batches: PulseBatch[] = [];
  const source = {
    log: {
      read: async (_: number, from: number) =>
        blocks
          .map((bytes, offset) => ({ offset, bytes }))
          .slice(from, Math.min(from + atOnce, blocks.length)),
    },
    logId: 'pulse-log',
    partition: 0,
    clock: new ManualClock(9_000),
    stepBytesMax: 1,
    sha256: (...parts: readonly Uint8Array[]) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      return hash.digest('hex');
    },
  };
  for await (const batch of readPulseBatches(source, START, blocks.length + 1)) batches.push(batch);
  return batches;
}

describe('pulses are read from their log', () => {
  test('in batches that join without a gap, added up by series and window', async () => {
    const batches = await batchesOf(
      [
        block([encodePulse(pulse('a', '1.5')), encodePulse(pulse('b', '2'))]),
        block([encodePulse(pulse('a', '1.5'))]),
        encodeTimeMark(0, T0 + 5, WRITER),
      ],
      2,
    );
    expect(batches.map(({ step }) => [step.from, step.checkpoint.nextOffset])).toEqual([
      [0, 2],
      [2, 3],
    ]);
    const [first, second] = batches.map(({ step }) => step);
    expect(first?.pulses.count).toBe(3);
    expect(pulseKeyAt(first?.pulses.keys ?? new Uint8Array(), 1)).toBe(
      pulseKey('acme', 'meter', 'b'),
    );
    // The same key inside a step counts once.
    expect(first?.totals).toEqual([
      expect.objectContaining({
        series: { tenant: 'acme', sku: 'gpu', unit: 'h' },
        sum: 3_500_000_000_000_000_000n,
        count: 2,
      }),
    ]);
    expect([second?.totals, second?.checkpoint.logTime]).toEqual([[], T0 + 5]);
    expect(batches[0]?.bytes).toBeGreaterThan(100);
  });

  test('with the acts among them', async () => {
    const act: PulseActRecord = {
      kind: 'void',
      actId: 'act-1',
      target: pulseKey('acme', 'meter', 'a'),
      amount: null,
      reason: 'twice',
      actor: 'ana',
      at: T0,
    };
    const [batch] = await batchesOf([
      block([encodePulse(pulse('a', '1'))]),
      encodeControlBlock(0, T0, WRITER, encodePulseAct(act)),
    ]);
    expect(batch?.step.acts).toEqual([{ ...act, offset: 1 }]);
  });

  test.each<[string, Uint8Array, string]>([
    ['bytes that are no block', Uint8Array.of(1, 2, 3), 'block_invalid'],
    ['a block of another partition', block([encodePulse(pulse('x', '1'))], 7), 'block_invalid'],
    ['a block of usage', encodeUsageBlock(0, T0, WRITER, 0, new Uint8Array(0)), 'block_invalid'],
    [
      'an act that is none',
      encodeControlBlock(0, T0, WRITER, Uint8Array.of(0x7b)),
      'block_invalid',
    ],
  ])('%s become a dead letter as a whole, and those around count', async (_, bytes, code) => {
    const [batch] = await batchesOf([
      block([encodePulse(pulse('a', '1'))]),
      bytes,
      block([encodePulse(pulse('b', '1'))]),
    ]);
    expect(batch?.step.pulses.count).toBe(2);
    expect(batch?.step.deadLetters).toEqual([
      expect.objectContaining({
        queue: 'resource-consumption.dlq',
        bytes,
        origin: { logId: 'pulse-log', partition: 0, offset: 1, index: null },
        code,
        failedAt: 9_000,
      }),
    ]);
  });

  test('and one poisoned pulse becomes a dead letter alone, its neighbours count', async () => {
    const poisoned = encodePulse({ ...pulse('p', '1'), sku: '' });
    const [batch] = await batchesOf([
      block([encodePulse(pulse('a', '1')), poisoned, encodePulse(pulse('b', '1'))]),
    ]);
    expect(batch?.step.pulses.count).toBe(2);
    expect(batch?.step.deadLetters).toEqual([
      expect.objectContaining({
        bytes: poisoned,
        origin: { logId: 'pulse-log', partition: 0, offset: 0, index: 1 },
        tenant: 'acme',
        code: 'sku_missing',
      }),
    ]);
  });
});
