/** The form of a usage threshold: whose usage of what, and the amount that is to be told of. */
import { compareDecimals, editedDecimal, typedDecimal } from './decimal-text.ts';
import type { Threshold } from './entries.ts';
import { namingOf } from './entry-form.ts';
import { type FieldIssues, IssueList } from './field-issues.ts';

export interface ThresholdForm {
  /** Only a new one may be named; empty: the server names it. */
  readonly id: string;
  /** Never changes once it is made. */
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  /** As it was typed. */
  readonly amount: string;
}

export interface ThresholdBody {
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly amount: string;
}

export const EMPTY_THRESHOLD: ThresholdForm = { id: '', tenant: '', sku: '', unit: '', amount: '' };
export const THRESHOLD_FIELDS: ReadonlySet<string> = new Set(
  Object.keys(EMPTY_THRESHOLD).map((name) => `/${name}`),
);

export function thresholdFormOf(threshold: Threshold, lang: string): ThresholdForm {
  const { id, tenant, sku, unit, amount } = threshold;
  return { id, tenant, sku, unit, amount: editedDecimal(amount, lang) };
}

export function thresholdIssues(form: ThresholdForm, lang: string): FieldIssues {
  const found = new IssueList();
  for (const name of ['tenant', 'sku', 'unit', 'amount'] as const) {
    if (form[name].trim() === '') found.add(`/${name}`, 'required');
  }
  const amount = typedDecimal(form.amount, lang);
  if (amount === null) found.add('/amount', 'not_a_number');
  else if (compareDecimals(amount, '0') <= 0) found.add('/amount', 'not_positive');
  return found.issues;
}

/** The body of a form without issues; `version` is what a change was made from, null for a new one. */
export function thresholdBodyOf(
  form: ThresholdForm,
  version: number | null,
  lang: string,
): ThresholdBody {
  return {
    ...namingOf(form.id, version),
    tenant: form.tenant.trim(),
    sku: form.sku.trim(),
    unit: form.unit.trim(),
    amount: typedDecimal(form.amount, lang) ?? '',
  };
}
