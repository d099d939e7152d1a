import { describe, expect, test } from 'bun:test';
import { crc32c, createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka';
import fc from 'fast-check';
import { batchBytes, decodeBatches, writeBatch } from './record-batch.ts';

const UNBOUNDED = Number.MAX_SAFE_INTEGER;
const CORRUPT = expect.objectContaining({ code: 'log_corrupt' });

function encodeBatch(parts: readonly Uint8Array[], before = 0): Buffer {
  const buffer = Buffer.alloc(before + batchBytes(parts), 0xa5);
  expect(writeBatch(buffer, before, parts)).toBe(buffer.length);
  return buffer.subarray(before);
}

/** As a broker stores it: with its own first offset, which no checksum covers. */
function stored(base: number, blocks: readonly Uint8Array[]): Buffer {
  const batch = encodeBatch(blocks);
  batch.writeBigInt64BE(BigInt(base), 0);
  return batch;
}

function patched(batch: Buffer, at: number, value: number): Buffer {
  batch.writeInt16BE(value, at);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

// Enough of them, and long enough, for numbers of more than one byte.
const block = fc.uint8Array({ maxLength: 300, size: 'max' });
const blocks = fc.array(block, { minLength: 1, maxLength: 70, size: 'max' });

describe('record batches', () => {
  test('give back the blocks, from any offset on and below any size', () => {
    fc.assert(
      fc.property(fc.array(blocks, { maxLength: 4 }), fc.nat(90), fc.nat(900), (all, from, max) => {
        const flat = all.flat();
        let base = 0;
        const bytes = Buffer.concat(
          all.map((part) => {
            base += part.length;
            return stored(base - part.length, part);
          }),
        );
        const whole = decodeBatches(bytes, Math.min(from, flat.length), UNBOUNDED);
        expect(whole.map((block) => new Uint8Array(block.bytes))).toEqual(flat.slice(from));
        const part = decodeBatches(bytes, Math.min(from, flat.length), max);
        expect(part).toEqual(whole.slice(0, part.length));
        const size = part.reduce((sum, block) => sum + block.bytes.length, 0);
        expect(part.length <= 1 || size <= max).toBe(true);
        expect(part.length > 0 || whole.length === 0).toBe(true);
      }),
    );
  });

  test('are what Kafka’s other clients read and write', () => {
    const parts = [Uint8Array.of(1, 2), new Uint8Array(200).fill(7)];
    const read = readRecordsBatches(Reader.from(encodeBatch(parts)));
    expect(
      read.flatMap(({ records }) => records.map(({ value }) => new Uint8Array(value ?? []))),
    ).toEqual(parts);
    const theirs = createRecordsBatch([
      { topic: 't', value: Buffer.of(9), key: Buffer.from('key'), timestamp: 5n },
      { topic: 't', value: Buffer.of(8), timestamp: 9_000_000_000n },
    ]);
    const ours = decodeBatches(theirs.buffer, 0, UNBOUNDED);
    expect(ours.map(({ bytes }) => [...bytes])).toEqual([[9], [8]]);
  });

  test('name no producer and no time', () => {
    const parts = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    const prefix = '0000000000000000 00000042 ffffffff 02 0b9ea9d5';
    const fields = '0000 00000001 0000000000000000 0000000000000000';
    const producer = 'ffffffffffffffff ffff ffffffff';
    const records = '00000002 1000000001040102 00 0e00000201020300';
    const written = `${prefix} ${fields} ${producer} ${records}`.replaceAll(' ', '');
    expect(encodeBatch(parts).toString('hex')).toBe(written);
  });

  test('take the bytes that were reckoned, and stand the same wherever they are written', () => {
    fc.assert(
      fc.property(blocks, fc.nat(9), (parts, before) => {
        expect(encodeBatch(parts, before)).toEqual(encodeBatch(parts));
      }),
    );
  });

  test('with any one bit wrong are log_corrupt, or the same', () => {
    const parts = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
    const whole = decodeBatches(stored(0, parts), 0, UNBOUNDED);
    for (let bit = 8 * 8; bit < stored(0, parts).length * 8; bit += 1) {
      const bytes = stored(0, parts);
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      let read: unknown = null;
      try {
        read = decodeBatches(bytes, 0, UNBOUNDED);
      } catch (error) {
        expect(error).toMatchObject({ code: 'log_corrupt' });
        continue;
      }
      expect(read).toEqual(whole);
    }
  });

  test('with an offset missing are log_corrupt, wherever it is', () => {
    const bytes = Buffer.concat([stored(0, [Uint8Array.of(1)]), stored(2, [Uint8Array.of(2)])]);
    expect(() => decodeBatches(bytes, 0, UNBOUNDED)).toThrow(CORRUPT);
    expect(() => decodeBatches(bytes, 1, UNBOUNDED)).toThrow(CORRUPT);
    expect(decodeBatches(bytes, 2, UNBOUNDED)).toHaveLength(1);
  });

  test('that Apura can not have written are log_corrupt', () => {
    const batch = () => stored(0, [Uint8Array.of(1)]);
    expect(() => decodeBatches(patched(batch(), 21, 1), 0, UNBOUNDED)).toThrow('compressed');
    expect(() => decodeBatches(patched(batch(), 21, 1 << 5), 0, UNBOUNDED)).toThrow('transaction');
    const empty = createRecordsBatch([{ topic: 't', value: Buffer.of() }]).buffer;
    // The value's length, before the count of headers: -1, a deletion of the key.
    empty.writeUInt8(1, empty.length - 2);
    const deletion = patched(empty, 21, 0);
    expect(() => decodeBatches(deletion, 0, UNBOUNDED)).toThrow('holds no block');
  });

  test('that are cut off at the end end there', () => {
    const whole = Buffer.concat([stored(0, [Uint8Array.of(1)]), stored(1, [Uint8Array.of(2)])]);
    const first = stored(0, [Uint8Array.of(1)]).length;
    for (let length = first; length < whole.length; length += 1) {
      expect(decodeBatches(whole.subarray(0, length), 0, UNBOUNDED)).toHaveLength(1);
    }
  });
});
