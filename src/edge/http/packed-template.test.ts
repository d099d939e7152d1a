/** Proves that a filled template unpacks to what it says, whatever stands around and in the place. */
import { expect, test } from 'bun:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createPackedTemplate, FILLING_BYTES_MAX } from './packed-template.ts';

test('unpacks to the text with its filling, for any texts', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 });
  fc.assert(
    fc.property(
      text,
      text,
      fc.array(text, { minLength: 1, maxLength: 3 }),
      (before, after, fillings) => {
        const template = createPackedTemplate(before, after);
        for (const filling of fillings) {
          expect(template.plain(filling)).toBe(before + filling + after);
          expect(gunzipSync(template.packed(filling)).toString()).toBe(before + filling + after);
        }
      },
    ),
  );
});

test('takes the largest filling', () => {
  const filling = 'x'.repeat(FILLING_BYTES_MAX);
  expect(gunzipSync(createPackedTemplate('a', 'b').packed(filling)).toString()).toBe(
    `a${filling}b`,
  );
});

test('is about as small as packing the whole', () => {
  const half = '<li>option</li>\n'.repeat(500);
  const whole = gzipSync(`${half}key${half}`).length;
  expect(createPackedTemplate(half, half).packed('key').length).toBeLessThan(2 * whole + 64);
});
