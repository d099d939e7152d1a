/** Requests to the API: by cookie session, in JSON, every failure a value with a stable code. */

/** One field that the server refused; `pointer` is an RFC 6901 JSON pointer into the body. */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface Problem {
  /** A code of the API, or `network` (no answer) or `unreadable` (an answer that is not the API's). */
  readonly code: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** The answer's JSON; null where it has none. A body that is a Blob is sent as what it is. */
export type Send = (method: string, path: string, body?: unknown) => Promise<Outcome<unknown>>;

/** A request without an answer for this long is given up, so that a button never hangs. */
const ANSWER_TIMEOUT_MS = 15_000;

export function createSender(fetch: Fetch): Send {
  return async (method, path, body) => {
    const isBlob = body instanceof Blob;
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        headers: {
          Accept: 'application/json',
          ...(method === 'GET' ? {} : { 'Content-Type': isBlob ? body.type : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isBlob ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
    } catch {
      return failed({ code: 'network', status: 0, detail: '', errors: [] });
    }
    const parsed = await readJson(response);
    if (!response.ok) return failed(problemOf(response.status, parsed));
    return { ok: true, value: parsed };
  };
}

/** The outcome without its value. */
export function nothing(outcome: Outcome<unknown>): Outcome<null> {
  return outcome.ok ? { ok: true, value: null } : outcome;
}

/** The outcome as a T, or the problem `unreadable` where the answer is none. */
export function narrow<T>(
  outcome: Outcome<unknown>,
  is: (value: unknown) => value is T,
): Outcome<T> {
  if (!outcome.ok) return outcome;
  if (is(outcome.value)) return { ok: true, value: outcome.value };
  return failed({ code: 'unreadable', status: 200, detail: '', errors: [] });
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function failed(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function problemOf(status: number, body: unknown): Problem {
  if (!isRecord(body) || typeof body.code !== 'string') {
    return { code: 'unreadable', status, detail: '', errors: [] };
  }
  const detail = typeof body.detail === 'string' ? body.detail : String(body.title ?? '');
  const errors = Array.isArray(body.errors) ? body.errors.filter(isFieldProblem) : [];
  return { code: body.code, status, detail, errors };
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && typeof value.pointer === 'string' && typeof value.detail === 'string';
}
