import { expect, test } from 'bun:test';
import { bytesOfBase64, hexRows, textOfBytes } from './byte-view.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

test('base64 becomes its bytes, and anything else nothing', () => {
  expect(bytesOfBase64('AP/+')).toEqual(new Uint8Array([0, 255, 254]));
  expect(bytesOfBase64('')).toEqual(new Uint8Array());
  expect(bytesOfBase64('%%%')).toBeNull();
});

test('a dump has sixteen bytes a row, in hex and as far as they print', () => {
  expect(hexRows(bytesOf('0123456789abcdef\u0000é'), 10)).toEqual([
    {
      offset: '00000000',
      hex: '30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66',
      ascii: '0123456789abcdef',
    },
    { offset: '00000010', hex: '00 c3 a9', ascii: '...' },
  ]);
  expect(hexRows(new Uint8Array(100), 2)).toHaveLength(2);
  expect(hexRows(new Uint8Array(), 2)).toEqual([]);
});

test('text hides nothing: controls and turned directions are spelt out', () => {
  expect(textOfBytes(bytesOf('a\u0007b\u202ec\n'), 100)).toBe('a⟨07⟩b⟨202e⟩c\n');
  expect(textOfBytes(new Uint8Array([0x61, 0xff]), 100)).toBe('a\ufffd');
  expect(textOfBytes(bytesOf('abcdef'), 3)).toBe('abc');
});
