/**
 * The queue that keeps a vote on the device until the server has said what became of it.
 *
 * It stores before it sends, so a reload finds the same vote with the same key; it backs off with jitter,
 * keeps quiet for as long as the server asked, and stops at the poll's end. What to do with one vote is
 * decided in delivery.ts; this file only runs those decisions.
 */
import {
  type AskAnswer,
  afterAsk,
  afterSend,
  beforeSend,
  DEADLINE_GRACE_MS,
  type Delivery,
  newDelivery,
  nextStep,
  type SendAnswer,
  soonest,
} from './delivery.ts';
import type { OutboxContents } from './outbox-store.ts';
import type { OutboxSurroundings } from './outbox-surroundings.ts';
import { backoffAfter, QUIET_MAX_MS, quietAfter } from './patience.ts';

/** Why a vote is still here: nobody answered, or the server answered that it can not take it now. */
export type Trouble = 'none' | 'no_answer' | 'busy';

export type OutboxView = {
  /** Oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Whether a reload would find them again. */
  readonly durable: boolean;
  readonly trouble: Trouble;
};

/** One person on one phone: more than this waiting means that something else is wrong. */
export const DELIVERIES_MAX = 50;

const OTHER_TAB_MS = 2_000;
/** How long a registered vote is still shown after a reload. */
const REGISTERED_KEPT_MS = 10 * 60_000;

export class Outbox {
  readonly #around: OutboxSurroundings;
  #trouble: Trouble = 'none';
  #failures = 0;
  /** By the monotonic clock. */
  #backoffUntil = 0;
  #running = false;
  #wanted = false;
  #woken = false;
  #cancelTimer: () => void = () => {};

  constructor(around: OutboxSurroundings) {
    this.#around = around;
  }

  view(): OutboxView {
    const { store } = this.#around;
    const { deliveries } = store.load();
    return { deliveries, durable: store.durable, trouble: this.#trouble };
  }

  /** Takes up what an earlier page of this poll has left. */
  start(): Promise<void> {
    const shownSince = this.#around.clock.now() - REGISTERED_KEPT_MS;
    this.#keep((one) => one.fate?.kind !== 'registered' || one.chosenAt > shownSince);
    return this.wake();
  }

  /** Keeps a vote and starts to send it. False when too many are waiting already. */
  add(choice: Pick<Delivery, 'localId' | 'option' | 'optionName'>): boolean {
    const { store, clock } = this.#around;
    const contents = store.load();
    const waiting = contents.deliveries.filter((one) => one.fate === null);
    if (waiting.length >= DELIVERIES_MAX) return false;
    const settled = contents.deliveries.filter((one) => one.fate !== null).slice(-DELIVERIES_MAX);
    const added = newDelivery({ ...choice, chosenAt: clock.now() });
    store.save({ ...contents, deliveries: [...settled, ...waiting, added] });
    this.#around.onChange();
    void this.wake();
    return true;
  }

  /** Forgets the votes whose fate the voter has seen. */
  dismissSettled(): void {
    this.#keep((one) => one.fate === null);
    this.#around.onChange();
  }

  /** Asks again for the votes whose fate could not be told. */
  askAgain(): void {
    const contents = this.#around.store.load();
    const deliveries = contents.deliveries.map((one) =>
      one.fate?.kind === 'unsettled'
        ? { ...one, fate: null, mayHaveArrived: true, mustAsk: true, askAt: 0, pendingAnswers: 0 }
        : one,
    );
    this.#around.store.save({ ...contents, deliveries });
    this.#around.onChange();
    void this.wake();
  }

  /**
   * Acts on whatever is due, now: the network is back, or the page is shown again. Cuts the backoff short,
   * but not the time that the server asked for. Resolves when all is done that can be done now.
   */
  wake(): Promise<void> {
    // An attempt that is under way belongs to the network that was: it must not set a new backoff.
    this.#woken = true;
    return this.resume();
  }

  /** Like `wake`, but keeps to the backoff: a timer is due, or another tab has changed the store. */
  async resume(): Promise<void> {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#wanted) {
        this.#wanted = false;
        if (this.#woken) this.#backoffUntil = 0;
        this.#woken = false;
        await this.#turn();
      }
    } finally {
      this.#running = false;
    }
  }

