/**
 * Follows the log's control partition for a process that goes by it: what polls are is what stands
 * there, in its order. It knows how recently it has read all of it, so that a door which slept, or is
 * cut off, does not go by what held before.
 */
import { decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { CONTROL_PARTITION, type EventLog } from '../../ports/event-log.ts';
import type { PollDirectory } from './poll-directory.ts';
import { followPollRecord } from './publish-poll-changes.ts';

export interface ControlFollowerDeps {
  readonly log: Pick<EventLog, 'read' | 'changed'>;
  readonly clock: Clock;
  /** Fed by this follower alone. */
  readonly directory: Pick<PollDirectory, 'apply'>;
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of the first of several failures in a row, and once of the one that ends it for good. */
  readonly onTrouble: (error: unknown) => void;
}

/** A door whose last successful read began longer ago than this takes no votes, ms. */
export const CONTROL_STALE_MS = 1_000;
/** Reads again after this at the latest, ms: three times before a door would be stale. */
export const CONTROL_REREAD_MS = 300;
const READ_BYTES = 1 << 20;

/** Failures that no other read mends: what is in force can not be known any more. */
const FATAL: ReadonlySet<string> = new Set([
  'log_corrupt',
  'log_rewound',
  'log_trimmed',
  'log_mismatch',
  'log_failed',
]);

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: ApuraError) => void;
}

const nobodyWaits = (): void => {};

export class ControlFollower {
  readonly #deps: ControlFollowerDeps;
  readonly #waiters = new Set<Waiter>();
  #position = 0;
  #lastReadAt: number | null = null;
  /** The wall time of the same moment: it goes on while a machine is suspended. */
  #lastReadTime = 0;
  #failed: ApuraError | null = null;
  #isTroubled = false;
  #hasStopped = false;
  /** Whether somebody waits for what the next read may bring. */
  #isHurried = false;
  #wake = nobodyWaits;
  #ended: Promise<void> = Promise.resolve();

  constructor(deps: ControlFollowerDeps) {
    this.#deps = deps;
  }

  /** The offset that is read next: every record below it is in the directory. */
  get position(): number {
    return this.#position;
  }

  /** `clock.monotonic()` at the start of the last read that came to the partition's end; null before the first. */
  get lastReadAt(): number | null {
    return this.#lastReadAt;
  }

  /** Why the control partition can't be gone by any more, or null. */
  get failed(): ApuraError | null {
    return this.#failed;
  }

  /** Resolves once nothing is read any more: after an abort, or a failure for good. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Reads the partition to its end, then follows it until the signal aborts. Resolves at the first
   * end, or when the signal aborts before that; tries again for as long as the log is away.
   *
   * @throws ApuraError `log_corrupt`, `log_rewound`, `log_trimmed`, `log_mismatch`, `log_failed`: what
   *   polls are can't be known; also in `failed`.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = this.#follow(signal, resolve);
    await Promise.race([promise, this.#ended]);
    if (this.#failed !== null) throw this.#failed;
  }

  /** Whether the partition was read to its end so lately. Never again after a failure for good. */
  isFresh(maxAgeMs: number): boolean {
    if (this.#failed !== null || this.#lastReadAt === null) return false;
    const { clock } = this.#deps;
    const age = Math.max(clock.monotonic() - this.#lastReadAt, clock.now() - this.#lastReadTime);
    return age <= maxAgeMs;
  }

  /**
   * Resolves once the record at this offset and all before it are in the directory.
   *
   * @throws ApuraError `not_ready`: not within `timeoutMs`, or the follower has stopped.
   * @throws ApuraError as `start`.
   */
  async until(offset: number, timeoutMs: number): Promise<void> {
    if (this.#position > offset) return;
    const stopped = this.#stopped();
    if (stopped !== null) throw stopped;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { offset, resolve, reject };
    this.#waiters.add(waiter);
    this.#isHurried = true;
    this.#wake();
    const settled = new AbortController();
    const late = this.#deps.sleep(timeoutMs, settled.signal).then(() => {
      const detail = `The control partition was not read up to ${offset} within ${timeoutMs} ms.`;
      throw new ApuraError('not_ready', detail);
    });
    try {
      await Promise.race([promise, late]);
    } finally {
      this.#waiters.delete(waiter);
      settled.abort();
    }
  }

  #stopped(): ApuraError | null {
    if (this.#failed !== null) return this.#failed;
    if (!this.#hasStopped) return null;
    return new ApuraError('not_ready', 'The control partition is not followed any more.');
  }

  async #follow(signal: AbortSignal, onEnd: () => void): Promise<void> {
    while (!signal.aborted && this.#failed === null) {
      try {
        this.#isHurried = false;
        await this.#readToEnd(signal);
        onEnd();
        await this.#untilDue(signal, (waiting) =>
          this.#deps.log.changed(
            [{ partition: CONTROL_PARTITION, offset: this.#position }],
            waiting,
          ),
        );
      } catch (error) {
        if (!signal.aborted) this.#fail(error);
        await this.#untilDue(signal, () => new Promise(() => {}));
      }
    }
    this.#hasStopped = true;
    const stopped = this.#stopped();
    for (const { reject } of this.#waiters) if (stopped !== null) reject(stopped);
  }

  async #readToEnd(signal: AbortSignal): Promise<void> {
    const { log, clock, directory } = this.#deps;
    while (!signal.aborted) {
      const [readAt, readTime] = [clock.monotonic(), clock.now()];
      const blocks = await log.read(CONTROL_PARTITION, this.#position, READ_BYTES);
      for (const { offset, bytes } of blocks) {
        applyBlock(directory, offset, bytes);
        this.#position = offset + 1;
      }
      this.#isTroubled = false;
      for (const { offset, resolve } of this.#waiters) if (offset < this.#position) resolve();
      if (blocks.length > 0) continue;
      this.#lastReadAt = readAt;
      this.#lastReadTime = readTime;
      return;
    }
  }

  #fail(error: unknown): void {
    const isFatal = error instanceof ApuraError && FATAL.has(error.code);
    if (isFatal) this.#failed = error;
    if (isFatal || !this.#isTroubled) this.#deps.onTrouble(error);
    this.#isTroubled = true;
  }

  /** Waits for `change`, for somebody who waits in `until`, for CONTROL_REREAD_MS, or for the abort. */
  async #untilDue(
    signal: AbortSignal,
    change: (waiting: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.#isHurried || this.#failed !== null) return;
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    this.#wake = end;
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      const due = this.#deps.sleep(CONTROL_REREAD_MS, waiting.signal);
      await Promise.race([change(waiting.signal), due]);
    } finally {
      this.#wake = nobodyWaits;
      signal.removeEventListener('abort', end);
      end();
    }
  }
}

/** @throws ApuraError `log_corrupt`: not a block of the control partition, or not a record in it. */
function applyBlock(
  directory: Pick<PollDirectory, 'apply'>,
  offset: number,
  bytes: Uint8Array,
): void {
  try {
    const block = decodeBlock(bytes);
    if (block.kind === 'control') followPollRecord(directory, block.payload);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const detail = `Block ${offset} of the control partition: ${why}`;
    throw new ApuraError('log_corrupt', detail, { cause });
  }
}
