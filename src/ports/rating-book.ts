/**
 * The rating book: usage as rating knows it, charges and billing periods. Usage comes as absolute
 * versioned values, so that taking it twice or late changes nothing.
 */

import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type { TimeWindow } from '../domain/counting/time-window.ts';
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
  /**
   * Rises with each change, and is never given again, to no tenant: `putCharges` takes away only what it
   * was decided on.
   */
  readonly version: number;
}

/** A period is known by its tenant, contract and `from`; `to` moves where a contract is cut short. */
export interface PeriodRecord extends BillingPeriod {
  readonly state: BillingPeriodState;
  /** ms since the Unix epoch; null until final. */
  readonly finalAt: number | null;
}

/**
 * What one reckoning of one tenant changes; stored as a whole or not at all. Everything in it is of this
 * tenant, and every charge of one of its `periods`.
 */
export interface ChargeChange {
  readonly tenant: string;
  /** RatingBook.revision of the tenant, asked before anything else that the change was decided on. */
  readonly expectedRevision: number;
  /** What it was decided on; taken away if its version still is the same. */
  readonly due: DueRating | null;
  /** Periods concerned: their charges are replaced by those given. */
  readonly periods: readonly PeriodRecord[];
  readonly charges: readonly Charge[];
  /**
   * Unpriced usage of the tenant in `unpricedRange`, in place of all that overlaps it. Nothing is ever cut:
   * where stored usage reaches beyond the range it is a `conflict`, and the range has to be wider. Null:
   * unpriced usage stays as it is, and `unpriced` is empty.
   */
  readonly unpriced: readonly UnpricedUsage[];
  readonly unpricedRange: { readonly from: number; readonly to: number } | null;
  readonly events: readonly ThresholdEvent[];
}

/**
 * Usage has reached a threshold: raised once a billing period for what the threshold asks for. Under another
 * amount or series it is raised again, and what was raised before stays.
 */
export interface ThresholdEvent {
  readonly threshold: string;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly period: BillingPeriod;
  /** The threshold's own when it was reached, as formatShortest writes it. */
  readonly thresholdAmount: string;
  /** What was used then. */
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
  /**
   * As PulseLedger.takeOver, for a partition of `resource-usage`.
   *
   * @throws ApuraError `log_mismatch`: the book belongs to another log.
   */
  takeOver(partition: number): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }>;

  checkpoint(partition: number): Promise<Checkpoint>;

  /**
   * Takes a step's records as `accept` does and its dead letters, atomically with the position; see
   * CommitOutcome.
   */
  commit(step: UsageStep): Promise<CommitOutcome>;

  /**
   * Keeps the highest version of each (partition, series, start) and makes the tenants due of which it
   * has taken one, in the windows concerned. Atomic, idempotent, in any order. Resolves to how many
   * windows have a higher version than before.
   */
  accept(records: readonly UsageRecord[]): Promise<number>;

  /** Makes a tenant due in `[from, to)` by hand: its contract or a price has changed. */
  makeDue(tenant: string, from: number, to: number): Promise<void>;

  /**
   * Tenants that are due, one range each that covers every change, in the order in which they became so.
   * One that `putCharges` leaves due, for it has changed meanwhile, goes to the end.
   */
  due(limit: number): Promise<readonly DueRating[]>;

  /** Usage as PulseLedger.usage, of what rating has taken: windows that start in `[filter.from, filter.to)`. */
  usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]>;

  /** Tenants that have usage (a count that is not 0) in windows that start in `[from, to)`, in their order. */
  tenants(from: number, to: number): Promise<readonly string[]>;

  /** The tenant's periods that overlap `[from, to)`, by their start, then by contract. */
  periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]>;

  /** Periods of any tenant that end at or before `before` and are not final, by (to, tenant, contract, from). */
  periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]>;

  /** Rises with every `putCharges` of the tenant that was stored; 0 before the first. */
  revision(tenant: string): Promise<number>;

  /**
   * `conflict`, and nothing is stored, where the tenant's revision is not the expected one, a period of the
   * change is final already, or unpriced usage would be cut. Once it resolves to `stored` it survives a
   * crash of the process and of the machine. A threshold's
   * second event in one period for the same series and `thresholdAmount` changes nothing.
   *
   * @throws RangeError: the change contradicts itself (checkChargeChange), or a period that it does not
   *   name has a charge of the same id.
   */
  putCharges(change: ChargeChange): Promise<'stored' | 'conflict'>;

  /**
   * In the order of (tenant, period start, contract, sku, unit, from, id), texts by their UTF-8 bytes, at
   * most `limit`.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage>;

  charge(id: string): Promise<Charge | null>;

  /**
   * Unpriced usage that overlaps `[from, to)`, in the order of (tenant, sku, unit, from, reason), at most
   * `limit`.
   */
  unpriced(filter: ChargeFilter, limit: number): Promise<readonly UnpricedUsage[]>;

  /**
   * From the first start to the last end of the tenant's unpriced usage that overlaps `[from, to)`; null
   * where there is none.
   */
  unpricedSpan(tenant: string, from: number, to: number): Promise<TimeWindow | null>;

  /** Those stored last first, of one tenant or (null) of all. */
  events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]>;
}
