/** Makes a list price or its next version, an estimate under it, and the versions before. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { DifferenceDialog } from './difference-dialog.tsx';
import type { Contract, ListPrice } from './entries.ts';
import {
  emptyListPrice,
  type ListPriceForm,
  listPriceBodyOf,
  listPriceFields,
  listPriceFormOf,
  listPriceIssues,
} from './entry-form.ts';
import { EstimatePanel } from './estimate-panel.tsx';
import { type FieldIssues, issuesFromServer, NO_ISSUES } from './field-issues.ts';
import { TextField, useIssueText } from './fields.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { PriceFields } from './price-fields.tsx';
import { type ConcernedTenant, useEntrySave } from './use-entry-save.ts';
import { useRemote } from './use-remote.ts';
import { ValidityFields } from './validity-fields.tsx';

export function PriceEditor({ id }: { readonly id: string | null }) {
  const { m, api } = useConsole();
  const price = useRemote(id === null ? null : `price ${id}`, () =>
    api.metering.entry('price', id ?? ''),
  );
  const contracts = useRemote('contracts', () => api.metering.entries('contract'));
  const failure = price.failure || contracts.failure;
  if ((id !== null && price.value === null) || contracts.value === null) {
    return (
      <p class="none" role={failure === '' ? 'status' : 'alert'}>
        {failure || m.metering.loading}
      </p>
    );
  }
  return <Editor price={price.value} contracts={contracts.value} />;
}

interface EditorProps {
  readonly price: ListPrice | null;
  readonly contracts: readonly Contract[];
}

function Editor({ price, contracts }: EditorProps) {
  const { m, lang, go, announce, explain } = useConsole();
  const w = m.metering;
  const element = useRef<HTMLFormElement>(null);
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [stored, setStored] = useState(price);
  const [form, setForm] = useState<ListPriceForm>(() =>
    price === null ? emptyListPrice(ownZone) : listPriceFormOf(price, ownZone, lang),
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
  const { save, held, dismiss, isWorking } = useEntrySave<'price'>(
    (entry) => {
      setIssues(NO_ISSUES);
      setFailure('');
      announce(w.savedAs(String(entry.version)));
      const settled = listPriceFormOf(entry, form.timeZone, lang);
      setStored(entry);
      setForm(settled);
      setSaved(settled);
      if (price === null) go({ place: 'metering', at: { page: 'price', id: entry.id } });
    },
    (problem) => refuse(issuesFromServer(problem.errors, listPriceFields(form)), explain(problem)),
  );
  const submit = async (event: Event) => {
    event.preventDefault();
    const found = listPriceIssues(form, lang);
    if (found.size > 0) return refuse(found, w.fixFields);
    setIssues(NO_ISSUES);
    setFailure('');
    const body = listPriceBodyOf(form, stored?.version ?? null, lang);
    const currencies = [body.currency, ...(stored === null ? [] : [stored.currency])];
    await save({
      tried: { kind: 'price', id: stored?.id ?? null, body },
      validities: [body, ...(stored === null ? [] : [stored])],
      concerned: tenantsPaying(contracts, currencies),
    });
  };
  const change = (part: Partial<ListPriceForm>) => setForm({ ...form, ...part });

  return (
    <>
      <p>
        <a href={hrefOf({ place: 'metering', at: { page: 'prices' } })}>{w.backToPrices}</a>
      </p>
      <form class="panel editor" ref={element} onSubmit={submit} noValidate>
        <h1>{stored === null ? w.newPrice : `${w.listPrice} ${stored.id}`}</h1>
        <PriceFields
          at=""
          form={form.price}
          currency={form.currency}
          issues={issues}
          onChange={(changed) => change({ price: changed })}
        />
        <div class="field-row">
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
        <fieldset>
          <legend>{w.validity}</legend>
          <ValidityFields
            form={form}
            issues={issues}
            zoneHint={w.priceZoneHint}
            onChange={change}
          />
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
      <EstimatePanel prices={[form.price]} currency={form.currency} />
      {stored !== null && <HistoryPanel kind="price" id={stored.id} version={stored.version} />}
      {held !== null && <DifferenceDialog {...held} onClose={dismiss} />}
    </>
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
