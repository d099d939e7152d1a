/** Proves that any colour a poll chooses leaves the page readable. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { contrast, parseColor, type Rgb, renderLookCss, SURFACES } from './look.ts';

const hex = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);

/** The custom properties of the light and the dark half. */
function palettes(css: string): Record<'light' | 'dark', (name: string) => Rgb> {
  const [light = '', dark = ''] = css.split('@media (prefers-color-scheme:dark)');
  const reader = (part: string) => (name: string) => {
    const color = parseColor(new RegExp(`${name}:(#[0-9a-f]{6})`).exec(part)?.[1] ?? null);
    if (color === null) throw new Error(`${name} is not in ${part}`);
    return color;
  };
  return { light: reader(light), dark: reader(dark) };
}

test('every accent is readable on every background of its scheme, and the button on the accent', () => {
  fc.assert(
    fc.property(hex, (accentColor) => {
      const palette = palettes(renderLookCss({ accentColor, logoUrl: null }));
      for (const scheme of ['light', 'dark'] as const) {
        const color = palette[scheme];
        expect(color('--accent')).toEqual(parseColor(accentColor) ?? [-1, -1, -1]);
        expect(contrast(color('--on-accent'), color('--accent'))).toBeGreaterThanOrEqual(4.5);
        for (const surface of [...SURFACES[scheme], color('--accent-soft')]) {
          expect(contrast(color('--accent-ink'), surface)).toBeGreaterThanOrEqual(4.5);
        }
      }
    }),
  );
});

test('a colour that is readable already is left as it is', () => {
  const palette = palettes(renderLookCss({ accentColor: '#7b1fa2', logoUrl: null }));
  expect(palette.light('--accent-ink')).toEqual([0x7b, 0x1f, 0xa2]);
});

test.each([null, '', 'red', '#12', '#ggg', '#fff;}body{display:none}', '#ffff'])(
  '%p makes no style at all',
  (accentColor) => {
    expect(renderLookCss({ accentColor, logoUrl: null })).toBe('');
  },
);

test('three digits stand for six', () => {
  expect(parseColor('#0fA')).toEqual([0x00, 0xff, 0xaa]);
});

test('the contrast is that of WCAG: 21 for black on white, symmetric, 1 for equals', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
  expect(contrast([255, 255, 255], [0, 0, 0])).toBeCloseTo(21, 5);
  expect(contrast([9, 9, 9], [9, 9, 9])).toBe(1);
  expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
});

test("the backgrounds are those of the stylesheet, so that what is checked is what's shown", async () => {
  const css = await Bun.file(new URL('vote.css', import.meta.url)).text();
  const values = (name: string) =>
    [...css.matchAll(new RegExp(`--${name}: (#[0-9a-f]{6});`, 'g'))].map((hit) =>
      parseColor(hit[1] ?? null),
    );
  expect([values('surface')[0], values('paper')[0]]).toEqual([...SURFACES.light]);
  expect([values('surface')[1], values('paper')[1]]).toEqual([...SURFACES.dark]);
});
