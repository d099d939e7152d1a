/** A tenant's usage: which time, windows, product and unit; as bars, as a table, as a file. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { useConsole } from '../console-context.ts';
import { Plot } from '../plot.tsx';
import { ScrollArea } from '../scroll-area.tsx';
import { Swatch } from '../swatch.tsx';
import { isTimeZone } from '../zoned-time.ts';
import { Amount, momentText } from './amounts.tsx';
import { barLook, barPlotOptions } from './bar-plot-options.ts';
import { dayAfter, dayOf, daySpan } from './day-span.ts';
import { type FieldIssues, IssueList } from './field-issues.ts';
import { ChoiceField, TextField } from './fields.tsx';
import { GRANULARITIES, type Granularity, type UsageQuestion } from './metering.ts';
import { usageHref } from './metering-api.ts';
import { TimeZones } from './time-zones.tsx';
import { barsOf, type UsageTable, unitsOf, usageTable } from './usage-series.ts';
import { useRemote } from './use-remote.ts';

interface UsagePanelProps {
  readonly tenant: string;
  /** Of the tenant's contract, or the browser's. */
  readonly timeZone: string;
}

/** A table of more rows than these is for the download. */
const ROWS_MAX = 750;
const DAYS = 30;

export function UsagePanel({ tenant, timeZone: ownZone }: UsagePanelProps) {
  const { m, f, lang, theme, api } = useConsole();
  const w = m.metering;
  const [granularity, setGranularity] = useState<Granularity>('P1D');
  const [timeZone, setTimeZone] = useState(ownZone);
  const [last, setLast] = useState(() => dayOf(Date.now(), ownZone));
  const [first, setFirst] = useState(() => dayAfter(dayOf(Date.now(), ownZone), 1 - DAYS));
  const [chosenUnit, setUnit] = useState('');
  const [sku, setSku] = useState('');
  const [isTable, setIsTable] = useState(false);
  const [hovered, setHovered] = useState<number | null>(null);

  const span = isTimeZone(timeZone) ? daySpan(first, last, timeZone) : null;
  const question = useMemo((): UsageQuestion | null => {
    if (span === null) return null;
    const groupBy = ['tenant', 'sku'] as const;
    return { tenant, sku: null, unit: null, ...span, granularity, timeZone, groupBy };
  }, [tenant, granularity, timeZone, first, last]);
  const usage = useRemote(question === null ? null : usageHref(question, 'json'), () =>
    api.metering.usage(question ?? ALL),
  );

  const rows = usage.value?.data ?? [];
  const units = unitsOf(rows);
  const unit = units.includes(chosenUnit) ? chosenUnit : (units[0] ?? '');
  const whole = useMemo(() => usageTable(rows, unit), [usage.value, unit]);
  const shownSku = whole.skus.includes(sku) ? sku : '';
  const table = useMemo(
    () =>
      shownSku === ''
        ? whole
        : usageTable(
            rows.filter(({ dimensions }) => dimensions.sku === shownSku),
            unit,
          ),
    [whole, shownSku],
  );
  const bars = useMemo(() => barsOf(table), [table]);
  const data = useMemo(
    () => [bars.xs, ...bars.tops.toReversed()] as unknown as uPlot.AlignedData,
    [bars],
  );
  const download =
    question === null
      ? ''
      : usageHref({ ...question, sku: shownSku || null, unit: unit || null }, 'csv');
  const isEmpty = table.windows.length === 0;
  const state =
    usage.failure || (usage.isLoading && usage.value === null ? w.loading : w.usageNone);
  const windowText = (from: number, to: number) =>
    windowName(from, to, granularity, timeZone, lang);
  const hoveredWindow = hovered === null ? undefined : table.windows[hovered];

  return (
    <section class="panel chart usage" aria-label={w.usage}>
      <header class="panel-head">
        <h2>
          {w.usage} {unit !== '' && <span class="unit">{unit}</span>}
        </h2>
        {usage.value !== null && (
          <p class="hint">{w.asOf(momentText(usage.value.as_of, timeZone, lang, false))}</p>
        )}
        <span class="tools">
          <button
            type="button"
            class="quiet"
            aria-pressed={isTable}
            onClick={() => setIsTable(!isTable)}
          >
            {isTable ? w.asBars : m.asTable}
          </button>
          {download !== '' && (
            <a class="button quiet" href={download} download={`${tenant}-usage.csv`}>
              {m.downloadCsv}
            </a>
          )}
        </span>
      </header>
      <div class="filters">
        <TextField
          at="/first"
          type="date"
          name={w.from}
          issues={spanIssues(span === null && isTimeZone(timeZone), timeZone)}
          value={first}
          onChange={setFirst}
        />
        <TextField
          at="/last"
          type="date"
          name={w.until}
          issues={NONE}
          value={last}
          onChange={setLast}
        />
        <ChoiceField
          at="/granularity"
          name={w.granularity}
          issues={NONE}
          value={granularity}
          choices={GRANULARITIES.map((each) => [each, w.granularityName[each]] as const)}
          onChange={(chosen) => setGranularity(chosen)}
        />
        <TextField
          at="/timeZone"
          name={m.formTimeZone}
          issues={spanIssues(false, timeZone)}
          list="time-zones"
          value={timeZone}
          onChange={setTimeZone}
        />
        <ChoiceField
          at="/unit"
          name={w.unit}
          issues={NONE}
          value={unit}
          choices={units.length === 0 ? [['', '–']] : units.map((each) => [each, each] as const)}
          onChange={setUnit}
        />
        <ChoiceField
          at="/sku"
          name={w.sku}
          issues={NONE}
          value={shownSku}
          choices={[['', w.everySku], ...whole.skus.map((each) => [each, each] as const)]}
          onChange={setSku}
        />
        <TimeZones />
      </div>
      {isEmpty ? (
        <p class="chart-empty" role={usage.failure === '' ? undefined : 'alert'}>
          {state}
        </p>
      ) : isTable ? (
        <UsageTableView table={table} windowText={windowText} />
      ) : (
        <div class="plot-frame">
          <Plot
            options={() =>
              barPlotOptions({
                names: bars.names,
                granularity,
                theme,
                timeZone,
                formats: f,
                onHover: setHovered,
              })
            }
            setupKey={[theme, lang, timeZone, granularity, ...bars.names].join(' ')}
            data={data}
            window={{ min: (span?.from ?? 0) / 1000, max: (span?.to ?? 0) / 1000 }}
            label={m.chartLabel(`${w.usage} ${tenant}, ${unit}`, `${first} – ${last}`)}
          />
          {hoveredWindow !== undefined && (
            <dl
              class={`readout${hoveredWindow.from < ((span?.from ?? 0) + (span?.to ?? 0)) / 2 ? ' is-right' : ''}`}
            >
              <div>
                <dt>{windowText(hoveredWindow.from, hoveredWindow.to)}</dt>
              </div>
              {bars.names.flatMap((name, i) => {
                const row = name === null ? undefined : hoveredWindow.values.get(name);
                if (row === undefined) return [];
                return [
                  <div key={name}>
                    <dt>
                      <Swatch look={barLook(bars.names, i, theme)} theme={theme} />
                      {name}
                    </dt>
                    <dd>
                      <Amount text={row.value} />
                    </dd>
                  </div>,
                ];
              })}
            </dl>
          )}
        </div>
      )}
      {!isEmpty && (
        <ul class="legend" aria-label={w.sums}>
          {bars.names.map((name, i) => (
            <li key={name}>
              <Swatch look={barLook(bars.names, i, theme)} theme={theme} />
              <span>{name ?? m.rest(String(table.skus.length - i))}</span>
              {name !== null && <Amount text={table.sums.get(name) ?? '0'} unit={unit} />}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface UsageTableViewProps {
  readonly table: UsageTable;
  windowText(from: number, to: number): string;
}

function UsageTableView({ table, windowText }: UsageTableViewProps) {
  const { m, f } = useConsole();
  const w = m.metering;
  const rows = table.windows.toReversed().flatMap((window) =>
    table.skus.flatMap((sku) => {
      const row = window.values.get(sku);
      return row === undefined ? [] : [{ window, sku, row }];
    }),
  );
  return (
    <ScrollArea label={`${w.usage}, ${m.asTable}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{w.when}</th>
            <th scope="col">{w.sku}</th>
            {[w.sum, w.pulses, w.min, w.max, w.last].map((name) => (
              <th key={name} scope="col" class="num">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS_MAX).map(({ window, sku, row }) => (
            <tr key={`${window.from} ${sku}`}>
              <th scope="row">{windowText(window.from, window.to)}</th>
              <td>{sku}</td>
              <td class="num">
                <Amount text={row.value} />
              </td>
              <td class="num">{f.integer(row.count)}</td>
              {[row.min, row.max, row.last].map((text, i) => (
                <td class="num" key={i}>
                  <Amount text={text} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS_MAX && <p class="hint">{w.rowsCut(f.integer(rows.length))}</p>}
    </ScrollArea>
  );
}

const NONE: FieldIssues = new Map();
/** Never asked: there is no question without a span. */
const ALL: UsageQuestion = {
  tenant: null,
  sku: null,
  unit: null,
  from: 0,
  to: 0,
  granularity: 'P1D',
  timeZone: 'UTC',
  groupBy: [],
};

function spanIssues(isWrong: boolean, timeZone: string): FieldIssues {
  const found = new IssueList();
  if (isWrong) found.add('/first', 'ends_before_begin');
  if (!isTimeZone(timeZone)) found.add('/timeZone', 'no_such_zone');
  return found.issues;
}

function windowName(
  from: number,
  to: number,
  granularity: Granularity,
  timeZone: string,
  lang: string,
): string {
  const text = (ms: number) =>
    momentText(new Date(ms).toISOString(), timeZone, lang, granularity !== 'PT1H');
  return granularity === 'P1M' ? `${text(from)} – ${text(to)}` : text(from);
}
