/** A tenant's charges, period by period: every line with its steps, what is not priced, and the statement's files. */
import { useState } from 'preact/hooks';
import { textOf, useConsole } from '../console-context.ts';
import { ScrollArea } from '../scroll-area.tsx';
import { Absent } from './absent.tsx';
import { Amount, Moment, momentText, Totals } from './amounts.tsx';
import { ChargeLines } from './charge-lines.tsx';
import type { PeriodRecord, PeriodState, Statement, UnpricedUsage } from './metering.ts';
import { statementHref } from './metering-api.ts';
import { useRemote } from './use-remote.ts';

interface ChargesPanelProps {
  readonly tenant: string;
  readonly timeZone: string;
}

export function ChargesPanel({ tenant, timeZone }: ChargesPanelProps) {
  const { m, lang, api } = useConsole();
  const w = m.metering;
  const [chosen, setChosen] = useState<string | null>(null);
  const periods = useRemote(`periods ${tenant}`, () => api.metering.periods(tenant));
  const known = newestFirst(periods.value ?? []);
  const now = Date.now();
  const current = known.find(({ from, to }) => Date.parse(from) <= now && now < Date.parse(to));
  const at = chosen ?? current?.from ?? known[0]?.from ?? null;
  const statement = useRemote(at === null ? null : `${tenant} ${at}`, () =>
    api.metering.statement(tenant, at ?? ''),
  );
  const period = known.find(({ from }) => from === at);
  return (
    <section class="panel" aria-label={w.charges}>
      <header class="panel-head">
        <h2>{w.charges}</h2>
        {at !== null && (
          <span class="tools">
            <button type="button" class="quiet" onClick={statement.reload}>
              {w.refresh}
            </button>
            <a
              class="button quiet"
              href={statementHref(tenant, at, 'html', lang)}
              target="_blank"
              rel="noopener"
            >
              {w.printStatement}
            </a>
            <a
              class="button quiet"
              href={statementHref(tenant, at, 'csv')}
              download={`${tenant}-${at.slice(0, 10)}.csv`}
            >
              {m.downloadCsv}
            </a>
          </span>
        )}
      </header>
      {at === null ? (
        <p class="none">{periods.failure || (periods.isLoading ? w.loading : w.chargesNone)}</p>
      ) : (
        <>
          <div class="filters">
            <label class="field period-field">
              <span>{w.billingPeriod}</span>
              <select value={at} onChange={(event) => setChosen(event.currentTarget.value)}>
                {known.map(({ contract, from, to, state }) => (
                  <option key={`${contract} ${from}`} value={from}>
                    {momentText(from, timeZone, lang, true)} –{' '}
                    {momentText(to, timeZone, lang, true)}
                    {' · '}
                    {w.periodState[state]}
                  </option>
                ))}
              </select>
            </label>
            {period !== undefined && <PeriodMark state={period.state} />}
          </div>
          {statement.value === null ? (
            <Absent of={statement} />
          ) : (
            <StatementView statement={statement.value} />
          )}
        </>
      )}
    </section>
  );
}

function PeriodMark({ state }: { readonly state: PeriodState }) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <p class="period-state">
      <span class={`mark mark-${state}`}>{w.periodState[state]}</span>
      <span class="hint">{w.periodStateText[state]}</span>
    </p>
  );
}

function StatementView({ statement }: { readonly statement: Statement }) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <>
      {statement.periods.map((period) => (
        <div key={`${period.contract} ${period.from}`} class="statement-period">
          <p class="facts">
            <span>
              {w.contract} {period.contract}
            </span>
            <span>
              <Moment at={period.from} timeZone={period.timeZone} isDay />
              {' – '}
              <Moment at={period.to} timeZone={period.timeZone} isDay />
            </span>
            <span>{period.timeZone}</span>
          </p>
          {period.lines.length === 0 ? (
            <p class="none">{w.linesNone}</p>
          ) : (
            <ChargeLines charges={period.lines} period={period} timeZone={period.timeZone} />
          )}
          <p class="statement-total">
            {w.total} <Totals totals={period.totals} />
          </p>
        </div>
      ))}
      {statement.unpriced.length > 0 && (
        <Unpriced
          unpriced={statement.unpriced}
          timeZone={statement.periods[0]?.timeZone ?? 'UTC'}
        />
      )}
    </>
  );
}

interface UnpricedProps {
  readonly unpriced: readonly UnpricedUsage[];
  readonly timeZone: string;
}

export function Unpriced({ unpriced, timeZone }: UnpricedProps) {
  const { m, f } = useConsole();
  const w = m.metering;
  return (
    <div class="unpriced">
      <h3>{w.unpriced}</h3>
      <p class="hint">{w.unpricedText}</p>
      <ScrollArea label={w.unpriced}>
        <table class="rows cards">
          <thead>
            <tr>
              <th scope="col">{w.sku}</th>
              <th scope="col">{w.since}</th>
              <th scope="col" class="num">
                {w.quantity}
              </th>
              <th scope="col" class="num">
                {w.pulses}
              </th>
              <th scope="col">{w.reason}</th>
            </tr>
          </thead>
          <tbody>
            {unpriced.map(({ sku, unit, from, quantity, pulses, reason }) => (
              <tr key={`${sku} ${unit} ${from} ${reason}`}>
                <th scope="row">{sku}</th>
                <td data-name={w.since}>
                  <Moment at={from} timeZone={timeZone} isDay />
                </td>
                <td class="num" data-name={w.quantity}>
                  <Amount text={quantity} unit={unit} />
                </td>
                <td class="num" data-name={w.pulses}>
                  {f.integer(pulses)}
                </td>
                <td data-name={w.reason}>{textOf(w.unpricedReason, reason) ?? reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </div>
  );
}

function newestFirst(periods: readonly PeriodRecord[]): readonly PeriodRecord[] {
  return periods.toSorted((a, b) => Date.parse(b.from) - Date.parse(a.from));
}
