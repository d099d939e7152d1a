/** Proves that no value leaves the place in the page that it was put into. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Html, html, jsonScript } from './html.ts';

test('every value is escaped for text and for quoted attributes', () => {
  const evil = `"><script>alert('1')</script>&amp;`;
  expect(html`<a title="${evil}">${evil}</a>`.toString()).toBe(
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;">' +
      '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;</a>',
  );
});

test('escaped text reads back as what went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      let read = '';
      new HTMLRewriter()
        .on('p', {
          element(element) {
            read = element.getAttribute('title') ?? '';
          },
        })
        .transform(html`<p title="${text}"></p>`.toString());
      expect(unescapeHtml(read)).toBe(text);
    }),
  );
});

/** HTMLRewriter hands attributes out as they are written. */
function unescapeHtml(text: string): string {
  const characters: Record<string, string> = {
    '&amp;': '&',
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
  };
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => characters[entity] ?? entity);
}

test('nested markup and lists stay markup; null and false leave nothing, zero stays', () => {
  const items = ['<a>', 'b'].map((item) => html`<li>${item}</li>`);
  expect(html`<ul>${items}${null}${false}${0}</ul>`.toString()).toBe(
    '<ul><li>&lt;a&gt;</li><li>b</li>0</ul>',
  );
});

test('markup can not be made from a string', () => {
  const make = (token: symbol) => Reflect.construct(Html, [token, '<b>']);
  expect(() => make(Symbol('trusted'))).toThrow(TypeError);
});

test('data for the script can not end its block, and reads back as it was', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom('</script>', '<!--', '\u2028', '&'),
      (value, text) => {
        const data = { value, text };
        const block = jsonScript('d', data).toString();
        const inner = block.slice(block.indexOf('>') + 1, block.lastIndexOf('</script>'));
        expect(inner).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(inner)).toEqual(JSON.parse(JSON.stringify(data)));
      },
    ),
  );
});
