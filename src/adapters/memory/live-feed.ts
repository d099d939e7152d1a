/** A live feed inside one process: frames go straight to the subscribers' callbacks. */
import type { MinuteTotal } from '../../domain/counting/step-totals.ts';
import type { LiveFeed, TallyFrame } from '../../ports/live-feed.ts';

type Listener = (frame: TallyFrame) => void;

interface Subscription {
  readonly listener: Listener;
  active: boolean;
}

interface Delivery {
  readonly frame: TallyFrame;
  /** Who was subscribed when the frame was published: later ones have it in their first frame. */
  readonly to: readonly Subscription[];
}

/** A scope's newest frame, and the counts of all its minutes, of which a frame has only the changed. */
interface Scope {
  newest: TallyFrame;
  readonly minutes: Map<string, MinuteTotal>;
}

export class MemoryLiveFeed implements LiveFeed {
  readonly #scopes = new Map<string, Scope>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #pending: Delivery[] = [];
  #delivering = false;

  /**
   * A listener may publish: that frame is delivered after the current one, so that no subscriber
   * sees the two the other way round.
   *
   * @throws AggregateError what listeners threw, after every listener has been called.
   */
  publish(frame: TallyFrame): void {
    this.#remember(frame);
    this.#pending.push({ frame, to: [...this.#subscriptions] });
    this.#deliver();
  }

  subscribe(listener: Listener): Disposable {
    const subscription: Subscription = { listener, active: true };
    this.#subscriptions.add(subscription);
    for (const { newest, minutes } of this.#scopes.values()) {
      const frame = { ...newest, minutes: [...minutes.values()] };
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

  #remember(frame: TallyFrame): void {
    const minutes = this.#scopes.get(frame.scope)?.minutes ?? new Map<string, MinuteTotal>();
    for (const total of frame.minutes) {
      minutes.set(`${total.minute} ${total.lane} ${total.item}`, total);
    }
    this.#scopes.set(frame.scope, { newest: frame, minutes });
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
