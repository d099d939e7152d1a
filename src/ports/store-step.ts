/** What the live tally and the ledger share: both move through a partition by whole, fenced steps. */
import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type { Lane } from '../domain/counting/lane.ts';
import type { MinuteTotal, ScopeBooks } from '../domain/counting/step-totals.ts';

/** Counted events of one key in one minute. Negative in a step whose acts void more than it counts. */
export type MinuteCount = MinuteTotal;

/** A scope's books in one partition. logged = counted + duplicate + expired + late + voided. */
export type Books = ScopeBooks;

/** A CLOSE met in the log; the first one of a scope stands: events of `scope` behind `offset` in this partition are late. */
export interface CloseMark {
  readonly scope: string;
  readonly offset: number;
}

/** A void or restore met in the log. A repeated `(actId, target)` changes nothing. */
export interface ActMark {
  readonly kind: 'void' | 'restore';
  readonly actId: string;
  /** The target's id16 as 32 hex digits. */
  readonly target: string;
  readonly scope: string;
  readonly item: string;
  readonly lane: Lane;
  readonly minute: number;
}

/** The part of a step that every store keeps. All of it becomes visible at once, or none. */
export interface StepBase {
  readonly partition: number;
  /** The owner's epoch, from `takeOver`. */
  readonly epoch: number;
  /** The step covers the blocks `[from, checkpoint.nextOffset)`. */
  readonly from: number;
  readonly checkpoint: Checkpoint;
  /**
   * The earliest acceptance among the step's events, ms since the Unix epoch; null without events. For
   * the lag that readers see: no store keeps it.
   */
  readonly acceptedFrom: number | null;
  readonly counts: readonly MinuteCount[];
  readonly books: readonly Books[];
  readonly closes: readonly CloseMark[];
  readonly acts: readonly ActMark[];
}

/**
 * - `applied`: the step was at the store's position and is now part of it.
 * - `already-applied`: the store was at or past the step's end; nothing changed.
 * - `misaligned`: the step neither starts at the store's position nor lies behind it: re-read the
 *   checkpoint and seek. Nothing changed.
 * - `fenced`: the epoch is not the newest one given out; give up. Nothing changed.
 */
export type CommitOutcome = 'applied' | 'already-applied' | 'misaligned' | 'fenced';

/** What an owner needs to go on where the store stands. */
export interface Takeover {
  /** Above every epoch given out before for this partition. */
  readonly epoch: number;
  readonly checkpoint: Checkpoint;
  readonly closes: readonly CloseMark[];
  /** In the order in which they were met. */
  readonly acts: readonly ActMark[];
}

/** A partition's counts at one offset. Counts that are zero are not listed. */
export interface PartitionCounts {
  readonly checkpoint: Checkpoint;
  readonly counts: readonly MinuteCount[];
  readonly books: readonly Books[];
}
