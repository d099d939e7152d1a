import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One bit at a time, as the polynomial is defined: what no table can get wrong. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('the checksum is the CRC32C of RFC 3720', () => {
  test.each([
    ['32 bytes of zeros', new Uint8Array(32), 0x8a91_36aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd_794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113f_db5c],
    ['123456789', utf8('123456789'), 0xe306_9283],
    ['nothing', new Uint8Array(), 0],
  ])('of %s', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });
});

test('the checksum of any bytes at any place in memory is the one taken bit by bit', () => {
  const cases = fc.record({
    // Long enough for many steps of the tables: fast-check's own size stops at about ten bytes.
    bytes: fc.uint8Array({ maxLength: 300, size: 'max' }),
    shift: fc.nat(8),
    behind: fc.nat(8),
  });
  fc.assert(
    fc.property(cases, ({ bytes, shift, behind }) => {
      const around = new Uint8Array(shift + bytes.length + behind).fill(0xa5);
      around.set(bytes, shift);
      const expected = bitwise(bytes);
      expect(crc32c(around, shift, shift + bytes.length)).toBe(expected);
      expect(crc32c(around.subarray(shift, shift + bytes.length))).toBe(expected);
    }),
    { numRuns: 500 },
  );
});
