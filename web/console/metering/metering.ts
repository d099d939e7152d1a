/** What the metering API answers beside the catalogue. Times are RFC 3339, amounts and money exact texts. */

export interface PulseBooks {
  readonly received: number;
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly voided: number;
  readonly deadLetters: number;
}

export interface OverviewPartition {
  readonly partition: number;
  /** Blocks in the log, and how many of them the ledger has taken. */
  readonly end: number;
  readonly next: number;
  readonly books: PulseBooks;
}

export interface Overview {
  readonly partitions: readonly OverviewPartition[];
  /** Messages of usage that rating has not taken. */
  readonly usageBehind: number;
  /** Usage windows that wait to be sent. */
  readonly usagePending: number;
  /** Tenants whose charges are to be reckoned anew. */
  readonly ratingDue: number;
  /** PENDING ones, by queue. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

export const GRANULARITIES = ['PT1H', 'P1D', 'P1M'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

export interface UsageRow {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly unit: string;
  readonly count: number;
  readonly min: string;
  readonly max: string;
  /** Of the pulse that occurred last. */
  readonly last: string;
  /** What the question tells rows apart by. */
  readonly dimensions: { readonly tenant?: string; readonly sku?: string };
}

export interface UsageAnswer {
  readonly data: readonly UsageRow[];
  /** Everything received up to here is in it. */
  readonly as_of: string;
}

export interface UsageQuestion {
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string | null;
  /** ms since the Unix epoch. */
  readonly from: number;
  readonly to: number;
  readonly granularity: Granularity;
  readonly timeZone: string;
  readonly groupBy: readonly ('tenant' | 'sku' | 'unit')[];
}

export type PeriodState = 'open' | 'closing' | 'final';

export interface Span {
  readonly from: string;
  readonly to: string;
}

export interface BillingPeriod extends Span {
  readonly contract: string;
}

export interface PeriodRecord extends BillingPeriod {
  readonly state: PeriodState;
}

/** Usage has reached a threshold: told once a billing period for what the threshold asks for. */
export interface ThresholdEvent {
  /** Its id. */
  readonly threshold: string;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly period: BillingPeriod;
  /** The threshold's own then. */
  readonly thresholdAmount: string;
  /** What was used when it was seen: as much or more. */
  readonly amount: string;
  readonly at: string;
}

export interface ChargeStep {
  /** `conversion`, `free_units`, `flat`, `per_unit`, `tier`, `tier_flat`, `package`, `discount`, … */
  readonly kind: string;
  readonly quantity: string | null;
  readonly unitPrice: string | null;
  readonly amount: string;
  /** 1-based, of a tier. */
  readonly tier: number | null;
}

/** One line of a bill, spelt out. */
export interface Charge extends Span {
  readonly id: string;
  readonly kind: 'usage' | 'adjustment';
  readonly sku: string;
  readonly unit: string;
  readonly currency: string;
  readonly quantity: string;
  readonly steps: readonly ChargeStep[];
  readonly precise: string;
  readonly rounded: string;
  readonly pulses: number;
  /** Of an adjustment: the final period that it corrects. */
  readonly adjusts: BillingPeriod | null;
}

export interface UnpricedUsage extends Span {
  readonly sku: string;
  readonly unit: string;
  readonly quantity: string;
  readonly pulses: number;
  readonly reason: string;
}

export interface Money {
  readonly currency: string;
  readonly amount: string;
}

export interface StatementPeriod extends BillingPeriod {
  /** In which the contract's months begin and end. */
  readonly timeZone: string;
  readonly state: PeriodState;
  readonly lines: readonly Charge[];
  readonly totals: readonly Money[];
}

export interface Statement extends Span {
  readonly tenant: string;
  readonly periods: readonly StatementPeriod[];
  readonly totals: readonly Money[];
  readonly unpriced: readonly UnpricedUsage[];
  readonly final: boolean;
}

export interface ChangedLine {
  readonly before: Charge | null;
  readonly after: Charge | null;
  readonly currency: string;
  readonly difference: string;
}

/** What reckoning charges anew changes. */
export interface Difference {
  readonly lines: readonly ChangedLine[];
  readonly totals: readonly {
    readonly currency: string;
    readonly before: string;
    readonly after: string;
    readonly difference: string;
  }[];
}

export interface Estimate {
  readonly charges: readonly Charge[];
  readonly unpriced: readonly UnpricedUsage[];
}

export const LETTER_STATES = ['PENDING', 'REQUEUED', 'DISCARDED'] as const;
export type LetterState = (typeof LETTER_STATES)[number];
export const LETTER_QUEUES = ['resource-consumption.dlq', 'resource-usage.dlq'] as const;
export type LetterQueue = (typeof LETTER_QUEUES)[number];

export interface DeadLetter {
  readonly id: string;
  readonly queue: LetterQueue;
  readonly origin: {
    readonly logId: string;
    readonly partition: number;
    readonly offset: number;
    readonly index: number | null;
  };
  readonly tenant: string | null;
  readonly code: string;
  readonly message: string;
  readonly state: LetterState;
  readonly attempts: number;
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
  readonly retryAt: string | null;
  readonly resolvedBy: string | null;
  readonly resolvedAt: string | null;
}

/** With its bytes, in base64. */
export interface WholeLetter extends DeadLetter {
  readonly bytes: string;
}

/** An empty text stands for any. */
export interface LetterFilter {
  readonly queue: string;
  readonly state: string;
  readonly tenant: string;
  readonly code: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** One thing that an operator did. */
export interface MeteringAct {
  readonly at: string;
  readonly actor: string;
  readonly act: string;
  readonly kind: string;
  readonly id: string;
  readonly tenant: string | null;
  readonly detail: string | null;
}
