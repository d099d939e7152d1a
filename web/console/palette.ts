/**
 * The look of up to a hundred options: ten colours, and a pattern (or a dash) for each further ten.
 *
 * The colours were searched for, not chosen by taste: each has a contrast of 3 : 1 or more with its
 * surface, and the first five stay apart for deuteranopia, protanopia and tritanopia (palette.test.ts
 * holds both bounds). Beyond ten nobody can tell colours apart, so the pattern speaks.
 */
export type Theme = 'light' | 'dark';

export const SURFACES: Readonly<Record<Theme, string>> = { light: '#ffffff', dark: '#161b22' };

export const COLORS: Readonly<Record<Theme, readonly string[]>> = {
  light: [
    '#3350c8',
    '#dd6b20',
    '#8d3856',
    '#0a9896',
    '#9d68e0',
    '#946902',
    '#b8323f',
    '#0e7caa',
    '#5f9040',
    '#5e6b77',
  ],
  dark: [
    '#4f6ef0',
    '#f7b155',
    '#c8467a',
    '#4fe3e0',
    '#b49cf0',
    '#b59b1e',
    '#ea7a74',
    '#38b8f0',
    '#4fb04a',
    '#a3adba',
  ],
};

/** Side of a pattern's tile; the paths below are drawn in it with the colour of the surface. */
export const TILE_PX = 8;

/** SVG path data: the same text fills a table's swatch and a chart's band. */
export const PATTERNS: readonly string[] = [
  '',
  'M-2 2L2 -2M0 8L8 0M6 10L10 6',
  'M-2 6L2 10M0 0L8 8M6 -2L10 2',
  'M0 2H8M0 6H8',
  'M2 0V8M6 0V8',
  'M2 2H3M6 6H7',
  'M0 4H8M4 0V8',
  'M0 8L8 0M0 0L8 8',
  'M0 3L4 6L8 3',
  'M1 1H4V4H1Z',
];

/** Lengths of stroke and gap, px, for lines; the first ten are unbroken. */
const DASHES: readonly (readonly number[])[] = [
  [],
  [6, 3],
  [2, 3],
  [10, 3, 2, 3],
  [12, 4],
  [4, 2],
  [1, 4],
  [8, 2, 2, 2, 2, 2],
  [14, 2],
  [3, 6],
];

export interface OptionLook {
  readonly color: string;
  /** Index into PATTERNS. */
  readonly pattern: number;
  readonly dash: readonly number[];
}

/** The look of the option at a position of the poll's own order, in 0..99. */
export function optionLook(position: number, theme: Theme): OptionLook {
  const colors = COLORS[theme];
  const group = Math.floor(position / colors.length) % PATTERNS.length;
  return {
    color: colors[position % colors.length] ?? '',
    pattern: group,
    dash: DASHES[group] ?? [],
  };
}

/** The line that stands for all the options without a line of their own. */
export function restLook(theme: Theme): OptionLook {
  return { color: theme === 'dark' ? '#5c6773' : '#a9b3bd', pattern: 1, dash: [2, 3] };
}
