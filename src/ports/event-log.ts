/**
 * The event log: ordered, durable, replayable partitions of blocks. It is the truth; every other
 * store is a fold of it and can be rebuilt from it.
 *
 * Partitions `0 … partitions-1` carry events; partition `CONTROL_PARTITION` carries poll changes.
 * Offsets count blocks, from 0, without holes.
 */
export const CONTROL_PARTITION = -1;

/**
 * What a confirmed append survives.
 * - `power-safe`: flushed to stable storage before the confirmation: survives a power loss.
 * - `replicated`: held by a quorum of machines: survives the loss of one.
 * - `process-safe`: survives the death of a process, not a power loss.
 * - `volatile`: dies with the process (the memory adapter).
 */
export type Durability = 'power-safe' | 'replicated' | 'process-safe' | 'volatile';

export interface LogDescription {
  /** Minted once in the catalogue; two logs never share one. */
  readonly logId: string;
  /** Number of event partitions, fixed for the life of the log. */
  readonly partitions: number;
  readonly durability: Durability;
  /** Whether one `append` call becomes durable as a whole or not at all. */
  readonly atomicAppend: boolean;
  /**
   * How many calls of `append` under way at once serve a writer, at least 1. Above it a call is taken
   * as ever, but only waits inside the log. 1 where appends are done one behind the other anyhow.
   */
  readonly appendsUnderWayMax: number;
}

export interface PartitionBlock {
  readonly partition: number;
  /** A sealed block (see domain/counting/block.ts). The log does not look inside. */
  readonly bytes: Uint8Array;
}

export interface LoggedBlock {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A place in the log: the block with this offset, there already or still to come. */
export interface LogPosition {
  readonly partition: number;
  readonly offset: number;
}

export interface LogBounds {
  /** The first offset still held; above 0 only where the log was trimmed. */
  readonly start: number;
  /** One past the last offset: where the next block goes. */
  readonly end: number;
}

export interface AppendOptions {
  /**
   * `unneeded`: the caller does not look at the offsets, and a log that has to ask for them may resolve
   * to none. Otherwise there is one a block.
   */
  readonly offsets?: 'unneeded';
}

export interface EventLog extends AsyncDisposable {
  readonly description: LogDescription;

  /**
   * Several calls may be under way; which of them comes first in a partition is then open.
   *
   * Appends the blocks in their order and resolves to their offsets once all are as durable as
   * `description.durability` says. Not idempotent: the same block appended twice stands twice.
   *
   * @throws ApuraError `log_unavailable`: nothing of this call was or will be appended.
   * @throws ApuraError `append_unknown`: some, all or none was appended; ask the log, or send again.
   * @throws ApuraError `log_failed`: the storage reported an error (an fsync, a full disk). The
   *   handle is dead: every later call throws the same, and the process must stop.
   */
  append(blocks: readonly PartitionBlock[], options?: AppendOptions): Promise<readonly number[]>;

  /**
   * Blocks of one partition from `from` on, in order and without holes, at most about `maxBytes`
   * (always at least one block when there is one). Empty at the end. Never blocks for new ones.
   *
   * @throws ApuraError `log_trimmed`: `from` lies below the first offset still held.
   * @throws ApuraError `log_rewound`: `from` lies above the end.
   */
  read(partition: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]>;

  bounds(partition: number): Promise<LogBounds>;

  /**
   * Resolves once the end of any of these partitions lies above its `offset`, or the signal aborts.
   * May resolve early: callers look again with `read`. Of no partitions: when the signal aborts.
   */
  changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void>;
}
