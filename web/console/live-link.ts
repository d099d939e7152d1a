/**
 * The connection to the live feed, kept up: one socket at a time, a watch for silence, and retries
 * that wait longer each time. It only carries messages; what they mean is the reducer's part.
 */
import { backoffMs } from './backoff.ts';
import { type LiveMessage, parseLiveMessage } from './live-message.ts';

/** What a connection tells the link. */
export interface FeedListener {
  onData(data: unknown): void;
  onClose(): void;
}

export interface FeedSocket {
  close(): void;
}

/** Everything with an effect, so that tests own the network, the time and the chance. */
export interface LiveLinkPorts {
  connect(listener: FeedListener): FeedSocket;
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Calls back once after a delay; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface LiveLinkEvents {
  onMessage(message: LiveMessage, at: number): void;
  /** The connection broke or could not be made; the next try starts at `retryAt`. */
  onLost(at: number, retryAt: number): void;
  onConnecting(): void;
}

/**
 * The feed speaks once a second. A connection that has been silent for this long is dead although
 * no one has said so (a cable out, a laptop that slept).
 */
export const SILENCE_MAX_MS = 8_000;

export class LiveLink implements Disposable {
  readonly #ports: LiveLinkPorts;
  readonly #events: LiveLinkEvents;
  #socket: FeedSocket | null = null;
  #cancelTimer: () => void = () => undefined;
  #attempt = 0;
  #isDisposed = false;

  constructor(ports: LiveLinkPorts, events: LiveLinkEvents) {
    this.#ports = ports;
    this.#events = events;
  }

  /** Connects at once, in place of a waiting retry; does nothing while a socket is there. */
  connect(): void {
    if (this.#isDisposed || this.#socket !== null) return;
    this.#events.onConnecting();
    // A socket that was let go of may still speak: only the present one is heard.
    const ifPresent = (act: () => void) => {
      if (this.#socket === socket) act();
    };
    const socket = this.#ports.connect({
      onData: (data) => ifPresent(() => this.#receive(data)),
      onClose: () => ifPresent(() => this.#lose()),
    });
    this.#socket = socket;
    this.#watch();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#drop();
  }

  #receive(data: unknown): void {
    this.#watch();
    const message = typeof data === 'string' ? parseLiveMessage(data) : null;
    if (message === null) return;
    if (message.type === 'hello') this.#attempt = 0;
    this.#events.onMessage(message, this.#ports.now());
  }

  #watch(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#ports.after(SILENCE_MAX_MS, () => this.#lose());
  }

  #lose(): void {
    this.#drop();
    const delayMs = backoffMs(this.#attempt, this.#ports.random());
    this.#attempt += 1;
    const at = this.#ports.now();
    this.#cancelTimer = this.#ports.after(delayMs, () => this.connect());
    this.#events.onLost(at, at + delayMs);
  }

  /** Lets go of the socket first: closing a dead one may take minutes to be reported. */
  #drop(): void {
    this.#cancelTimer();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
