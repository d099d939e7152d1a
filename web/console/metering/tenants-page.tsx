/** Every tenant with a contract or with usage of late, and the way to any other. */
import { useMemo, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { contractAt } from './contract-validity.ts';
import { dayAfter, dayOf, daySpan } from './day-span.ts';
import type { Contract } from './entries.ts';
import { Panel } from './fields.tsx';
import { useRemote } from './use-remote.ts';

const DAYS = 30;

export function TenantsPage() {
  const { m, f, api, go } = useConsole();
  const w = m.metering;
  const [typed, setTyped] = useState('');
  const span = useMemo(() => {
    const today = dayOf(Date.now(), 'UTC');
    return daySpan(dayAfter(today, 1 - DAYS), today, 'UTC');
  }, []);
  const contracts = useRemote('contracts', () => api.metering.entries('contract'));
  const usage = useRemote('tenants', () =>
    api.metering.usage({
      tenant: null,
      sku: null,
      unit: null,
      from: span?.from ?? 0,
      to: span?.to ?? 0,
      granularity: 'P1M',
      timeZone: 'UTC',
      groupBy: ['tenant'],
    }),
  );
  const pulses = new Map<string, number>();
  for (const { dimensions, count } of usage.value?.data ?? []) {
    const tenant = dimensions.tenant ?? '';
    pulses.set(tenant, (pulses.get(tenant) ?? 0) + count);
  }
  const known = contracts.value ?? [];
  const names = [...new Set([...pulses.keys(), ...known.map(({ tenant }) => tenant)])]
    .filter((name) => name.toLowerCase().includes(typed.trim().toLowerCase()))
    .sort();
  const open = (event: Event) => {
    event.preventDefault();
    const tenant = typed.trim();
    if (tenant !== '') go({ place: 'metering', at: { page: 'tenant', tenant } });
  };
  const failure = usage.failure || contracts.failure;
  return (
    <>
      <h1>{w.page.tenants}</h1>
      <form class="find" onSubmit={open}>
        <label class="field">
          <span>{w.findTenant}</span>
          <input
            type="search"
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={typed.trim() === ''}>
          {w.openTenant}
        </button>
      </form>
      <Panel name={w.tenantsList}>
        {names.length === 0 ? (
          <p class="none">
            {failure || (usage.isLoading || contracts.isLoading ? w.loading : w.tenantsNone)}
          </p>
        ) : (
          <table class="rows cards">
            <thead>
              <tr>
                <th scope="col">{w.tenant}</th>
                <th scope="col">{w.contractNow}</th>
                <th scope="col" class="num">
                  {w.pulsesOfDays(String(DAYS))}
                </th>
              </tr>
            </thead>
            <tbody>
              {names.map((tenant) => (
                <tr key={tenant}>
                  <th scope="row">
                    <a href={hrefOf({ place: 'metering', at: { page: 'tenant', tenant } })}>
                      {tenant}
                    </a>
                  </th>
                  <td data-name={w.contractNow}>
                    <ContractLink contract={contractAt(known, tenant, Date.now())} />
                  </td>
                  <td class="num" data-name={w.pulsesOfDays(String(DAYS))}>
                    {f.integer(pulses.get(tenant) ?? 0)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
    </>
  );
}

function ContractLink({ contract }: { readonly contract: Contract | undefined }) {
  const { m } = useConsole();
  if (contract === undefined) {
    return <span class="mark mark-warning">{m.metering.noContract}</span>;
  }
  const { id } = contract;
  return <a href={hrefOf({ place: 'metering', at: { page: 'contract', id } })}>{id}</a>;
}
