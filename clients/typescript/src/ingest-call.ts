/** One call of PulseService.Ingest by the Connect protocol in JSON, and what it says for certain. */

/** What the server says of one pulse; null: accepted. */
export type Rejection = { readonly code: string; readonly message: string } | null;

/**
 * - `answered`: one entry for each pulse, in their order.
 * - `refused`: nothing was taken; `again`: the same may be taken later.
 * - `unknown`: the pulses may have been taken.
 */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly results: readonly Rejection[] }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly again: boolean;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'unknown'; readonly code: string; readonly retryAfterMs: number };

export interface CallSettings {
  readonly url: string;
  readonly apiKey: string;
  readonly requestTimeoutMs: number;
  readonly fetch: typeof fetch;
}

const INGEST_PATH = '/apura.metering.v1.PulseService/Ingest';
const RETRY_AFTER_MS_MAX = 60_000;
/** Statuses of a call of which nothing was taken, and would not be the next time either. */
const REFUSED = [400, 401, 403, 404, 413, 415, 501];
/** Codes that say that nothing was taken, and that it may be later. */
const NOT_NOW = ['overloaded', 'too_many_attempts', 'not_ready', 'log_unavailable'];

/** Sends an IngestRequest of `count` pulses. Never rejects. */
export async function ingest(
  settings: CallSettings,
  body: string,
  count: number,
  signal: AbortSignal,
): Promise<CallOutcome> {
  try {
    const response = await settings.fetch(new URL(INGEST_PATH, settings.url), {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(settings.requestTimeoutMs)]),
      headers: {
        authorization: `Bearer ${settings.apiKey}`,
        'content-type': 'application/json',
      },
      body,
    });
    const text = await response.text();
    if (response.status !== 200) return failure(response);
    const results = resultsIn(JSON.parse(text));
    if (results !== null && results.length === count) return { kind: 'answered', results };
  } catch {
    // No answer, or none that can be read: nobody knows what became of the pulses.
  }
  return { kind: 'unknown', code: 'no_answer', retryAfterMs: 0 };
}

function failure({ status, headers }: Response): CallOutcome {
  const code = headers.get('apura-code') ?? `http_${status}`;
  const afterMs = Number(headers.get('retry-after') ?? 0) * 1_000;
  const retryAfterMs = afterMs > 0 ? Math.min(afterMs, RETRY_AFTER_MS_MAX) : 0;
  if (REFUSED.includes(status)) return { kind: 'refused', code, again: false, retryAfterMs };
  if (NOT_NOW.includes(code)) return { kind: 'refused', code, again: true, retryAfterMs };
  return { kind: 'unknown', code, retryAfterMs };
}

/** Null where the body is no IngestResponse. */
function resultsIn(body: unknown): readonly Rejection[] | null {
  const { results } = body as { results?: unknown };
  if (!Array.isArray(results)) return null;
  const read: Rejection[] = [];
  for (const { status, code, message } of results) {
    if (status === 'PULSE_STATUS_ACCEPTED') read.push(null);
    else if (status === 'PULSE_STATUS_REJECTED') {
      read.push({ code: String(code ?? ''), message: String(message ?? '') });
    } else return null;
  }
  return read;
}