  async #turn(): Promise<void> {
    this.#cancelTimer();
    let restMs: number | null = null;
    const ran = await this.#around.exclusively(async () => {
      do restMs = await this.#act();
      while (restMs === 0);
    });
    this.#around.onChange();
    if (!ran) restMs = OTHER_TAB_MS;
    if (restMs === null) return;
    this.#cancelTimer = this.#around.startTimer(restMs, () => void this.resume());
  }

  /**
   * Does the one thing that is due and answers 0, as more may be; else answers how long to rest (ms), or null
   * when there is nothing to do.
   */
  async #act(): Promise<number | null> {
    const { store, clock, door } = this.#around;
    const contents = store.load();
    const waiting = contents.deliveries.filter((one) => one.fate === null);
    if (waiting.length === 0) {
      this.#trouble = 'none';
      return null;
    }
    if (clock.trusted() && this.#settleWhatIsOver(waiting)) return 0;
    const backoffMs = this.#backoffUntil - clock.monotonic();
    if (backoffMs > 0) return this.#untilEnd(backoffMs);
    if (!clock.trusted()) {
      this.#takeInMeasurement(await door.measureClock());
      return 0;
    }
    const now = clock.now();
    const quietMs = contents.quietUntil - now;
    if (quietMs > 0 && quietMs <= QUIET_MAX_MS) return this.#untilEnd(quietMs);
    const due = soonest(waiting, now, this.#around.closesAt());
    if (due === null) return 1; // the deadline passed just now
    if (due.restMs > 0) return this.#untilEnd(due.restMs);
    if (due.act === 'send' && due.delivery.key === null && this.#doubtsTheNetwork()) {
      // A first attempt that is lost on the way costs the vote its key; a lost measurement costs nothing.
      const answered = await door.measureClock();
      this.#takeInMeasurement(answered);
      if (!answered) return 0;
    }
    if (due.act === 'send') await this.#send(due.delivery);
    else await this.#ask(due.delivery);
    return 0;
  }

  #settleWhatIsOver(waiting: readonly Delivery[]): boolean {
    const now = this.#around.clock.now();
    let changed = false;
    for (const one of waiting) {
      const step = nextStep(one, now, this.#around.closesAt());
      if (step.act === 'settle')
        changed = this.#replace(one, { ...one, fate: step.fate }) || changed;
    }
    return changed;
  }

  async #send(delivery: Delivery): Promise<void> {
    const { clock, door, makeKey } = this.#around;
    const sent = beforeSend(delivery, clock.now(), makeKey);
    if (!this.#replace(delivery, sent)) return;
    const answer = await door.send(sent.option, sent.key);
    this.#replace(sent, afterSend(sent, answer));
    if (answer.kind === 'accepted' && answer.token !== null) {
      this.#around.onResultsToken(answer.token);
    }
    this.#takeIn(answer);
  }

  async #ask(delivery: Delivery): Promise<void> {
    const { clock, door } = this.#around;
    const answer = await door.ask(delivery.key ?? '');
    this.#replace(delivery, afterAsk(delivery, answer, clock.now(), this.#around.closesAt()));
    this.#takeIn(answer);
  }

  /** Draws from an answer when the next attempt may leave. */
  #takeIn(answer: SendAnswer | AskAnswer): void {
    switch (answer.kind) {
      case 'accepted':
      case 'receipt':
        this.#trouble = 'none';
        this.#failures = 0;
        return;
      case 'refused':
        this.#trouble = 'none';
        if (answer.code !== 'id_expired' && answer.code !== 'id_in_future') return;
        this.#around.clock.distrust();
        this.#backOff();
        return;
      case 'overloaded':
        this.#trouble = 'busy';
        this.#keepQuiet(answer.retryAfterMs);
        return;
      case 'unknown':
        this.#trouble = answer.heard ? 'busy' : 'no_answer';
        this.#keepQuiet(answer.retryAfterMs);
        return;
    }
  }

  #takeInMeasurement(answered: boolean): void {
    this.#trouble = answered ? 'none' : 'no_answer';
    if (!answered) this.#backOff();
  }

  #keepQuiet(retryAfterMs: number | null): void {
    if (retryAfterMs === null) {
      this.#backOff();
      return;
    }
    const { store, clock, random } = this.#around;
    const restMs = quietAfter(retryAfterMs, random());
    store.save({ ...store.load(), quietUntil: clock.now() + restMs });
  }

  #backOff(): void {
    const { clock, random } = this.#around;
    this.#backoffUntil = clock.monotonic() + backoffAfter(this.#failures, random());
    this.#failures += 1;
  }

  /** Rests no longer than until the poll's end, when votes that never left are told so. */
  #untilEnd(restMs: number): number {
    const { clock } = this.#around;
    const closesAt = this.#around.closesAt();
    const rest = Math.max(1, Math.ceil(restMs));
    if (closesAt === null || !clock.trusted()) return rest;
    const endMs = Math.ceil(closesAt + DEADLINE_GRACE_MS - clock.now());
    return endMs > 0 ? Math.min(rest, endMs) : rest;
  }

  #doubtsTheNetwork(): boolean {
    return this.#trouble === 'no_answer' || !this.#around.isOnline();
  }

  /** Stores the new form of a delivery, unless another tab has moved it on in the meantime. */
  #replace(before: Delivery, after: Delivery): boolean {
    const { store } = this.#around;
    const contents = store.load();
    const stored = contents.deliveries.find((one) => one.localId === before.localId);
    if (stored === undefined || stored.fate !== null || stored.key !== before.key) return false;
    const deliveries = contents.deliveries.map((one) => (one === stored ? after : one));
    store.save({ ...contents, deliveries });
    this.#around.onChange();
    return true;
  }

  #keep(wanted: (delivery: Delivery) => boolean): void {
    const contents: OutboxContents = this.#around.store.load();
    const deliveries = contents.deliveries.filter(wanted);
    if (deliveries.length < contents.deliveries.length) {
      this.#around.store.save({ ...contents, deliveries });
    }
  }
}
