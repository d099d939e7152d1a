import { describe, expect, test } from 'bun:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { TimeReader, timeLength, writeTime } from './wire-time.ts';

const reader = new TimeReader();
const U32_MAX = 0xffff_ffff;
const nanos = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 123_000_000, 999_999_999),
  fc.integer({ min: 0, max: 999_999_999 }),
);

function written(seconds: number, nano: number): Uint8Array {
  const bytes = new Uint8Array(timeLength(seconds, nano) + 1);
  expect(writeTime(bytes, 1, seconds, nano)).toBe(bytes.length);
  return bytes.subarray(1);
}

function own(seconds: number, nano: number): Uint8Array {
  return toBinary(
    TimestampSchema,
    create(TimestampSchema, { seconds: BigInt(seconds), nanos: nano }),
  );
}

describe('a time in its usual form', () => {
  test('is what Protobuf’s own library writes, and is read back', () => {
    const seconds = fc.oneof(
      fc.constantFrom(2 ** 28, U32_MAX, 2 ** 31 - 1, 2 ** 31),
      fc.integer({ min: 2 ** 28, max: U32_MAX }),
    );
    fc.assert(
      fc.property(seconds, nanos, (second, nano) => {
        const bytes = written(second, nano);
        expect(bytes).toEqual(own(second, nano));
        expect(reader.read(bytes, 0, bytes.length)).toBe(true);
        expect([reader.seconds, reader.nanos]).toEqual([second, nano]);
      }),
    );
  });

  test('is no other one: what is read is written as the same bytes, and means the same', () => {
    const flips = fc.array(
      fc.record({ at: fc.nat(20), value: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() }),
      { maxLength: 3 },
    );
    let taken = 0;
    const property = fc.property(nanos, flips, (nano, changes) => {
      let bytes = Uint8Array.from([...own(1_792_843_200, nano), ...own(7, 0)].slice(0, 14));
      for (const { at, value, cut } of changes) {
        if (bytes.length > 0) bytes[at % bytes.length] = value;
        if (cut) bytes = bytes.slice(0, at);
      }
      for (const end of [6, bytes.length, bytes.length - 1, bytes.length - 2]) {
        const time = bytes.subarray(0, Math.min(Math.max(end, 0), bytes.length));
        if (!reader.read(time, 0, time.length)) continue;
        taken += 1;
        expect(written(reader.seconds, reader.nanos)).toEqual(new Uint8Array(time));
        const { seconds, nanos: nano } = fromBinary(TimestampSchema, time);
        expect([reader.seconds, reader.nanos]).toEqual([Number(seconds), nano]);
      }
    });
    fc.assert(property, { numRuns: 3_000 });
    expect(taken).toBeGreaterThan(500);
  });

  test.each<[string, readonly number[]]>([
    ['has no seconds', []],
    ['has seconds of four bytes', [0x08, 0x80, 0x80, 0x80, 0x01]],
    ['has seconds of four bytes and a zero', [0x08, 0x80, 0x80, 0x80, 0x81, 0x00]],
    ['has seconds beyond 32 bits', [0x08, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['has nanoseconds alone', [0x10, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['has nanoseconds of zero', [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10, 0x00]],
    ['has no nanoseconds behind their tag', [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10]],
    ['has its seconds twice', [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x08, 0x01]],
    ['has nanoseconds with a zero', [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10, 0x81, 0x00]],
    [
      'has too many nanoseconds',
      [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03],
    ],
    [
      'has nanoseconds beyond 32 bits',
      [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10, 0x81, 0x80, 0x80, 0x80, 0x11],
    ],
  ])('is not what %s', (_, bytes) => {
    expect(reader.read(Uint8Array.from(bytes), 0, bytes.length)).toBe(false);
  });
});
