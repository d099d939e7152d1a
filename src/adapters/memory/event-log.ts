/** An event log that lives and dies with the process: the model that durable logs are held to. */
import { ApuraError } from '../../domain/errors.ts';
import {
  CONTROL_PARTITION,
  type EventLog,
  type LogBounds,
  type LogDescription,
  type LoggedBlock,
  type LogPosition,
  type PartitionBlock,
} from '../../ports/event-log.ts';

/** How the next append fails; see EventLog.append. */
export interface AppendFault {
  readonly code: 'log_unavailable' | 'append_unknown' | 'log_failed';
  /** How many of the call's blocks are appended all the same. */
  readonly appended: number;
}

interface Partition {
  start: number;
  /** The block at index i has the offset `start + i`. */
  blocks: Uint8Array[];
  readonly waiting: Set<() => void>;
}

/** What a log holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryLogStore {
  readonly description: LogDescription;
  readonly #partitions = new Map<number, Partition>();
  #fault: AppendFault | null = null;

  constructor(logId: string, partitions: number) {
    this.description = {
      logId,
      partitions,
      durability: 'volatile',
      atomicAppend: true,
      appendsUnderWayMax: 1,
    };
    for (let partition = CONTROL_PARTITION; partition < partitions; partition += 1) {
      this.#partitions.set(partition, { start: 0, blocks: [], waiting: new Set() });
    }
  }

  partition(number: number): Partition {
    const partition = this.#partitions.get(number);
    if (partition === undefined) throw new RangeError(`The log has no partition ${number}`);
    return partition;
  }

  /** Lets the next append of any handle fail. */
  failNextAppend(fault: AppendFault): void {
    this.#fault = fault;
  }

  takeFault(): AppendFault | null {
    const fault = this.#fault;
    this.#fault = null;
    return fault;
  }

  /** Drops the blocks below `start`, as retention does. */
  trim(number: number, start: number): void {
    const partition = this.partition(number);
    partition.blocks = partition.blocks.slice(start - partition.start);
    partition.start = start;
  }

  /** Drops the blocks from `end` on, as restoring an old backup does. */
  rewind(number: number, end: number): void {
    const partition = this.partition(number);
    partition.blocks.length = end - partition.start;
  }
}

export class MemoryEventLog implements EventLog {
  readonly description: LogDescription;
  readonly #store: MemoryLogStore;
  #failure: ApuraError | null = null;

  constructor(store: MemoryLogStore) {
    this.#store = store;
    this.description = store.description;
  }

  async append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    this.#assertAlive();
    const targets = blocks.map((block) => this.#store.partition(block.partition));
    const fault = this.#store.takeFault();
    const kept = fault === null ? blocks : blocks.slice(0, fault.appended);
    const offsets = kept.map((block) => {
      const partition = this.#store.partition(block.partition);
      // A copy: the caller may use its memory again.
      partition.blocks.push(block.bytes.slice());
      return partition.start + partition.blocks.length - 1;
    });
    for (const partition of targets) {
      for (const wake of [...partition.waiting]) wake();
    }
    if (fault !== null) {
      const error = new ApuraError(fault.code, 'The append was told to fail');
      if (fault.code === 'log_failed') this.#failure = error;
      throw error;
    }
    return offsets;
  }

  async read(number: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]> {
    this.#assertAlive();
    const { start, blocks } = this.#store.partition(number);
    const end = start + blocks.length;
    if (from < start) {
      throw new ApuraError('log_trimmed', `Partition ${number} starts at ${start}, not at ${from}`);
    }
    if (from > end) {
      throw new ApuraError('log_rewound', `Partition ${number} ends at ${end}, before ${from}`);
    }
    const read: LoggedBlock[] = [];
    let size = 0;
    for (const bytes of blocks.slice(from - start)) {
      if (read.length > 0 && size + bytes.length > maxBytes) break;
      read.push({ offset: from + read.length, bytes: bytes.slice() });
      size += bytes.length;
    }
    return read;
  }

  async bounds(number: number): Promise<LogBounds> {
    this.#assertAlive();
    const { start, blocks } = this.#store.partition(number);
    return { start, end: start + blocks.length };
  }

  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    this.#assertAlive();
    const watched = positions.map(({ partition, offset }) => ({
      partition: this.#store.partition(partition),
      offset,
    }));
    const hasGrown = (): boolean =>
      watched.some(({ partition, offset }) => partition.start + partition.blocks.length > offset);
    while (!signal.aborted && !hasGrown()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const { partition } of watched) partition.waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      for (const { partition } of watched) partition.waiting.delete(resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #assertAlive(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}
