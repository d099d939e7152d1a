/** All usage thresholds by tenant, whether the billing period of now has reached them, and every crossing so far. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { Amount, Moment } from './amounts.tsx';
import { CrossingsPanel } from './crossings-panel.tsx';
import { ListPage } from './list-page.tsx';
import type { ThresholdEvent } from './metering.ts';
import { crossingNow } from './threshold-standing.ts';
import { useRemote } from './use-remote.ts';

export function ThresholdsPage() {
  const { m, api } = useConsole();
  const w = m.metering;
  const thresholds = useRemote('thresholds', () => api.metering.entries('threshold'));
  const events = useRemote('events', () => api.metering.events());
  const now = Date.now();
  const known = (thresholds.value ?? []).toSorted(
    (a, b) =>
      (a.tenant < b.tenant ? -1 : Number(a.tenant > b.tenant)) ||
      (a.sku < b.sku ? -1 : Number(a.sku > b.sku)),
  );
  return (
    <ListPage
      kind="threshold"
      name={w.page.thresholds}
      fresh={w.newThreshold}
      hint={w.thresholdsText}
      list={thresholds}
      none={w.thresholdsNone}
      below={<CrossingsPanel threshold={null} />}
    >
      <table class="rows cards">
        <thead>
          <tr>
            <th scope="col">{w.threshold}</th>
            <th scope="col">{w.tenant}</th>
            <th scope="col">{w.sku}</th>
            <th scope="col" class="num">
              {w.amount}
            </th>
            <th scope="col">{w.thisPeriod}</th>
          </tr>
        </thead>
        <tbody>
          {known.map((threshold) => {
            const { id, tenant, sku, unit, amount } = threshold;
            return (
              <tr key={id}>
                <th scope="row">
                  <a href={hrefOf({ place: 'metering', at: { page: 'threshold', id } })}>{id}</a>
                </th>
                <td data-name={w.tenant}>
                  <a href={hrefOf({ place: 'metering', at: { page: 'tenant', tenant } })}>
                    {tenant}
                  </a>
                </td>
                <td data-name={w.sku}>{sku}</td>
                <td class="num" data-name={w.amount}>
                  <Amount text={amount} unit={unit} />
                </td>
                <td data-name={w.thisPeriod}>
                  {events.value !== null && (
                    <Standing crossing={crossingNow(events.value, threshold, now)} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ListPage>
  );
}

function Standing({ crossing }: { readonly crossing: ThresholdEvent | undefined }) {
  const { m } = useConsole();
  const w = m.metering;
  if (crossing === undefined) return <span class="mark">{w.notCrossed}</span>;
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <span class="mark mark-warning">{w.crossed}</span>{' '}
      <Moment at={crossing.at} timeZone={timeZone} />
    </>
  );
}
