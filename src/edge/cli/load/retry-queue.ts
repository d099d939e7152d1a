/** Votes that wait to be sent again, by the instant at which they may: a binary heap. */
export class RetryQueue {
  #votes: number[] = [];
  #dueAt: number[] = [];

  get size(): number {
    return this.#votes.length;
  }

  /** The earliest instant in the queue; infinity where it is empty. */
  get nextDueAt(): number {
    return this.#dueAt[0] ?? Number.POSITIVE_INFINITY;
  }

  add(vote: number, dueAt: number): void {
    let at = this.#votes.length;
    this.#votes.push(vote);
    this.#dueAt.push(dueAt);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#dueAt[parent] as number) <= dueAt) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the vote that is due first, or -1 where none is due at `now`. */
  take(now: number): number {
    if (this.nextDueAt > now) return -1;
    const vote = this.#votes[0] as number;
    const lastVote = this.#votes.pop() as number;
    const lastDueAt = this.#dueAt.pop() as number;
    if (this.#votes.length > 0) {
      this.#votes[0] = lastVote;
      this.#dueAt[0] = lastDueAt;
      this.#sinkFirst();
    }
    return vote;
  }

  #sinkFirst(): void {
    const count = this.#votes.length;
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
    const vote = this.#votes[a] as number;
    const dueAt = this.#dueAt[a] as number;
    this.#votes[a] = this.#votes[b] as number;
    this.#dueAt[a] = this.#dueAt[b] as number;
    this.#votes[b] = vote;
    this.#dueAt[b] = dueAt;
  }
}
