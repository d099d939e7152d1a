/** What the editor must know of each kind of entry: its empty form, its issues, its body, and what its refusals name. */
import type { EditedEntries, EditedKind } from './entries.ts';
import {
  type ContractForm,
  contractBodyOf,
  contractFields,
  contractFormOf,
  contractIssues,
  emptyContract,
  emptyListPrice,
  type ListPriceForm,
  listPriceBodyOf,
  listPriceFields,
  listPriceFormOf,
  listPriceIssues,
} from './entry-form.ts';
import type { FieldIssues } from './field-issues.ts';
import type { EntryBodies } from './metering-api.ts';
import {
  EMPTY_PRODUCT,
  PRODUCT_FIELDS,
  type ProductForm,
  productBodyOf,
  productFormOf,
  productIssues,
} from './product-form.ts';
import {
  EMPTY_THRESHOLD,
  THRESHOLD_FIELDS,
  type ThresholdForm,
  thresholdBodyOf,
  thresholdFormOf,
  thresholdIssues,
} from './threshold-form.ts';

export interface EntryRules<Kind extends EditedKind, Form> {
  readonly kind: Kind;
  /** The pointer of what a new one is known by. */
  readonly naming: '/id' | '/sku';
  /** Of a new one; the zone is that of the browser. */
  empty(timeZone: string): Form;
  /** `before` is what was on the screen, null where nothing was. */
  formOf(entry: EditedEntries[Kind], before: Form | null, timeZone: string, lang: string): Form;
  issues(form: Form, lang: string): FieldIssues;
  /** The body of a form without issues; `version` is what a change was made from, null for a new one. */
  bodyOf(form: Form, version: number | null, lang: string): EntryBodies[Kind];
  /** Pointers of all that can be typed. */
  fields(form: Form): ReadonlySet<string>;
}

export const CONTRACT_RULES: EntryRules<'contract', ContractForm> = {
  kind: 'contract',
  naming: '/id',
  empty: (timeZone) => emptyContract('', timeZone),
  formOf: (contract, _before, _timeZone, lang) => contractFormOf(contract, lang),
  issues: contractIssues,
  bodyOf: contractBodyOf,
  fields: contractFields,
};

export const PRICE_RULES: EntryRules<'price', ListPriceForm> = {
  kind: 'price',
  naming: '/id',
  empty: emptyListPrice,
  // A list price has no zone: its dates stay on the clocks that they were typed by.
  formOf: (price, before, timeZone, lang) =>
    listPriceFormOf(price, before?.timeZone ?? timeZone, lang),
  issues: listPriceIssues,
  bodyOf: listPriceBodyOf,
  fields: listPriceFields,
};

export const PRODUCT_RULES: EntryRules<'product', ProductForm> = {
  kind: 'product',
  naming: '/sku',
  empty: () => EMPTY_PRODUCT,
  formOf: productFormOf,
  issues: productIssues,
  bodyOf: productBodyOf,
  fields: () => PRODUCT_FIELDS,
};

export const THRESHOLD_RULES: EntryRules<'threshold', ThresholdForm> = {
  kind: 'threshold',
  naming: '/id',
  empty: () => EMPTY_THRESHOLD,
  formOf: (threshold, _before, _timeZone, lang) => thresholdFormOf(threshold, lang),
  issues: thresholdIssues,
  bodyOf: thresholdBodyOf,
  fields: () => THRESHOLD_FIELDS,
};
