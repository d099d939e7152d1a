/** Fields that several kinds of entry share: the name of a new one, whose it is, and its currency. */
import { useConsole } from '../console-context.ts';
import type { FieldIssues } from './field-issues.ts';
import { TextField } from './fields.tsx';

interface SharedFieldProps<Name extends string> {
  readonly form: { readonly [N in Name]: string };
  readonly issues: FieldIssues;
  change(part: { readonly [N in Name]: string }): void;
}

/** One that exists keeps the name that it has. */
export function IdField({ form, issues, change }: SharedFieldProps<'id'>) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <TextField
      at="/id"
      name={w.id}
      hint={w.idHint}
      issues={issues}
      value={form.id}
      onChange={(id) => change({ id })}
    />
  );
}

interface TenantFieldProps extends SharedFieldProps<'tenant'> {
  /** Null while it is a new one: what exists stays its tenant's. */
  readonly stored: object | null;
}

export function TenantField({ form, issues, stored, change }: TenantFieldProps) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <TextField
      at="/tenant"
      name={w.tenant}
      hint={stored === null ? '' : w.fixedHint}
      issues={issues}
      isDisabled={stored !== null}
      value={form.tenant}
      onChange={(tenant) => change({ tenant })}
    />
  );
}

export function CurrencyField({ form, issues, change }: SharedFieldProps<'currency'>) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <TextField
      at="/currency"
      name={w.currency}
      hint={w.currencyHint}
      issues={issues}
      value={form.currency}
      onChange={(currency) => change({ currency })}
    />
  );
}
