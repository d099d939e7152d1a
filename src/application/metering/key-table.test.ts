import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { hashWords, KeyTable, type KeyVerdict } from './key-table.ts';

/** Hashes that share all but their last word, so that many fall into one place. */
function hashes(numbers: readonly number[]): Int32Array {
  const words = Int32Array.from(numbers.flatMap((number) => [number % 3, 0, 0, number]));
  return hashWords(new Uint8Array(words.buffer));
}

test('tells new keys, the same again and others apart, as a map does', () => {
  const pairs = fc.array(fc.tuple(fc.nat(40), fc.nat(2)), { maxLength: 200 });
  fc.assert(
    fc.property(pairs, (list) => {
      const keys = hashes(list.map(([key]) => key));
      const digests = hashes(list.map(([, digest]) => digest));
      const table = new KeyTable();
      const known = new Map<number, number>();
      for (const [index, [key, digest]] of list.entries()) {
        const first = known.get(key);
        const same: KeyVerdict = first === digest ? 'same' : 'other';
        expect(table.judge(keys, digests, index)).toBe(first === undefined ? 'new' : same);
        if (first === undefined) known.set(key, digest);
      }
      expect(table.size).toBe(known.size);
    }),
  );
});

test('knows every key after it has grown', () => {
  const numbers = Array.from({ length: 5_000 }, (_, number) => number);
  const keys = hashes(numbers);
  const table = new KeyTable();
  for (const index of numbers) expect(table.judge(keys, keys, index)).toBe('new');
  for (const index of numbers) expect(table.judge(keys, keys, index)).toBe('same');
  expect(table.size).toBe(numbers.length);
});

test('takes hashes wherever they lie in memory', () => {
  const bytes = Uint8Array.from({ length: 33 }, (_, at) => at);
  expect([...hashWords(bytes.subarray(1))]).toEqual([...new Int32Array(bytes.slice(1).buffer)]);
});
