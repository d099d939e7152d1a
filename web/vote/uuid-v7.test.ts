/** Proves that the ids are UUIDv7 and carry the time that they were given. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { UUID_V7_RANDOM_BYTES, uuidV7 } from './uuid-v7.ts';

const randomBytes = fc.uint8Array({
  minLength: UUID_V7_RANDOM_BYTES,
  maxLength: UUID_V7_RANDOM_BYTES,
});

test('every id has the shape of a UUIDv7 and its first 48 bits are the given time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), randomBytes, (time, random) => {
      const id = uuidV7(time, random);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(time);
    }),
  );
});

test('the vector of RFC 9562 appendix A.6 comes out', () => {
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('74 bits of the randomness reach the id: changing any of them changes it', () => {
  const zero = new Uint8Array(UUID_V7_RANDOM_BYTES);
  const ids = new Set([uuidV7(1, zero)]);
  for (let bit = 0; bit < UUID_V7_RANDOM_BYTES * 8; bit++) {
    const random = Uint8Array.from(zero);
    random[bit >> 3] = 0x80 >> (bit & 7);
    ids.add(uuidV7(1, random));
  }
  expect(ids.size).toBe(75);
});

test('a fraction of a millisecond is cut, and a time that does not fit is refused', () => {
  const zero = new Uint8Array(UUID_V7_RANDOM_BYTES);
  expect(uuidV7(7.9, zero)).toBe(uuidV7(7, zero));
  for (const time of [-1, Number.NaN, 2 ** 48])
    expect(() => uuidV7(time, zero)).toThrow(RangeError);
  expect(() => uuidV7(1, new Uint8Array(9))).toThrow(RangeError);
});
