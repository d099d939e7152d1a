/**
 * Consuming a log as a job: every so often, or when it is asked for, it brings a store up to where the log
 * ended when the run began, and does what is to be done afterwards in each partition.
 *
 * Where the job stands is the store's checkpoint alone: a run that was killed is gone on with by the
 * next one, of whichever process owns the partition then.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { Turnstile } from '../counting/turnstile.ts';
import type { LogConsumer } from './log-consumer.ts';

/** The work on one partition, as the job needs it. */
export type Consumer<Commit extends { readonly outcome: CommitOutcome }> = Pick<
  LogConsumer<never, Commit>,
  'position' | 'drain'
>;

export interface ConsumeJobDeps<Commit extends { readonly outcome: CommitOutcome }> {
  readonly log: Pick<EventLog, 'bounds'>;
  readonly ownership: Pick<PartitionOwnership, 'owned' | 'subscribe'>;
  /** Makes the work on one partition; it knows nothing yet and takes the partition over with its first drain. */
  readonly consumer: (partition: number) => Consumer<Commit>;
  /** Done after each drain, also one that brought nothing: an earlier run may have failed in it. */
  readonly afterDrain: (partition: number) => Promise<void>;
  /** From the end of a run to the begin of the next, ms. */
  readonly everyMs: number;
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each step that the store has taken. */
  readonly onCommitted: (partition: number, commit: Commit) => void;
  /** Told of a failure that the job goes on after. */
  readonly onTrouble: (error: unknown) => void;
  /** Told once a partition that it gives up for as long as this process lives. The others go on. */
  readonly onHalted: (partition: number, error: ApuraError) => void;
}

/** What one run came to. */
export interface ConsumeRun {
  /** Partitions that were brought up to the log. */
  readonly drained: number;
  /** Partitions in which something failed: the next run tries again. */
  readonly failed: number;
}

/** How far the store is behind the log in one partition, in blocks ("messages" of the broker). */
export interface PartitionBehind {
  readonly partition: number;
  /** One past the last block when the job looked last. */
  readonly end: number;
  /** The next block that the store takes; null before the first run. */
  readonly next: number | null;
}

/** Failures that another run can't mend: the log or the store is not what it must be. */
const HALTING: ReadonlySet<string> = new Set([
  'log_rewound',
  'log_trimmed',
  'log_mismatch',
  'store_corrupt',
]);
/** Partitions worked on at the same time: enough to fill a connection to the store. */
const PARTITIONS_AT_ONCE_MAX = 4;

export class ConsumeJob<Commit extends { readonly outcome: CommitOutcome }> {
  readonly #deps: ConsumeJobDeps<Commit>;
  readonly #consumers = new Map<number, Consumer<Commit>>();
  readonly #ends = new Map<number, number>();
  readonly #halted = new Map<number, ApuraError>();
  #running: Promise<ConsumeRun> | null = null;
  #wake: () => void = () => {};

  constructor(deps: ConsumeJobDeps<Commit>) {
    this.#deps = deps;
  }

  get halted(): ReadonlyMap<number, ApuraError> {
    return this.#halted;
  }

  /** Of the partitions that are this process's now. */
  get behind(): readonly PartitionBehind[] {
    return [...this.#deps.ownership.owned].map((partition) => ({
      partition,
      end: this.#ends.get(partition) ?? 0,
      next: this.#consumers.get(partition)?.position ?? null,
    }));
  }

  /** Runs every `everyMs` until the signal aborts; a run that is under way ends with its step. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.runOnce(signal);
      const waiting = new AbortController();
      const stop = (): void => waiting.abort();
      signal.addEventListener('abort', stop, { once: true });
      this.#wake = stop;
      if (!signal.aborted) await this.#deps.sleep(this.#deps.everyMs, waiting.signal);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Begins the next run at once. */
  trigger(): void {
    this.#wake();
  }

  /** One run; a caller that comes while one is under way gets that one's outcome. Never rejects. */
  runOnce(signal: AbortSignal): Promise<ConsumeRun> {
    this.#running ??= this.#takeRun(signal).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #takeRun(signal: AbortSignal): Promise<ConsumeRun> {
    const { owned } = this.#deps.ownership;
    for (const partition of this.#consumers.keys()) {
      if (!owned.has(partition)) this.#consumers.delete(partition);
    }
    const turnstile = new Turnstile(PARTITIONS_AT_ONCE_MAX);
    const run = { drained: 0, failed: 0 };
    await Promise.all(
      [...owned].map((partition) =>
        turnstile.pass(async () => {
          if (signal.aborted || this.#halted.has(partition)) return;
          try {
            await this.#drain(partition, signal);
            run.drained += 1;
          } catch (error) {
            run.failed += 1;
            this.#fail(partition, error);
          }
        }),
      ),
    );
    return run;
  }

  async #drain(partition: number, signal: AbortSignal): Promise<void> {
    const { log, onCommitted, afterDrain } = this.#deps;
    const { end } = await log.bounds(partition);
    this.#ends.set(partition, end);
    const consumer = this.#consumers.get(partition) ?? this.#deps.consumer(partition);
    this.#consumers.set(partition, consumer);
    await consumer.drain(end, signal, (commit) => onCommitted(partition, commit));
    await afterDrain(partition);
  }

  #fail(partition: number, error: unknown): void {
    // Whatever it knew may be somebody else's now: the next run takes the partition over anew.
    this.#consumers.delete(partition);
    if (error instanceof ApuraError && HALTING.has(error.code)) {
      this.#halted.set(partition, error);
      this.#deps.onHalted(partition, error);
      return;
    }
    const isLost = !this.#deps.ownership.owned.has(partition);
    if (!isLost) this.#deps.onTrouble(error);
  }
}
