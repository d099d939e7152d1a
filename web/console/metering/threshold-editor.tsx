/** Makes a usage threshold or its next version, and shows when it was reached. */
import { useConsole } from '../console-context.ts';
import { CrossingsPanel } from './crossings-panel.tsx';
import { EntryEditor } from './entry-editor.tsx';
import { IdField, TenantField } from './entry-fields.tsx';
import { THRESHOLD_RULES } from './entry-rules.ts';
import { TextField } from './fields.tsx';
import { KnownProducts } from './known-products.tsx';

export function ThresholdEditor({ id }: { readonly id: string | null }) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <EntryEditor
      id={id}
      rules={THRESHOLD_RULES}
      words={{ kind: w.threshold, fresh: w.newThreshold, back: w.backToThresholds }}
      fields={(parts) => {
        const { form, issues, stored, change } = parts;
        return (
          <div class="field-row">
            <TenantField {...parts} />
            <TextField
              at="/sku"
              name={w.sku}
              issues={issues}
              list="known-products"
              value={form.sku}
              onChange={(sku) => change({ sku })}
            />
            <TextField
              at="/unit"
              name={w.unit}
              hint={w.unitHint}
              issues={issues}
              value={form.unit}
              onChange={(unit) => change({ unit })}
            />
            <TextField
              at="/amount"
              name={w.amount}
              hint={w.thresholdAmountHint}
              issues={issues}
              isDecimal
              value={form.amount}
              onChange={(amount) => change({ amount })}
            />
            {stored === null && <IdField {...parts} />}
            <KnownProducts />
          </div>
        );
      }}
      below={(_form, stored) => stored !== null && <CrossingsPanel threshold={stored.id} />}
    />
  );
}
