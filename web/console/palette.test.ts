import { describe, expect, test } from 'bun:test';
import { COLORS, optionLook, PATTERNS, restLook, SURFACES, type Theme } from './palette.ts';

const THEMES: readonly Theme[] = ['light', 'dark'];

type Rgb = readonly [number, number, number];

/** Linear light of a #rrggbb colour. */
function linear(color: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2 contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = ([red, green, blue]: Rgb) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

/** Machado, Oliveira and Fernandes 2009, severity 1, on linear light. */
const EYES: Readonly<Record<string, readonly Rgb[]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Distance in Oklab of two colours as one kind of eye sees them. */
function distance(a: string, b: string, eye: readonly Rgb[]): number {
  const seen = (color: string) => {
    const [red, green, blue] = linear(color);
    const [r = 0, g = 0, bl = 0] = eye.map((row) =>
      Math.min(1, Math.max(0, row[0] * red + row[1] * green + row[2] * blue)),
    );
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * bl);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * bl);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * bl);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  };
  const [one, other] = [seen(a), seen(b)];
  return Math.hypot(...one.map((value, i) => value - (other[i] ?? 0)));
}

describe('the palette', () => {
  test('stands out from its surface by 3 : 1 or more', () => {
    for (const theme of THEMES) {
      for (const color of COLORS[theme]) {
        expect(contrast(color, SURFACES[theme])).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test('keeps its first five colours apart for every kind of eye', () => {
    for (const theme of THEMES) {
      const first = COLORS[theme].slice(0, 5);
      for (const eye of Object.values(EYES)) {
        first.forEach((a, i) => {
          for (const b of first.slice(i + 1)) expect(distance(a, b, eye)).toBeGreaterThan(0.09);
        });
      }
    }
  });

  test('gives each of a hundred options a look of its own', () => {
    for (const theme of THEMES) {
      const looks = Array.from({ length: 100 }, (_, i) => optionLook(i, theme));
      expect(new Set(looks.map((look) => `${look.color} ${look.pattern}`)).size).toBe(100);
      expect(new Set(looks.map((look) => `${look.color} ${look.dash}`)).size).toBe(100);
    }
    expect(PATTERNS).toHaveLength(10);
  });

  test('shows the rest as no option is shown', () => {
    for (const theme of THEMES) expect(COLORS[theme]).not.toContain(restLook(theme).color);
  });
});
