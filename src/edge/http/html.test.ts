/** Proves that no text becomes markup. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { escapeHtml } from './html.ts';

test('what stands for markup is written so that it stands for itself', () => {
  expect(escapeHtml(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
});

test('no text keeps a character that could end a text or an attribute', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
    }),
  );
});
