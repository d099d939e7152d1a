/** Turns a poll's own colour into the page's, darkened or lightened until everyone can read it. */
import type { PollLook } from './poll.ts';

export type Rgb = readonly [red: number, green: number, blue: number];

/** WCAG 2.2, 1.4.3. */
const CONTRAST_MIN = 4.5;
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** The backgrounds of vote.css that accent-coloured text and lines stand on. */
export const SURFACES: Readonly<Record<'light' | 'dark', readonly Rgb[]>> = {
  light: [
    [255, 255, 255],
    [247, 246, 243],
  ],
  dark: [
    [27, 30, 36],
    [18, 20, 24],
  ],
};

/**
 * The stylesheet of a poll's look, empty when it has none or one that is no colour: `--accent` is the
 * colour itself, `--on-accent` black or white upon it, `--accent-ink` what stands on the page's
 * backgrounds, `--accent-soft` a tint of those.
 */
export function renderLookCss(look: PollLook): string {
  const accent = parseColor(look.accentColor);
  if (accent === null) return '';
  const light = declarations(accent, SURFACES.light, BLACK);
  const dark = declarations(accent, SURFACES.dark, WHITE);
  return `:root{${light}}@media (prefers-color-scheme:dark){:root{${dark}}}`;
}

function declarations(accent: Rgb, surfaces: readonly Rgb[], towards: Rgb): string {
  const soft = mix(surfaces[0] ?? WHITE, accent, 0.1);
  const ink = readableOn([...surfaces, soft], accent, towards);
  const on = contrast(accent, WHITE) >= contrast(accent, BLACK) ? WHITE : BLACK;
  return [
    `--accent:${formatColor(accent)}`,
    `--on-accent:${formatColor(on)}`,
    `--accent-ink:${formatColor(ink)}`,
    `--accent-soft:${formatColor(soft)}`,
  ].join(';');
}

/** The nearest to `color`, on the way to black or white, that can be read on all of the backgrounds. */
function readableOn(backgrounds: readonly Rgb[], color: Rgb, towards: Rgb): Rgb {
  for (let part = 0; part < 1; part += 0.02) {
    const candidate = mix(color, towards, part);
    if (backgrounds.every((background) => contrast(candidate, background) >= CONTRAST_MIN)) {
      return candidate;
    }
  }
  return towards;
}

/** `#rgb` or `#rrggbb`, or null. */
export function parseColor(text: string | null): Rgb | null {
  if (text === null || !/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text)) return null;
  const digits = text.length === 4 ? text.slice(1).replace(/./g, '$&$&') : text.slice(1);
  const value = Number.parseInt(digits, 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}

/** The contrast ratio of WCAG 2.2, 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function linear(channel: number): number {
  const part = channel / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function mix(one: Rgb, other: Rgb, part: number): Rgb {
  const at = (index: 0 | 1 | 2) => Math.round(one[index] * (1 - part) + other[index] * part);
  return [at(0), at(1), at(2)];
}

function formatColor(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
