/**
 * Keeps the archive up with the log in the partitions that this process owns, until stopped. Nothing else
 * waits for it: an archive that is away is behind afterwards, and catches up.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import { Turnstile } from '../counting/turnstile.ts';
import type { ArchiveFollower } from './archive-follower.ts';

export interface ArchiveWorkerDeps {
  readonly log: Pick<EventLog, 'changed'>;
  /** Spreads the work, no more: two who archive the same write the same. */
  readonly ownership: Pick<PartitionOwnership, 'owned' | 'subscribe'>;
  readonly follower: (partition: number) => Pick<ArchiveFollower, 'advance' | 'position'>;
  /** As the followers have it: a smaller step was the last one of a log that is caught up with. */
  readonly stepBytesMax: number;
  /** From one step to the next where the archive keeps up, ms: many blocks together cost little more than one. */
  readonly pauseMs: number;
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told how far a partition is archived: after each step, and where there is nothing more to archive. */
  readonly onPosition: (partition: number, nextOffset: number) => void;
  /** Told of a failure that the worker goes on after, and of each try again. */
  readonly onTrouble: (partition: number, error: unknown) => void;
  /** Told once a partition that can not be archived further, for as long as this worker lives. */
  readonly onHalted: (partition: number, error: ApuraError) => void;
}

/** Failures that another try can't mend. */
const HALTING: ReadonlySet<string> = new Set(['log_trimmed', 'log_rewound', 'store_corrupt']);
/** Steps under way at the same time: each holds `stepBytesMax` of the log, and its rows. */
export const ARCHIVE_STEPS_AT_ONCE_MAX = 4;
/** From a failure of the moment to the next try, ms. */
export const ARCHIVE_RETRY_MS = 1_000;

export class ArchiveWorker {
  readonly #deps: ArchiveWorkerDeps;
  readonly #turnstile = new Turnstile(ARCHIVE_STEPS_AT_ONCE_MAX);
  readonly #following = new Map<number, AbortController>();
  readonly #halted = new Map<number, ApuraError>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(deps: ArchiveWorkerDeps) {
    this.#deps = deps;
  }

  /** Partitions that this worker has given up for good, and why. */
  get halted(): ReadonlyMap<number, ApuraError> {
    return this.#halted;
  }

  /** Runs until the signal aborts and every step that was under way has ended. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) return;
    using _ = this.#deps.ownership.subscribe(() => this.#adopt());
    this.#adopt();
    await promise;
    for (const stop of this.#following.values()) stop.abort();
    await Promise.all(this.#underWay);
  }

  #adopt(): void {
    const { owned } = this.#deps.ownership;
    for (const [partition, stop] of this.#following) {
      if (owned.has(partition)) continue;
      stop.abort();
      this.#following.delete(partition);
    }
    for (const partition of owned) {
      if (this.#following.has(partition) || this.#halted.has(partition)) continue;
      const stop = new AbortController();
      this.#following.set(partition, stop);
      const followed = this.#follow(partition, stop.signal).then(() => {
        this.#underWay.delete(followed);
      });
      this.#underWay.add(followed);
    }
  }

  async #follow(partition: number, signal: AbortSignal): Promise<void> {
    const { follower, onHalted, onPosition, onTrouble, pauseMs, sleep, stepBytesMax } = this.#deps;
    const following = follower(partition);
    while (!signal.aborted) {
      try {
        const step = await this.#turnstile.pass(() => following.advance());
        const offset = following.position ?? 0;
        onPosition(partition, offset);
        if (step === null) {
          await this.#deps.log.changed([{ partition, offset }], signal);
          continue;
        }
        if (step.bytes * 2 < stepBytesMax) await sleep(pauseMs, signal);
      } catch (error) {
        if (error instanceof ApuraError && HALTING.has(error.code)) {
          this.#halted.set(partition, error);
          onHalted(partition, error);
          return;
        }
        onTrouble(partition, error);
        await sleep(ARCHIVE_RETRY_MS, signal);
      }
    }
  }
}
