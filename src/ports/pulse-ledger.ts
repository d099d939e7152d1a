/**
 * The pulse ledger: every pulse once, and usage windows over them. It is the judge of duplicates: a
 * pulse counts if its key is not there yet, however long ago the first one came.
 */
import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type { DeadLetterReport } from '../domain/metering/dead-letter.ts';
import type { Pulse } from '../domain/metering/pulse.ts';
import type { PulseActRecord } from '../domain/metering/pulse-act.ts';
import type { PulseColumns } from '../domain/metering/pulse-columns.ts';
import type { UsageRecord, UsageWindow } from '../domain/metering/usage.ts';
import type { CommitOutcome } from './store-step.ts';

export type { PulseColumns };

/**
 * An operator's correction of one pulse, met in the log. An `actId` that the partition has taken before
 * changes nothing. Of several acts on one pulse the last one rules: an amended pulse counts, also where
 * it was voided before. Its target is a pulse that the same partition of the log holds before the act.
 */
export interface PulseAct extends PulseActRecord {
  /** The offset of the act's block. */
  readonly offset: number;
}

export interface PulseStep {
  readonly partition: number;
  /** The owner's epoch, from `takeOver`. */
  readonly epoch: number;
  /** The step covers the blocks `[from, checkpoint.nextOffset)`. */
  readonly from: number;
  readonly checkpoint: Checkpoint;
  /** In log order. The same key may come several times. */
  readonly pulses: PulseColumns;
  /**
   * What the pulses add to usage if each of them is new to the ledger (of several with one key inside
   * the step the first counts). Where the ledger knows one of them it adds up the new ones itself.
   */
  readonly totals: readonly UsageWindow[];
  /** In log order, applied after the pulses. */
  readonly acts: readonly PulseAct[];
  /** What could not be read; kept in the same transaction, so that moving on never loses it. */
  readonly deadLetters: readonly DeadLetterReport[];
}

/** What became of a step's pulses; zeros unless `applied`. */
export interface PulseCommit {
  readonly outcome: CommitOutcome;
  readonly counted: number;
  /** Same key, same digest. */
  readonly duplicates: number;
  /** Same key, other digest: the first stands, the other is kept and listed. */
  readonly conflicts: number;
}

/**
 * - `counted`: part of usage, with its first or its amended amount.
 * - `voided`: taken out by an operator.
 */
export type PulseState = 'counted' | 'voided';

export interface StoredPulse {
  /** 32 hex digits. */
  readonly key: string;
  /** As sent: `amount` is the first one. */
  readonly pulse: Pulse;
  readonly state: PulseState;
  /** What counts now, in 10^-AMOUNT_SCALE: 0 where voided. */
  readonly amount: bigint;
  readonly receivedAt: number;
  readonly storedAt: number;
  readonly partition: number;
  readonly offset: number;
  /** How often the same pulse came again, in any partition. */
  readonly duplicates: number;
  readonly conflicts: number;
  /** In the order in which they were taken. */
  readonly acts: readonly PulseAct[];
}

/** A pulse that came under a key whose first pulse says something else. It does not count. */
export interface PulseConflict {
  readonly key: string;
  readonly pulse: Pulse;
  readonly receivedAt: number;
  readonly partition: number;
  readonly offset: number;
}

/** The books of a partition: received = counted + duplicates + conflicts. */
export interface PulseBooks {
  readonly received: number;
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Of the counted: voided now. */
  readonly voided: number;
  /** Reports of dead letters that steps brought or made. */
  readonly deadLetters: number;
}

/** What a partition holds, counted from the rows themselves, with what it says of itself, at one position. */
export interface PulseInventory {
  readonly checkpoint: Checkpoint;
  readonly books: PulseBooks;
  /** Keys that the partition has counted, whether their pulses are held or not. */
  readonly keys: number;
  /** Pulses that count in the partition's windows and that `forget` took away. */
  readonly forgotten: number;
}

