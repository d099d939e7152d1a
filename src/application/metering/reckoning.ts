/**
 * Reckons one tenant's charges in a span of time anew: reads usage, contracts and what was charged so far,
 * and says what is to be put in its place. Decides nothing by what it has decided before: the same usage
 * and the same terms always come to the same charges.
 */

import { amountOf, formatAmount } from '../../domain/metering/amount.ts';
import { billingPeriodStateAt, billingPeriods } from '../../domain/metering/billing-period.ts';
import type { BillingPeriod, Charge } from '../../domain/metering/charge.ts';
import { adjustments } from '../../domain/metering/charge-adjustment.ts';
import type { Digest } from '../../domain/metering/charge-id.ts';
import { periodKey } from '../../domain/metering/charge-order.ts';
import type { Contract, UsageThreshold } from '../../domain/metering/contract.ts';
import {
  planRating,
  type RatingPlan,
  type RatingTerms,
  rateGaps,
  ratePeriod,
  type SeriesUsage,
} from '../../domain/metering/rating.ts';
import type {
  ChargeChange,
  DueRating,
  PeriodRecord,
  RatingBook,
  ThresholdEvent,
} from '../../ports/rating-book.ts';
import type { CatalogueView } from './catalogue-view.ts';

export interface ReckoningDeps {
  readonly book: Pick<RatingBook, 'revision' | 'usage' | 'periods' | 'charges' | 'unpriced'>;
  readonly view: Pick<CatalogueView, 'all'>;
  readonly digest: Digest;
}

export interface ReckoningInput {
  readonly tenant: string;
  /** `[from, to)`, ms: widened to whole billing periods. */
  readonly from: number;
  readonly to: number;
  readonly now: number;
  readonly due: DueRating | null;
  /** Periods (periodKey) that become final with this. */
  readonly finish: ReadonlySet<string>;
}

export interface Reckoning {
  readonly change: ChargeChange;
  /** What the periods of the change were charged before. */
  readonly before: readonly Charge[];
}

const CHARGES_PAGE = 1_000;
/** Unpriced usage that reaches beyond the span widens it, as does what is found then. */
const WIDENINGS_MAX = 8;
const END_OF_TIME = Date.UTC(10_000, 0);

export async function reckon(deps: ReckoningDeps, input: ReckoningInput): Promise<Reckoning> {
  const { book, view, digest } = deps;
  const { tenant, now, due, finish } = input;
  const expectedRevision = await book.revision(tenant);
  const contracts = view.all('contract').filter((contract) => contract.tenant === tenant);
  const terms: RatingTerms = { tenant, contracts, listPrices: view.all('price') };
  const plan = await planWhole(deps, terms, input.from, input.to);
  const usage = await usageOf(deps, tenant, plan);
  const stored = await book.periods(tenant, plan.from, plan.to);
  const existing = await chargesFrom(deps, tenant, plan.from);

  const unpriced = [...rateGaps(plan, tenant, usage)];
  const periods = new Map<string, PeriodRecord>();
  const charges: Charge[] = [];
  const settled: { readonly period: PeriodRecord; readonly reckoned: readonly Charge[] }[] = [];
  const isFinal = new Map(stored.map((record) => [periodKey(record), record.state === 'final']));
  for (const { period, contract } of plan.periods) {
    const rating = ratePeriod(period, contract, terms.listPrices, usage, digest);
    unpriced.push(...rating.unpriced);
    const key = periodKey(period);
    if (isFinal.get(key) === true) {
      settled.push({ period: finalRecord(stored, key), reckoned: rating.charges });
      continue;
    }
    periods.set(key, recordOf(period, contract, now, finish.has(key)));
    charges.push(...rating.charges);
  }
  // A contract that was cut short has left periods behind that nothing reckons any more.
  for (const record of stored.filter((each) => !isPlanned(plan, each))) {
    if (record.state === 'final') settled.push({ period: record, reckoned: [] });
    else periods.set(periodKey(record), record);
  }
  const target = settled.length === 0 ? null : openPeriodAt(contracts, now, stored);
  const adjusted = new Set(settled.map(({ period }) => periodKey(period)));
  if (target !== null && !periods.has(periodKey(target))) {
    periods.set(periodKey(target), target);
    charges.push(...existing.filter((charge) => isUsageOf(charge, target)));
  }
  for (const { period, reckoned } of settled) {
    if (target === null) break;
    const charged = existing.filter(
      (charge) =>
        isUsageOf(charge, period) ||
        (isAdjustmentOf(charge, period) && periodKey(charge.period) !== periodKey(target)),
    );
    charges.push(...adjustments(target, period, charged, reckoned, digest));
  }
  // Adjustments of periods that this does not look at stay as they are.
  charges.push(
    ...existing.filter(
      ({ adjusts, period }) =>
        adjusts !== null &&
        periods.has(periodKey(period)) &&
        (target === null || !adjusted.has(periodKey(adjusts))),
    ),
  );
  const change: ChargeChange = {
    tenant,
    expectedRevision,
    due,
    periods: [...periods.values()],
    charges,
    unpriced,
    unpricedRange: { from: plan.from, to: plan.to },
    events: [...periods.values()].flatMap((period) =>
      reachedThresholds(view.all('threshold'), period, usage, now),
    ),
  };
  return { change, before: existing.filter(({ period }) => periods.has(periodKey(period))) };
}

