/** The two charts of a poll under one range and one zoom. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { curvesOf } from './chart-line.ts';
import { ChartPanel } from './chart-panel.tsx';
import { useConsole } from './console-context.ts';
import { Icon, type IconName } from './icon.tsx';
import type { LivePoll } from './live-state.ts';
import { isLive } from './poll-act.ts';
import { RANGES, type Range, usePoints } from './use-points.ts';
import { type Zoom, zoomed } from './zoom.ts';

interface CurvesProps {
  readonly entry: LivePoll;
  readonly range: Range;
  readonly isTable: boolean;
  onRange(range: Range): void;
  onTable(isTable: boolean): void;
}

export function CurvesSection({ entry, range, isTable, onRange, onTable }: CurvesProps) {
  const { m, f, live, theme, lang } = useConsole();
  const points = usePoints(entry.poll, range);
  const [zoom, setZoom] = useState<Zoom | null>(null);
  useEffect(() => setZoom(null), [range, entry.poll.id]);

  const knownSecond = Math.floor(live.serverKnownUntil / 1000);
  const lineKey = entry.poll.options.map((option) => option.name).join('\n');
  // Counts move four times a second; the curves only need to when a second is complete.
  const curves = useMemo(
    () =>
      curvesOf(entry, range, points.series, knownSecond * 1000, theme, (count) =>
        m.rest(f.integer(count)),
      ),
    [
      entry.seconds,
      isLive(entry.poll.state) ? entry.total === null : entry.version,
      entry.poll.id,
      entry.poll.state,
      lineKey,
      range,
      points.series,
      knownSecond,
      theme,
      lang,
    ],
  );
  const window = zoom ?? curves.window;
  const rangeName = { '5m': m.range5m, '1h': m.range1h, all: m.rangeAll }[range];
  const emptyText =
    points.state === 'loading'
      ? m.chartLoading
      : points.state === 'failed'
        ? m.chartFailed
        : m.chartEmpty;
  const bounds = { min: curves.xs[0] ?? curves.window.min, max: curves.window.max };
  const step = (icon: IconName, name: string, act: Parameters<typeof zoomed>[2]) => (
    <button
      type="button"
      class="quiet icon-only"
      title={name}
      aria-label={name}
      onClick={() => setZoom(zoomed(window, bounds, act))}
    >
      <Icon name={icon} />
    </button>
  );
  const panel = {
    poll: entry.poll,
    curves,
    rangeName,
    window,
    isTable,
    emptyText,
    onTable,
    onBrush: (from: number, to: number) => setZoom({ min: from, max: to }),
  };

  return (
    <>
      <div class="curve-bar">
        <fieldset class="segments">
          <legend class="sr-only">{m.range}</legend>
          {RANGES.map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="range"
                checked={range === choice}
                onChange={() => onRange(choice)}
              />
              <span>{{ '5m': m.range5m, '1h': m.range1h, all: m.rangeAll }[choice]}</span>
            </label>
          ))}
        </fieldset>
        <span class="tools">
          {zoom !== null && (
            <>
              {step('left', m.zoomEarlier, 'earlier')}
              {step('right', m.zoomLater, 'later')}
            </>
          )}
          {step('minus', m.zoomOut, 'out')}
          {step('plus', m.zoomIn, 'in')}
          {zoom !== null && (
            <button type="button" class="quiet" onClick={() => setZoom(null)}>
              {m.zoomReset}
            </button>
          )}
        </span>
      </div>
      <div class="chart-pair">
        <ChartPanel kind="rates" {...panel} />
        <ChartPanel kind="shares" {...panel} />
      </div>
    </>
  );
}
