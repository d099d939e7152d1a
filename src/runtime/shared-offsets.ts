/**
 * A row of ever-growing numbers shared between threads: one thread raises them and wakes the others,
 * which read them without a message or a file access.
 */
export class SharedOffsets {
  readonly buffer: SharedArrayBuffer;
  readonly #offsets: BigInt64Array;
  readonly #changes: Int32Array;

  /** `slots` numbers, zero at first; or the same ones again, from another thread's `buffer`. */
  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(8 + 8 * source) : source;
    this.#changes = new Int32Array(this.buffer, 0, 1);
    this.#offsets = new BigInt64Array(this.buffer, 8);
  }

  get(slot: number): number {
    return Number(Atomics.load(this.#offsets, slot));
  }

  /** Sets one number without waking anybody: `announce` does, once for all that was set. */
  set(slot: number, offset: number): void {
    Atomics.store(this.#offsets, slot, BigInt(offset));
  }

  announce(): void {
    Atomics.add(this.#changes, 0, 1);
    Atomics.notify(this.#changes, 0);
  }

  /** Take this, look at the numbers, then wait with it: no announcement is missed in between. */
  get changes(): number {
    return Atomics.load(this.#changes, 0);
  }

  /**
   * Resolves at the first announcement after `changes` was taken, or after `timeoutMs`. Waiting alone
   * keeps no thread alive: one that listens to nothing else ends.
   */
  async announced(changes: number, timeoutMs: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.#changes, 0, changes, timeoutMs);
    if (waiting.async) await waiting.value;
  }
}