/** The plan of a span, widened until no unpriced usage that is stored reaches beyond it. */
async function planWhole(
  { book }: ReckoningDeps,
  terms: RatingTerms,
  from: number,
  to: number,
): Promise<RatingPlan> {
  let plan = planRating(terms, from, to);
  for (let round = 0; round < WIDENINGS_MAX; round += 1) {
    const { tenant } = terms;
    const stored = await book.unpriced({ tenant, from: plan.from, to: plan.to });
    const start = Math.min(plan.from, ...stored.map((usage) => usage.from));
    const end = Math.max(plan.to, ...stored.map((usage) => usage.to));
    if (start === plan.from && end === plan.to) break;
    plan = planRating(terms, start, end);
  }
  return plan;
}

async function usageOf(
  { book }: ReckoningDeps,
  tenant: string,
  { from, to, bounds }: RatingPlan,
): Promise<readonly SeriesUsage[]> {
  if (from >= to) return [];
  const rows = await book.usage({ tenant, sku: null, unit: null, from, to }, bounds);
  return rows.map(({ series, start, end, sum, count }) => ({ series, start, end, sum, count }));
}

/** Every charge of the tenant whose period ends behind `from`: adjustments stand in later periods. */
async function chargesFrom(
  { book }: ReckoningDeps,
  tenant: string,
  from: number,
): Promise<readonly Charge[]> {
  const charges: Charge[] = [];
  let cursor: string | null = null;
  do {
    const page = await book.charges({ tenant, from, to: END_OF_TIME }, cursor, CHARGES_PAGE);
    charges.push(...page.charges);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return charges;
}

function recordOf(
  period: BillingPeriod,
  { graceMs }: Contract,
  now: number,
  isFinished: boolean,
): PeriodRecord {
  if (isFinished) return { ...period, state: 'final', finalAt: now };
  // By the clock it may be over; it is final only once that was written.
  const state = billingPeriodStateAt(period, graceMs, now) === 'open' ? 'open' : 'closing';
  return { ...period, state, finalAt: null };
}

function finalRecord(stored: readonly PeriodRecord[], key: string): PeriodRecord {
  const found = stored.find((record) => periodKey(record) === key);
  if (found === undefined) throw new RangeError(`There is no period ${key}.`);
  return found;
}

function isPlanned(plan: RatingPlan, record: BillingPeriod): boolean {
  return plan.periods.some(({ period }) => periodKey(period) === periodKey(record));
}

/** Where what comes too late is charged: the period of now; null where the tenant has no contract any more. */
function openPeriodAt(
  contracts: readonly Contract[],
  now: number,
  stored: readonly PeriodRecord[],
): PeriodRecord | null {
  for (const contract of contracts) {
    const [period] = billingPeriods(contract, now, now + 1);
    if (period === undefined) continue;
    const known = stored.find((record) => periodKey(record) === periodKey(period));
    if (known?.state !== 'final') return { ...period, state: 'open', finalAt: null };
  }
  return null;
}

function isUsageOf(charge: Charge, period: BillingPeriod): boolean {
  return charge.kind === 'usage' && periodKey(charge.period) === periodKey(period);
}

function isAdjustmentOf({ adjusts }: Charge, period: BillingPeriod): boolean {
  return adjusts !== null && periodKey(adjusts) === periodKey(period);
}

function reachedThresholds(
  thresholds: readonly UsageThreshold[],
  { tenant, contract, from, to }: PeriodRecord,
  usage: readonly SeriesUsage[],
  at: number,
): readonly ThresholdEvent[] {
  return thresholds
    .filter((threshold) => threshold.tenant === tenant)
    .flatMap(({ id, sku, unit, amount }) => {
      const used = usage
        .filter(({ series, start, end }) => {
          const isIn = start >= from && end <= to;
          return isIn && series.sku === sku && series.unit === unit;
        })
        .reduce((sum, row) => sum + row.sum, 0n);
      if (used < amountOf(amount) || used === 0n) return [];
      const period = { tenant, contract, from, to };
      return [{ threshold: id, tenant, sku, unit, period, amount: formatAmount(used), at }];
    });
}
