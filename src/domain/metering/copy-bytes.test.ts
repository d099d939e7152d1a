import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { copyBytes } from './copy-bytes.ts';

test('a run of bytes is copied whole, and nothing beside it', () => {
  const place = fc.nat(5);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), place, place, place, (bytes, from, rest, at) => {
      const start = Math.min(from, bytes.length);
      const end = Math.max(start, bytes.length - rest);
      const target = new Uint8Array(at + bytes.length + 4).fill(0xee);
      const expected = [...target];
      expected.splice(at, end - start, ...bytes.subarray(start, end));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const targetView = new DataView(target.buffer);
      expect(copyBytes(bytes, view, start, end, target, targetView, at)).toBe(at + end - start);
      expect([...target]).toEqual(expected);
    }),
  );
});
