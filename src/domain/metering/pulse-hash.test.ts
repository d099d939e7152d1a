import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HASH_BYTES, PulseHash } from './pulse-hash.ts';

const reference = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher('blake2s256')
    .update(bytes)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);

function hashed(hash: PulseHash, parts: readonly Uint8Array[]): string {
  const target = new Uint8Array(HASH_BYTES + 2);
  hash.start();
  for (const part of parts) {
    if (part.length === 1) hash.byte(part[0] as number);
    else hash.bytes(part, 0, part.length);
  }
  hash.finish(target, 1);
  expect([target[0], target[HASH_BYTES + 1]]).toEqual([0, 0]);
  return Buffer.from(target.subarray(1, HASH_BYTES + 1)).toString('hex');
}

test('the hash is the one that the runtime knows by this name, of any length', () => {
  const hash = new PulseHash();
  for (let length = 0; length <= 260; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + length) & 0xff);
    expect(hashed(hash, [bytes])).toBe(reference(bytes));
  }
});

test('the hash is the same however its bytes are handed in, one or many at a time', () => {
  const hash = new PulseHash();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 130 }), { maxLength: 8 }), (parts) => {
      expect(hashed(hash, parts)).toBe(reference(new Uint8Array(Buffer.concat(parts))));
    }),
  );
});

test('a word is its four bytes, the lowest first', () => {
  const hash = new PulseHash();
  const target = new Uint8Array(HASH_BYTES);
  hash.start();
  hash.word(0x80c0_0102);
  hash.finish(target, 0);
  expect(Buffer.from(target).toString('hex')).toBe(reference(Uint8Array.of(2, 1, 0xc0, 0x80)));
});
