/** A bounded way from one piece of work to another: the faster one waits for the slower one. */

export class BoundedChannel<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #isClosed = false;
  #failure: { readonly error: unknown } | null = null;
  #isAbandoned = false;
  #wakeSender: (() => void) | null = null;
  #wakeReceiver: (() => void) | null = null;

  /** `capacity`: items that may lie in it, at least 1. One sender and one receiver. */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`A channel can not hold ${capacity} items.`);
    }
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Resolves once there is room and the item lies in the channel; false where nobody receives any more. */
  async send(item: T): Promise<boolean> {
    if (this.#isClosed) throw new RangeError('The channel is closed.');
    while (this.#items.length >= this.#capacity && !this.#isAbandoned) {
      await new Promise<void>((resolve) => {
        this.#wakeSender = resolve;
      });
    }
    if (this.#isAbandoned) return false;
    this.#items.push(item);
    this.#wakeReceiver?.();
    return true;
  }

  /** No more items: the receiver gets those that lie there, then the end, or `error`. */
  close(failure: { readonly error: unknown } | null = null): void {
    this.#isClosed = true;
    this.#failure = failure;
    this.#wakeReceiver?.();
  }

  /** The items in the order in which they were sent. Leaving the loop early tells the sender. */
  async *receive(): AsyncGenerator<T, void, void> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#wakeSender?.();
          yield item;
        } else if (this.#isClosed) {
          if (this.#failure !== null) throw this.#failure.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeReceiver = resolve;
          });
        }
      }
    } finally {
      this.#isAbandoned = true;
      this.#items.length = 0;
      this.#wakeSender?.();
    }
  }
}
