import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type ContractPulse,
  contractPulse,
  contractPulses,
  NOW,
  naiveRejection,
  readPulse,
  timeAt,
  writePulse,
  writeRequest,
} from '../../../test/support/pulse-messages.ts';
import { formatDecimal, parseDecimal } from '../counting/decimal.ts';
import { decodePulse, encodeIngestRequest, encodePulse, encodePulseTexts } from './pulse-codec.ts';

const allowed = { tenant: 'acme', allowsBackfill: true };
const good = contractPulses.filter((pulse) => {
  const code = naiveRejection(writePulse(pulse), { ...allowed, tenant: null });
  return code === null || code === 'in_future' || code === 'tenant_missing';
});
const msOf = (pulse: ContractPulse): number =>
  Number(pulse.occurredAt?.seconds) * 1000 + (pulse.occurredAt?.nanos ?? 0) / 1e6;

describe('a pulse', () => {
  test('is decoded as the contract’s own reader reads it, and encoded so that it reads it back', () => {
    fc.assert(
      fc.property(good, (given) => {
        const pulse = decodePulse(writePulse(given));
        expect(pulse).toEqual({
          id: given.id,
          source: given.source,
          tenant: given.tenant,
          sku: given.productSku,
          amount: parseDecimal(given.usedAmount) ?? { mantissa: -1n, scale: -1 },
          unit: given.useUnity,
          occurredAt: msOf(given),
          attributes: { ...given.attributes },
        });
        const again = readPulse(encodePulse(pulse));
        const usedAmount = formatDecimal(pulse.amount);
        expect(writePulse(again)).toEqual(writePulse({ ...given, usedAmount }));
        expect(decodePulse(encodePulse(pulse))).toEqual(pulse);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps an attribute of any name', () => {
    const attributes = Object.fromEntries([['__proto__', 'x']]);
    const bytes = encodePulseTexts({ attributes });
    const pulse = decodePulse(Uint8Array.from([...writePulse(contractPulse()), ...bytes]));
    expect(Object.entries(pulse.attributes)).toEqual([
      ['region', 'eu-1'],
      ['__proto__', 'x'],
    ]);
    expect(Object.getOwnPropertyNames(decodePulse(encodePulse(pulse)).attributes)).toContain(
      '__proto__',
    );
  });

  test('that no log could hold is refused', () => {
    const refused = expect.objectContaining({ code: 'block_invalid' });
    for (const bytes of [Uint8Array.of(0), writePulse(contractPulse({ id: '' }))]) {
      expect(() => decodePulse(bytes)).toThrow(refused);
    }
  });

  test('is written from what somebody says, right or wrong, and nothing where nothing is said', () => {
    expect(encodePulseTexts({})).toHaveLength(0);
    expect(encodePulseTexts({ id: '', attributes: {} })).toHaveLength(0);
    const { id, source, tenant } = contractPulse();
    for (const ms of [0, -1, -86_400_000, NOW, 253_402_300_800_000]) {
      const { seconds, nanos } = timeAt(ms);
      const bytes = encodePulseTexts({
        ...{ id, source, tenant, sku: 's', amount: 'much', unit: 'u' },
        occurredAt: { seconds: Number(seconds), nanos },
      });
      expect(readPulse(bytes)).toMatchObject({
        ...{ id, source, tenant, productSku: 's', usedAmount: 'much', useUnity: 'u' },
        occurredAt: { seconds, nanos },
      });
    }
  });
});

test('a request is one of the contract', () => {
  const pulses = [contractPulse(), contractPulse({ id: 'x'.repeat(128), source: 'y'.repeat(128) })];
  for (const allowsBackfill of [true, false]) {
    expect(encodeIngestRequest(pulses.map(writePulse), allowsBackfill)).toEqual(
      writeRequest(pulses, allowsBackfill),
    );
  }
});
