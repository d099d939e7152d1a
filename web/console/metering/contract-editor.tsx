/** Makes a contract or its next version: parties, validity and prices, and an estimate under it. */
import { useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { EntryEditor, type FormParts } from './entry-editor.tsx';
import { CurrencyField, IdField, TenantField } from './entry-fields.tsx';
import type { ContractForm } from './entry-form.ts';
import { CONTRACT_RULES } from './entry-rules.ts';
import { EstimatePanel } from './estimate-panel.tsx';
import { TextField } from './fields.tsx';
import { KnownProducts } from './known-products.tsx';
import { PriceFields } from './price-fields.tsx';
import { emptyPrice, type PriceForm } from './price-form.ts';
import { ValidityFields } from './validity-fields.tsx';

export function ContractEditor({ id }: { readonly id: string | null }) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <EntryEditor
      id={id}
      rules={CONTRACT_RULES}
      words={{ kind: w.contract, fresh: w.newContract, back: w.backToContracts }}
      moves={(body, stored) => ({
        validities: [body, ...(stored === null ? [] : [stored])],
        concerned: [{ tenant: body.tenant, timeZone: body.timeZone }],
      })}
      fields={(parts) => <ContractFields {...parts} />}
      below={(form) => <EstimatePanel prices={form.prices} currency={form.currency} />}
    />
  );
}

function ContractFields(parts: FormParts<'contract', ContractForm>) {
  const { form, issues, stored, change } = parts;
  const { m } = useConsole();
  const w = m.metering;
  return (
    <>
      <div class="field-row">
        <TenantField {...parts} />
        <CurrencyField {...parts} />
        {stored === null && <IdField {...parts} />}
      </div>
      <fieldset class="fields">
        <legend>{w.validity}</legend>
        <ValidityFields
          form={form}
          issues={issues}
          zoneHint={w.contractZoneHint}
          onChange={change}
        />
        <div class="field-row">
          <TextField
            at="/graceMs"
            name={w.grace}
            hint={w.graceHint}
            issues={issues}
            isDecimal
            value={form.graceHours}
            onChange={(graceHours) => change({ graceHours })}
          />
        </div>
      </fieldset>
      <ContractPrices {...parts} />
    </>
  );
}

function ContractPrices(parts: FormParts<'contract', ContractForm>) {
  const { form, issues, change, forgetIssues } = parts;
  const { m } = useConsole();
  const w = m.metering;
  const changePrice = (price: PriceForm) =>
    change({ prices: form.prices.map((each) => (each.key === price.key ? price : each)) });
  const addPrice = () => {
    const key = Math.max(0, ...form.prices.map((price) => price.key)) + 1;
    change({ prices: [...form.prices, emptyPrice(key)] });
  };
  return (
    <fieldset class="prices">
      <legend>{w.prices}</legend>
      <p class="hint">{w.contractPricesText}</p>
      {form.prices.map((price, i) => (
        <section key={price.key} class="price" aria-label={w.priceNumber(String(i + 1))}>
          <header>
            <h2>{price.sku.trim() || w.priceNumber(String(i + 1))}</h2>
            <button
              type="button"
              class="quiet"
              aria-label={w.removePrice(price.sku || String(i + 1))}
              onClick={() => {
                forgetIssues();
                change({ prices: form.prices.filter((each) => each.key !== price.key) });
              }}
            >
              <Icon name="trash" />
              {w.remove}
            </button>
          </header>
          <PriceFields
            at={`/prices/${i}`}
            form={price}
            currency={form.currency}
            issues={issues}
            onChange={changePrice}
          />
        </section>
      ))}
      <button type="button" onClick={addPrice}>
        <Icon name="plus" />
        {w.addPrice}
      </button>
      <KnownProducts />
    </fieldset>
  );
}
