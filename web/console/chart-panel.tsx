/** One chart with its title, its tooltip, the same values as a table, and a download. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { ChartLine, Curves } from './chart-line.ts';
import { useConsole } from './console-context.ts';
import { type CsvCell, toCsv } from './csv.ts';
import { downloadText } from './download.ts';
import { Icon } from './icon.tsx';
import { Plot } from './plot.tsx';
import { type ChartKind, plotOptions } from './plot-options.ts';
import type { Poll } from './poll.ts';
import { ScrollArea } from './scroll-area.tsx';
import { Swatch } from './swatch.tsx';
import { useMedia } from './use-media.ts';

interface ChartPanelProps {
  readonly kind: ChartKind;
  readonly poll: Poll;
  readonly curves: Curves;
  readonly rangeName: string;
  readonly window: { readonly min: number; readonly max: number };
  readonly isTable: boolean;
  /** Said in place of a chart without values. */
  readonly emptyText: string;
  onTable(isTable: boolean): void;
  onBrush(from: number, to: number): void;
}

/** A table of more rows than these is for the download. */
const ROWS_MAX = 400;

export function ChartPanel(props: ChartPanelProps) {
  const { kind, poll, curves, rangeName, window, isTable } = props;
  const { m, f, lang, theme } = useConsole();
  const [hovered, setHovered] = useState<number | null>(null);
  const hasLabels = useMedia('(min-width: 760px)');
  const title = kind === 'rates' ? m.votesChart : m.shareChart;
  const values = kind === 'rates' ? curves.rates : curves.shares;
  const drawn = kind === 'rates' ? curves.stacked : curves.shares;
  const data = useMemo(
    () => [curves.xs, ...drawn] as unknown as uPlot.AlignedData,
    [curves.xs, drawn],
  );
  const lines = kind === 'rates' ? curves.lines : curves.lines.slice(0, curves.shares.length);
  const names = lines.map((line) => `${line.option} ${line.name}`).join(' ');
  const rowsFrom = curves.xs.findIndex((x) => x >= window.min);
  const figure = (value: number | null) =>
    value === null ? '–' : kind === 'rates' ? f.integer(value) : f.share(value);
  const clock = (x: number) => f.clock(x * 1000, poll.timeZone);
  const isEmpty = curves.xs.length === 0;

  return (
    <section class="panel chart" aria-label={title}>
      <header class="panel-head">
        <h2>
          {title} {kind === 'rates' && <span class="unit">{m.perSecondUnit}</span>}
        </h2>
        <span class="tools">
          <button
            type="button"
            class="quiet"
            aria-pressed={isTable}
            onClick={() => props.onTable(!isTable)}
          >
            {isTable ? m.asChart : m.asTable}
          </button>
          <button
            type="button"
            class="quiet icon-only"
            title={m.downloadCsv}
            aria-label={`${m.downloadCsv}: ${title}`}
            disabled={isEmpty}
            onClick={() =>
              downloadText(
                `${poll.id}-${kind}.csv`,
                toCsv(csvRows(kind, poll, curves)),
                'text/csv;charset=utf-8',
              )
            }
          >
            <Icon name="download" />
          </button>
        </span>
      </header>
      {isEmpty ? (
        <p class="chart-empty">{props.emptyText}</p>
      ) : isTable ? (
        <ScrollArea label={`${title}, ${m.asTable}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{m.time}</th>
                {lines.map((line) => (
                  <th scope="col" class="num" key={line.option}>
                    {line.name}
                  </th>
                ))}
                {kind === 'rates' && (
                  <th scope="col" class="num">
                    {m.total}
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {newestRows(rowsFrom, curves.xs.length).map((row) => (
                <tr key={curves.xs[row]}>
                  <th scope="row">{clock(curves.xs[row] ?? 0)}</th>
                  {values.map((line, n) => (
                    <td class="num" key={lines[n]?.option}>
                      {figure(line[row] ?? null)}
                    </td>
                  ))}
                  {kind === 'rates' && (
                    <td class="num">{figure(curves.stacked.at(-1)?.[row] ?? null)}</td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      ) : (
        <div class="plot-frame">
          <Plot
            options={() =>
              plotOptions({
                kind,
                lines,
                theme,
                timeZone: poll.timeZone,
                formats: f,
                hasLabels,
                onHover: setHovered,
                onBrush: props.onBrush,
              })
            }
            setupKey={[poll.id, kind, theme, lang, poll.timeZone, hasLabels, names].join(' ')}
            data={data}
            window={window}
            label={m.chartLabel(title, rangeName)}
          />
          {hovered !== null && curves.xs[hovered] !== undefined && (
            <Readout
              isRight={curves.xs[hovered] < (window.min + window.max) / 2}
              time={clock(curves.xs[hovered])}
              lines={lines}
              values={values.map((line) => figure(line[hovered] ?? null))}
            />
          )}
        </div>
      )}
    </section>
  );
}

interface ReadoutProps {
  readonly isRight: boolean;
  readonly time: string;
  readonly lines: readonly ChartLine[];
  readonly values: readonly string[];
}

/** The values under the pointer; stands in the corner that the pointer is not in. */
function Readout({ isRight, time, lines, values }: ReadoutProps) {
  const { theme } = useConsole();
  return (
    <dl class={`readout${isRight ? ' is-right' : ''}`}>
      <div>
        <dt>{time}</dt>
      </div>
      {lines.map((line, i) => (
        <div key={line.option}>
          <dt>
            <Swatch look={line.look} theme={theme} />
            {line.name}
          </dt>
          <dd>{values[i]}</dd>
        </div>
      ))}
    </dl>
  );
}

function newestRows(from: number, length: number): readonly number[] {
  const first = Math.max(from < 0 ? length : from, length - ROWS_MAX);
  return Array.from({ length: length - first }, (_, i) => length - 1 - i);
}

/** Every option has its column here, also those that the chart draws as one line. */
function csvRows(kind: ChartKind, poll: Poll, curves: Curves): readonly (readonly CsvCell[])[] {
  const { buckets } = curves;
  const time = (start: number) => new Date(start).toISOString();
  if (kind === 'shares') {
    return [
      ['until', ...curves.lines.slice(0, curves.shares.length).map((line) => line.name)],
      ...curves.xs.map((x, i) => [
        time(x * 1000),
        ...curves.shares.map((line) => rounded(line[i] ?? null)),
      ]),
    ];
  }
  return [
    ['from', 'seconds', ...poll.options.map((option) => option.name)],
    ...buckets.starts.map((start, i) => [
      time(start),
      buckets.seconds[i] ?? 0,
      ...buckets.votes.map((line) => line[i] ?? 0),
    ]),
  ];
}

function rounded(share: number | null): number | null {
  return share === null ? null : Math.round(share * 1e6) / 1e6;
}
