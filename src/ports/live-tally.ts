/** The live tally: counts now, per partition, key and minute. Rebuildable from the log at any time. */
import type {
  ActMark,
  CloseMark,
  CommitOutcome,
  PartitionCounts,
  StepBase,
  Takeover,
} from './store-step.ts';

export type TallyStep = StepBase;

/** A partition's whole content, to be put in place of what the store holds. */
export interface TallyReplacement extends PartitionCounts {
  readonly closes: readonly CloseMark[];
  readonly acts: readonly ActMark[];
}

export interface LiveTally extends AsyncDisposable {
  /**
   * Makes the caller the partition's owner: raises the epoch and returns the position, atomically.
   * Every later commit under an older epoch is `fenced`.
   *
   * @throws ApuraError `log_mismatch`: the store belongs to another `logId`.
   */
  takeOver(partition: number): Promise<Takeover>;

  /** Applies one step atomically and idempotently; see CommitOutcome. */
  commit(step: TallyStep): Promise<CommitOutcome>;

  /** One partition's counts, books and position, all of the same instant. */
  read(partition: number): Promise<PartitionCounts>;

  /**
   * Repair: replaces a partition's content and position and raises the epoch, but only while the
   * store still stands at `expectedNextOffset`. False (and no change) otherwise.
   */
  replace(
    partition: number,
    expectedNextOffset: number,
    replacement: TallyReplacement,
  ): Promise<boolean>;
}
