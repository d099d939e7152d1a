/** How the two charts are drawn by uPlot: stacked bands of votes per second, lines of shares. */
import type uPlot from 'uplot';
import type { ChartLine } from './chart-line.ts';
import type { Formats } from './format.ts';
import { spreadLabels } from './label-places.ts';
import { type OptionLook, PATTERNS, SURFACES, type Theme, TILE_PX } from './palette.ts';

export type ChartKind = 'rates' | 'shares';

export interface PlotSetup {
  readonly kind: ChartKind;
  readonly lines: readonly ChartLine[];
  readonly theme: Theme;
  readonly timeZone: string;
  readonly formats: Formats;
  /** Names beside the lines; off where the screen is too narrow for them. */
  readonly hasLabels: boolean;
  onHover(index: number | null): void;
  /** Seconds since the Unix epoch. */
  onBrush(from: number, to: number): void;
}

const INK: Readonly<Record<Theme, { grid: string; text: string; muted: string }>> = {
  light: { grid: '#e4e8ec', text: '#1b2229', muted: '#5a6672' },
  dark: { grid: '#262d36', text: '#e6eaef', muted: '#93a0ad' },
};

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const LABEL_WIDTH_PX = 112;
const LABEL_GAP_PX = 15;
const BRUSH_MIN_PX = 6;

/** Distances of time ticks, s. uPlot's own jump from one minute to five, too far for a small chart. */
const TICKS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
  172_800, 432_000, 864_000,
];

export function plotOptions(setup: PlotSetup): Omit<uPlot.Options, 'width' | 'height'> {
  const { kind, lines, theme, formats, timeZone } = setup;
  const ink = INK[theme];
  const axis = {
    stroke: ink.muted,
    font: FONT,
    grid: { stroke: ink.grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  return {
    padding: [8, setup.hasLabels ? LABEL_WIDTH_PX : 10, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: kind === 'shares', size: 6 },
      drag: { x: true, y: false, setScale: false, dist: BRUSH_MIN_PX },
      sync: { key: 'apura-curves', setSeries: false },
    },
    scales: {
      x: { time: true, auto: false },
      y: { range: kind === 'rates' ? rateRange : shareRange },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 4,
        incrs: TICKS_S,
        space: 56,
        values: (_plot, splits, _axis, _space, distance) =>
          splits.map((s) => timeTick(formats, s * 1000, timeZone, distance)),
      },
      {
        ...axis,
        size: 58,
        gap: 6,
        space: 34,
        values: (_plot, splits, _axis, _space, distance) =>
          splits.map((value) =>
            kind === 'rates' ? formats.compact(value) : formats.shareTick(value, distance),
          ),
      },
    ],
    series: [{}, ...lines.map((line) => seriesOf(kind, line.look, theme))],
    bands:
      kind === 'rates'
        ? lines.slice(1).map((_, i): uPlot.Band => ({ series: [i + 2, i + 1] }))
        : [],
    hooks: {
      setCursor: [(plot) => setup.onHover(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < BRUSH_MIN_PX) return;
          setup.onBrush(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      draw: setup.hasLabels ? [(plot) => drawLabels(plot, setup)] : [],
    },
  };
}

function seriesOf(kind: ChartKind, look: OptionLook, theme: Theme): uPlot.Series {
  if (kind === 'shares') {
    return {
      stroke: look.color,
      width: 2,
      dash: [...look.dash],
      points: { show: false },
      spanGaps: true,
    };
  }
  return {
    // A seam in the colour of the surface keeps neighbours apart for every kind of eye.
    stroke: SURFACES[theme],
    width: 1,
    fill: (plot) => bandFill(plot.ctx, look, theme),
    points: { show: false },
  };
}

function bandFill(
  ctx: CanvasRenderingContext2D,
  look: OptionLook,
  theme: Theme,
): CanvasPattern | string {
  const path = PATTERNS[look.pattern] ?? '';
  if (path === '') return look.color;
  const scale = devicePixelRatio;
  const tile = document.createElement('canvas');
  tile.width = TILE_PX * scale;
  tile.height = TILE_PX * scale;
  const pen = tile.getContext('2d');
  if (pen === null) return look.color;
  pen.scale(scale, scale);
  pen.fillStyle = look.color;
  pen.fillRect(0, 0, TILE_PX, TILE_PX);
  pen.strokeStyle = SURFACES[theme];
  pen.lineWidth = 1.4;
  pen.stroke(new Path2D(path));
  return ctx.createPattern(tile, 'repeat') ?? look.color;
}

function rateRange(_plot: uPlot, _min: number | null, max: number | null): uPlot.Range.MinMax {
  return [0, Math.max(1, (max ?? 0) * 1.08)];
}

function shareRange(_plot: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  // Never tighter than two points: noise of a tenth of a point must not look like a landslide.
  const pad = Math.max((max - min) * 0.1, (0.02 - (max - min)) / 2, 0.004);
  return [Math.max(0, min - pad), Math.min(1, max + pad)];
}

function timeTick(formats: Formats, ms: number, timeZone: string, distanceS: number): string {
  if (distanceS < 60) return formats.clock(ms, timeZone);
  if (distanceS >= 86_400) return formats.day(ms, timeZone);
  const clock = formats.shortClock(ms, timeZone);
  return clock === '00:00' ? formats.day(ms, timeZone) : clock;
}

/** Writes each name beside the end of its line, so that the colour never has to be looked up. */
function drawLabels(plot: uPlot, { kind, lines, theme, formats }: PlotSetup): void {
  const [xs] = plot.data;
  const { min, max } = plot.scales.x ?? {};
  if (min == null || max == null || xs.length === 0) return;
  let last = xs.length - 1;
  while (last > 0 && (xs[last] ?? 0) > max) last -= 1;
  if ((xs[last] ?? 0) < min) return;

  const values = lines.map((_, i) => plot.data[i + 1]?.[last] ?? null);
  const anchors = values.map((value, i) => {
    if (value === null) return null;
    const below = kind === 'rates' ? (i === 0 ? 0 : (values[i - 1] ?? 0)) : value;
    return plot.valToPos((value + below) / 2, 'y', true);
  });
  const shown = anchors.flatMap((y, i) => (y === null ? [] : [{ y, i }]));
  const scale = devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  const gap = LABEL_GAP_PX * scale;
  if (shown.length * gap > height + gap) return;
  const places = spreadLabels(
    shown.map(({ y }) => y),
    gap,
    top + gap / 2,
    top + height - gap / 2,
  );

  const { ctx } = plot;
  ctx.save();
  ctx.font = FONT.replace('11px', `${11 * scale}px`);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  const x = left + width + 8 * scale;
  shown.forEach(({ i }, n) => {
    const line = lines[i];
    const y = places[n] ?? 0;
    if (line === undefined) return;
    ctx.fillStyle = bandFill(ctx, line.look, theme);
    ctx.fillRect(x, y - 4 * scale, 8 * scale, 8 * scale);
    ctx.fillStyle = INK[theme].text;
    const value = values[i] ?? 0;
    const own = kind === 'rates' ? value - (i === 0 ? 0 : (values[i - 1] ?? 0)) : value;
    const figure =
      kind === 'rates' ? formats.compact(Math.round(own)) : formats.shareTick(own, 0.001);
    const room = (LABEL_WIDTH_PX - 26) * scale - ctx.measureText(` ${figure}`).width;
    ctx.fillText(`${fitted(ctx, line.name, room)} ${figure}`, x + 13 * scale, y);
  });
  ctx.restore();
}

function fitted(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let kept = text;
  while (kept.length > 1 && ctx.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…`;
}
