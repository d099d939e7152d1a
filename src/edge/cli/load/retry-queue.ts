/** What waits to be sent again (votes, batches of pulses), by the instant at which it may: a binary heap. */
export class RetryQueue {
  #items: number[] = [];
  #dueAt: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The earliest instant in the queue; infinity where it is empty. */
  get nextDueAt(): number {
    return this.#dueAt[0] ?? Number.POSITIVE_INFINITY;
  }

  add(item: number, dueAt: number): void {
    let at = this.#items.length;
    this.#items.push(item);
    this.#dueAt.push(dueAt);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#dueAt[parent] as number) <= dueAt) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the item that is due first, or -1 where none is due at `now`. */
  take(now: number): number {
    if (this.nextDueAt > now) return -1;
    const item = this.#items[0] as number;
    const lastItem = this.#items.pop() as number;
    const lastDueAt = this.#dueAt.pop() as number;
    if (this.#items.length > 0) {
      this.#items[0] = lastItem;
      this.#dueAt[0] = lastDueAt;
      this.#sinkFirst();
    }
    return item;
  }

  #sinkFirst(): void {
    const count = this.#items.length;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= count) return;
      const right = left + 1;
      const earlier =
        right < count && (this.#dueAt[right] as number) < (this.#dueAt[left] as number)
          ? right
          : left;
      if ((this.#dueAt[at] as number) <= (this.#dueAt[earlier] as number)) return;
      this.#swap(at, earlier);
      at = earlier;
    }
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a] as number;
    const dueAt = this.#dueAt[a] as number;
    this.#items[a] = this.#items[b] as number;
    this.#dueAt[a] = this.#dueAt[b] as number;
    this.#items[b] = item;
    this.#dueAt[b] = dueAt;
  }
}
