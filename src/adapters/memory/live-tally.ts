/** A live tally that lives and dies with the process: the model that durable tallies are held to. */
import { ApuraError } from '../../domain/errors.ts';
import type { LiveTally, TallyReplacement, TallyStep } from '../../ports/live-tally.ts';
import type { CommitOutcome, PartitionCounts, Takeover } from '../../ports/store-step.ts';
import type { TallyChangesListener } from '../../ports/tally-changes.ts';
import { PartitionContent } from './partition-content.ts';

/** What a tally holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryTallyStore {
  readonly logId: string;
  /** Who is told of every applied step and of every repair: see tally-changes.ts. */
  readonly listeners = new Set<TallyChangesListener>();
  readonly #partitions = new Map<number, PartitionContent>();

  constructor(logId: string) {
    this.logId = logId;
  }

  partition(number: number): PartitionContent {
    const content = this.#partitions.get(number) ?? new PartitionContent();
    this.#partitions.set(number, content);
    return content;
  }
}

export class MemoryLiveTally implements LiveTally {
  readonly #store: MemoryTallyStore;
  readonly #logId: string;

  constructor(store: MemoryTallyStore, logId: string = store.logId) {
    this.#store = store;
    this.#logId = logId;
  }

  async takeOver(partition: number): Promise<Takeover> {
    if (this.#logId !== this.#store.logId) {
      throw new ApuraError('log_mismatch', `The tally belongs to the log ${this.#store.logId}`);
    }
    return this.#store.partition(partition).takeOver();
  }

  async commit(step: TallyStep): Promise<CommitOutcome> {
    // From the copy on nothing can fail half way, and the caller may use its arrays again.
    const copy = structuredClone(step);
    const partition = this.#store.partition(copy.partition);
    const outcome = partition.judge(copy);
    if (outcome !== 'applied') return outcome;
    partition.apply(copy);
    const { from, counts, acceptedFrom } = copy;
    const { nextOffset } = copy.checkpoint;
    for (const listener of this.#store.listeners) {
      listener.onChange({ partition: copy.partition, from, nextOffset, counts, acceptedFrom });
    }
    return outcome;
  }

  async read(partition: number): Promise<PartitionCounts> {
    return this.#store.partition(partition).read();
  }

  async replace(
    partition: number,
    expectedNextOffset: number,
    replacement: TallyReplacement,
  ): Promise<boolean> {
    const copy = structuredClone(replacement);
    const content = this.#store.partition(partition);
    if (content.nextOffset !== expectedNextOffset) return false;
    content.replace(copy);
    for (const listener of this.#store.listeners) listener.onGap([partition]);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
