import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { compareTexts } from './text-order.ts';

test('texts are ordered as their UTF-8 bytes are', () => {
  const texts = fc.string({
    unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '🗳'),
  });
  fc.assert(
    fc.property(texts, texts, (left, right) => {
      const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
      expect(Math.sign(compareTexts(left, right))).toBe(bytes);
    }),
  );
  expect(Math.sign(compareTexts('\uffff', '🗳'))).toBe(-1);
});
