/**
 * Sends pulses to Apura: in batches, each with an id that it keeps through every retry, until the server
 * has said what became of it. What is not settled is bounded: a sender that is too fast waits, or is told.
 */
import { type CallSettings, ingest, type Rejection } from './ingest-call.ts';
import { type Pulse, PulseError, type PulseResult } from './pulse.ts';
import { uuidV7 } from './uuid-v7.ts';

export { type Pulse, PulseError, type PulseResult } from './pulse.ts';

export interface PulseClientSettings {
  /** Of the HTTP port, such as `https://apura.example`. */
  readonly url: string;
  /** A tenant's API key with the scope `ingest`, or the operator's token. */
  readonly apiKey: string;
  /** Of pulses that name none. */
  readonly source?: string;
  /** Takes pulses of any age; the key needs the scope `backfill`. */
  readonly allowBackfill?: boolean;
  /** Pulses in a request: 500; at most 1,000. */
  readonly batchSizeMax?: number;
  /** How long the first pulse of a batch waits for others: 20 ms. */
  readonly batchDelayMs?: number;
  /** Requests under way at once: 4. */
  readonly requestsMax?: number;
  /** Pulses that are not settled: 10,000. */
  readonly queueSizeMax?: number;
  /** What `send` does while so many are not settled. `wait`: up to `waitingMax` more wait for room. */
  readonly whenFull?: 'wait' | 'reject';
  /** 10,000. */
  readonly waitingMax?: number;
  /** An answer that takes longer is lost: 10 s. */
  readonly requestTimeoutMs?: number;
  /** The pause before the first retry, twice as long before each further one: 100 ms, up to 10 s. */
  readonly retryFirstMs?: number;
  readonly retryMsMax?: number;
  /** How long a batch is sent again before its pulses are given up: 10 minutes. */
  readonly giveUpAfterMs?: number;
  /** For tests and proxies; the runtime's own where absent. */
  readonly fetch?: typeof fetch;
  /** In [0, 1): spreads retries. */
  readonly random?: () => number;
}

export interface PulseClient {
  /**
   * Resolves once the server has said what became of the pulse. Rejects with a PulseError where that
   * was not to be had, and with a TypeError where the amount is no text.
   */
  send(pulse: Pulse): Promise<PulseResult>;
  /** Resolves once another pulse would neither wait nor be refused for want of room. */
  room(): Promise<void>;
  /** Sends what waits for a full batch; resolves once everything that was sent before is settled. */
  flush(): Promise<void>;
  /** Takes no more pulses and flushes; after `withinMs` (30 s) gives up what is not settled. */
  close(withinMs?: number): Promise<void>;
}

/** @throws TypeError: the URL is none. RangeError: `batchSizeMax` is not 1 to 1,000. */
export function createPulseClient(settings: PulseClientSettings): PulseClient {
  return new BatchingClient(settings);
}

const BATCH_SIZE_LIMIT = 1_000;
/** The server's own limit of a body in JSON is 4 MiB. */
const BATCH_BYTES_MAX = 2 * 1024 * 1024;

const encoder = new TextEncoder();

interface Entry {
  readonly id: string;
  /** Made once: a retry is the same to the byte. */
  readonly json: string;
  readonly bytes: number;
  readonly resolve: (result: PulseResult) => void;
  readonly reject: (error: PulseError) => void;
}

