/** How charges and unpriced usage stand in a store, as JSON: amounts as decimal texts, to the last digit. */
import { type Decimal, formatDecimal } from '../counting/decimal.ts';
import { parseExactDecimal } from '../counting/exact-decimal.ts';
import { StrictJson } from '../strict-json.ts';
import {
  type BillingPeriod,
  CHARGE_STEP_KINDS,
  type Charge,
  type ChargeStep,
  type UnpricedUsage,
} from './charge.ts';
import type { UsageSeries } from './pulse.ts';

const CHARGE_KINDS = ['usage', 'adjustment'] as const satisfies readonly Charge['kind'][];
const UNPRICED_REASONS = [
  'no_contract',
  'no_price',
  'amount_too_large',
] as const satisfies readonly UnpricedUsage['reason'][];
const STEPS_MAX = 10_000;

export function encodeCharge(charge: Charge): string {
  return JSON.stringify({
    id: charge.id,
    kind: charge.kind,
    period: periodBody(charge.period),
    series: seriesBody(charge.series),
    from: charge.from,
    to: charge.to,
    price: { id: charge.price.id, version: charge.price.version },
    pulses: charge.pulses,
    adjusts: charge.adjusts === null ? null : periodBody(charge.adjusts),
    quantity: formatDecimal(charge.quantity),
    steps: charge.steps.map((step) => ({
      kind: step.kind,
      quantity: step.quantity === null ? null : formatDecimal(step.quantity),
      unitPrice: step.unitPrice === null ? null : formatDecimal(step.unitPrice),
      amount: formatDecimal(step.amount),
      tier: step.tier,
    })),
    precise: formatDecimal(charge.precise),
    rounded: formatDecimal(charge.rounded),
    currency: charge.currency,
  });
}

/** @throws ApuraError `store_corrupt`: not a charge as `encodeCharge` writes it. */
export function decodeCharge(text: string): Charge {
  const charge = StrictJson.parse(text, 'charge', 'store_corrupt').object([
    'id',
    'kind',
    'period',
    'series',
    'from',
    'to',
    'price',
    'pulses',
    'adjusts',
    'quantity',
    'steps',
    'precise',
    'rounded',
    'currency',
  ]);
  const price = charge.price.object(['id', 'version']);
  return {
    id: readText(charge.id),
    kind: charge.kind.oneOf(CHARGE_KINDS),
    period: readPeriod(charge.period),
    series: readSeries(charge.series),
    from: charge.from.whole(0),
    to: charge.to.whole(0),
    price: { id: readText(price.id), version: price.version.whole(0) },
    // An adjustment tells how many more there are, or fewer.
    pulses: charge.pulses.whole(Number.MIN_SAFE_INTEGER),
    adjusts: charge.adjusts.orNull(readPeriod),
    quantity: readDecimal(charge.quantity),
    steps: charge.steps.list(0, STEPS_MAX).map(readStep),
    precise: readDecimal(charge.precise),
    rounded: readDecimal(charge.rounded),
    currency: readText(charge.currency),
  };
}

export function encodeUnpriced(usage: UnpricedUsage): string {
  const { series, from, to, quantity, pulses, reason } = usage;
  const body = { series: seriesBody(series), from, to, quantity: formatDecimal(quantity) };
  return JSON.stringify({ ...body, pulses, reason });
}

/** @throws ApuraError `store_corrupt`: not unpriced usage as `encodeUnpriced` writes it. */
export function decodeUnpriced(text: string): UnpricedUsage {
  const usage = StrictJson.parse(text, 'unpriced usage', 'store_corrupt').object([
    'series',
    'from',
    'to',
    'quantity',
    'pulses',
    'reason',
  ]);
  return {
    series: readSeries(usage.series),
    from: usage.from.whole(0),
    to: usage.to.whole(0),
    quantity: readDecimal(usage.quantity),
    pulses: usage.pulses.whole(0),
    reason: usage.reason.oneOf(UNPRICED_REASONS),
  };
}

function periodBody({ tenant, contract, from, to }: BillingPeriod): BillingPeriod {
  return { tenant, contract, from, to };
}

function seriesBody({ tenant, sku, unit }: UsageSeries): UsageSeries {
  return { tenant, sku, unit };
}

function readPeriod(value: StrictJson): BillingPeriod {
  const { tenant, contract, from, to } = value.object(['tenant', 'contract', 'from', 'to']);
  return {
    tenant: readText(tenant),
    contract: readText(contract),
    from: from.whole(0),
    to: to.whole(0),
  };
}

function readSeries(value: StrictJson): UsageSeries {
  const { tenant, sku, unit } = value.object(['tenant', 'sku', 'unit']);
  return { tenant: readText(tenant), sku: readText(sku), unit: readText(unit) };
}

function readStep(value: StrictJson): ChargeStep {
  const step = value.object(['kind', 'quantity', 'unitPrice', 'amount', 'tier']);
  return {
    kind: step.kind.oneOf(CHARGE_STEP_KINDS),
    quantity: step.quantity.orNull(readDecimal),
    unitPrice: step.unitPrice.orNull(readDecimal),
    amount: readDecimal(step.amount),
    tier: step.tier.orNull((tier) => tier.whole(1)),
  };
}

function readText(value: StrictJson): string {
  return value.text(() => true);
}

function readDecimal(value: StrictJson): Decimal {
  return parseExactDecimal(value.text((text) => parseExactDecimal(text) !== null)) as Decimal;
}
