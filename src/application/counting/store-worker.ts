/** Keeps one store up with the log: follows all its partitions, one step after another, until stopped. */
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionCounts, StepBase } from '../../ports/store-step.ts';
import type { Applied, PartitionFollower } from './partition-follower.ts';

/** Where one partition of one store stands. */
export interface Progress {
  readonly partition: number;
  readonly checkpoint: Checkpoint;
}

export interface StoreWorkerDeps<Step extends StepBase> {
  readonly log: EventLog;
  readonly followers: readonly PartitionFollower<Step>[];
  /** Reads a partition of the store, for `countsAt`. */
  readonly read: (partition: number) => Promise<PartitionCounts>;
  /** About how much of the log one step takes, bytes: bounds a step's memory and its commit. */
  readonly stepBytesMax: number;
  /**
   * The shortest time between two rounds, ms: a round's steps cost the same for few blocks or many. A
   * worker that is behind does not wait.
   */
  readonly roundMs: number;
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each applied step, before the next one begins. */
  readonly onApplied: (applied: Applied<Step>) => void;
  /** Told after each round, with where every partition stands. */
  readonly onRound: (progress: readonly Progress[]) => void;
  /** Told of a failure that the worker goes on after, and of each try again. */
  readonly onTrouble: (error: unknown) => void;
}

/** Failures that another try can't mend: the log or the store is not what it must be. */
const HALTING: ReadonlySet<string> = new Set([
  'fenced',
  'log_rewound',
  'log_trimmed',
  'log_mismatch',
  'log_corrupt',
  'ledger_key_conflict',
  'store_corrupt',
]);
const RETRY_MS = 1_000;
const nobodyWaits = (): void => {};

interface Barrier {
  readonly partition: number;
  readonly offset: number;
  readonly resolve: (counts: PartitionCounts | null) => void;
}

export class StoreWorker<Step extends StepBase> {
  readonly #deps: StoreWorkerDeps<Step>;
  #barriers: Barrier[] = [];
  /** Ends the wait for new blocks. */
  #wake = nobodyWaits;
  #ended = false;

  constructor(deps: StoreWorkerDeps<Step>) {
    this.#deps = deps;
  }

  /**
   * Runs until the signal aborts. Failures of the moment are reported and tried again.
   *
   * @throws ApuraError one of the halting codes: go no further, and say so loudly.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#roundOrTrouble(signal);
    } finally {
      this.#ended = true;
      for (const { resolve } of this.#barriers.splice(0)) resolve(null);
    }
  }

  /**
   * The store's counts of a partition exactly at `offset`: the worker ends a step there. Null where
   * it is past that already, or has ended. Waits for the log to reach the offset.
   */
  countsAt(partition: number, offset: number): Promise<PartitionCounts | null> {
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#barriers.push({ partition, offset, resolve });
      this.#wake();
    });
  }

  /** Whether the store has applied the CLOSE of this scope in every partition. */
  hasPassedClose(scope: string): boolean {
    return this.#deps.followers.every((follower) => follower.hasPassedClose(scope));
  }

  async #roundOrTrouble(signal: AbortSignal): Promise<void> {
    try {
      await this.#round(signal);
    } catch (error) {
      if (error instanceof ApuraError && HALTING.has(error.code)) throw error;
      this.#deps.onTrouble(error);
      await this.#deps.sleep(RETRY_MS, signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { followers, roundMs, sleep, stepBytesMax } = this.#deps;
    let isIdle = true;
    let isBehind = false;
    for (const follower of followers) {
      await this.#meetBarriers(follower);
      const advance = await follower.advance(stepBytesMax, this.#nextBarrier(follower));
      if (advance.kind === 'applied') {
        isIdle = false;
        // About as much as a step may take: the log holds more.
        if (advance.bytes * 2 > stepBytesMax) isBehind = true;
        this.#deps.onApplied(advance);
      }
      await this.#meetBarriers(follower);
    }
    this.#deps.onRound(
      followers.flatMap(({ partition, checkpoint }) =>
        checkpoint === null ? [] : [{ partition, checkpoint }],
      ),
    );
    if (isIdle) await this.#untilChanged(signal);
    // Also a worker that is behind lets questions and the signal through between its rounds.
    await sleep(isBehind ? 0 : roundMs, signal);
  }

  /** Waits for the log to grow, where one wait can tell: with one partition, and nobody waiting. */
  async #untilChanged(signal: AbortSignal): Promise<void> {
    const { followers, log } = this.#deps;
    const [only, ...others] = followers;
    const at = only?.checkpoint;
    if (only === undefined || others.length > 0 || !at || this.#barriers.length > 0) return;
    const waiting = new AbortController();
    this.#wake = () => waiting.abort();
    signal.addEventListener('abort', this.#wake);
    try {
      if (!signal.aborted)
        await log.changed([{ partition: only.partition, offset: at.nextOffset }], waiting.signal);
    } finally {
      signal.removeEventListener('abort', this.#wake);
      this.#wake = nobodyWaits;
    }
  }

  #nextBarrier(follower: PartitionFollower<Step>): number {
    let end = Number.POSITIVE_INFINITY;
    for (const barrier of this.#barriers) {
      if (barrier.partition === follower.partition) end = Math.min(end, barrier.offset);
    }
    return end;
  }

  async #meetBarriers(follower: PartitionFollower<Step>): Promise<void> {
    const at = follower.checkpoint?.nextOffset;
    if (at === undefined) return;
    const met = (barrier: Barrier): boolean =>
      barrier.partition === follower.partition && barrier.offset <= at;
    const reached = this.#barriers.filter(met);
    if (reached.length === 0) return;
    const isAsked = reached.some(({ offset }) => offset === at);
    const counts = isAsked ? await this.#deps.read(follower.partition) : null;
    this.#barriers = this.#barriers.filter((barrier) => !reached.includes(barrier));
    for (const { offset, resolve } of reached) {
      resolve(counts?.checkpoint.nextOffset === offset ? counts : null);
    }
  }
}
