/** Usage records, periods, charges and dead letters for the tests of the rating book: plain defaults. */
import { createHash } from 'node:crypto';
import type {
  BillingPeriod,
  Charge,
  ChargeStep,
  UnpricedUsage,
} from '../../src/domain/metering/charge.ts';
import { type DeadLetterReport, deadLetterId } from '../../src/domain/metering/dead-letter.ts';
import { USAGE_WINDOW_MS, type UsageRecord } from '../../src/domain/metering/usage.ts';
import type { DeadLetters } from '../../src/ports/dead-letters.ts';
import type {
  ChargeChange,
  PeriodRecord,
  RatingBook,
  ThresholdEvent,
  UsageStep,
} from '../../src/ports/rating-book.ts';
import { checkpoint } from './store-step-samples.ts';

/** A rating book, with the dead letters that its steps report beside it. */
export type RatingStore = RatingBook & { readonly deadLetters: DeadLetters };

/** The start of a usage window in which the samples lie, ms since the Unix epoch. */
export const FIRST_WINDOW = 2_000_000 * USAGE_WINDOW_MS;
export const PERIOD_MS = 8 * USAGE_WINDOW_MS;

/** Ten units in the `index`th window; of the sum alone it is told what the window comes to. */
export function usageRecord(
  fields: Partial<UsageRecord> & {
    readonly tenant?: string;
    readonly sku?: string;
    readonly unit?: string;
    readonly index?: number;
  } = {},
): UsageRecord {
  const { tenant = 'acme', sku = 'api', unit = 'call', index = 0, ...rest } = fields;
  const start = rest.start ?? FIRST_WINDOW + index * USAGE_WINDOW_MS;
  const sum = rest.sum ?? 10n ** 19n;
  return {
    series: { tenant, sku, unit },
    start,
    partition: 0,
    version: 1,
    sum,
    count: 1,
    min: sum,
    max: sum,
    last: sum,
    lastAt: start,
    lastKey: 'a'.repeat(32),
    ...rest,
  };
}

/** A step over the `length` blocks from `from` on. */
export function usageStep(
  fields: Partial<UsageStep> & { readonly epoch: number; readonly length?: number },
): UsageStep {
  const { length = 1, from = 0, ...rest } = fields;
  const empty = { records: [], deadLetters: [] };
  return { partition: 0, from, checkpoint: checkpoint(from + length), ...empty, ...rest };
}

export function usageLetter(fields: Partial<DeadLetterReport> = {}): DeadLetterReport {
  const bytes = fields.bytes ?? Uint8Array.of(1, 0, 255);
  const queue = 'resource-usage.dlq';
  return {
    id: deadLetterId(queue, bytes, (...parts) =>
      createHash('sha256').update(Buffer.concat(parts)).digest('hex'),
    ),
    queue,
    bytes,
    origin: { logId: 'log-under-test', partition: 0, offset: 0, index: null },
    tenant: null,
    code: 'malformed',
    message: 'Not a usage record.',
    failedAt: 1_795_000_000_000,
    ...fields,
  };
}

/** The `index`th period of acme's contract. */
export function samplePeriod(
  fields: Partial<PeriodRecord> & { index?: number } = {},
): PeriodRecord {
  const { index = 0, ...rest } = fields;
  const from = FIRST_WINDOW + index * PERIOD_MS;
  return {
    tenant: 'acme',
    contract: 'c-1',
    from,
    to: from + PERIOD_MS,
    state: 'open',
    finalAt: null,
    ...rest,
  };
}

/** A period as charges and events name it. */
export function periodOf({ tenant, contract, from, to }: BillingPeriod): BillingPeriod {
  return { tenant, contract, from, to };
}

function sampleStep(fields: Partial<ChargeStep> = {}): ChargeStep {
  return {
    kind: 'per_unit',
    quantity: { mantissa: 10n, scale: 0 },
    unitPrice: { mantissa: 5n, scale: 3 },
    amount: { mantissa: 50n, scale: 3 },
    tier: null,
    ...fields,
  };
}

/** A charge of `period`, with the digits that a store must not lose. */
export function sampleCharge(period: BillingPeriod, fields: Partial<Charge> = {}): Charge {
  return {
    id: 'charge-1',
    kind: 'usage',
    period: periodOf(period),
    series: { tenant: period.tenant, sku: 'api', unit: 'call' },
    from: period.from,
    to: period.to,
    price: { id: 'contract', version: 3 },
    pulses: 7,
    adjusts: null,
    quantity: { mantissa: 12_345_678_901_234_567_890_123_456_789_012_345_678n, scale: 18 },
    steps: [
      sampleStep(),
      sampleStep({ kind: 'tier', tier: 2, amount: { mantissa: -1n, scale: 18 } }),
    ],
    precise: { mantissa: 49_999_999_999_999_999n, scale: 18 },
    rounded: { mantissa: 500n, scale: 4 },
    currency: 'BRL',
    ...fields,
  };
}

export function sampleUnpriced(fields: Partial<UnpricedUsage> = {}): UnpricedUsage {
  return {
    series: { tenant: 'acme', sku: 'api', unit: 'call' },
    from: FIRST_WINDOW,
    to: FIRST_WINDOW + USAGE_WINDOW_MS,
    quantity: { mantissa: 1_500n, scale: 3 },
    pulses: 2,
    reason: 'no_price',
    ...fields,
  };
}

export function sampleEvent(fields: Partial<ThresholdEvent> = {}): ThresholdEvent {
  return {
    threshold: 't-1',
    tenant: 'acme',
    sku: 'api',
    unit: 'call',
    period: periodOf(samplePeriod()),
    thresholdAmount: '100',
    amount: '100.000000000000000001',
    at: 1_795_000_000_000,
    ...fields,
  };
}

/** A change of acme's charges; it leaves alone what is not named. */
export function sampleChargeChange(fields: Partial<ChargeChange> = {}): ChargeChange {
  return {
    tenant: 'acme',
    expectedRevision: 0,
    due: null,
    periods: [],
    charges: [],
    unpriced: [],
    unpricedRange: null,
    events: [],
    ...fields,
  };
}
