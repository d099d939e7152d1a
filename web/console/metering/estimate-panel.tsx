/** What an amount would cost under the price that is being edited, before anybody has used it. */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { ChargeLines } from './charge-lines.tsx';
import { Unpriced } from './charges-panel.tsx';
import { typedDecimal } from './decimal-text.ts';
import { type FieldIssues, IssueList, NO_ISSUES } from './field-issues.ts';
import { ChoiceField, Panel, TextField } from './fields.tsx';
import type { Estimate } from './metering.ts';
import { addPriceIssues, type PriceForm, priceBodyOf } from './price-form.ts';

interface EstimatePanelProps {
  readonly prices: readonly PriceForm[];
  readonly currency: string;
}

export function EstimatePanel({ prices, currency }: EstimatePanelProps) {
  const { m, lang, api, explain } = useConsole();
  const w = m.metering;
  const [key, setKey] = useState('');
  const [amount, setAmount] = useState('');
  const [issues, setIssues] = useState<FieldIssues>(NO_ISSUES);
  const [failure, setFailure] = useState('');
  const [estimate, setEstimate] = useState<Estimate | null>(null);
  const [isWorking, setIsWorking] = useState(false);
  const price = prices.find((each) => String(each.key) === key) ?? prices[0];
  // What was reckoned under another price is no estimate of this one.
  useEffect(() => setEstimate(null), [price, currency]);
  if (price === undefined) return null;

  const ask = async (event: Event) => {
    event.preventDefault();
    const decimal = typedDecimal(amount, lang);
    const found = new IssueList();
    if (amount.trim() === '') found.add('/estimate', 'required');
    else if (decimal === null) found.add('/estimate', 'not_a_number');
    else if (decimal.startsWith('-')) found.add('/estimate', 'not_positive');
    setIssues(found.issues);
    setEstimate(null);
    setFailure('');
    if (decimal === null || found.issues.size > 0) return;
    const wrong = new IssueList();
    addPriceIssues(price, '', lang, wrong);
    if (wrong.issues.size > 0 || currency.trim() === '') return setFailure(w.estimateFirst);
    setIsWorking(true);
    const body = priceBodyOf(price, lang);
    const outcome = await api.metering.estimate({
      price: { ...body, currency: currency.trim().toUpperCase() },
      usage: [{ sku: body.sku, unit: body.unit, amount: decimal }],
    });
    setIsWorking(false);
    if (outcome.ok) return setEstimate(outcome.value);
    const details = outcome.problem.errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
    setFailure([explain(outcome.problem), ...details].join(' '));
  };
  return (
    <Panel name={w.estimate}>
      <p class="hint">{w.estimateText}</p>
      <form class="filters" onSubmit={ask} noValidate>
        {prices.length > 1 && (
          <ChoiceField
            at="/estimatePrice"
            name={w.price}
            issues={NO_ISSUES}
            value={String(price.key)}
            choices={prices.map((each) => [
              String(each.key),
              `${each.sku || '–'} (${each.unit || '–'})`,
            ])}
            onChange={setKey}
          />
        )}
        <TextField
          at="/estimate"
          name={price.unit.trim() === '' ? w.amount : `${w.amount} (${price.unit.trim()})`}
          issues={issues}
          isDecimal
          value={amount}
          onChange={setAmount}
        />
        <button type="submit" disabled={isWorking}>
          {isWorking ? m.working : w.estimateButton}
        </button>
      </form>
      <div aria-live="polite">
        {failure !== '' && <p class="failure">{failure}</p>}
        {estimate !== null && (
          <>
            <ChargeLines charges={estimate.charges} period={null} timeZone="UTC" />
            {estimate.unpriced.length > 0 && (
              <Unpriced unpriced={estimate.unpriced} timeZone="UTC" />
            )}
            {estimate.charges.length === 0 && estimate.unpriced.length === 0 && (
              <p class="none">{w.estimateNothing}</p>
            )}
          </>
        )}
      </div>
    </Panel>
  );
}
