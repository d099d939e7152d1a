/**
 * Rating: turns a tenant's usage in a billing period into charges, and names what it can not price.
 *
 * Which contract and price hold is decided by the time of the usage. A contract's own prices hold for all
 * of its validity; where it says nothing of a product the list price does, in the contract's currency. Where
 * a price begins or ends within a period, the period falls into segments, each a line of its own: free
 * units, tiers, minimum and maximum count anew in each, whole and not by its length.
 */
import type { TimeWindow } from '../counting/time-window.ts';
import { compareTexts } from '../text-order.ts';
import { billingPeriods } from './billing-period.ts';
import type { BillingPeriod, Charge, UnpricedUsage } from './charge.ts';
import { type Digest, usageChargeId } from './charge-id.ts';
import type { Contract, ListPrice } from './contract.ts';
import { endOf } from './contract-overlap.ts';
import type { Price } from './price.ts';
import { priceLine, quantityOf } from './price-line.ts';
import type { UsageSeries } from './pulse.ts';

/** What rating a tenant goes by. */
export interface RatingTerms {
  readonly tenant: string;
  /** All of the tenant's; they never overlap. */
  readonly contracts: readonly Contract[];
  /** The whole list; prices of one sku, unit and currency never overlap. */
  readonly listPrices: readonly ListPrice[];
}

/** Usage of a series between two instants, added up over partitions. */
export interface SeriesUsage {
  readonly series: UsageSeries;
  /** `[start, end)`: within one segment of a period, or within one gap. */
  readonly start: number;
  readonly end: number;
  /** In whole numbers of 10^-AMOUNT_SCALE. */
  readonly sum: bigint;
  /** Pulses. */
  readonly count: number;
}

/** What has to be asked and reckoned for a span of time. */
export interface RatingPlan {
  /** `[from, to)`: the span, widened to whole periods. */
  readonly from: number;
  readonly to: number;
  readonly periods: readonly { readonly period: BillingPeriod; readonly contract: Contract }[];
  /** Where no contract of the tenant holds. */
  readonly gaps: readonly TimeWindow[];
  /** Ascending, from `from` to `to`: usage that is asked for in these windows fits segments and gaps. */
  readonly bounds: readonly number[];
}

export interface Rating {
  /** In the order of (sku, unit, from). */
  readonly charges: readonly Charge[];
  readonly unpriced: readonly UnpricedUsage[];
}

/** A part of a period in which one price holds, or none. */
interface Segment extends TimeWindow {
  readonly price: Price | null;
  readonly source: Charge['price'];
}

/** What stands in a charge as the source of its price where that is the contract's own. */
export const CONTRACT_PRICE_ID = 'contract';

/** @throws RangeError: the span holds more periods than billingPeriods gives. */
export function planRating(terms: RatingTerms, from: number, to: number): RatingPlan {
  const periods = terms.contracts
    .flatMap((contract) =>
      billingPeriods(contract, from, to).map((period) => ({ period, contract })),
    )
    .sort((left, right) => left.period.from - right.period.from);
  const start = Math.min(from, ...periods.map(({ period }) => period.from));
  const end = Math.max(to, ...periods.map(({ period }) => period.to));
  const gaps: TimeWindow[] = [];
  let covered = start;
  for (const { period } of periods) {
    if (period.from > covered) gaps.push({ from: covered, to: period.from });
    covered = period.to;
  }
  if (covered < end) gaps.push({ from: covered, to: end });
  const edges = [
    ...[...gaps, ...periods.map(({ period }) => period)].flatMap((each) => [each.from, each.to]),
    ...terms.listPrices.flatMap((price) => [price.validFrom, endOf(price)]),
  ].filter((edge) => edge >= start && edge <= end);
  const bounds = [...new Set(edges)].sort((left, right) => left - right);
  return { from: start, to: end, periods, gaps, bounds };
}

/**
 * The charges of one period and what of its usage has no price. Every series with usage has a line in each
 * segment where it was used; one with a minimum in the contract has a line without usage too. The same
 * input gives the same charges, ids and all, in whatever order it comes.
 *
 * @throws RangeError: usage of the tenant lies over the edge of a segment, and can not be told apart.
 */
export function ratePeriod(
  period: BillingPeriod,
  contract: Contract,
  listPrices: readonly ListPrice[],
  usage: readonly SeriesUsage[],
  digest: Digest,
): Rating {
  const inside = usage.filter(
    ({ series, start, end }) =>
      series.tenant === period.tenant && start < period.to && end > period.from,
  );
  const charges: Charge[] = [];
  const unpriced: UnpricedUsage[] = [];
  const owned = contract.prices.map(({ sku, unit }) => ({ tenant: period.tenant, sku, unit }));
  for (const { series, rows } of bySeries(inside, owned)) {
    for (const segment of segmentsOf(period, contract, listPrices, series)) {
      const within = rows.filter(({ start, end }) => start < segment.to && end > segment.from);
      if (within.some(({ start, end }) => start < segment.from || end > segment.to)) {
        throw new RangeError(`Usage of ${series.sku} lies over the edge of a segment.`);
      }
      const rated = rateSegment(period, series, segment, within, digest);
      if (rated !== null && 'reason' in rated) unpriced.push(rated);
      else if (rated !== null) charges.push(rated);
    }
  }
  return { charges, unpriced };
}

