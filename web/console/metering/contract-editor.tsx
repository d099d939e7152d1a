/** Makes a contract or its next version: parties, validity and prices, an estimate, the versions before. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { hrefOf } from '../route.ts';
import { DifferenceDialog } from './difference-dialog.tsx';
import type { Contract } from './entries.ts';
import {
  type ContractForm,
  contractBodyOf,
  contractFields,
  contractFormOf,
  contractIssues,
  emptyContract,
} from './entry-form.ts';
import { EstimatePanel } from './estimate-panel.tsx';
import { type FieldIssues, issuesFromServer, NO_ISSUES } from './field-issues.ts';
import { TextField, useIssueText } from './fields.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { PriceFields } from './price-fields.tsx';
import { emptyPrice, type PriceForm } from './price-form.ts';
import { useEntrySave } from './use-entry-save.ts';
import { useRemote } from './use-remote.ts';
import { ValidityFields } from './validity-fields.tsx';

export function ContractEditor({ id }: { readonly id: string | null }) {
  const { m, api } = useConsole();
  const w = m.metering;
  const contract = useRemote(id === null ? null : `contract ${id}`, () =>
    api.metering.entry('contract', id ?? ''),
  );
  if (id === null) return <Editor contract={null} />;
  if (contract.value === null) {
    return (
      <p class="none" role={contract.failure === '' ? 'status' : 'alert'}>
        {contract.failure || w.loading}
      </p>
    );
  }
  return <Editor contract={contract.value} />;
}

function Editor({ contract }: { readonly contract: Contract | null }) {
  const { m, lang, go, announce, explain } = useConsole();
  const w = m.metering;
  const element = useRef<HTMLFormElement>(null);
  const [stored, setStored] = useState(contract);
  const [form, setForm] = useState<ContractForm>(() =>
    contract === null
      ? emptyContract('', Intl.DateTimeFormat().resolvedOptions().timeZone)
      : contractFormOf(contract, lang),
  );
  const [saved, setSaved] = useState(form);
  const [issues, setIssues] = useState<FieldIssues>(NO_ISSUES);
  const [failure, setFailure] = useState('');
  const issueOf = useIssueText(issues);
  const isChanged = form !== saved;

  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isChanged]);

  const refuse = (found: FieldIssues, text: string) => {
    setIssues(found);
    setFailure(text);
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };
  const { save, held, dismiss, isWorking } = useEntrySave<'contract'>(
    (entry) => {
      setIssues(NO_ISSUES);
      setFailure('');
      announce(w.savedAs(String(entry.version)));
      const settled = contractFormOf(entry, lang);
      setStored(entry);
      setForm(settled);
      setSaved(settled);
      if (contract === null) go({ place: 'metering', at: { page: 'contract', id: entry.id } });
    },
    (problem) => refuse(issuesFromServer(problem.errors, contractFields(form)), explain(problem)),
  );
  const submit = async (event: Event) => {
    event.preventDefault();
    const found = contractIssues(form, lang);
    if (found.size > 0) return refuse(found, w.fixFields);
    setIssues(NO_ISSUES);
    setFailure('');
    const body = contractBodyOf(form, stored?.version ?? null, lang);
    await save({
      tried: { kind: 'contract', id: stored?.id ?? null, body },
      validities: [body, ...(stored === null ? [] : [stored])],
      concerned: [{ tenant: body.tenant, timeZone: body.timeZone }],
    });
  };
  const change = (part: Partial<ContractForm>) => setForm({ ...form, ...part });
  const changePrice = (price: PriceForm) =>
    change({ prices: form.prices.map((each) => (each.key === price.key ? price : each)) });
  const addPrice = () => {
    const key = Math.max(0, ...form.prices.map((price) => price.key)) + 1;
    change({ prices: [...form.prices, emptyPrice(key)] });
  };

  return (
    <>
      <p>
        <a href={hrefOf({ place: 'metering', at: { page: 'contracts' } })}>{w.backToContracts}</a>
      </p>
      <form class="panel editor" ref={element} onSubmit={submit} noValidate>
        <h1>{stored === null ? w.newContract : `${w.contract} ${stored.id}`}</h1>
        <div class="field-row">
          <TextField
            at="/tenant"
            name={w.tenant}
            issues={issues}
            value={form.tenant}
            onChange={(tenant) => change({ tenant })}
          />
          <TextField
            at="/currency"
            name={w.currency}
            hint={w.currencyHint}
            issues={issues}
            value={form.currency}
            onChange={(currency) => change({ currency })}
          />
          {stored === null && (
            <TextField
              at="/id"
              name={w.id}
              hint={w.idHint}
              issues={issues}
              value={form.id}
              onChange={(id) => change({ id })}
            />
          )}
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
                    setIssues(NO_ISSUES);
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
        </fieldset>
        <p class="failure" role="alert">
          {`${failure} ${issueOf('')}`.trim()}
        </p>
        <div class="buttons editor-buttons">
          <span class="hint">{isChanged && stored !== null ? m.formUnsaved : w.saveHint}</span>
          {stored !== null && (
            <button
              type="button"
              disabled={!isChanged || isWorking}
              onClick={() => {
                setForm(saved);
                setIssues(NO_ISSUES);
                setFailure('');
              }}
            >
              {m.formDiscard}
            </button>
          )}
          <button
            type="submit"
            class="primary"
            disabled={isWorking || (stored !== null && !isChanged)}
          >
            {isWorking ? m.working : w.checkAndSave}
          </button>
        </div>
      </form>
      <EstimatePanel prices={form.prices} currency={form.currency} />
      {stored !== null && <HistoryPanel kind="contract" id={stored.id} version={stored.version} />}
      {held !== null && <DifferenceDialog {...held} onClose={dismiss} />}
    </>
  );
}
