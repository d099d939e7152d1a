/** One call of PulseService.Ingest after another by the Connect protocol, and what each says for certain. */
import type { ConnectionFailure } from '../load/run-record.ts';
import { readIngestAnswer } from './ingest-answer.ts';

/**
 * - `answered`: every pulse has a result; the codes of the rejected ones by their places.
 * - `refused`: nothing was taken; `again`: the same may be taken later.
 * - `unknown`: the pulses may have been taken.
 */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly rejections: ReadonlyMap<number, string> }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly again: boolean;
      readonly retryAfterMs: number;
    }
  | {
      readonly kind: 'unknown';
      readonly retryAfterMs: number;
      /** Null where the server answered that it does not know. */
      readonly failure: ConnectionFailure | null;
    };

export interface PulseCallsSettings {
  readonly url: URL;
  /** API key, or the operators' token. */
  readonly token: string;
  /** An answer that takes longer is lost. */
  readonly timeoutMs: number;
}

const INGEST_PATH = '/apura.metering.v1.PulseService/Ingest';
const RETRY_AFTER_SECONDS_MAX = 60;
/** Statuses of a call of which nothing was taken, and would not be the next time either. */
const REFUSED: ReadonlySet<number> = new Set([400, 401, 403, 404, 413, 415, 501]);
/** Codes of the 5xx and 429 kind that say that nothing was taken. */
const NOTHING_TAKEN: ReadonlySet<string> = new Set([
  'overloaded',
  'not_ready',
  'log_unavailable',
  'too_many_attempts',
]);

export class PulseCalls {
  readonly #settings: PulseCallsSettings;
  readonly #url: URL;

  constructor(settings: PulseCallsSettings) {
    this.#settings = settings;
    this.#url = new URL(INGEST_PATH, settings.url);
  }

  /** Sends an IngestRequest of `count` pulses. Never rejects. */
  async ingest(request: Uint8Array<ArrayBuffer>, count: number): Promise<CallOutcome> {
    const { token, timeoutMs } = this.#settings;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/proto' },
        body: request,
      });
      const body = new Uint8Array(await response.arrayBuffer());
      if (response.status !== 200) return outcomeOf(response);
      const rejections = readIngestAnswer(body, count);
      if (rejections !== null) return { kind: 'answered', rejections };
      return { kind: 'unknown', retryAfterMs: 0, failure: 'malformed_answer' };
    } catch (error) {
      return { kind: 'unknown', retryAfterMs: 0, failure: failureOf(error) };
    }
  }
}

function outcomeOf({ status, headers }: Response): CallOutcome {
  const code = headers.get('apura-code') ?? `http_${status}`;
  const seconds = Number(headers.get('retry-after') ?? 0);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1_000 : 0;
  const isRefused = REFUSED.has(status);
  if (!isRefused && !NOTHING_TAKEN.has(code)) {
    return { kind: 'unknown', retryAfterMs, failure: null };
  }
  return { kind: 'refused', code, again: !isRefused, retryAfterMs };
}

function failureOf(error: unknown): ConnectionFailure {
  if (error instanceof Error && error.name === 'TimeoutError') return 'timeout';
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ConnectionRefused' || code === 'ECONNREFUSED' ? 'refused' : 'lost';
}
