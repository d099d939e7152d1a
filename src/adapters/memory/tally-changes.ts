/** The changes of a tally in the same process: told in the moment in which they happen. */
import type { PartitionCounts } from '../../ports/store-step.ts';
import type { TallyChanges, TallyChangesListener } from '../../ports/tally-changes.ts';
import type { MemoryTallyStore } from './live-tally.ts';

export class MemoryTallyChanges implements TallyChanges {
  readonly #store: MemoryTallyStore;
  readonly #partitions: number;
  readonly #listeners = new Set<TallyChangesListener>();
  #isCut = false;

  constructor(store: MemoryTallyStore, partitions: number) {
    this.#store = store;
    this.#partitions = partitions;
  }

  async subscribe(listener: TallyChangesListener): Promise<Disposable> {
    const guarded: TallyChangesListener = {
      onChange: (change) => {
        if (!this.#isCut) listener.onChange(change);
      },
      onGap: (partitions) => {
        if (!this.#isCut) listener.onGap(partitions);
      },
    };
    this.#listeners.add(guarded);
    this.#store.listeners.add(guarded);
    return { [Symbol.dispose]: () => this.#forget(guarded) };
  }

  async read(partition: number): Promise<PartitionCounts> {
    return this.#store.partition(partition).read();
  }

  async positions(): Promise<readonly number[]> {
    return Array.from(
      { length: this.#partitions },
      (_, partition) => this.#store.partition(partition).nextOffset,
    );
  }

  /** Loses everything that is told, until `mend`. */
  cut(): void {
    this.#isCut = true;
  }

  mend(): void {
    this.#isCut = false;
    for (const listener of this.#listeners) listener.onGap(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) this.#forget(listener);
  }

  #forget(listener: TallyChangesListener): void {
    this.#listeners.delete(listener);
    this.#store.listeners.delete(listener);
  }
}
