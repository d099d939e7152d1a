/** Prices amounts that nobody has used yet, as rating would if they were used. */
import { amountOf } from '../../domain/metering/amount.ts';
import { billingPeriods } from '../../domain/metering/billing-period.ts';
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import type { Digest } from '../../domain/metering/charge-id.ts';
import type { Contract } from '../../domain/metering/contract.ts';
import { endOf } from '../../domain/metering/contract-overlap.ts';
import { type EstimateFields, readEstimateBody } from '../../domain/metering/estimate-fields.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import {
  planRating,
  rateGaps,
  ratePeriod,
  type SeriesUsage,
} from '../../domain/metering/rating.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CatalogueView } from './catalogue-view.ts';

export interface EstimateDeps {
  readonly view: Pick<CatalogueView, 'refresh' | 'all'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly digest: Digest;
}

export type EstimateResult =
  | {
      readonly kind: 'ok';
      readonly charges: readonly Charge[];
      readonly unpriced: readonly UnpricedUsage[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** Stands for the contract of whoever has none. */
const ESTIMATE_ID = 'estimate';

/**
 * `caller.tenant`: a tenant asks for itself alone; null: an operator, for whom the body says, or for nobody.
 *
 * @throws as CatalogueView.refresh.
 */
export async function estimateCharges(
  { view, clock, digest }: EstimateDeps,
  input: { readonly body: unknown; readonly caller: { readonly tenant: string | null } },
): Promise<EstimateResult> {
  const read = readEstimateBody(input.body);
  if (read.kind === 'invalid') return read;
  const fields = read.value;
  const { tenant: asking } = input.caller;
  if (asking !== null && fields.tenant !== null && fields.tenant !== asking) {
    return invalid('tenant', 'The API key belongs to another tenant.');
  }
  const tenant = asking ?? fields.tenant;
  const at = fields.at ?? clock.now();
  await view.refresh();
  const listPrices = view.all('price');
  const usage = usageAt(fields, tenant ?? '', at);
  const signed = view.all('contract').find((contract) => {
    return contract.tenant === tenant && contract.validFrom <= at && endOf(contract) > at;
  });
  if (signed === undefined && tenant !== null && fields.price === null) {
    const from = usageWindowOf(at);
    const plan = planRating({ tenant, contracts: [], listPrices }, from, from + USAGE_WINDOW_MS);
    return { kind: 'ok', charges: [], unpriced: rateGaps(plan, tenant, usage) };
  }
  const currency = signed?.currency ?? fields.price?.currency ?? fields.currency;
  if (currency === null) return invalid('currency', 'Must be given without a tenant and a price.');
  if ((fields.price?.currency ?? currency) !== currency) {
    return invalid('price/currency', `Must be ${currency}, as the contract says.`);
  }
  if ((fields.currency ?? currency) !== currency) {
    return invalid('currency', `Must be ${currency}, or left out.`);
  }
  const contract = contractFor(fields, signed ?? nobodys(tenant ?? '', currency));
  const [period] = billingPeriods(contract, at, at + 1);
  if (period === undefined) throw new RangeError(`No billing period holds ${at}.`);
  return { kind: 'ok', ...ratePeriod(period, contract, listPrices, usage, digest) };
}

/** The contract with the price that is tried, and no minimum of what nobody asks for. */
function contractFor({ price, usage }: EstimateFields, contract: Contract): Contract {
  const isSame = (left: Omit<UsageSeries, 'tenant'>, right: Omit<UsageSeries, 'tenant'>): boolean =>
    left.sku === right.sku && left.unit === right.unit;
  const others = contract.prices.filter((own) => price === null || !isSame(own, price));
  const prices = [...others, ...(price === null ? [] : [price])];
  return { ...contract, prices: prices.filter((own) => usage.some((used) => isSame(own, used))) };
}

function nobodys(tenant: string, currency: string): Contract {
  return {
    id: ESTIMATE_ID,
    tenant,
    currency,
    validFrom: 0,
    validTo: null,
    timeZone: 'UTC',
    graceMs: 0,
    prices: [],
    version: 0,
    createdAt: 0,
  };
}

/** All of it in the usage window that holds the instant: one price holds there. */
function usageAt({ usage }: EstimateFields, tenant: string, at: number): readonly SeriesUsage[] {
  const start = usageWindowOf(at);
  return usage.map(({ sku, unit, amount }) => ({
    series: { tenant, sku, unit },
    start,
    end: start + USAGE_WINDOW_MS,
    sum: amountOf(amount),
    count: 0,
  }));
}

function invalid(name: string, detail: string): EstimateResult {
  return { kind: 'invalid', problems: [{ pointer: `/${name}`, code: 'invalid_body', detail }] };
}
