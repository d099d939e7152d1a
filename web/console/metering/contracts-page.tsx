/** All contracts by tenant, on one time line, and the way to a new one. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { placeOnLine } from './contract-validity.ts';
import type { Contract } from './entries.ts';
import { ListPage } from './list-page.tsx';
import { useRemote } from './use-remote.ts';
import { ValidityMark, ValidityText } from './validity-text.tsx';

const YEAR_MS = 365 * 86_400_000;

export function ContractsPage() {
  const { m, f, api } = useConsole();
  const w = m.metering;
  const contracts = useRemote('contracts', () => api.metering.entries('contract'));
  const known = (contracts.value ?? []).toSorted(
    (a, b) =>
      (a.tenant < b.tenant ? -1 : Number(a.tenant > b.tenant)) ||
      Date.parse(a.validFrom) - Date.parse(b.validFrom),
  );
  const now = Date.now();
  return (
    <ListPage
      kind="contract"
      name={w.page.contracts}
      fresh={w.newContract}
      hint={w.contractsText}
      list={contracts}
      none={w.contractsNone}
    >
      <table class="rows cards">
        <thead>
          <tr>
            <th scope="col">{w.tenant}</th>
            <th scope="col">{w.contract}</th>
            <th scope="col">{w.validity}</th>
            <th scope="col" class="wide-only">
              {w.timeLine}
            </th>
            <th scope="col">{w.currency}</th>
            <th scope="col" class="num">
              {w.prices}
            </th>
          </tr>
        </thead>
        <tbody>
          {known.map((contract) => (
            <tr key={contract.id}>
              <td>
                <a
                  href={hrefOf({
                    place: 'metering',
                    at: { page: 'tenant', tenant: contract.tenant },
                  })}
                >
                  {contract.tenant}
                </a>
              </td>
              <th scope="row">
                <a
                  href={hrefOf({
                    place: 'metering',
                    at: { page: 'contract', id: contract.id },
                  })}
                >
                  {contract.id}
                </a>
              </th>
              <td>
                <ValidityMark validity={contract} />{' '}
                <ValidityText validity={contract} timeZone={contract.timeZone} />
              </td>
              <td class="wide-only">
                <TimeLine contract={contract} now={now} />
              </td>
              <td data-name={w.currency}>{contract.currency}</td>
              <td class="num" data-name={w.prices}>
                {f.integer(contract.prices.length)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ListPage>
  );
}

/** A year back to a year ahead, the present in the middle. */
function TimeLine({ contract, now }: { readonly contract: Contract; readonly now: number }) {
  const place = placeOnLine(contract, now - YEAR_MS, now + YEAR_MS);
  return (
    <svg class="time-line" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect class="time-line-track" y="4" width="100" height="4" />
      {place !== null && (
        <rect class="time-line-valid" x={place.start} y="2" width={place.width} height="8" />
      )}
      <rect class="time-line-now" x="49.7" width="0.6" height="12" />
    </svg>
  );
}
