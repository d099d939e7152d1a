/** A live feed inside one process: frames go straight to the subscribers' callbacks. */
import type { LiveFeed, TallyFrame } from '../../ports/live-feed.ts';

type Listener = (frame: TallyFrame) => void;

interface Subscription {
  readonly listener: Listener;
  active: boolean;
}

interface Delivery {
  readonly frame: TallyFrame;
  /** Who was subscribed when the frame was published: later ones got it as the newest known. */
  readonly to: readonly Subscription[];
}

export class MemoryLiveFeed implements LiveFeed {
  readonly #newest = new Map<string, TallyFrame>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #pending: Delivery[] = [];
  #delivering = false;

  /**
   * A frame older than the newest of its scope is dropped. A listener may publish: that frame is
   * delivered after the current one, so that no subscriber sees the two the other way round.
   *
   * @throws AggregateError what listeners threw, after every listener has been called.
   */
  publish(frame: TallyFrame): void {
    const newest = this.#newest.get(frame.scope);
    if (newest !== undefined && newest.version > frame.version) return;
    this.#newest.set(frame.scope, frame);
    this.#pending.push({ frame, to: [...this.#subscriptions] });
    this.#deliver();
  }

  subscribe(listener: Listener): Disposable {
    const subscription: Subscription = { listener, active: true };
    this.#subscriptions.add(subscription);
    for (const frame of this.#newest.values()) {
      this.#pending.push({ frame, to: [subscription] });
    }
    this.#deliver();
    return {
      [Symbol.dispose]: () => {
        subscription.active = false;
        this.#subscriptions.delete(subscription);
      },
    };
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    const errors: unknown[] = [];
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      for (const subscription of next.to) {
        if (!subscription.active) continue;
        try {
          subscription.listener(next.frame);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    this.#delivering = false;
    if (errors.length > 0) throw new AggregateError(errors, 'Subscribers of the live feed failed');
  }
}
