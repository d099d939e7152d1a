/** The order in which charges are listed, and the cursors that name a place in it. */
import { ApuraError } from '../errors.ts';
import { compareTexts } from '../text-order.ts';
import type { BillingPeriod, Charge, UnpricedUsage } from './charge.ts';

/** Where a charge stands in the list. Two charges never share a place, for ids differ. */
export interface ChargePlace {
  readonly tenant: string;
  readonly periodFrom: number;
  readonly contract: string;
  readonly sku: string;
  readonly unit: string;
  readonly from: number;
  readonly id: string;
}

export function chargePlaceOf({ id, period, series, from }: Charge): ChargePlace {
  const { tenant, sku, unit } = series;
  return { tenant, periodFrom: period.from, contract: period.contract, sku, unit, from, id };
}

export function comparePlaces(left: ChargePlace, right: ChargePlace): number {
  return (
    compareTexts(left.tenant, right.tenant) ||
    left.periodFrom - right.periodFrom ||
    compareTexts(left.contract, right.contract) ||
    compareTexts(left.sku, right.sku) ||
    compareTexts(left.unit, right.unit) ||
    left.from - right.from ||
    compareTexts(left.id, right.id)
  );
}

/** By (tenant, sku, unit, from, reason). */
export function compareUnpriced(left: UnpricedUsage, right: UnpricedUsage): number {
  return (
    compareTexts(left.series.tenant, right.series.tenant) ||
    compareTexts(left.series.sku, right.series.sku) ||
    compareTexts(left.series.unit, right.series.unit) ||
    left.from - right.from ||
    compareTexts(left.reason, right.reason)
  );
}

/** By (from, contract), as a tenant's periods are listed. */
export function comparePeriods(left: BillingPeriod, right: BillingPeriod): number {
  return left.from - right.from || compareTexts(left.contract, right.contract);
}

/** By (to, tenant, contract, from): those that ended first come first. */
export function compareEnds(left: BillingPeriod, right: BillingPeriod): number {
  return (
    left.to - right.to ||
    compareTexts(left.tenant, right.tenant) ||
    compareTexts(left.contract, right.contract) ||
    left.from - right.from
  );
}

/** What a billing period is known by, as one text. */
export function periodKey({ tenant, contract, from }: BillingPeriod): string {
  return JSON.stringify([tenant, contract, from]);
}

/** Names the place of the last charge of a page: the next page starts behind it. */
export function chargeCursorAt(place: ChargePlace): string {
  const { tenant, periodFrom, contract, sku, unit, from, id } = place;
  const text = JSON.stringify([tenant, periodFrom, contract, sku, unit, from, id]);
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @throws ApuraError `invalid_query`: not a cursor. */
export function placeAtCursor(cursor: string): ChargePlace {
  const parts = partsOf(cursor);
  const [tenant, periodFrom, contract, sku, unit, from, id] = parts;
  if (
    parts.length === 7 &&
    isText(tenant) &&
    Number.isSafeInteger(periodFrom) &&
    isText(contract) &&
    isText(sku) &&
    isText(unit) &&
    Number.isSafeInteger(from) &&
    isText(id)
  ) {
    return { tenant, periodFrom: Number(periodFrom), contract, sku, unit, from: Number(from), id };
  }
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of charges.');
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const bytes = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
    const utf8 = Uint8Array.from(bytes, (char) => char.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(utf8));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
