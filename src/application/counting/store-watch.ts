/** Watches one store of one partition over time: how far behind the log it is, and for how long. */

/** The part of a store that is watched, at one moment. */
export interface StoreSight {
  readonly nextOffset: number;
  readonly windowStartOffset: number;
}

/** What a watch has come to. Times in ms. */
export interface StoreFacts {
  readonly name: 'tally' | 'ledger';
  /** Where the store stood when it was last read; null until it was. */
  readonly seen: StoreSight | null;
  readonly stillMs: number;
  readonly lagMs: number;
  /** Null where the store can be read. */
  readonly awayMs: number | null;
}

export class StoreWatch {
  #seen: StoreSight | null = null;
  /** Since when the store stands where it stands, while the log goes on. */
  #stillSince: number | null = null;
  /** A place that the store has yet to reach, and when the log ended there. */
  #target: { readonly offset: number; readonly at: number } | null = null;
  #awaySince: number | null = null;

  /** Where the store stood when it was last read; null until it was. */
  get seen(): StoreSight | null {
    return this.#seen;
  }

  /** Takes in one reading of the store and of the log's end, at `now` on the monotonic clock, ms. */
  see(store: StoreSight, end: number, now: number): void {
    const hasMoved = this.#seen?.nextOffset !== store.nextOffset;
    this.#seen = store;
    this.#awaySince = null;
    const isBehind = store.nextOffset < end;
    if (!isBehind) this.#stillSince = null;
    else if (hasMoved || this.#stillSince === null) this.#stillSince = now;
    if (!isBehind) this.#target = null;
    else if (this.#target === null || store.nextOffset >= this.#target.offset) {
      this.#target = { offset: end, at: now };
    }
  }

  /** The store could not be read. */
  miss(now: number): void {
    this.#awaySince ??= now;
  }

  /** For how long the store stands still behind the log's end; 0 where it moves or has nothing to do. */
  stillMs(now: number): number {
    return this.#stillSince === null ? 0 : now - this.#stillSince;
  }

  /** For how long at least the store has not reached where the log ended then; 0 where it is there. */
  lagMs(now: number): number {
    return this.#target === null ? 0 : now - this.#target.at;
  }

  /** All that alarms are decided by, at `now`. */
  facts(name: StoreFacts['name'], now: number): StoreFacts {
    return {
      name,
      seen: this.#seen,
      stillMs: this.stillMs(now),
      lagMs: this.lagMs(now),
      awayMs: this.awayMs(now),
    };
  }

  /** For how long the store can not be read; null where it can. */
  awayMs(now: number): number | null {
    return this.#awaySince === null ? null : now - this.#awaySince;
  }
}
