/** The form of a product: what it is known by, and what people call it. */
import type { Product } from './entries.ts';
import { type FieldIssues, IssueList } from './field-issues.ts';

export interface ProductForm {
  /** Never changes once it is made. */
  readonly sku: string;
  readonly name: string;
}

export interface ProductBody extends ProductForm {
  readonly expectedVersion?: number;
}

export const EMPTY_PRODUCT: ProductForm = { sku: '', name: '' };
export const PRODUCT_FIELDS: ReadonlySet<string> = new Set(['/sku', '/name']);

export function productFormOf({ sku, name }: Product): ProductForm {
  return { sku, name };
}

export function productIssues(form: ProductForm): FieldIssues {
  const found = new IssueList();
  if (form.sku.trim() === '') found.add('/sku', 'required');
  if (form.name.trim() === '') found.add('/name', 'required');
  return found.issues;
}

/** The body of a form without issues; `version` is what a change was made from, null for a new one. */
export function productBodyOf(form: ProductForm, version: number | null): ProductBody {
  return {
    ...(version === null ? {} : { expectedVersion: version }),
    sku: form.sku.trim(),
    name: form.name.trim(),
  };
}
