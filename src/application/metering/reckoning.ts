/**
 * Reckons one tenant's charges in a span of time anew: reads usage, contracts and what was charged so far,
 * and says what is to be put in its place. Decides nothing by what it has decided before: the same usage
 * and the same terms always come to the same charges.
 */
import { formatShortest } from '../../domain/counting/exact-decimal.ts';
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import { amountOf, formatAmount } from '../../domain/metering/amount.ts';
import { billingPeriodStateAt } from '../../domain/metering/billing-period.ts';
import type { BillingPeriod, Charge } from '../../domain/metering/charge.ts';
import { adjustments } from '../../domain/metering/charge-adjustment.ts';
import type { Digest } from '../../domain/metering/charge-id.ts';
import { periodKey } from '../../domain/metering/charge-order.ts';
import type { UsageThreshold } from '../../domain/metering/contract.ts';
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
import { finalPeriods, openPeriodAt, periodOf } from './adjustment-target.ts';
import type { CatalogueView } from './catalogue-view.ts';

export interface ReckoningDeps {
  readonly book: Pick<RatingBook, 'revision' | 'usage' | 'periods' | 'charges' | 'unpricedSpan'>;
  readonly view: Pick<CatalogueView, 'all' | 'refresh'>;
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
/** Series times segments and gaps of one reckoning: about 400 MB. A tenant with more is not rated. */
const ROWS_MAX = 1_000_000;
/** What is found in a span may widen it, and what is found then. */
const WIDENINGS_MAX = 8;
const END_OF_TIME = Date.UTC(10_000, 0);

/** A final period, and the charges that it would have if it were not. */
interface Settled {
  readonly period: BillingPeriod;
  readonly reckoned: readonly Charge[];
}

/**
 * @throws RangeError: the span has more billing periods than billingPeriods gives.
 * @throws ApuraError `too_many_rows`: the tenant has more series than one reckoning takes in; or as the book
 *   and the view's refresh.
 */
export async function reckon(deps: ReckoningDeps, input: ReckoningInput): Promise<Reckoning> {
  const { book, view, digest } = deps;
  const { tenant, now, due, finish } = input;
  const expectedRevision = await book.revision(tenant);
  // Behind the revision, and the mark that this is for: what another rater has reckoned by newer terms is
  // never overwritten by older ones, and its mark not taken away.
  await view.refresh();
  const contracts = view.all('contract').filter((contract) => contract.tenant === tenant);
  const terms: RatingTerms = { tenant, contracts, listPrices: view.all('price') };
  const target = await openPeriodAt(book, terms, now);
  const { plan, stored } = await planWhole(deps, terms, input, target);
  const usage = await usageOf(deps, tenant, plan);
  const existing = await chargesFrom(deps, tenant, plan.from);

  const unpriced = [...rateGaps(plan, tenant, usage)];
  const periods = new Map<string, PeriodRecord>();
  const charges: Charge[] = [];
  const settled: Settled[] = [];
  const finals = finalPeriods(stored);
  for (const { period, contract } of plan.periods) {
    const rating = ratePeriod(period, contract, terms.listPrices, usage, digest);
    unpriced.push(...rating.unpriced);
    const key = periodKey(period);
    const final = finals.get(key);
    if (final !== undefined) settled.push({ period: final, reckoned: rating.charges });
    else {
      periods.set(key, recordOf(period, contract.graceMs, now, finish.has(key)));
      charges.push(...rating.charges);
    }
  }
  const events = [...periods.values()].flatMap((period) =>
    reachedThresholds(view.all('threshold'), period, usage, now),
  );
  // No contract asks for these any more: it was cut short, or they are there for adjustments alone.
  for (const record of stored.filter((each) => !isPlanned(plan, each))) {
    const key = periodKey(record);
    const final = finals.get(key);
    if (final !== undefined) settled.push({ period: final, reckoned: [] });
    else {
      const graceMs = contracts.find(({ id }) => id === record.contract)?.graceMs ?? 0;
      periods.set(key, recordOf(periodOf(record), graceMs, now, finish.has(key)));
    }
  }
  if (target !== null) {
    const adjusting = adjustmentsIn(target, settled, existing, digest);
    const key = periodKey(target);
    if (adjusting.length > 0 && !periods.has(key)) {
      periods.set(key, { ...target, state: 'open', finalAt: null });
    }
    charges.push(...adjusting);
  }
  charges.push(...keptAdjustments(periods, target, settled, existing));
  const change: ChargeChange = {
    tenant,
    expectedRevision,
    due,
    periods: [...periods.values()],
    charges,
    unpriced,
    unpricedRange: { from: plan.from, to: plan.to },
    events,
  };
  return { change, before: existing.filter(({ period }) => periods.has(periodKey(period))) };
}

/** What is to be charged in `target` for final periods. */
function adjustmentsIn(
  target: BillingPeriod,
  settled: readonly Settled[],
  existing: readonly Charge[],
  digest: Digest,
): readonly Charge[] {
  return settled.flatMap(({ period, reckoned }) => {
    const charged = existing.filter(
      (charge) =>
        isUsageOf(charge, period) ||
        (isAdjustmentOf(charge, period) && periodKey(charge.period) !== periodKey(target)),
    );
    return adjustments(target, period, charged, reckoned, digest);
  });
}

/** Adjustments that stand in the periods concerned already, save those that were reckoned anew. */
function keptAdjustments(
  periods: ReadonlyMap<string, PeriodRecord>,
  target: BillingPeriod | null,
  settled: readonly Settled[],
  existing: readonly Charge[],
): readonly Charge[] {
  const anew = new Set(settled.map(({ period }) => periodKey(period)));
  return existing.filter(({ adjusts, period }) => {
    if (adjusts === null || !periods.has(periodKey(period))) return false;
    const isTarget = target !== null && periodKey(period) === periodKey(target);
    return !(isTarget && anew.has(periodKey(adjusts)));
  });
}

/**
 * The plan of a span and the periods that are stored in it, widened until nothing that is stored reaches
 * beyond it. Where a period of it is final it reaches to `target` too: adjustments are charged there, and a
 * period is only ever stored with all its lines.
 */
async function planWhole(
  { book }: ReckoningDeps,
  terms: RatingTerms,
  { from, to }: ReckoningInput,
  target: BillingPeriod | null,
): Promise<{ readonly plan: RatingPlan; readonly stored: readonly PeriodRecord[] }> {
  const { tenant } = terms;
  let plan = planRating(terms, from, to);
  for (let round = 1; ; round += 1) {
    const stored = await book.periods(tenant, plan.from, plan.to);
    const unpriced = await book.unpricedSpan(tenant, plan.from, plan.to);
    const found: TimeWindow[] = [plan, ...stored, ...(unpriced === null ? [] : [unpriced])];
    if (target !== null && stored.some(({ state }) => state === 'final')) found.push(target);
    const start = Math.min(...found.map((each) => each.from));
    const end = Math.max(...found.map((each) => each.to));
    const isWhole = start === plan.from && end === plan.to;
    // What is still wider is met by a conflict of the book, and by the next turn.
    if (isWhole || round > WIDENINGS_MAX) return { plan, stored };
    plan = planRating(terms, start, end);
  }
}

async function usageOf(
  { book }: ReckoningDeps,
  tenant: string,
  { from, to, bounds }: RatingPlan,
): Promise<readonly SeriesUsage[]> {
  if (from >= to) return [];
  const rows = await book.usage({ tenant, sku: null, unit: null, from, to }, bounds, ROWS_MAX);
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
  graceMs: number,
  now: number,
  isFinished: boolean,
): PeriodRecord {
  if (isFinished) return { ...period, state: 'final', finalAt: now };
  // By the clock it may be over; it is final only once that was written.
  const state = billingPeriodStateAt(period, graceMs, now) === 'open' ? 'open' : 'closing';
  return { ...period, state, finalAt: null };
}

function isPlanned(plan: RatingPlan, record: BillingPeriod): boolean {
  return plan.periods.some(({ period }) => periodKey(period) === periodKey(record));
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
      const asked = { threshold: id, tenant, sku, unit, thresholdAmount: formatShortest(amount) };
      return [{ ...asked, period, amount: formatAmount(used), at }];
    });
}