export interface PulsePage {
  readonly pulses: readonly StoredPulse[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface ConflictPage {
  readonly conflicts: readonly PulseConflict[];
  readonly nextCursor: string | null;
}

/** `[from, to)` in ms, whole usage windows; a null part of the series stands for any. */
export interface UsageFilter {
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string | null;
  readonly from: number;
  readonly to: number;
}

/** Usage of one series, added up over partitions, in one window of the question. */
export interface UsageRow extends UsageWindow {
  /** `start` is the window's; this is its end. */
  readonly end: number;
}

export interface PulseLedger extends AsyncDisposable {
  /**
   * Raises the partition's epoch and resolves to where the ledger stands. Whoever held it before is
   * fenced from now on.
   *
   * @throws ApuraError `log_mismatch`: the ledger belongs to another log.
   */
  takeOver(partition: number): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }>;

  /**
   * Applies one step atomically and idempotently; see CommitOutcome. A key is known in every partition
   * at once: a pulse that another partition has counted is a duplicate or conflict of this one. Every
   * usage window in which the step counts a pulse, or in which an act changes a pulse's state or amount
   * (though a later act of the step takes that back), gets `usageVersion(epoch, nextOffset)`, or one
   * more than the version that it has where that is higher, and is pending from then on. A window in
   * which nothing counts any more has the total NO_USAGE. An act whose pulse this partition does not
   * hold becomes a dead letter (unknownTarget) and is not remembered: sent again later it may find its
   * pulse.
   */
  commit(step: PulseStep): Promise<PulseCommit>;

  checkpoint(partition: number): Promise<Checkpoint>;

  books(partition: number): Promise<PulseBooks>;

  /** For an audit: visits every key of the partition. All of it is of one instant. */
  inventory(partition: number): Promise<PulseInventory>;

  /** Usage windows that have changed since they were confirmed as sent, oldest version first, at most `limit`. */
  pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]>;

  /** Confirms these versions as sent. A window that has changed again stays pending. Idempotent. */
  markUsageSent(records: readonly UsageRecord[]): Promise<void>;

  /** The pulse with this key (32 hex digits), or null. */
  find(key: string): Promise<StoredPulse | null>;

  /**
   * Pulses of a tenant (null: all) with `occurredAt` in `[from, to)`, voided ones too, in the order of
   * (occurredAt, key), at most `limit`.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  pulses(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage>;

  /**
   * Those received last first, and of the same instant those stored last, of one tenant or (null) of all.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  conflicts(tenant: string | null, cursor: string | null, limit: number): Promise<ConflictPage>;

  /**
   * Usage of every series that the filter names, added up over partitions, in each of the windows
   * `[bounds[i], bounds[i + 1])`, of usage windows that start in `[filter.from, filter.to)`; `bounds`
   * ascend and are whole usage windows. Rows in order of (tenant, sku, unit) by UTF-8 bytes, then
   * start. Voided pulses don't count, and a window whose count is 0 is left out.
   *
   * @throws ApuraError `too_many_rows`: there are more than `rowsMax`.
   */
  usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]>;

  /**
   * Adds up a partition's windows that start in `[from, to)` anew from the pulses themselves, and puts
   * right what differs: it is pending again, with a version above the one that it had and above
   * `usageVersion` of the partition's epoch and position. Resolves to the windows that differed, as they
   * are now, by series and start. A window that has counted pulses which `forget` took away can not be
   * added up, and stays as it is.
   */
  recompute(partition: number, from: number, to: number): Promise<readonly UsageRecord[]>;

  /**
   * Empties a partition and raises its epoch, for a rebuild from the log. Dead letters stay. What came
   * again or in conflict in other partitions stays booked there.
   */
  reset(partition: number): Promise<void>;

  /**
   * Removes the pulses (not their keys, acts and conflicts) with `occurredAt` in `[from, to)`, whole
   * usage windows: retention, or a range to be restored. Usage stays. `find` and `pulses` know them no
   * more, and to an act they are not there; an act on another pulse of such a window moves its sum and
   * count, and leaves min, max and last as they are. Resolves to how many. Idempotent.
   */
  forget(from: number, to: number): Promise<number>;

  /**
   * Puts pulses back that were forgotten, with what acts have made of them: those whose key this
   * partition has counted with the same digest and whose pulse it does not hold. Others are left alone.
   * Resolves to how many it took. Idempotent.
   */
  restore(partition: number, pulses: PulseColumns): Promise<number>;
}
