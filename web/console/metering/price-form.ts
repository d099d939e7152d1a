/** The form of one price: what is typed for every model, what is wrong with it, and the body it becomes. */
import { compareDecimals, editedDecimal, typedDecimal } from './decimal-text.ts';
import type { Price, PriceModel, PriceTier, TiersMode } from './entries.ts';
import type { IssueList } from './field-issues.ts';

const CONVERSION_SCALE_MAX = 18;
export const TIERS_MAX = 100;

export interface TierField {
  /** Names the row on the screen; never sent. */
  readonly key: number;
  /** Not read in the last tier: it has no end. */
  readonly upTo: string;
  readonly unitPrice: string;
  readonly flatPrice: string;
}

/** Amounts as they were typed. Members that the model does not have are kept, for when it is chosen again. */
export interface PriceForm {
  readonly key: number;
  readonly sku: string;
  readonly unit: string;
  readonly model: PriceModel;
  readonly price: string;
  readonly unitPrice: string;
  readonly tiersMode: TiersMode;
  readonly tiers: readonly TierField[];
  readonly quantityPerPackage: string;
  readonly freeUnits: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly discountPercent: string;
  readonly isConverted: boolean;
  readonly operation: 'multiply' | 'divide';
  readonly factor: string;
  readonly scale: string;
}

/** A price as requests say it, nothing left out. */
export type PriceBody = Price;

export function emptyPrice(key: number): PriceForm {
  return {
    key,
    sku: '',
    unit: '',
    model: 'per_unit',
    price: '',
    unitPrice: '',
    tiersMode: 'graduated',
    tiers: [emptyTier(1), emptyTier(2)],
    quantityPerPackage: '',
    freeUnits: '',
    minimum: '',
    maximum: '',
    discountPercent: '',
    isConverted: false,
    operation: 'divide',
    factor: '',
    scale: '3',
  };
}

export function priceFormOf(price: Price, key: number, lang: string): PriceForm {
  const edited = (text: string | null | undefined) =>
    text === null || text === undefined ? '' : editedDecimal(text, lang);
  const unlessZero = (text: string) => (compareDecimals(text, '0') === 0 ? '' : edited(text));
  const { conversion, tiers } = price;
  const empty = emptyPrice(key);
  return {
    ...empty,
    sku: price.sku,
    unit: price.unit,
    model: price.model,
    price: edited(price.price),
    unitPrice: edited(price.unitPrice),
    tiersMode: price.tiersMode ?? empty.tiersMode,
    tiers:
      tiers?.map((tier, i) => ({
        key: i + 1,
        upTo: edited(tier.upTo),
        unitPrice: edited(tier.unitPrice),
        flatPrice: unlessZero(tier.flatPrice ?? '0'),
      })) ?? empty.tiers,
    quantityPerPackage: edited(price.quantityPerPackage),
    freeUnits: unlessZero(price.freeUnits),
    minimum: edited(price.minimum),
    maximum: edited(price.maximum),
    discountPercent: unlessZero(price.discountPercent),
    isConverted: conversion !== null,
    operation: conversion?.operation ?? empty.operation,
    factor: edited(conversion?.factor),
    scale: conversion === null ? empty.scale : String(conversion.scale),
  };
}

/** A further tier before the last one, which has no end. */
export function withTier(form: PriceForm): PriceForm {
  if (form.tiers.length >= TIERS_MAX) return form;
  const key = Math.max(0, ...form.tiers.map((tier) => tier.key)) + 1;
  return { ...form, tiers: [...form.tiers.slice(0, -1), emptyTier(key), ...form.tiers.slice(-1)] };
}

export function withoutTier(form: PriceForm, key: number): PriceForm {
  if (form.tiers.length <= 1) return form;
  return { ...form, tiers: form.tiers.filter((tier) => tier.key !== key) };
}

export function withTierChange(
  form: PriceForm,
  key: number,
  change: Partial<Omit<TierField, 'key'>>,
): PriceForm {
  return {
    ...form,
    tiers: form.tiers.map((tier) => (tier.key === key ? { ...tier, ...change } : tier)),
  };
}

