/**
 * Keeps counts up with a tally that another process moves: subscribes, reads every partition, moves on
 * by what it is told, and asks once a second whether it was told everything.
 */
import type { CountsPosition } from '../../domain/voting/shown-results.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { TallyChange, TallyChanges } from '../../ports/tally-changes.ts';
import { ShownTally } from './shown-tally.ts';

export interface TallyReaderDeps {
  readonly changes: TallyChanges;
  readonly partitions: number;
  readonly clock: Clock;
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * Offsets, by partition, before which the counts are stale: where the log ended at the start, for
   * somebody else may have shown as much.
   */
  readonly atLeast?: readonly number[];
  /** What changed, and how fresh all that is shown is: at most every ROUND_MS, at least every HEARTBEAT_MS. */
  readonly onFrames: (frames: readonly TallyFrame[], position: CountsPosition) => void;
  /** Told of each failure that the reader goes on after. */
  readonly onTrouble: (error: unknown) => void;
}

/** A vote is seen after half of this on average. */
export const ROUND_MS = 50;
export const HEARTBEAT_MS = 1_000;
/** A step that was told to nobody is found within twice this. */
export const CHECK_MS = 1_000;
/** Without an answer for this long, or with a partition unread, the counts are called stale. */
export const STALE_AFTER_MS = 3_000;
/** The pause after a failure. */
export const RETRY_MS = 1_000;
/** Partitions that are read at the same time: a partition may be some megabytes. */
export const READS_AT_ONCE_MAX = 3;

export class TallyReader {
  readonly #deps: TallyReaderDeps;
  readonly #shown: ShownTally;
  #subscription: Disposable | null = null;
  #isSubscribing = false;
  #isChecking = false;
  readonly #reading = new Set<number>();
  /** Partitions of which something was missed while they were read. */
  readonly #again = new Set<number>();
  /** Where the store stood at the last check: by the next one it has to be reached. */
  #owed: readonly number[] = [];
  #told: CountsPosition | null = null;
  /** By the clock on the wall: when the store was last heard of. */
  #asOf: number;
  // By the monotonic clock: when the last check began, an answer came, no partition was adrift, …
  #checkedAt = Number.NEGATIVE_INFINITY;
  #answeredAt: number;
  #wholeAt: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(deps: TallyReaderDeps) {
    this.#deps = deps;
    this.#shown = new ShownTally(deps.partitions);
    this.#asOf = deps.clock.now();
    this.#answeredAt = deps.clock.monotonic();
    this.#wholeAt = this.#answeredAt;
  }

  /** Runs until the signal aborts. Failures of the store are reported and tried again, for ever. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        this.#round();
        await this.#deps.sleep(ROUND_MS, signal);
      }
    } finally {
      this.#ended = true;
      this.#subscription?.[Symbol.dispose]();
    }
  }

  #round(): void {
    const now = this.#deps.clock.monotonic();
    if (this.#subscription === null) {
      if (!this.#isSubscribing && now >= this.#retryAt) void this.#subscribe();
    } else {
      if (!this.#isChecking && now - this.#checkedAt >= CHECK_MS) void this.#check(now);
      if (now >= this.#retryAt) this.#readAdrift();
    }
    this.#tell(now);
  }

  async #subscribe(): Promise<void> {
    this.#isSubscribing = true;
    try {
      const subscription = await this.#deps.changes.subscribe({
        onChange: (change) => this.#apply(change),
        onGap: (partitions) => this.#miss(partitions),
      });
      if (this.#ended) subscription[Symbol.dispose]();
      // Read from now on: what happens meanwhile is told, and kept until it can be added.
      this.#subscription = subscription;
    } catch (error) {
      this.#trouble(error);
    } finally {
      this.#isSubscribing = false;
    }
  }

  /** Where every partition stands; 0 before it was read. */
  get #offsets(): readonly number[] {
    const { partitions } = this.#deps;
    return Array.from({ length: partitions }, (_, each) => this.#shown.nextOffset(each) ?? 0);
  }

  #apply(change: TallyChange): void {
    const now = this.#deps.clock.now();
    const { acceptedFrom } = change;
    this.#shown.apply(change, acceptedFrom === null ? 0 : Math.max(0, now - acceptedFrom));
    this.#asOf = now;
  }

  #miss(partitions: readonly number[] | null): void {
    for (const partition of partitions ?? this.#offsets.keys()) {
      if (this.#reading.has(partition)) this.#again.add(partition);
      this.#shown.markAdrift(partition);
    }
  }

  #readAdrift(): void {
    for (const partition of this.#shown.adrift) {
      if (this.#reading.size >= READS_AT_ONCE_MAX) return;
      if (!this.#reading.has(partition)) void this.#read(partition);
    }
  }

  async #read(partition: number): Promise<void> {
    this.#reading.add(partition);
    try {
      const counts = await this.#deps.changes.read(partition);
      this.#shown.load(partition, counts);
      // What was read may be from before that.
      if (this.#again.has(partition)) this.#shown.markAdrift(partition);
      this.#answer();
    } catch (error) {
      this.#trouble(error);
    } finally {
      this.#reading.delete(partition);
      this.#again.delete(partition);
    }
  }

  async #check(now: number): Promise<void> {
    this.#isChecking = true;
    this.#checkedAt = now;
    const before = this.#offsets;
    try {
      const positions = await this.#deps.changes.positions();
      this.#miss(
        [...this.#offsets.entries()].flatMap(([partition, at]) => {
          // What is being read arrives without being asked for again.
          if (this.#reading.has(partition)) return [];
          const isBehind = at < (this.#owed[partition] ?? 0);
          const hasFallen = (positions[partition] ?? 0) < (before[partition] ?? 0);
          return isBehind || hasFallen ? [partition] : [];
        }),
      );
      this.#owed = positions;
      this.#answer();
    } catch (error) {
      this.#trouble(error);
    } finally {
      this.#isChecking = false;
    }
  }

  #answer(): void {
    this.#asOf = this.#deps.clock.now();
    this.#answeredAt = this.#deps.clock.monotonic();
  }

  #trouble(error: unknown): void {
    this.#retryAt = this.#deps.clock.monotonic() + RETRY_MS;
    if (!this.#ended) this.#deps.onTrouble(error);
  }

  #tell(now: number): void {
    if (this.#shown.adrift.length === 0) this.#wholeAt = now;
    const isCut = now - Math.min(this.#answeredAt, this.#wholeAt) > STALE_AFTER_MS;
    const { atLeast = [], onFrames } = this.#deps;
    const offsets = this.#offsets;
    const isBehindOthers = atLeast.some((offset, each) => (offsets[each] ?? 0) < offset);
    const { frames, position } = this.#shown.take(this.#asOf, isCut || isBehindOthers);
    const isMoved = position.version !== this.#told?.version || position.stale !== this.#told.stale;
    if (frames.length === 0 && !isMoved && now - this.#toldAt < HEARTBEAT_MS) return;
    this.#told = position;
    this.#toldAt = now;
    onFrames(frames, position);
  }
}
