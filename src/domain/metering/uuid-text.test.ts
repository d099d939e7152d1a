import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { packUuid, UUID_BYTES, UUID_TEXT_BYTES, writeUuidText } from './uuid-text.ts';

/** Null where the text is not taken for a UUID. It lies at an odd place. */
function packed(text: Uint8Array): Uint8Array | null {
  const bytes = new Uint8Array(text.length + 3);
  bytes.set(text, 3);
  const target = new Uint8Array(UUID_BYTES + 1);
  const view = new DataView(bytes.buffer);
  return packUuid(bytes, view, 3, new DataView(target.buffer), 1) ? target.slice(1) : null;
}

function unpacked(bytes: Uint8Array): string {
  const target = new Uint8Array(UUID_TEXT_BYTES + 1);
  writeUuidText(bytes, 0, target, new DataView(target.buffer), 1);
  return Buffer.from(target.subarray(1)).toString();
}

const USUAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('the text of a UUID', () => {
  test('is the 16 bytes that its digits say, and comes back from them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const digits = Buffer.from(bytes).toString('hex');
        const text = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
        expect(packed(Buffer.from(text))).toEqual(new Uint8Array(bytes));
        expect(unpacked(bytes)).toBe(text);
      }),
    );
  });

  test('is nothing else: with any byte changed it is told apart, or still a UUID', () => {
    const uuid = Buffer.from('0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11');
    for (let at = 0; at < uuid.length; at += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        const text = Buffer.from(uuid);
        text[at] = byte;
        const bytes = packed(text);
        expect(bytes !== null).toBe(USUAL.test(text.toString('latin1')));
        if (bytes !== null) expect(unpacked(bytes)).toBe(text.toString());
      }
    }
  });
});
