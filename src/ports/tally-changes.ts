/**
 * The live tally for readers in other processes: every step that the tally has applied, told as it
 * happens, and the whole of a partition on demand. Telling is at most once: a reader that misses a
 * step sees it by the offsets, and reads the partition anew.
 */
import type { MinuteCount, PartitionCounts } from './store-step.ts';

/** One applied step, as far as readers need it. */
export interface TallyChange {
  readonly partition: number;
  /** The step moved the partition's counts from here … */
  readonly from: number;
  /** … to here. */
  readonly nextOffset: number;
  /** What the step added. */
  readonly counts: readonly MinuteCount[];
  /** The earliest acceptance among the step's events, ms since the Unix epoch; null without events. */
  readonly acceptedFrom: number | null;
}

export interface TallyChangesListener {
  /** After the step was applied, in the order of the partition's steps. */
  onChange(change: TallyChange): void;
  /** Steps may have been missed, or counts were replaced: read these partitions anew (null: all). */
  onGap(partitions: readonly number[] | null): void;
}

export interface TallyChanges extends AsyncDisposable {
  /**
   * Tells of every step applied from the moment on at which this resolves. While the store can not be
   * reached nothing is told; `onGap(null)` follows as soon as it can be again. Disposing ends it.
   */
  subscribe(listener: TallyChangesListener): Promise<Disposable>;

  /** As LiveTally.read. */
  read(partition: number): Promise<PartitionCounts>;

  /** The next offset of every partition, by partition: one cheap question for all. */
  positions(): Promise<readonly number[]>;
}
