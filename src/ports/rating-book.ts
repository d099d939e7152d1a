/**
 * The rating book: usage as rating knows it, charges and billing periods. Usage comes as absolute
 * versioned values, so that taking it twice or late changes nothing.
 */
import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type {
  BillingPeriod,
  BillingPeriodState,
  Charge,
  UnpricedUsage,
} from '../domain/metering/charge.ts';
import type { DeadLetterReport } from '../domain/metering/dead-letter.ts';
import type { UsageRecord } from '../domain/metering/usage.ts';
import type { UsageFilter, UsageRow } from './pulse-ledger.ts';
import type { CommitOutcome } from './store-step.ts';

/** A step through one partition of the log `resource-usage`. */
export interface UsageStep {
  readonly partition: number;
  readonly epoch: number;
  /** The step covers the blocks `[from, checkpoint.nextOffset)`. */
  readonly from: number;
  readonly checkpoint: Checkpoint;
  readonly records: readonly UsageRecord[];
  readonly deadLetters: readonly DeadLetterReport[];
}

/** A tenant whose charges have to be reckoned anew, because usage or prices in `[from, to)` have changed. */
export interface DueRating {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
  /** Rises with each change: `putCharges` takes away only what it was decided on. */
  readonly version: number;
}

export interface PeriodRecord extends BillingPeriod {
  readonly state: BillingPeriodState;
  /** ms since the Unix epoch; null until final. */
  readonly finalAt: number | null;
}

/** What one reckoning of one tenant changes; stored as a whole or not at all. */
export interface ChargeChange {
  readonly tenant: string;
  /** What it was decided on; taken away if its version still is the same. */
  readonly due: DueRating | null;
  /** Periods concerned: their charges and unpriced usage are replaced by those given. */
  readonly periods: readonly PeriodRecord[];
  readonly charges: readonly Charge[];
  /** Unpriced usage of the tenant in `unpricedRange`, in place of what was there. */
  readonly unpriced: readonly UnpricedUsage[];
  readonly unpricedRange: { readonly from: number; readonly to: number } | null;
  readonly events: readonly ThresholdEvent[];
}

/** Usage has reached a threshold: raised once a threshold and billing period. */
export interface ThresholdEvent {
  readonly threshold: string;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly period: BillingPeriod;
  readonly amount: string;
  readonly at: number;
}

export interface ChargeFilter {
  readonly tenant: string | null;
  /** Periods that overlap `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

export interface ChargePage {
  readonly charges: readonly Charge[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface RatingBook extends AsyncDisposable {
  /** As PulseLedger.takeOver, for a partition of `resource-usage`. */
  takeOver(partition: number): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }>;

  checkpoint(partition: number): Promise<Checkpoint>;

  /** Takes a step's records as `accept` does, atomically with the position; see CommitOutcome. */
  commit(step: UsageStep): Promise<CommitOutcome>;

  /**
   * Keeps the highest version of each (partition, series, start) and makes the tenants due whose usage
   * changed. Atomic, idempotent, in any order. Resolves to how many records changed something.
   */
  accept(records: readonly UsageRecord[]): Promise<number>;

  /** Makes a tenant due by hand: its contract or a price has changed. */
  makeDue(tenant: string, from: number, to: number): Promise<void>;

  /** Tenants that are due, longest first. */
  due(limit: number): Promise<readonly DueRating[]>;

  /** Usage as PulseLedger.usage, of what rating has taken. */
  usage(filter: UsageFilter, bounds: readonly number[]): Promise<readonly UsageRow[]>;

  /** Tenants that have usage in `[from, to)`. */
  tenants(from: number, to: number): Promise<readonly string[]>;

  /** The tenant's periods that overlap `[from, to)`, by their start. */
  periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]>;

  /** Periods of any tenant that end at or before `before` and are not final. */
  periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]>;

  /** `conflict` where a period that the change touches is final, or was changed meanwhile: nothing was stored. */
  putCharges(change: ChargeChange): Promise<'stored' | 'conflict'>;

  /**
   * In the order of (tenant, period start, contract, sku, unit, from, id), at most `limit`.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage>;

  charge(id: string): Promise<Charge | null>;

  unpriced(filter: ChargeFilter): Promise<readonly UnpricedUsage[]>;

  /** Newest first, of one tenant or (null) of all. */
  events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]>;
}
