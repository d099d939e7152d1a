import { describe, expect, test } from 'bun:test';
import { helloWith } from './live-fixtures.ts';
import { type FeedListener, LiveLink, SILENCE_MAX_MS } from './live-link.ts';

/** A network and a clock that do only what the test says. */
class Bench {
  now = 0;
  readonly listeners: FeedListener[] = [];
  readonly lost: number[] = [];
  messages = 0;
  closed = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly call: () => void }>();
  #next = 0;

  link(): LiveLink {
    return new LiveLink(
      {
        connect: (listener) => {
          this.listeners.push(listener);
          return {
            close: () => {
              this.closed += 1;
            },
          };
        },
        now: () => this.now,
        random: () => 0.5,
        after: (delayMs, call) => {
          this.#next += 1;
          const id = this.#next;
          this.#timers.set(id, { at: this.now + delayMs, call });
          return () => this.#timers.delete(id);
        },
      },
      {
        onMessage: () => {
          this.messages += 1;
        },
        onConnecting: () => undefined,
        onLost: (at, retryAt) => this.lost.push(retryAt - at),
      },
    );
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= until);
      const [first] = due.sort(([, a], [, b]) => a.at - b.at);
      if (first === undefined) break;
      const [id, timer] = first;
      this.#timers.delete(id);
      this.now = timer.at;
      timer.call();
    }
    this.now = until;
  }

  get newest(): FeedListener {
    const listener = this.listeners.at(-1);
    if (listener === undefined) throw new Error('no connection was made');
    return listener;
  }
}

const HELLO = JSON.stringify(helloWith());

describe('the live link', () => {
  test('passes messages on and ignores what it can not read', () => {
    const bench = new Bench();
    bench.link().connect();
    bench.newest.onData(HELLO);
    bench.newest.onData('not json');
    bench.newest.onData(new ArrayBuffer(1));
    expect(bench.messages).toBe(1);
  });

  test('tries again by itself, waiting longer each time', () => {
    const bench = new Bench();
    bench.link().connect();
    for (let i = 0; i < 8; i += 1) {
      bench.newest.onClose();
      bench.advance(20_000);
    }
    expect(bench.listeners.length).toBeGreaterThan(8);
    expect(bench.lost.slice(0, 4)).toEqual([375, 750, 1_500, 3_000]);
    expect(Math.max(...bench.lost)).toBeLessThanOrEqual(15_000);
  });

  test('starts with short waits again once the server has spoken', () => {
    const bench = new Bench();
    bench.link().connect();
    bench.newest.onClose();
    bench.advance(1_000);
    bench.newest.onData(HELLO);
    bench.newest.onClose();
    expect(bench.lost).toEqual([375, 375]);
  });

  test('takes silence for death', () => {
    const bench = new Bench();
    bench.link().connect();
    bench.newest.onData(HELLO);
    bench.advance(SILENCE_MAX_MS - 1);
    expect(bench.lost).toHaveLength(0);
    bench.advance(1);
    expect(bench.lost).toHaveLength(1);
    expect(bench.closed).toBe(1);
  });

  test('hears only the present connection', () => {
    const bench = new Bench();
    bench.link().connect();
    const old = bench.newest;
    bench.advance(SILENCE_MAX_MS + 1_000);
    expect(bench.listeners).toHaveLength(2);
    old.onData(HELLO);
    old.onClose();
    expect(bench.messages).toBe(0);
    expect(bench.lost).toHaveLength(1);
  });

  test('retries at once when asked, with one connection only', () => {
    const bench = new Bench();
    const link = bench.link();
    link.connect();
    link.connect();
    expect(bench.listeners).toHaveLength(1);
    bench.newest.onClose();
    link.connect();
    expect(bench.listeners).toHaveLength(2);
    bench.advance(1_000);
    expect(bench.listeners).toHaveLength(2);
  });

  test('is over when disposed', () => {
    const bench = new Bench();
    const link = bench.link();
    link.connect();
    link[Symbol.dispose]();
    bench.advance(60_000);
    link.connect();
    expect(bench.listeners).toHaveLength(1);
    expect(bench.closed).toBe(1);
  });
});
