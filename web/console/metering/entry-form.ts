/** The forms of contracts and list prices: validity, parties and prices, what is wrong, and the body they become. */
import { instantOf, isTimeZone, wallTimeOf } from '../zoned-time.ts';
import type { Contract, ListPrice, Validity } from './entries.ts';
import { type FieldIssues, IssueList } from './field-issues.ts';
import {
  addPriceIssues,
  emptyPrice,
  type PriceBody,
  type PriceForm,
  priceBodyOf,
  priceFields,
  priceFormOf,
} from './price-form.ts';

/** Validity begins and ends on whole windows of usage. */
const WINDOW_MS = 900_000;
const HOUR_MS = 3_600_000;
const GRACE_HOURS = '72';

/** Times are wall-clock times of `timeZone` (`2026-11-01T00:00`), empty for none. */
export interface ValidityForm {
  readonly timeZone: string;
  readonly validFrom: string;
  readonly validTo: string;
}

export interface ContractForm extends ValidityForm {
  /** Only a new one may be named; empty: the server names it. */
  readonly id: string;
  readonly tenant: string;
  readonly currency: string;
  readonly graceHours: string;
  readonly prices: readonly PriceForm[];
}

/** Its `timeZone` is only how the dates are read: a list price has none. */
export interface ListPriceForm extends ValidityForm {
  readonly id: string;
  readonly currency: string;
  readonly price: PriceForm;
}

export interface ContractBody {
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly tenant: string;
  readonly currency: string;
  readonly validFrom: string;
  readonly validTo: string | null;
  readonly timeZone: string;
  readonly graceMs: number;
  readonly prices: readonly PriceBody[];
}

export interface ListPriceBody extends PriceBody {
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly currency: string;
  readonly validFrom: string;
  readonly validTo: string | null;
}

export function emptyContract(tenant: string, timeZone: string): ContractForm {
  return {
    id: '',
    tenant,
    currency: '',
    timeZone,
    validFrom: '',
    validTo: '',
    graceHours: GRACE_HOURS,
    prices: [emptyPrice(1)],
  };
}

export function contractFormOf(contract: Contract, lang: string): ContractForm {
  return {
    id: contract.id,
    tenant: contract.tenant,
    currency: contract.currency,
    ...validityFormOf(contract, contract.timeZone),
    graceHours: String(contract.graceMs / HOUR_MS),
    prices: contract.prices.map((price, i) => priceFormOf(price, i + 1, lang)),
  };
}

export function emptyListPrice(timeZone: string): ListPriceForm {
  return { id: '', currency: '', timeZone, validFrom: '', validTo: '', price: emptyPrice(1) };
}

export function listPriceFormOf(price: ListPrice, timeZone: string, lang: string): ListPriceForm {
  return {
    id: price.id,
    currency: price.currency,
    ...validityFormOf(price, timeZone),
    price: priceFormOf(price, 1, lang),
  };
}

export function contractIssues(form: ContractForm, lang: string): FieldIssues {
  const found = new IssueList();
  if (form.tenant.trim() === '') found.add('/tenant', 'required');
  addCurrencyIssues(form.currency, found);
  addValidityIssues(form, found);
  if (graceMsOf(form.graceHours) === null) found.add('/graceMs', 'not_a_number');
  const seen = new Set<string>();
  for (const [i, price] of form.prices.entries()) {
    addPriceIssues(price, `/prices/${i}`, lang, found);
    const series = JSON.stringify([price.sku.trim(), price.unit.trim()]);
    if (seen.has(series)) found.add(`/prices/${i}/sku`, 'duplicate');
    seen.add(series);
  }
  return found.issues;
}

export function listPriceIssues(form: ListPriceForm, lang: string): FieldIssues {
  const found = new IssueList();
  addPriceIssues(form.price, '', lang, found);
  addCurrencyIssues(form.currency, found);
  addValidityIssues(form, found);
  return found.issues;
}

/** The body of a form without issues; `version` is what a change was made from, null for a new contract. */
export function contractBodyOf(
  form: ContractForm,
  version: number | null,
  lang: string,
): ContractBody {
  return {
    ...namingOf(form.id, version),
    tenant: form.tenant.trim(),
    currency: form.currency.trim().toUpperCase(),
    ...validityOf(form),
    timeZone: form.timeZone,
    graceMs: graceMsOf(form.graceHours) ?? 0,
    prices: form.prices.map((price) => priceBodyOf(price, lang)),
  };
}

export function listPriceBodyOf(
  form: ListPriceForm,
  version: number | null,
  lang: string,
): ListPriceBody {
  return {
    ...namingOf(form.id, version),
    ...priceBodyOf(form.price, lang),
    currency: form.currency.trim().toUpperCase(),
    ...validityOf(form),
  };
}

export function contractFields(form: ContractForm): ReadonlySet<string> {
  return new Set([
    ...['/id', '/tenant', '/currency', '/timeZone', '/validFrom', '/validTo', '/graceMs'],
    ...form.prices.flatMap((price, i) => priceFields(price, `/prices/${i}`)),
  ]);
}

export function listPriceFields(form: ListPriceForm): ReadonlySet<string> {
  return new Set([
    ...['/id', '/currency', '/validFrom', '/validTo'],
    ...priceFields(form.price, ''),
  ]);
}

/** What a body is put under: the name of a new one, or the version that a change was made from. */
export function namingOf(id: string, version: number | null) {
  if (version !== null) return { expectedVersion: version };
  return id.trim() === '' ? {} : { id: id.trim() };
}

function validityFormOf({ validFrom, validTo }: Validity, timeZone: string): ValidityForm {
  return {
    timeZone,
    validFrom: wallTimeOf(Date.parse(validFrom), timeZone),
    validTo: validTo === null ? '' : wallTimeOf(Date.parse(validTo), timeZone),
  };
}

function validityOf({ timeZone, validFrom, validTo }: ValidityForm): Validity {
  const time = (wall: string) => {
    const instant = instantOf(wall, timeZone);
    return instant.kind === 'instant' ? new Date(instant.ms).toISOString() : null;
  };
  return { validFrom: time(validFrom) ?? '', validTo: time(validTo) };
}

function addCurrencyIssues(currency: string, found: IssueList): void {
  if (currency.trim() === '') found.add('/currency', 'required');
  else if (!/^[a-z]{3}$/i.test(currency.trim())) found.add('/currency', 'no_such_currency');
}

function addValidityIssues(form: ValidityForm, found: IssueList): void {
  if (!isTimeZone(form.timeZone)) {
    found.add('/timeZone', 'no_such_zone');
    return;
  }
  const time = (name: 'validFrom' | 'validTo'): number | null => {
    if (form[name] === '') return null;
    const instant = instantOf(form[name], form.timeZone);
    if (instant.kind !== 'instant') {
      found.add(`/${name}`, 'no_such_time');
      return null;
    }
    if (instant.ms % WINDOW_MS !== 0) found.add(`/${name}`, 'not_a_quarter');
    return instant.ms;
  };
  const from = time('validFrom');
  const to = time('validTo');
  if (form.validFrom === '') found.add('/validFrom', 'required');
  if (from !== null && to !== null && to <= from) found.add('/validTo', 'ends_before_begin');
}

/** Null where it is no number of hours. */
function graceMsOf(typed: string): number | null {
  const text = typed.trim().replace(',', '.');
  if (!/^\d{1,4}(\.\d{1,6})?$/.test(text)) return null;
  return Math.round(Number(text) * HOUR_MS);
}
