/** One tenant: its contract, what it used, and what it owes for it. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { ChargesPanel } from './charges-panel.tsx';
import { contractOf } from './contract-validity.ts';
import { UsagePanel } from './usage-panel.tsx';
import { useRemote } from './use-remote.ts';
import { ValidityText } from './validity-text.tsx';

export function TenantPage({ tenant }: { readonly tenant: string }) {
  const { m, api } = useConsole();
  const w = m.metering;
  const contracts = useRemote('contracts', () => api.metering.entries('contract'));
  const contract = contractOf(contracts.value ?? [], tenant, Date.now());
  const timeZone = contract?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <header class="page-head">
        <h1>{tenant}</h1>
        {contract === undefined ? (
          contracts.value !== null && <span class="mark mark-warning">{w.noContract}</span>
        ) : (
          <p class="facts">
            <a href={hrefOf({ place: 'metering', at: { page: 'contract', id: contract.id } })}>
              {w.contract} {contract.id}
            </a>
            <span>{contract.currency}</span>
            <span>{contract.timeZone}</span>
            <ValidityText validity={contract} timeZone={contract.timeZone} />
          </p>
        )}
        {contracts.failure !== '' && (
          <p class="failure" role="alert">
            {contracts.failure}
          </p>
        )}
      </header>
      {/* What the contract says of the zone decides which days are asked for. */}
      {(contracts.value !== null || contracts.failure !== '') && (
        <>
          <UsagePanel tenant={tenant} timeZone={timeZone} />
          <ChargesPanel tenant={tenant} timeZone={timeZone} />
        </>
      )}
    </>
  );
}
