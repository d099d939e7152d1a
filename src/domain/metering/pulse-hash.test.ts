import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HASH_BYTES, PulseHash } from './pulse-hash.ts';

const reference = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher('blake2s256')
    .update(bytes)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);

function hashed(hash: PulseHash, parts: readonly Uint8Array[]): string {
  hash.start();
  for (const part of parts) take(hash, part);
  return finished(hash);
}

function take(hash: PulseHash, part: Uint8Array): void {
  const view = new DataView(part.buffer, part.byteOffset, part.length);
  if (part.length === 1) hash.byte(part[0] as number);
  else hash.bytes(part, view, 0, part.length);
}

function finished(hash: PulseHash): string {
  const target = new Uint8Array(HASH_BYTES + 2);
  hash.finish(new DataView(target.buffer), 1);
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

test('a word is its four bytes, the lowest first, wherever four bytes end', () => {
  const hash = new PulseHash();
  const words = Array.from({ length: 40 }, (_, index) => 0x80c0_0102 + index);
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  for (let count = 1; count <= words.length; count += 1) {
    hash.start();
    for (const word of words.slice(0, count)) hash.word(word);
    expect(finished(hash)).toBe(reference(bytes.subarray(0, 4 * count)));
  }
  hash.start();
  hash.word(0x80c0_0102);
  expect(finished(hash)).toBe(reference(Uint8Array.of(2, 1, 0xc0, 0x80)));
});

test('padding is zeros to the end of the block, and a hash goes on from behind it as often as one likes', () => {
  const hash = new PulseHash();
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, fc.array(bytes, { minLength: 1, maxLength: 3 }), (before, all) => {
      hash.start();
      take(hash, before);
      hash.pad();
      const stand = hash.stand();
      const padded = new Uint8Array(Math.ceil(before.length / 64 || 1) * 64);
      padded.set(before);
      for (const behind of all.filter(({ length }) => length > 0)) {
        hash.goOn(stand);
        take(hash, behind);
        expect(finished(hash)).toBe(reference(Uint8Array.of(...padded, ...behind)));
      }
    }),
    { examples: [[new Uint8Array(64), [Uint8Array.of(1)]]] },
  );
});
