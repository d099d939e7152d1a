/** Offsets at which somebody wants a store to stop for a moment, to be read exactly there. */
import type { PartitionCounts } from '../../ports/store-step.ts';

interface Barrier {
  readonly partition: number;
  readonly offset: number;
  readonly resolve: (counts: PartitionCounts | null) => void;
}

export class StepBarriers {
  #barriers: Barrier[] = [];

  /** Resolves to the partition's counts exactly at `offset`, or to null: see `meet` and `release`. */
  add(partition: number, offset: number): Promise<PartitionCounts | null> {
    return new Promise((resolve) => this.#barriers.push({ partition, offset, resolve }));
  }

  /** The lowest offset that somebody waits for; no step may go past it. */
  next(partition: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const barrier of this.#barriers) {
      if (barrier.partition === partition) next = Math.min(next, barrier.offset);
    }
    return next;
  }

  /**
   * Answers everybody who waits for an offset up to `at`, where the store stands: with what `read`
   * gives if that is the offset, with null where the store is past it. Throws what `read` throws; then
   * all of them wait on.
   */
  async meet(
    partition: number,
    at: number,
    read: (partition: number) => Promise<PartitionCounts>,
  ): Promise<void> {
    const reached = this.#barriers.filter(
      (barrier) => barrier.partition === partition && barrier.offset <= at,
    );
    if (reached.length === 0) return;
    const isAsked = reached.some(({ offset }) => offset === at);
    const counts = isAsked ? await read(partition) : null;
    this.#barriers = this.#barriers.filter((barrier) => !reached.includes(barrier));
    for (const { offset, resolve } of reached) {
      resolve(counts?.checkpoint.nextOffset === offset ? counts : null);
    }
  }

  /** Answers null to everybody who waits for this partition, or (null) for any. */
  release(partition: number | null): void {
    const isMeant = (barrier: Barrier): boolean =>
      partition === null || barrier.partition === partition;
    const released = this.#barriers.filter(isMeant);
    this.#barriers = this.#barriers.filter((barrier) => !isMeant(barrier));
    for (const { resolve } of released) resolve(null);
  }
}
