/**
 * Keeps the page true: by the live feed, and by asking now and then where the feed can not be had.
 *
 * A feed that breaks is opened again after a growing, random pause, so that a restarted server is not met
 * by everyone at once. While there is none, the results are asked for every few seconds. A hidden page
 * needs neither.
 */
import type { PollState, Results } from './poll.ts';
import { isRecord, type PollChange, readPollChange, readResults } from './poll-guards.ts';
import type { ServerClock } from './server-clock.ts';

/** The part of a WebSocket that is used. */
export type FeedSocket = {
  readonly send: (text: string) => void;
  readonly close: () => void;
};

export type FeedSocketEvents = {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onClose: () => void;
};

/** `live`: messages come by themselves; `asking`: now and then; `lost`: nobody answers. */
export type FeedState = 'live' | 'asking' | 'lost';

export type FeedSurroundings = {
  readonly poll: string;
  readonly clock: ServerClock;
  readonly openSocket: (path: string, events: FeedSocketEvents) => FeedSocket;
  /** The JSON at a path of the API, or null when there is no good answer. Never throws. */
  readonly getJson: (path: string, resultsToken: string | null) => Promise<unknown>;
  readonly resultsToken: () => string | null;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly startTimer: (delayMs: number, work: () => void) => () => void;
  /** What the page takes the poll's state to be. */
  readonly pollState: () => PollState;
  readonly onResults: (results: Results) => void;
  readonly onPoll: (change: PollChange) => void;
  readonly onState: (state: FeedState) => void;
};

const REOPEN_FIRST_MS = 1_000;
const REOPEN_MAX_MS = 60_000;
const ASK_EVERY_MS = 10_000;
const ASK_EVERY_MAX_MS = 60_000;
/** A half-open connection is silent for ever, and a browser can not ping: after this, try a new one. */
const SILENCE_MAX_MS = 90_000;

export class LiveFeed {
  readonly #around: FeedSurroundings;
  readonly #path: string;
  #socket: FeedSocket | null = null;
  #heard = false;
  #tokenShown = false;
  #failures = 0;
  #unanswered = 0;
  #running = false;
  #cancelReopen: () => void = () => {};
  #cancelSilence: () => void = () => {};
  #cancelAsking: () => void = () => {};

  constructor(around: FeedSurroundings) {
    this.#around = around;
    this.#path = `/v1/polls/${encodeURIComponent(around.poll)}`;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#failures = 0;
    this.#open();
  }

  stop(): void {
    this.#running = false;
    this.#cancelReopen();
    this.#cancelAsking();
    this.#drop();
  }

  /** The voter has a token now: shows it to the feed, once, which then sends what it opens. */
  showToken(): void {
    if (this.#heard) this.#authenticate();
    else if (this.#running) this.#askSoon(0);
  }

  #open(): void {
    this.#heard = false;
    this.#tokenShown = false;
    let socket: FeedSocket | null = null;
    const current = () => socket !== null && this.#socket === socket;
    socket = this.#around.openSocket(`${this.#path}/live`, {
      onOpen: () => current() && this.#authenticate(),
      onText: (text) => current() && this.#take(text),
      onClose: () => current() && this.#reopen(),
    });
    this.#socket = socket;
    this.#awaitWord();
  }

  #reopen(): void {
    this.#drop();
    this.#failures += 1;
    const full = Math.min(REOPEN_MAX_MS, REOPEN_FIRST_MS * 2 ** Math.min(this.#failures, 10));
    const { startTimer, random } = this.#around;
    this.#cancelReopen = startTimer(full * (0.25 + random() * 0.75), () => this.#open());
    if (this.#failures > 1) return;
    // Often enough the feed is back before there is a need to ask.
    this.#unanswered = 0;
    this.#around.onState('asking');
    this.#askSoon(REOPEN_FIRST_MS * (2 + random() * 3));
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#heard = false;
    this.#cancelSilence();
    socket?.close();
  }

  #awaitWord(): void {
    this.#cancelSilence();
    const { startTimer, random } = this.#around;
    this.#cancelSilence = startTimer(SILENCE_MAX_MS * (1 + random() / 2), () => this.#reopen());
  }

  #authenticate(): void {
    const token = this.#around.resultsToken();
    if (token === null || this.#tokenShown) return;
    this.#tokenShown = true;
    this.#socket?.send(JSON.stringify({ type: 'auth', token }));
  }

  #take(text: string): void {
    const message = parse(text);
    if (!isRecord(message)) return;
    this.#hear(message.serverTime);
    const poll = readPollChange(message.poll);
    if (poll !== null) this.#around.onPoll(poll);
    const results = readResults(message.results);
    if (results !== null) this.#around.onResults(results);
  }

  #hear(serverTime: unknown): void {
    const { clock, onState } = this.#around;
    this.#failures = 0;
    this.#heard = true;
    this.#cancelAsking();
    this.#awaitWord();
    if (typeof serverTime === 'string')
      clock.observe(Date.parse(serverTime), clock.monotonic(), null);
    onState('live');
  }

  #askSoon(delayMs: number): void {
    this.#cancelAsking();
    this.#cancelAsking = this.#around.startTimer(delayMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { getJson, resultsToken, pollState, onResults, onPoll, onState, random } = this.#around;
    const results = readResults(await getJson(`${this.#path}/results`, resultsToken()));
    if (results !== null && results.state !== pollState()) {
      const poll = readPollChange(await getJson(this.#path, null));
      if (poll !== null && this.#asks()) onPoll(poll);
    }
    if (!this.#asks()) return;
    if (results !== null) onResults(results);
    this.#unanswered = results === null ? this.#unanswered + 1 : 0;
    onState(results === null ? 'lost' : 'asking');
    const every = Math.min(ASK_EVERY_MAX_MS, ASK_EVERY_MS * 2 ** Math.min(this.#unanswered, 10));
    this.#askSoon(every * (0.75 + random() / 2));
  }

  #asks(): boolean {
    return this.#running && !this.#heard;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
