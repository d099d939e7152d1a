import { describe, expect, test } from 'bun:test';
import { VarintReader, varintLength, writeVarint } from './wire-varint.ts';

describe('a varint', () => {
  test('is read as it was written, and says where it ends', () => {
    const reader = new VarintReader();
    for (let bits = 0; bits <= 53; bits += 1) {
      for (const value of [2 ** bits - 1, 2 ** bits].filter(Number.isSafeInteger)) {
        const bytes = new Uint8Array(12).fill(0xff);
        const end = writeVarint(bytes, 1, value);
        expect(reader.read(bytes, 1, end)).toBe(true);
        expect([reader.value, reader.next]).toEqual([value, end]);
        expect(reader.read(bytes, 1, end - 1)).toBe(false);
        if (value < 2 ** 32) expect(varintLength(value)).toBe(end - 1);
      }
    }
  });

  test('has at most 64 bits, in at most ten bytes', () => {
    const reader = new VarintReader();
    const nine = new Array<number>(9).fill(0xff);
    expect(reader.read(Uint8Array.of(...nine, 1), 0, 10)).toBe(true);
    expect(reader.value).toBe(2 ** 64);
    expect(reader.read(Uint8Array.of(...nine, 2), 0, 10)).toBe(false);
    expect(reader.read(Uint8Array.of(...nine, 0x81, 0), 0, 11)).toBe(false);
  });
});
