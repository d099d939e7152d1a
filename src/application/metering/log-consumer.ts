/**
 * Brings a store up to a log in one partition: one end reads and makes batches, the other commits them,
 * and a bounded channel between them lets both work at the same time. The committing end knows nothing
 * of the log's technology, the reading end nothing of the store's.
 */

import { decodeBlock } from '../../domain/counting/block.ts';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { crc32c } from '../../domain/counting/crc32c.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';

/** A way of bounded size from one end to the other: runtime/bounded-channel.ts. */
export interface BatchChannel<Batch> {
  /** False where nobody receives any more. */
  send(batch: Batch): Promise<boolean>;
  close(failure?: { readonly error: unknown } | null): void;
  receive(): AsyncIterable<Batch>;
}

/** What becomes one step of the store. */
export interface LogBatch {
  readonly step: { readonly checkpoint: Checkpoint };
}

export interface ConsumedStore<Batch extends LogBatch, Commit> {
  takeOver(partition: number): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }>;
  checkpoint(partition: number): Promise<Checkpoint>;
  /** Applies one batch as a step of the epoch. */
  commit(batch: Batch, epoch: number): Promise<Commit>;
}

export interface LogConsumerDeps<Batch extends LogBatch, Commit> {
  readonly log: Pick<EventLog, 'read'>;
  readonly partition: number;
  readonly store: ConsumedStore<Batch, Commit>;
  /** The batches of `[from.nextOffset, end)`, each as it is asked for. */
  readonly batches: (from: Checkpoint, end: number) => AsyncIterable<Batch>;
  /** A channel that holds `capacity` batches. */
  readonly channel: (capacity: number) => BatchChannel<Batch>;
}

/** Batches read ahead of the store: the next one is ready when it comes back, and memory stays bounded. */
const BATCHES_AHEAD_MAX = 2;
/**
 * Drains that brought nothing until the store is asked whether it still stands where it was left: it may
 * have been emptied for a rebuild while nothing came in.
 */
const CONFIRM_DRAINS = 10;

interface Taken {
  readonly epoch: number;
  checkpoint: Checkpoint;
}

export class LogConsumer<
  Batch extends LogBatch,
  Commit extends { readonly outcome: CommitOutcome },
> {
  readonly #deps: LogConsumerDeps<Batch, Commit>;
  #taken: Taken | null = null;
  #idleDrains = 0;

  constructor(deps: LogConsumerDeps<Batch, Commit>) {
    this.#deps = deps;
  }

  /** The next offset that the store takes; null while that is not known. */
  get position(): number | null {
    return this.#taken?.checkpoint.nextOffset ?? null;
  }

  /**
   * Applies every block below `end`, or as many as are under way when the signal aborts. After any
   * exception the next call takes the partition over anew.
   *
   * @throws ApuraError `fenced`: another worker took the partition.
   * @throws ApuraError `log_rewound`, `log_trimmed`, `log_mismatch`: the log is not the one that the
   *   store knows. Stop, and say so.
   * @throws as the store and the log.
   */
  async drain(
    end: number,
    signal: AbortSignal,
    onCommitted: (commit: Commit) => void,
  ): Promise<void> {
    try {
      await this.#confirm();
      const taken = this.#taken ?? (await this.#takeOver());
      if (taken.checkpoint.nextOffset >= end) {
        this.#idleDrains += 1;
        return;
      }
      this.#idleDrains = 0;
      await this.#handOn(taken, end, signal, onCommitted);
    } catch (error) {
      this.#taken = null;
      throw error;
    }
  }

  /** Forgets where the store was left where it stands elsewhere by now. */
  async #confirm(): Promise<void> {
    const taken = this.#taken;
    if (taken === null || this.#idleDrains < CONFIRM_DRAINS) return;
    this.#idleDrains = 0;
    const { nextOffset, lastBlockCrc } = await this.#deps.store.checkpoint(this.#deps.partition);
    const { checkpoint } = taken;
    if (nextOffset === checkpoint.nextOffset && lastBlockCrc === checkpoint.lastBlockCrc) return;
    this.#taken = null;
  }

  async #takeOver(): Promise<Taken> {
    const { store, log, partition } = this.#deps;
    const taken = { ...(await store.takeOver(partition)) };
    await refuseOtherLog(log, partition, taken.checkpoint);
    this.#taken = taken;
    return taken;
  }

  async #handOn(
    taken: Taken,
    end: number,
    signal: AbortSignal,
    onCommitted: (commit: Commit) => void,
  ): Promise<void> {
    const { batches, store, partition } = this.#deps;
    const channel = this.#deps.channel(BATCHES_AHEAD_MAX);
    const reading = (async () => {
      try {
        for await (const batch of batches(taken.checkpoint, end)) {
          if (signal.aborted || !(await channel.send(batch))) break;
        }
        channel.close();
      } catch (error) {
        channel.close({ error });
      }
    })();
    try {
      for await (const batch of channel.receive()) {
        const commit = await store.commit(batch, taken.epoch);
        if (commit.outcome === 'fenced') throw standsElsewhere('fenced', partition);
        if (commit.outcome === 'misaligned') throw standsElsewhere('store_unavailable', partition);
        taken.checkpoint = batch.step.checkpoint;
        onCommitted(commit);
      }
    } finally {
      await reading;
    }
  }
}

function standsElsewhere(code: 'fenced' | 'store_unavailable', partition: number): ApuraError {
  const why = code === 'fenced' ? 'another worker has taken it over' : 'the store stands elsewhere';
  return new ApuraError(code, `Partition ${partition}: ${why}.`);
}

/** What a checkpoint remembers of its last block: its CRC; of bytes that are no block, theirs. */
export function blockMark(bytes: Uint8Array): number {
  try {
    return decodeBlock(bytes).crc;
  } catch {
    return crc32c(bytes);
  }
}

/** @throws ApuraError `log_rewound`: the last block that the store has applied is not there, or another one. */
async function refuseOtherLog(
  log: Pick<EventLog, 'read'>,
  partition: number,
  { nextOffset, lastBlockCrc }: Checkpoint,
): Promise<void> {
  if (nextOffset === 0) return;
  const [last] = await log.read(partition, nextOffset - 1, 1);
  // A leader that is new may not give it yet; one that has lost it says so by `log_rewound`.
  if (last === undefined) {
    throw new ApuraError('log_unavailable', `Partition ${partition} gives nothing just now.`);
  }
  if (blockMark(last.bytes) === lastBlockCrc) return;
  throw new ApuraError(
    'log_rewound',
    `Block ${nextOffset - 1} of partition ${partition} is not the one that the store has applied: ` +
      'the log was rewound or replaced.',
  );
}
