/** Makes a list price or its next version, and an estimate under it. */

import { useConsole } from '../console-context.ts';
import { Absent } from './absent.tsx';
import type { Contract } from './entries.ts';
import { EntryEditor } from './entry-editor.tsx';
import { CurrencyField, IdField } from './entry-fields.tsx';
import { PRICE_RULES } from './entry-rules.ts';
import { EstimatePanel } from './estimate-panel.tsx';
import { KnownProducts } from './known-products.tsx';
import { PriceFields } from './price-fields.tsx';
import type { ConcernedTenant } from './use-entry-save.ts';
import { useRemote } from './use-remote.ts';
import { ValidityFields } from './validity-fields.tsx';

export function PriceEditor({ id }: { readonly id: string | null }) {
  const { m, api } = useConsole();
  const w = m.metering;
  const contracts = useRemote('contracts', () => api.metering.entries('contract'));
  const known = contracts.value;
  // Without them nobody could say whose charges a price moves.
  if (known === null) return <Absent of={contracts} />;
  return (
    <EntryEditor
      id={id}
      rules={PRICE_RULES}
      words={{ kind: w.listPrice, fresh: w.newPrice, back: w.backToPrices }}
      moves={(body, stored) => ({
        validities: [body, ...(stored === null ? [] : [stored])],
        concerned: tenantsPaying(known, [
          body.currency,
          ...(stored === null ? [] : [stored.currency]),
        ]),
      })}
      fields={(parts) => {
        const { form, issues, stored, change } = parts;
        return (
          <>
            <PriceFields
              at=""
              form={form.price}
              currency={form.currency}
              issues={issues}
              onChange={(price) => change({ price })}
            />
            <div class="field-row">
              <CurrencyField {...parts} />
              {stored === null && <IdField {...parts} />}
            </div>
            <fieldset>
              <legend>{w.validity}</legend>
              <ValidityFields
                form={form}
                issues={issues}
                zoneHint={w.priceZoneHint}
                onChange={change}
              />
            </fieldset>
            <KnownProducts />
          </>
        );
      }}
      below={(form) => <EstimatePanel prices={[form.price]} currency={form.currency} />}
    />
  );
}

/** List prices reach whoever has a contract in their currency. */
function tenantsPaying(
  contracts: readonly Contract[],
  currencies: readonly string[],
): readonly ConcernedTenant[] {
  const zones = new Map(
    contracts
      .filter(({ currency }) => currencies.includes(currency))
      .map(({ tenant, timeZone }) => [tenant, timeZone]),
  );
  return [...zones].map(([tenant, timeZone]) => ({ tenant, timeZone }));
}
