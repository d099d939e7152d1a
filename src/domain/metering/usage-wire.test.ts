import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { USAGE_WINDOW_MS, type UsageRecord } from './usage.ts';
import { decodeUsageRecords, encodeUsageRecords } from './usage-wire.ts';

const amount = fc.bigInt(-(10n ** 60n), 10n ** 60n);
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
const records: fc.Arbitrary<UsageRecord> = fc.record({
  series: fc.record({ tenant: name, sku: name, unit: name }),
  start: fc.nat(2_000_000).map((window) => window * USAGE_WINDOW_MS),
  partition: fc.nat(510),
  version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  sum: amount,
  count: fc.nat(),
  min: amount,
  max: amount,
  last: amount,
  lastAt: fc.nat(2_000_000_000_000),
  lastKey: fc.stringMatching(/^[0-9a-f]{32}$/),
});
const RECORD: UsageRecord = {
  series: { tenant: 'acme', sku: 'gpu', unit: 'h' },
  start: 0,
  partition: 0,
  version: 1,
  sum: 0n,
  count: 0,
  min: 0n,
  max: 0n,
  last: 0n,
  lastAt: 0,
  lastKey: '0'.repeat(32),
};

/** The request of one record, whose bytes a test may then spoil. */
function spoiled(spoil: (record: number[]) => void): Uint8Array {
  const record = [...encodeUsageRecords([RECORD])].slice(2);
  spoil(record);
  return Uint8Array.of(0x0a, record.length, ...record);
}

describe('usage on its way', () => {
  test('is read as it was written, amounts of any size', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 5 }), (list) => {
        fc.pre(
          list.every(({ series }) =>
            Object.values(series).every((text) => Buffer.byteLength(text) <= 32),
          ),
        );
        expect(decodeUsageRecords(encodeUsageRecords(list))).toEqual(list);
      }),
    );
  });

  test('passes over fields that it does not know', () => {
    const more = spoiled((record) => {
      record.push(0x78, 0x05); // field 15, a varint
      record.push(0x81, 0x01, 1, 2, 3, 4, 5, 6, 7, 8); // field 16, 64 bits
      record.push(0x8d, 0x01, 1, 2, 3, 4); // field 17, 32 bits
      record.push(0x92, 0x01, 0x01, 0xff); // field 18, bytes
    });
    expect(decodeUsageRecords(more)).toEqual([RECORD]);
  });

  test.each<[string, Uint8Array]>([
    ['cut in a number', Uint8Array.of(0x08)],
    ['cut in a field', Uint8Array.of(0x0a, 0x05, 0x01)],
    ['cut in a fixed number', Uint8Array.of(0x0d, 0x01)],
    ['of another wire type', Uint8Array.of(0x0b)],
    ['without a tenant', Uint8Array.of(0x0a, 0x00)],
    ['with a tenant that is no text', spoiled((record) => record.splice(2, 1, 0xff))],
    ['with a sum that is no decimal', spoiled((record) => record.push(0x3a, 0x01, 0x78))],
    ['with a window amid another', spoiled((record) => record.push(0x22, 0x02, 0x08, 0x01))],
    ['without a version', spoiled((record) => record.push(0x30, 0x00))],
    [
      'with a version above 2^53',
      spoiled((record) => record.push(0x30, ...Array(8).fill(0xff), 0x01)),
    ],
    [
      'with a last key that is none',
      spoiled((record) => record.push(0x6a, 32, ...Array(32).fill(0x78))),
    ],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeUsageRecords(bytes)).toThrow(
      expect.objectContaining({ code: 'block_invalid' }),
    );
  });

  test('hostile bytes are refused or read, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeUsageRecords(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'block_invalid' });
        }
      }),
    );
  });
});
