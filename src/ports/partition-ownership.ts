/**
 * Who works on which partitions: the workers of one role are a group and share a log's partitions out
 * among themselves. What a member is told is a hint, good enough to spread the work; the proof is the
 * epoch in the store, which fences whoever still believes in an old hint.
 */

/** One worker's seat in its group. */
export interface PartitionOwnership extends AsyncDisposable {
  /**
   * The event partitions that are this member's now. Empty while the group settles, and from the
   * moment on at which the member can not be sure any more to be heard by the others.
   */
  readonly owned: ReadonlySet<number>;

  /**
   * Why the member has not its share at the moment (nobody answers, the group settles); null while it has,
   * which may be none.
   */
  readonly trouble: string | null;

  /** Calls back after every change of `owned`, until disposed. */
  subscribe(listener: () => void): Disposable;
}

/** What every member of a group must name alike. */
export interface OwnershipGroup {
  readonly logId: string;
  /** `tally`, `ledger`, …: the workers of different roles do not share with each other. */
  readonly role: string;
  readonly partitions: number;
}

/**
 * How long the others may take to notice that a member has died, ms: its partitions are worked on
 * again within about twice that. A member that was stalled for longer finds its partitions gone.
 */
export const SESSION_MS = 6_000;
