/**
 * Group commit: one append for everybody who waits. Answers only what the log has said.
 *
 * A batch is closed when a whole turn of the event loop has brought nothing further, or after
 * `batchDelayMs`, while it may go; or when its owner finds it full, whatever is under way. It may go
 * alone, and where the log takes several appends at once also beside others, once it holds as many events
 * as they do on average: so the time in which a log answers is used, and batches do not shrink by it. An
 * idle door answers in about one flush; a busy one fills each flush with what 2 ms bring. Closing as soon
 * as the previous append is back, whatever the loop still holds, would give blocks of a dozen events where
 * a flush is quick (60,000/s, 0.2 ms), and every dozen a transaction of its own.
 */
import type { BlockWriter as BlockSource } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog, PartitionBlock } from '../../ports/event-log.ts';

/**
 * - `durable`: the log has confirmed the event, within the acceptance bound.
 * - `unknown`: it was not confirmed in time, or the log can't say: the same id is to be sent again.
 * - `unavailable`: the log took nothing.
 */
export type WriteOutcome = 'durable' | 'unknown' | 'unavailable';

/** What the event loop offers; an argument so that tests can turn it by hand. */
export interface EventLoop {
  /** Runs after the input that is ready now was handled. */
  nextTurn(run: () => void): void;
  /** Runs after `ms`; the result cancels it. */
  after(ms: number, run: () => void): () => void;
}

export interface GroupCommitDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly loop: EventLoop;
  /** Random, new with every start: names this writer in its blocks. */
  readonly writerId: bigint;
  /** The longest that an event waits for others, ms. */
  readonly batchDelayMs: number;
  /** A of the log's settings: no answer `durable` later than this after acceptance, ms. */
  readonly acceptanceBoundMs: number;
  /**
   * The blocks of everything that has joined since the last call; nothing of it is left, also where this
   * throws (ApuraError `block_invalid`: nothing can be appended).
   */
  readonly seal: () => PartitionBlock[];
  /** Called once when the log's storage has failed: the process must stop. */
  readonly onFailure: (error: ApuraError) => void;
}

/** Events of a batch that came at about one time, and get one answer. */
interface Cohort {
  readonly outcome: Promise<WriteOutcome>;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly openedAt: number;
  readonly cancelDeadline: () => void;
}

/** The events that wait for one append, in all partitions. */
interface Batch {
  readonly openedAt: number;
  /** In the order in which they came: one, but where the batch has to wait for long. */
  readonly cohorts: Cohort[];
  count: number;
  bytes: number;
}

/**
 * A cohort takes others in for this part of the acceptance bound: behind an append that stands, who comes
 * late is not told `unknown` by the time of those who came first, nor at once, once theirs has passed.
 */
const COHORT_OF_BOUND = 0.1;