/** The usage in a plan's gaps: no contract holds there. In the order of (sku, unit, from). */
export function rateGaps(
  plan: RatingPlan,
  tenant: string,
  usage: readonly SeriesUsage[],
): readonly UnpricedUsage[] {
  const own = usage.filter(({ series }) => series.tenant === tenant);
  return bySeries(own, []).flatMap(({ series, rows }) =>
    plan.gaps.flatMap((gap) => {
      const within = rows.filter(({ start, end }) => start >= gap.from && end <= gap.to);
      return within.length === 0 ? [] : [unpricedUsage(series, within, 'no_contract')];
    }),
  );
}

/** A line, what has no price, or null where there is neither usage nor a minimum. */
function rateSegment(
  period: BillingPeriod,
  series: UsageSeries,
  segment: Segment,
  rows: readonly SeriesUsage[],
  digest: Digest,
): Charge | UnpricedUsage | null {
  const { from, to, price, source } = segment;
  const isOwed = source.id === CONTRACT_PRICE_ID && price !== null && price.minimum !== null;
  if (rows.length === 0 && !isOwed) return null;
  if (price === null) return unpricedUsage(series, rows, 'no_price');
  const line = priceLine(price, quantityOf(sumOf(rows)));
  if (line === 'amount_too_large') return unpricedUsage(series, rows, 'amount_too_large');
  return {
    ...line,
    id: usageChargeId(period, series, from, digest),
    kind: 'usage',
    period,
    series,
    from,
    to,
    price: source,
    pulses: pulsesOf(rows),
    adjusts: null,
  };
}

function segmentsOf(
  period: BillingPeriod,
  contract: Contract,
  listPrices: readonly ListPrice[],
  { sku, unit }: UsageSeries,
): readonly Segment[] {
  const { from, to } = period;
  const own = contract.prices.find((price) => price.sku === sku && price.unit === unit);
  if (own !== undefined) {
    const source = { id: CONTRACT_PRICE_ID, version: contract.version };
    return [{ from, to, price: own, source }];
  }
  const segments: Segment[] = [];
  let reached = from;
  const none = { price: null, source: { id: '', version: 0 } };
  const listed = listPrices
    .filter((price) => price.sku === sku && price.unit === unit)
    .filter(({ currency }) => currency === contract.currency)
    .filter((price) => price.validFrom < to && endOf(price) > from)
    .sort((left, right) => left.validFrom - right.validFrom);
  for (const price of listed) {
    const start = Math.max(price.validFrom, reached);
    const end = Math.min(endOf(price), to);
    if (start > reached) segments.push({ from: reached, to: start, ...none });
    const source = { id: price.id, version: price.version };
    segments.push({ from: start, to: end, price, source });
    reached = end;
  }
  if (reached < to) segments.push({ from: reached, to, ...none });
  return segments;
}

interface UsageOfSeries {
  readonly series: UsageSeries;
  readonly rows: SeriesUsage[];
}

/** Usage by series, those in `owned` without any too, in the order of (sku, unit). */
function bySeries(
  usage: readonly SeriesUsage[],
  owned: readonly UsageSeries[],
): readonly UsageOfSeries[] {
  const found = new Map<string, UsageOfSeries>();
  const entryOf = ({ tenant, sku, unit }: UsageSeries): UsageOfSeries => {
    const key = JSON.stringify([sku, unit]);
    const entry = found.get(key) ?? { series: { tenant, sku, unit }, rows: [] };
    found.set(key, entry);
    return entry;
  };
  for (const series of owned) entryOf(series);
  for (const row of usage) entryOf(row.series).rows.push(row);
  return [...found.values()].sort(
    ({ series: left }, { series: right }) =>
      compareTexts(left.sku, right.sku) || compareTexts(left.unit, right.unit),
  );
}

function unpricedUsage(
  series: UsageSeries,
  rows: readonly SeriesUsage[],
  reason: UnpricedUsage['reason'],
): UnpricedUsage {
  return {
    series,
    from: Math.min(...rows.map(({ start }) => start)),
    to: Math.max(...rows.map(({ end }) => end)),
    quantity: quantityOf(sumOf(rows)),
    pulses: pulsesOf(rows),
    reason,
  };
}

function sumOf(rows: readonly SeriesUsage[]): bigint {
  return rows.reduce((sum, row) => sum + row.sum, 0n);
}

function pulsesOf(rows: readonly SeriesUsage[]): number {
  return rows.reduce((sum, row) => sum + row.count, 0);
}
