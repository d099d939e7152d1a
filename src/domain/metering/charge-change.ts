/** What must be true of a change of charges by itself, before any store is asked. */
import type { BillingPeriod, Charge, UnpricedUsage } from './charge.ts';
import { periodKey } from './charge-order.ts';

interface Change {
  readonly tenant: string;
  readonly due: { readonly tenant: string } | null;
  readonly periods: readonly BillingPeriod[];
  readonly charges: readonly Charge[];
  readonly unpriced: readonly UnpricedUsage[];
  readonly unpricedRange: { readonly from: number; readonly to: number } | null;
  readonly events: readonly { readonly tenant: string; readonly period: BillingPeriod }[];
}

/**
 * A charge that slipped in without its period would pass by the guard of final ones.
 *
 * @throws RangeError: not all of it is of one tenant; a charge is of none of its periods; two charges
 *   have one id; or unpriced usage lies outside the range that it replaces.
 */
export function checkChargeChange(change: Change): void {
  const { tenant, due, periods, charges, unpriced, unpricedRange: range, events } = change;
  const named = [
    ...periods,
    ...charges.flatMap(({ period, series }) => [period, series]),
    ...unpriced.map(({ series }) => series),
    ...events.flatMap((event) => [event, event.period]),
    ...(due === null ? [] : [due]),
  ];
  require(named.every((each) => each.tenant === tenant), 'is not of one tenant');
  const known = new Set(periods.map(periodKey));
  require(known.size === periods.length, 'names a period twice');
  require(charges.every(({ period }) => known.has(periodKey(period))), 'charges another period');
  require(new Set(charges.map(({ id }) => id)).size === charges.length, 'has a charge twice');
  require(unpriced.every(
    ({ from, to }) => range !== null && from >= range.from && to <= range.to,
  ), 'has unpriced usage outside its range');
}

function require(condition: boolean, otherwise: string): void {
  if (!condition) throw new RangeError(`A change of charges ${otherwise}.`);
}