class BatchingClient implements PulseClient {
  readonly #settings: Required<Omit<PulseClientSettings, 'source'>> & {
    readonly source: string | undefined;
  };
  readonly #call: CallSettings;
  readonly #queue: Entry[] = [];
  /** Every `send` that has not ended, also those that wait for room. */
  readonly #open = new Set<Promise<unknown>>();
  /** Sends that wait for room, and those who only want to know that there is some. */
  readonly #waiting: (() => void)[] = [];
  readonly #watching: (() => void)[] = [];
  readonly #abort = new AbortController();
  #unsettled = 0;
  #underWay = 0;
  #flushes = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Whether the queue is to be sent although it makes no full batch. */
  #isDue = false;
  #isClosed = false;

  constructor({ source, ...given }: PulseClientSettings) {
    this.#settings = {
      ...{ allowBackfill: false, batchSizeMax: 500, batchDelayMs: 20, requestsMax: 4 },
      ...{ queueSizeMax: 10_000, whenFull: 'wait', waitingMax: 10_000 },
      ...{ requestTimeoutMs: 10_000, retryFirstMs: 100, retryMsMax: 10_000 },
      ...{ giveUpAfterMs: 600_000, fetch: globalThis.fetch, random: Math.random },
      ...given,
      source,
    };
    const { url, batchSizeMax } = this.#settings;
    new URL(url);
    if (!(batchSizeMax >= 1 && batchSizeMax <= BATCH_SIZE_LIMIT)) {
      throw new RangeError(`batchSizeMax is ${batchSizeMax}, not 1 to ${BATCH_SIZE_LIMIT}.`);
    }
    this.#call = this.#settings;
  }

  send(pulse: Pulse): Promise<PulseResult> {
    const sent = this.#send(pulse);
    this.#open.add(sent);
    const ended = () => this.#open.delete(sent);
    sent.then(ended, ended);
    return sent;
  }

  async room(): Promise<void> {
    while (this.#unsettled >= this.#settings.queueSizeMax) {
      await new Promise<void>((resolve) => this.#watching.push(resolve));
    }
  }

  async flush(): Promise<void> {
    this.#flushes += 1;
    this.#pump();
    await Promise.allSettled([...this.#open]);
    this.#flushes -= 1;
  }

  async close(withinMs = 30_000): Promise<void> {
    this.#isClosed = true;
    const timer = setTimeout(() => this.#giveAllUp(), withinMs);
    await this.flush();
    clearTimeout(timer);
  }

  async #send(pulse: Pulse): Promise<PulseResult> {
    const id = pulse.id ?? uuidV7();
    const json = jsonOf(pulse, id, this.#settings.source);
    if (this.#isClosed) throw new PulseError('not_taken', 'closed', id);
    // No further turn where there is room: what is sent before `flush` is what it flushes.
    if (this.#unsettled < this.#settings.queueSizeMax) this.#unsettled += 1;
    else await this.#place(id);
    if (this.#abort.signal.aborted) {
      this.#leave();
      throw new PulseError('not_taken', 'closed', id);
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ id, json, bytes: encoder.encode(json).length, resolve, reject });
      this.#pump();
    });
  }

  /** The place of a pulse that is settled, once there is one. */
  async #place(id: string): Promise<void> {
    const { whenFull, waitingMax } = this.#settings;
    if (whenFull === 'reject' || this.#waiting.length >= waitingMax) {
      throw new PulseError('not_taken', 'queue_full', id);
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A pulse is settled: its place goes to the one that has waited for longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    this.#unsettled -= 1;
    for (const look of this.#watching.splice(0)) look();
  }

  #pump(): void {
    const { requestsMax, batchSizeMax, batchDelayMs } = this.#settings;
    while (this.#underWay < requestsMax && this.#queue.length > 0) {
      if (!this.#isDue && this.#flushes === 0 && this.#queue.length < batchSizeMax) break;
      const batch = this.#takeBatch();
      this.#underWay += 1;
      void this.#deliver(batch).then(() => {
        this.#underWay -= 1;
        this.#pump();
      });
    }
    if (this.#queue.length === 0) {
      this.#isDue = false;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    } else if (!this.#isDue) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#isDue = true;
        this.#pump();
      }, batchDelayMs);
    }
  }

  #takeBatch(): readonly Entry[] {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#queue) {
      bytes += entry.bytes;
      if (count === this.#settings.batchSizeMax || (count > 0 && bytes > BATCH_BYTES_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Sends the batch until it is settled, one way or another. Never rejects. */
  async #deliver(batch: readonly Entry[]): Promise<void> {
    const { allowBackfill, giveUpAfterMs } = this.#settings;
    const { signal } = this.#abort;
    const pulses = batch.map(({ json }) => json).join(',');
    const body = `{"pulses":[${pulses}]${allowBackfill ? ',"allowBackfill":true' : ''}}`;
    const startedAt = performance.now();
    let mayBeTaken = false;
    for (let tries = 1; ; tries += 1) {
      const outcome = await ingest(this.#call, body, batch.length, signal);
      if (outcome.kind === 'answered') {
        this.#settle(batch, outcome.results, mayBeTaken);
        return;
      }
      if (outcome.kind === 'unknown') mayBeTaken = true;
      const pauseMs = this.#pauseMs(tries, outcome.retryAfterMs);
      const isLate = performance.now() - startedAt + pauseMs > giveUpAfterMs;
      const isRefused = outcome.kind === 'refused' && !outcome.again;
      if (isRefused || isLate || !(await pause(pauseMs, signal))) {
        this.#giveUp(batch, mayBeTaken ? 'unknown' : 'not_taken', outcome.code);
        return;
      }
    }
  }

  #settle(batch: readonly Entry[], results: readonly Rejection[], mayBeTaken: boolean): void {
    for (const [at, { id, resolve, reject }] of batch.entries()) {
      const rejection = results[at] ?? null;
      if (rejection === null) resolve({ status: 'accepted', id });
      // An earlier try, of which nobody knows, may have been taken when the pulse was still good.
      else if (mayBeTaken) reject(new PulseError('unknown', rejection.code, id));
      else resolve({ status: 'rejected', id, ...rejection });
      this.#leave();
    }
  }

  #giveUp(batch: readonly Entry[], outcome: 'not_taken' | 'unknown', code: string): void {
    for (const { id, reject } of batch) {
      reject(new PulseError(outcome, code, id));
      this.#leave();
    }
  }

  #giveAllUp(): void {
    this.#abort.abort();
    this.#giveUp(this.#queue.splice(0), 'not_taken', 'closed');
  }

  #pauseMs(tries: number, retryAfterMs: number): number {
    const { retryFirstMs, retryMsMax, random } = this.#settings;
    const backoffMs = Math.min(retryMsMax, retryFirstMs * 2 ** (tries - 1));
    return Math.max(retryAfterMs, backoffMs * (0.5 + random() / 2));
  }
}

/** @throws TypeError: the amount is no text, or the time none. */
function jsonOf(pulse: Pulse, id: string, source: string | undefined): string {
  const { usedAmount, occurredAt = new Date() } = pulse;
  if (typeof usedAmount !== 'string') {
    throw new TypeError('usedAmount must be a text such as "12.50": a number has lost digits.');
  }
  const time = typeof occurredAt === 'string' ? occurredAt : occurredAt.toISOString();
  return JSON.stringify({ source, ...pulse, id, occurredAt: time });
}

/** False where `signal` ended it, or had before. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