/** Adds what the page can tell to be wrong, `at` being the pointer of the price in its body. */
export function addPriceIssues(form: PriceForm, at: string, lang: string, found: IssueList): void {
  const text = (name: 'sku' | 'unit') => {
    if (form[name].trim() === '') found.add(`${at}/${name}`, 'required');
  };
  const amount = (pointer: string, typed: string, isRequired: boolean): string | null => {
    if (typed.trim() === '') {
      if (isRequired) found.add(pointer, 'required');
      return null;
    }
    const decimal = typedDecimal(typed, lang);
    if (decimal === null) found.add(pointer, 'not_a_number');
    else if (decimal.startsWith('-')) found.add(pointer, 'not_positive');
    return decimal;
  };
  const positive = (pointer: string, typed: string) => {
    const decimal = amount(pointer, typed, true);
    if (decimal !== null && compareDecimals(decimal, '0') <= 0) found.add(pointer, 'not_positive');
    return decimal;
  };

  text('sku');
  text('unit');
  switch (form.model) {
    case 'flat':
      amount(`${at}/price`, form.price, true);
      break;
    case 'per_unit':
      amount(`${at}/unitPrice`, form.unitPrice, true);
      break;
    case 'package':
      positive(`${at}/quantityPerPackage`, form.quantityPerPackage);
      amount(`${at}/price`, form.price, true);
      break;
    case 'tiered': {
      let below = '0';
      for (const [i, tier] of form.tiers.entries()) {
        const tierAt = `${at}/tiers/${i}`;
        if (i < form.tiers.length - 1) {
          const upTo = amount(`${tierAt}/upTo`, tier.upTo, true);
          if (upTo !== null && compareDecimals(upTo, below) <= 0) {
            found.add(`${tierAt}/upTo`, 'not_ascending');
          }
          below = upTo ?? below;
        }
        amount(`${tierAt}/unitPrice`, tier.unitPrice, true);
        amount(`${tierAt}/flatPrice`, tier.flatPrice, false);
      }
    }
  }
  amount(`${at}/freeUnits`, form.freeUnits, false);
  const discount = amount(`${at}/discountPercent`, form.discountPercent, false);
  if (discount !== null && compareDecimals(discount, '100') > 0) {
    found.add(`${at}/discountPercent`, 'too_large');
  }
  const minimum = amount(`${at}/minimum`, form.minimum, false);
  const maximum = amount(`${at}/maximum`, form.maximum, false);
  if (minimum !== null && maximum !== null && compareDecimals(minimum, maximum) > 0) {
    found.add(`${at}/maximum`, 'below_minimum');
  }
  if (form.isConverted) {
    positive(`${at}/conversion/factor`, form.factor);
    if (!/^\d{1,2}$/.test(form.scale) || Number(form.scale) > CONVERSION_SCALE_MAX) {
      found.add(`${at}/conversion/scale`, 'not_a_number');
    }
  }
}

/** The body of a form without issues. */
export function priceBodyOf(form: PriceForm, lang: string): PriceBody {
  const amount = (typed: string) => typedDecimal(typed, lang) ?? '';
  const orZero = (typed: string) => typedDecimal(typed, lang) ?? '0';
  return {
    sku: form.sku.trim(),
    unit: form.unit.trim(),
    model: form.model,
    ...modelMembers(form, amount, orZero),
    conversion: form.isConverted
      ? { operation: form.operation, factor: amount(form.factor), scale: Number(form.scale) }
      : null,
    freeUnits: orZero(form.freeUnits),
    minimum: typedDecimal(form.minimum, lang),
    maximum: typedDecimal(form.maximum, lang),
    discountPercent: orZero(form.discountPercent),
  };
}

/** The pointers of all the fields that the form shows. */
export function priceFields(form: PriceForm, at: string): readonly string[] {
  const tiers = form.tiers.flatMap((_, i) =>
    ['upTo', 'unitPrice', 'flatPrice'].map((name) => `/tiers/${i}/${name}`),
  );
  const byModel: Readonly<Record<PriceModel, readonly string[]>> = {
    flat: ['/price'],
    per_unit: ['/unitPrice'],
    package: ['/quantityPerPackage', '/price'],
    tiered: ['/tiersMode', ...tiers],
  };
  const conversion = form.isConverted
    ? ['/conversion/operation', '/conversion/factor', '/conversion/scale']
    : [];
  const others = ['/sku', '/unit', '/model', '/freeUnits', '/minimum', '/maximum'];
  return [...others, '/discountPercent', ...byModel[form.model], ...conversion].map(
    (name) => at + name,
  );
}

function modelMembers(
  form: PriceForm,
  amount: (typed: string) => string,
  orZero: (typed: string) => string,
): Partial<PriceBody> {
  switch (form.model) {
    case 'flat':
      return { price: amount(form.price) };
    case 'per_unit':
      return { unitPrice: amount(form.unitPrice) };
    case 'package':
      return { quantityPerPackage: amount(form.quantityPerPackage), price: amount(form.price) };
    case 'tiered':
      return {
        tiersMode: form.tiersMode,
        tiers: form.tiers.map(
          (tier, i): PriceTier => ({
            upTo: i === form.tiers.length - 1 ? null : amount(tier.upTo),
            unitPrice: amount(tier.unitPrice),
            flatPrice: orZero(tier.flatPrice),
          }),
        ),
      };
  }
}

function emptyTier(key: number): TierField {
  return { key, upTo: '', unitPrice: '', flatPrice: '' };
}
