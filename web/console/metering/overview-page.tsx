/** Metering at a glance: what asks for somebody, pulses per second, the books of every partition, the last acts. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { textOf, useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { optionLook } from '../palette.ts';
import { Plot } from '../plot.tsx';
import { plotOptions } from '../plot-options.ts';
import { hrefOf } from '../route.ts';
import { ScrollArea } from '../scroll-area.tsx';
import { type Alarm, alarmsOf } from './alarms.ts';
import { Moment } from './amounts.tsx';
import { Panel } from './fields.tsx';
import type { MeteringAct, Overview } from './metering.ts';
import { ratesOf, SAMPLES_MAX, type Sample } from './pulse-rate.ts';
import type { OverviewState } from './use-overview.ts';
import { useRemote } from './use-remote.ts';

/** Less than this on the chart would race. */
const SPAN_MIN_S = 60;

export function OverviewPage({ state }: { readonly state: OverviewState }) {
  const { m, explain } = useConsole();
  const { overview, samples, problem } = state;
  const w = m.metering;
  if (overview === null) {
    return (
      <p class="boot" role={problem === null ? 'status' : 'alert'}>
        {problem === null ? m.loading : explain(problem)}
      </p>
    );
  }
  return (
    <>
      <h1>{w.page.overview}</h1>
      <Alarms alarms={alarmsOf(overview, samples)} />
      <RatePanel samples={samples} />
      <div class="under">
        <Partitions overview={overview} />
        <Acts />
      </div>
    </>
  );
}

function Alarms({ alarms }: { readonly alarms: readonly Alarm[] }) {
  const { m, f } = useConsole();
  const w = m.metering;
  if (alarms.length === 0) {
    return (
      <p class="calm" role="status">
        <Icon name="good" />
        {w.alarmNone}
      </p>
    );
  }
  return (
    <ul class="alarms" aria-label={w.alarms}>
      {alarms.map(({ kind, level, count, forMs }) => (
        <li key={kind} class={`alarm alarm-${level}`}>
          <Icon name={level} />
          <span>
            <strong>{w.alarm[kind](f.integer(count))}</strong>{' '}
            {forMs > 0 && w.alarmFor(f.age(forMs))}
          </span>
          {kind === 'letters' && (
            <a href={hrefOf({ place: 'metering', at: { page: 'letters' } })}>{w.alarmLook}</a>
          )}
        </li>
      ))}
    </ul>
  );
}

function RatePanel({ samples }: { readonly samples: readonly Sample[] }) {
  const { m, f, lang, theme } = useConsole();
  const w = m.metering;
  const [isTable, setIsTable] = useState(false);
  const rates = ratesOf(samples);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const data = useMemo(
    () =>
      [
        rates.map(({ at }) => at / 1000),
        rates.map(({ perSecond }) => perSecond),
      ] as unknown as uPlot.AlignedData,
    [samples],
  );
  const max = (samples.at(-1)?.at ?? Date.now()) / 1000;
  const min = Math.min((samples[0]?.at ?? Date.now()) / 1000, max - SPAN_MIN_S);
  return (
    <section class="panel chart" aria-label={w.pulsesPerSecond}>
      <header class="panel-head">
        <h2>
          {w.pulsesPerSecond} <span class="unit">{w.pulsesUnit}</span>
        </h2>
        <p class="hint">{w.rateNote(f.age(SAMPLES_MAX * 1000))}</p>
        <span class="tools">
          <button
            type="button"
            class="quiet"
            aria-pressed={isTable}
            onClick={() => setIsTable(!isTable)}
          >
            {isTable ? m.asChart : m.asTable}
          </button>
        </span>
      </header>
      {isTable ? (
        <ScrollArea label={`${w.pulsesPerSecond}, ${m.asTable}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{m.time}</th>
                <th scope="col" class="num">
                  {w.pulsesPerSecond}
                </th>
              </tr>
            </thead>
            <tbody>
              {rates.toReversed().map(({ at, perSecond }) => (
                <tr key={at}>
                  <th scope="row">{f.clock(at, timeZone)}</th>
                  <td class="num">{perSecond === null ? '–' : f.integer(perSecond)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      ) : (
        <Plot
          options={() =>
            plotOptions({
              kind: 'rates',
              lines: [{ option: null, name: w.pulsesPerSecond, look: optionLook(0, theme) }],
              theme,
              timeZone,
              formats: f,
              hasLabels: false,
              onHover: () => {},
              onBrush: () => {},
            })
          }
          setupKey={`${theme} ${lang}`}
          data={data}
          window={{ min, max }}
          label={m.chartLabel(w.pulsesPerSecond, f.age(SAMPLES_MAX * 1000))}
        />
      )}
    </section>
  );
}

function Partitions({ overview }: { readonly overview: Overview }) {
  const { m, f } = useConsole();
  const w = m.metering;
  const columns = [
    [w.inLog, ({ end }: Overview['partitions'][number]) => f.integer(end)],
    [
      w.behind,
      ({ end, next }: Overview['partitions'][number]) =>
        end <= next ? m.upToDate : f.integer(end - next),
    ],
    [w.counted, ({ books }: Overview['partitions'][number]) => f.integer(books.counted)],
    [w.duplicates, ({ books }: Overview['partitions'][number]) => f.integer(books.duplicates)],
    [w.conflicts, ({ books }: Overview['partitions'][number]) => f.integer(books.conflicts)],
    [w.voided, ({ books }: Overview['partitions'][number]) => f.integer(books.voided)],
  ] as const;
  return (
    <Panel name={w.partitions}>
      <ScrollArea label={`${w.partitions}, ${m.asTable}`}>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{m.partition}</th>
              {columns.map(([name]) => (
                <th key={name} scope="col" class="num">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {overview.partitions.map((partition) => (
              <tr key={partition.partition}>
                <th scope="row">{f.integer(partition.partition)}</th>
                {columns.map(([name, figure]) => (
                  <td key={name} class="num">
                    {figure(partition)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
      <p class="hint">{w.booksNote}</p>
    </Panel>
  );
}

function Acts() {
  const { m, api } = useConsole();
  const w = m.metering;
  const acts = useRemote('acts', () => api.metering.acts());
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Panel name={m.actLog}>
      {acts.value === null || acts.value.length === 0 ? (
        <p class="none">{acts.failure || (acts.isLoading ? w.loading : m.actLogNone)}</p>
      ) : (
        <ol class="act-log">
          {acts.value.map((act) => (
            <li key={`${act.at} ${act.kind} ${act.id}`}>
              <Moment at={act.at} timeZone={timeZone} />
              <span>{actText(act)}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );

  function actText({ actor, act, kind, id, detail }: MeteringAct): string {
    const done = textOf(w.actDone, act) ?? act;
    const what = textOf(w.actKind, kind) ?? kind;
    const short = id.length > 40 ? `${id.slice(0, 12)}…` : id;
    const who = actor === 'operator' ? w.actOperator : actor;
    return `${done}: ${what} ${short}, ${who}${detail === null ? '' : ` (${detail})`}`;
  }
}
