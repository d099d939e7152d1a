/**
 * What of the tally may be shown: the newest counts, as long as no partition stands before where it
 * was shown last. A store that fell back (flushed, replaced, restored) is caught up with out of sight:
 * what was shown stays, marked as stale, until every partition has reached it again.
 */
import type { CountsPosition } from '../../domain/voting/shown-results.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { type CountsMove, TallyView } from './tally-view.ts';

/** What changed since it was taken last, and how fresh all that is shown is. */
export interface ShownNews {
  readonly frames: readonly TallyFrame[];
  readonly position: CountsPosition;
}

interface Waiting {
  readonly move: CountsMove;
  readonly lagMs: number;
}

/** Moves kept of a partition that is being read; with more of them it is read once more instead. */
export const WAITING_MOVES_MAX = 256;

export class ShownTally {
  readonly #view = new TallyView();
  readonly #partitions: readonly number[];
  /** Partitions to be read from the store, and what was told of them meanwhile. */
  readonly #adrift = new Map<number, Waiting[]>();
  readonly #shownOffsets: number[];
  /** What was shown last of each scope, without its minutes. */
  readonly #shownFrames = new Map<string, TallyFrame>();
  #shown: CountsPosition | null = null;

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, (_, partition) => partition);
    this.#shownOffsets = this.#partitions.map(() => 0);
    for (const partition of this.#partitions) this.markAdrift(partition);
  }

  /** The partitions that must be read from the store and given to `load`: at first all. */
  get adrift(): readonly number[] {
    return [...this.#adrift.keys()];
  }

  /** Where a partition's counts stand; null before it was loaded. */
  nextOffset(partition: number): number | null {
    return this.#view.nextOffset(partition);
  }

  /** Steps of the partition may have been missed, or its counts replaced: it has to be read anew. */
  markAdrift(partition: number): void {
    if (!this.#adrift.has(partition)) this.#adrift.set(partition, []);
  }

  /**
   * Takes a partition as it was read after it went adrift, and what was told of it since. It stays
   * adrift where that leaves a hole.
   */
  load(partition: number, counts: PartitionCounts): void {
    const waiting = this.#adrift.get(partition) ?? [];
    this.#adrift.delete(partition);
    this.#view.load(partition, counts);
    for (const { move, lagMs } of waiting) this.apply(move, lagMs);
    if (waiting.length > WAITING_MOVES_MAX) this.markAdrift(partition);
  }

  /**
   * Moves a partition on by a step that the store has applied. One that does not begin where the
   * partition stands sets it adrift. `lagMs`: from the step's first acceptance until now.
   */
  apply(move: CountsMove, lagMs: number): void {
    const waiting = this.#adrift.get(move.partition);
    if (waiting === undefined) {
      if (this.#view.apply(move, lagMs) === 'hole') this.markAdrift(move.partition);
    } else if (waiting.length <= WAITING_MOVES_MAX) {
      waiting.push({ move, lagMs });
    }
  }

  /** What is to be shown now. `isDoubtful`: for all that is known, the counts may be behind. */
  take(asOf: number, isDoubtful: boolean): ShownNews {
    const isBehindShown = this.#partitions.some((partition) => {
      const at = this.nextOffset(partition);
      return at === null || at < (this.#shownOffsets[partition] ?? 0);
    });
    return isBehindShown ? this.#hold(asOf) : this.#show(asOf, isDoubtful);
  }

  #show(asOf: number, stale: boolean): ShownNews {
    const frames = this.#view.takeFrames(asOf, stale, stale !== this.#shown?.stale);
    for (const frame of frames) this.#shownFrames.set(frame.scope, { ...frame, minutes: [] });
    for (const partition of this.#partitions) {
      this.#shownOffsets[partition] = this.nextOffset(partition) ?? 0;
    }
    this.#shown = { asOf, version: this.#view.version, stale };
    return { frames, position: this.#shown };
  }

  #hold(asOf: number): ShownNews {
    const before = this.#shown ?? { asOf, version: 0, stale: true };
    this.#shown = { ...before, stale: true };
    if (before.stale) return { frames: [], position: this.#shown };
    const { version } = before;
    const frames = [...this.#shownFrames.values()].map(
      (frame): TallyFrame => ({ ...frame, version, asOf: before.asOf, lagMs: 0, stale: true }),
    );
    return { frames, position: this.#shown };
  }
}
