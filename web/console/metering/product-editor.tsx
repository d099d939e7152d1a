/** Makes a product or its next version. */
import { useConsole } from '../console-context.ts';
import { EntryEditor } from './entry-editor.tsx';
import { PRODUCT_RULES } from './entry-rules.ts';
import { TextField } from './fields.tsx';

export function ProductEditor({ id }: { readonly id: string | null }) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <EntryEditor
      id={id}
      rules={PRODUCT_RULES}
      words={{ kind: w.sku, fresh: w.newProduct, back: w.backToProducts }}
      fields={({ form, issues, stored, change }) => (
        <div class="field-row">
          <TextField
            at="/sku"
            name={w.skuName}
            hint={stored === null ? w.skuHint : w.fixedHint}
            issues={issues}
            isDisabled={stored !== null}
            value={form.sku}
            onChange={(sku) => change({ sku })}
          />
          <TextField
            at="/name"
            name={w.productName}
            hint={w.productNameHint}
            issues={issues}
            value={form.name}
            onChange={(name) => change({ name })}
          />
        </div>
      )}
    />
  );
}