export class GroupCommit {
  readonly #deps: GroupCommitDeps;
  #batch: Batch | null = null;
  #appending = 0;
  #pending = 0;
  #pendingBytes = 0;
  #sequence = 0;
  #seenAtLastTurn = 0;
  #turnAsked = false;
  #idle: (() => void)[] = [];
  #failed = false;

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps;
  }

  /** Events that wait for the log's answer. */
  get pending(): number {
    return this.#pending;
  }

  /** Bytes that they were said to have. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes in the batch that is still open. */
  get openBytes(): number {
    return this.#batch?.bytes ?? 0;
  }

  /** Lets events that the next `seal` gives wait for the next append. The promise never rejects. */
  join(count: number, bytes: number): Promise<WriteOutcome> {
    const batch = this.#batch ?? this.#open();
    batch.count += count;
    batch.bytes += bytes;
    this.#pending += count;
    this.#pendingBytes += bytes;
    if (this.#appending > 0 && this.#mayGo(batch)) this.#askTurn();
    return this.#cohort(batch).outcome;
  }

  /** Closes the open batch and appends it, whatever is under way. */
  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    this.#batch = null;
    this.#appending += 1;
    void this.#append(batch);
  }

  /** Closes the open batch and resolves once nothing waits for an answer any more. */
  async drain(): Promise<void> {
    this.flush();
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Appends one block by itself and resolves to its offset. Throws as EventLog.append. */
  async appendOne(block: PartitionBlock): Promise<number> {
    try {
      const [offset] = await this.#deps.log.append([block]);
      return offset as number;
    } catch (error) {
      this.#report(error);
      throw error;
    }
  }

  /** Names the next block. */
  nextSource(): BlockSource {
    this.#sequence += 1;
    return { writerId: this.#deps.writerId, sequence: this.#sequence };
  }

  #open(): Batch {
    const batch = { openedAt: this.#deps.clock.monotonic(), cohorts: [], count: 0, bytes: 0 };
    this.#batch = batch;
    this.#seenAtLastTurn = 0;
    this.#askTurn();
    return batch;
  }

  /** The one that an event joins now. */
  #cohort({ cohorts }: Batch): Cohort {
    const { clock, loop, acceptanceBoundMs } = this.#deps;
    const openedAt = clock.monotonic();
    const last = cohorts.at(-1);
    if (last !== undefined && openedAt - last.openedAt < acceptanceBoundMs * COHORT_OF_BOUND) {
      return last;
    }
    const { promise, resolve } = Promise.withResolvers<WriteOutcome>();
    const cancelDeadline = loop.after(acceptanceBoundMs, () => resolve('unknown'));
    const cohort = { outcome: promise, resolve, openedAt, cancelDeadline };
    cohorts.push(cohort);
    return cohort;
  }

  #askTurn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    this.#deps.loop.nextTurn(() => {
      this.#turnAsked = false;
      this.#turn();
    });
  }

  /** Whether a batch may go now: alone always, beside others where the log lets it and it is no smaller. */
  #mayGo(batch: Batch): boolean {
    if (this.#appending === 0) return true;
    if (this.#appending >= this.#deps.log.description.appendsUnderWayMax) return false;
    const underWay = this.#pending - batch.count;
    return batch.count * this.#appending >= underWay;
  }

  #turn(): void {
    const batch = this.#batch;
    // One that has to wait gets its next turn from the event that fills it up, or from an append's return.
    if (batch === null || !this.#mayGo(batch)) return;
    const quiet = batch.count === this.#seenAtLastTurn;
    this.#seenAtLastTurn = batch.count;
    const waited = this.#deps.clock.monotonic() - batch.openedAt;
    if (quiet || waited >= this.#deps.batchDelayMs) this.flush();
    else this.#askTurn();
  }

  async #append(batch: Batch): Promise<void> {
    let outcome: WriteOutcome = 'durable';
    try {
      await this.#deps.log.append(this.#deps.seal(), { offsets: 'unneeded' });
    } catch (error) {
      outcome = tookNothing(error) ? 'unavailable' : 'unknown';
      this.#report(error);
    }
    this.#answer(batch, outcome);
    this.#appending -= 1;
    this.#pending -= batch.count;
    this.#pendingBytes -= batch.bytes;
    if (this.#batch !== null) this.#askTurn();
    else if (this.#pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** The timer of a cohort may be late where the loop is busy: so its time is looked at once more. */
  #answer(batch: Batch, outcome: WriteOutcome): void {
    const { clock, acceptanceBoundMs } = this.#deps;
    const latest = clock.monotonic() - acceptanceBoundMs;
    for (const { openedAt, cancelDeadline, resolve } of batch.cohorts) {
      cancelDeadline();
      resolve(outcome === 'durable' && openedAt < latest ? 'unknown' : outcome);
    }
  }

  #report(error: unknown): void {
    if (error instanceof ApuraError && error.code !== 'log_failed') return;
    if (this.#failed) return;
    this.#failed = true;
    this.#deps.onFailure(
      error instanceof ApuraError
        ? error
        : new ApuraError('log_failed', 'The log failed unexpectedly.', { cause: error }),
    );
  }
}

/** The log refused the append, or the clock jumped so far that there was no block to append. */
function tookNothing(error: unknown): boolean {
  return (
    error instanceof ApuraError &&
    (error.code === 'log_unavailable' || error.code === 'block_invalid')
  );
}
