/** Packs accepted votes into blocks, one a partition, for group commit. */
import {
  BlockBuilder,
  CONTROL_BLOCK_PARTITION,
  type EncodedKey,
  encodeControlBlock,
  encodeTimeMark,
} from '../../domain/counting/block.ts';
import { type IdWords, partitionOf } from '../../domain/counting/event-id.ts';
import { CONTROL_PARTITION, type PartitionBlock } from '../../ports/event-log.ts';
import { GroupCommit, type GroupCommitDeps, type WriteOutcome } from './group-commit.ts';

export interface BlockWriterLimits {
  /** The longest that an event waits for others, ms. */
  readonly blockDelayMs: number;
  /** Events in a block at most. */
  readonly blockEventsMax: number;
  /** Events without an answer at most; further ones are refused. */
  readonly pendingEventsMax: number;
  /** A of the log's settings: no answer `durable` later than this after acceptance, ms. */
  readonly acceptanceBoundMs: number;
}

export const BLOCK_DELAY_MS = 2;
export const BLOCK_EVENTS_MAX = 8192;
export const PENDING_EVENTS_MAX = 32_768;

export interface BlockWriterDeps
  extends Pick<GroupCommitDeps, 'log' | 'clock' | 'loop' | 'writerId' | 'onFailure'> {
  readonly limits: BlockWriterLimits;
}

export class BlockWriter {
  readonly #deps: BlockWriterDeps;
  readonly #builders: readonly BlockBuilder[];
  readonly #commit: GroupCommit;

  constructor(deps: BlockWriterDeps) {
    this.#deps = deps;
    const { partitions } = deps.log.description;
    this.#builders = Array.from(
      { length: partitions },
      () => new BlockBuilder(deps.limits.blockEventsMax),
    );
    this.#commit = new GroupCommit({
      ...deps,
      batchDelayMs: deps.limits.blockDelayMs,
      acceptanceBoundMs: deps.limits.acceptanceBoundMs,
      seal: () => this.#seal(),
    });
  }

  /** Events that wait for the log's answer. */
  get pending(): number {
    return this.#commit.pending;
  }

  /**
   * Takes one event; null where `pendingEventsMax` are waiting already, and nothing was taken.
   * `acceptedAt` is ms since the Unix epoch, an integer. The promise never rejects.
   */
  write(id: IdWords, key: EncodedKey, acceptedAt: number): Promise<WriteOutcome> | null {
    const commit = this.#commit;
    if (commit.pending >= this.#deps.limits.pendingEventsMax) return null;
    const builder = this.#builders[partitionOf(id, this.#builders.length)] as BlockBuilder;
    builder.add(id.time, id.x, id.y, id.z, key, acceptedAt);
    const outcome = commit.join(1, 0);
    if (builder.count >= builder.capacity) commit.flush();
    return outcome;
  }

  /** Appends a record to an event partition, or to the control partition. Throws as EventLog.append. */
  async appendControl(partition: number, payload: Uint8Array): Promise<number> {
    const written = partition === CONTROL_PARTITION ? CONTROL_BLOCK_PARTITION : partition;
    const now = this.#deps.clock.now();
    const bytes = encodeControlBlock(written, now, this.#commit.nextSource(), payload);
    return this.#commit.appendOne({ partition, bytes });
  }

  /** Appends a block that only moves log time on. Throws as EventLog.append. */
  async appendTimeMark(partition: number): Promise<number> {
    const now = this.#deps.clock.now();
    const bytes = encodeTimeMark(partition, now, this.#commit.nextSource());
    return this.#commit.appendOne({ partition, bytes });
  }

  /** Closes the open block and resolves once nothing waits for an answer any more. */
  drain(): Promise<void> {
    return this.#commit.drain();
  }

  /** The waiting events as blocks. Every builder is empty afterwards, also where this throws. */
  #seal(): PartitionBlock[] {
    const blockTime = this.#deps.clock.now();
    const blocks: PartitionBlock[] = [];
    const failures: unknown[] = [];
    for (const [partition, builder] of this.#builders.entries()) {
      if (builder.count === 0) continue;
      const source = this.#commit.nextSource();
      try {
        blocks.push({ partition, bytes: builder.seal(partition, blockTime, source) });
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return blocks;
  }
}
