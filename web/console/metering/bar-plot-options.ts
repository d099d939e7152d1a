/** How uPlot draws usage: bars that stand on each other, as wide as their windows of time. */
import uPlot from 'uplot';
import type { Formats } from '../format.ts';
import { optionLook, restLook, SURFACES, type Theme } from '../palette.ts';
import type { Granularity } from './metering.ts';

export interface BarSetup {
  readonly names: readonly (string | null)[];
  readonly granularity: Granularity;
  readonly theme: Theme;
  readonly timeZone: string;
  readonly formats: Formats;
  onHover(index: number | null): void;
}

const INK: Readonly<Record<Theme, { grid: string; muted: string }>> = {
  light: { grid: '#e4e8ec', muted: '#5a6672' },
  dark: { grid: '#262d36', muted: '#93a0ad' },
};
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const HOUR_S = 3_600;
const DAY_S = 86_400;
const TICKS_S: Readonly<Record<Granularity, readonly number[]>> = {
  PT1H: [HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S, 2 * DAY_S, 7 * DAY_S, 30 * DAY_S],
  P1D: [DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S, 91 * DAY_S],
  P1M: [30.5 * DAY_S, 61 * DAY_S, 91.5 * DAY_S, 183 * DAY_S, 365.25 * DAY_S],
};
const BAR_SHARE = 0.82;
const BAR_PX_MAX = 64;

/** The look of the bar at a position, the rest of all in one. */
export function barLook(names: readonly (string | null)[], position: number, theme: Theme) {
  return names[position] === null ? restLook(theme) : optionLook(position, theme);
}

/** The first series of the data is the one on top: uPlot draws the later ones over it. */
export function barPlotOptions(setup: BarSetup): Omit<uPlot.Options, 'width' | 'height'> {
  const { names, theme, formats, timeZone, granularity } = setup;
  const ink = INK[theme];
  const axis = {
    stroke: ink.muted,
    font: FONT,
    ticks: { show: false },
    border: { show: false },
  };
  const paths = uPlot.paths.bars?.({ size: [BAR_SHARE, BAR_PX_MAX], align: 1 });
  const bars = names.map((_, position): uPlot.Series => {
    const { color } = barLook(names, position, theme);
    return {
      fill: color,
      stroke: SURFACES[theme],
      width: 1,
      points: { show: false },
      ...(paths === undefined ? {} : { paths }),
    };
  });
  return {
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, auto: false },
      y: { range: (_plot, _min, max) => [0, (max ?? 0) > 0 ? (max ?? 0) * 1.06 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        gap: 8,
        space: 64,
        incrs: [...TICKS_S[granularity]],
        values: (_plot, splits, _axis, _space, distance) =>
          splits.map((s) =>
            distance < DAY_S
              ? hourTick(formats, s * 1000, timeZone)
              : formats.day(s * 1000, timeZone),
          ),
      },
      {
        ...axis,
        grid: { stroke: ink.grid, width: 1 },
        size: 58,
        gap: 6,
        space: 34,
        values: (_plot, splits) => splits.map((value) => formats.compact(value)),
      },
    ],
    series: [{}, ...bars.toReversed()],
    hooks: { setCursor: [(plot) => setup.onHover(plot.cursor.idx ?? null)] },
  };
}

function hourTick(formats: Formats, ms: number, timeZone: string): string {
  const clock = formats.shortClock(ms, timeZone);
  return clock === '00:00' ? formats.day(ms, timeZone) : clock;
}
