/** An event loop that tests turn by hand, and a log that answers when it is told to. */
import type { ManualClock } from '../../src/adapters/memory/clock.ts';
import type { EventLoop } from '../../src/application/counting/group-commit.ts';
import type { EventLog, PartitionBlock } from '../../src/ports/event-log.ts';

/** Lets everything that is ready to run do so: promises, not timers. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class HandTurnedLoop implements EventLoop {
  readonly #clock: ManualClock;
  #turns: (() => void)[] = [];
  #timers: Timer[] = [];

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Timers that are neither run nor cancelled. */
  get timers(): number {
    return this.#timers.length;
  }

  nextTurn(run: () => void): void {
    this.#turns.push(run);
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#clock.monotonic() + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Turns once: what was asked for until now runs; what that asks for waits for the next turn. */
  async turn(): Promise<void> {
    for (const run of this.#turns.splice(0)) run();
    await settled();
  }

  /** Lets time pass, with the timers that come due in it. No turn. */
  async pass(ms: number): Promise<void> {
    const end = this.#clock.monotonic() + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#clock.advance(Math.max(0, due.at - this.#clock.monotonic()));
      due.run();
      await settled();
    }
    this.#clock.advance(end - this.#clock.monotonic());
  }
}

export interface HeldAppend {
  readonly blocks: readonly PartitionBlock[];
  /** Lets the log behind take the append and answer. */
  release(): Promise<void>;
  /** Answers with an error; the log behind takes nothing. */
  fail(error: unknown): Promise<void>;
}

/** Holds every append of a log until the test lets it go. */
export class HeldLog implements Pick<EventLog, 'append'> {
  readonly #log: EventLog;
  /** Every append so far, in order. */
  readonly appends: HeldAppend[] = [];

  readonly #appendsUnderWayMax: number;

  /** `appendsUnderWayMax`: what it says of itself; the log's own if absent. */
  constructor(log: EventLog, appendsUnderWayMax = log.description.appendsUnderWayMax) {
    this.#log = log;
    this.#appendsUnderWayMax = appendsUnderWayMax;
  }

  append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    this.appends.push({
      blocks,
      release: async () => {
        resolve(this.#log.append(blocks));
        await settled();
      },
      fail: async (error) => {
        reject(error);
        await settled();
      },
    });
    return promise;
  }

  /** The whole log, with this way to append. */
  asLog(): EventLog {
    const log = this.#log;
    return {
      description: { ...log.description, appendsUnderWayMax: this.#appendsUnderWayMax },
      append: (blocks) => this.append(blocks),
      read: (partition, from, maxBytes) => log.read(partition, from, maxBytes),
      bounds: (partition) => log.bounds(partition),
      changed: (positions, signal) => log.changed(positions, signal),
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
  }
}
