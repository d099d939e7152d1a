/** When usage has reached a threshold: of one, or of all of them, newest first. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { Amount, Moment } from './amounts.tsx';
import { Panel } from './fields.tsx';
import { Listed } from './list-page.tsx';
import { useRemote } from './use-remote.ts';

interface CrossingsPanelProps {
  /** Its id; null: all of them. */
  readonly threshold: string | null;
}

/** More rows than these are not read. */
const ROWS_MAX = 200;

export function CrossingsPanel({ threshold }: CrossingsPanelProps) {
  const { m, f, api } = useConsole();
  const w = m.metering;
  const events = useRemote('events', () => api.metering.events());
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known =
    events.value?.filter((event) => threshold === null || event.threshold === threshold) ?? null;
  return (
    <Panel
      name={w.crossings}
      tools={
        <button type="button" class="quiet" onClick={events.reload}>
          {w.refresh}
        </button>
      }
    >
      <Listed list={{ ...events, value: known }} none={w.crossingsNone}>
        <table class="rows cards">
          <thead>
            <tr>
              <th scope="col">{w.crossedAt}</th>
              {threshold === null && <th scope="col">{w.threshold}</th>}
              {threshold === null && <th scope="col">{w.tenant}</th>}
              <th scope="col">{w.sku}</th>
              <th scope="col" class="num">
                {w.thresholdThen}
              </th>
              <th scope="col" class="num">
                {w.usedThen}
              </th>
              <th scope="col">{w.billingPeriod}</th>
            </tr>
          </thead>
          <tbody>
            {known?.slice(0, ROWS_MAX).map((event) => (
              <tr
                key={`${event.threshold} ${event.period.contract} ${event.period.from} ${event.at}`}
              >
                <th scope="row">
                  <Moment at={event.at} timeZone={timeZone} />
                </th>
                {threshold === null && (
                  <td data-name={w.threshold}>
                    <a
                      href={hrefOf({
                        place: 'metering',
                        at: { page: 'threshold', id: event.threshold },
                      })}
                    >
                      {event.threshold}
                    </a>
                  </td>
                )}
                {threshold === null && <td data-name={w.tenant}>{event.tenant}</td>}
                <td data-name={w.sku}>{event.sku}</td>
                <td class="num" data-name={w.thresholdThen}>
                  <Amount text={event.thresholdAmount} unit={event.unit} />
                </td>
                <td class="num" data-name={w.usedThen}>
                  <Amount text={event.amount} unit={event.unit} />
                </td>
                <td data-name={w.billingPeriod}>
                  <span class="validity">
                    <Moment at={event.period.from} timeZone={timeZone} isDay />
                    {' – '}
                    <Moment at={event.period.to} timeZone={timeZone} isDay />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {known !== null && known.length > ROWS_MAX && (
          <p class="hint">{w.rowsCut(f.integer(known.length))}</p>
        )}
      </Listed>
    </Panel>
  );
}
