/** The API as the console uses it: by cookie session, every failure a value with a stable code. */
import type {
  Look,
  OperatorAct,
  Poll,
  Results,
  ResultsDetail,
  ResultsVisibility,
  SeriesStep,
  Timeseries,
} from './poll.ts';
import type { PollAct } from './poll-act.ts';

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

export interface OptionBody {
  readonly id?: string;
  readonly name: string;
}

/** What creates a poll, and what may change while it is a draft. */
export interface PollBody {
  readonly title: string;
  readonly options: readonly OptionBody[];
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly timeZone: string;
  readonly resultsVisibility: ResultsVisibility;
  readonly resultsDetail: ResultsDetail;
}

export interface PollPatch extends Partial<PollBody> {
  readonly look?: Look;
  readonly expectedVersion?: number;
}

export interface ApiClient {
  /** Whether a session is open; a problem only when the server can not say. */
  session(): Promise<Outcome<boolean>>;
  signIn(token: string): Promise<Outcome<null>>;
  signOut(): Promise<Outcome<null>>;
  createPoll(body: PollBody): Promise<Outcome<Poll>>;
  changePoll(poll: string, patch: PollPatch): Promise<Outcome<Poll>>;
  act(poll: string, act: PollAct, expectedVersion: number): Promise<Outcome<Poll>>;
  putImage(poll: string, option: string, image: Blob): Promise<Outcome<null>>;
  results(poll: string): Promise<Outcome<Results>>;
  timeseries(poll: string, step: SeriesStep, from: number | null): Promise<Outcome<Timeseries>>;
  acts(poll: string): Promise<Outcome<readonly OperatorAct[]>>;
}

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** A request without an answer for this long is given up, so that a button never hangs. */
const ANSWER_TIMEOUT_MS = 15_000;

export function createApiClient(fetch: Fetch): ApiClient {
  async function send(method: string, path: string, body?: unknown): Promise<Outcome<unknown>> {
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
  }

  const poll = (id: string) => `/v1/polls/${encodeURIComponent(id)}`;
  const asPoll = (outcome: Outcome<unknown>) => narrow(outcome, isPoll);

  return {
    session: async () => {
      const outcome = await send('GET', '/console/session');
      if (outcome.ok) return { ok: true, value: true };
      return outcome.problem.status === 401 ? { ok: true, value: false } : outcome;
    },
    signIn: async (token) => nothing(await send('POST', '/console/session', { token })),
    signOut: async () => nothing(await send('DELETE', '/console/session')),
    createPoll: async (body) => asPoll(await send('POST', '/v1/polls', body)),
    changePoll: async (id, patch) => asPoll(await send('PATCH', poll(id), patch)),
    act: async (id, act, expectedVersion) =>
      asPoll(await send('POST', `${poll(id)}/${act}`, { expectedVersion })),
    putImage: async (id, option, image) =>
      nothing(await send('PUT', `${poll(id)}/options/${encodeURIComponent(option)}/image`, image)),
    results: async (id) => narrow(await send('GET', `${poll(id)}/results`), isResults),
    timeseries: async (id, step, from) => {
      const since =
        from === null ? '' : `&from=${encodeURIComponent(new Date(from).toISOString())}`;
      const path = `${poll(id)}/results/timeseries?step=${step}${since}`;
      return narrow(await send('GET', path), isTimeseries);
    },
    acts: async (id) => {
      const outcome = narrow(await send('GET', `${poll(id)}/acts`), isActs);
      return outcome.ok ? { ok: true, value: outcome.value.items } : outcome;
    },
  };
}

/** The address that downloads a poll's data. */
export function exportHref(
  poll: string,
  what: 'votes' | 'results' | 'hourly',
  format: 'csv' | 'ndjson',
): string {
  return `/v1/polls/${encodeURIComponent(poll)}/export?format=${format}&what=${what}`;
}

/** The address of a poll's report: a page to print, or a table. */
export function reportHref(poll: string, format: 'html' | 'csv'): string {
  return `/v1/polls/${encodeURIComponent(poll)}/report?format=${format}`;
}

function failed(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}

function nothing(outcome: Outcome<unknown>): Outcome<null> {
  return outcome.ok ? { ok: true, value: null } : outcome;
}

function narrow<T>(outcome: Outcome<unknown>, is: (value: unknown) => value is T): Outcome<T> {
  if (!outcome.ok) return outcome;
  if (is(outcome.value)) return { ok: true, value: outcome.value };
  return failed({ code: 'unreadable', status: 200, detail: '', errors: [] });
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

function isPoll(value: unknown): value is Poll {
  return isRecord(value) && typeof value.id === 'string' && Array.isArray(value.options);
}

function isResults(value: unknown): value is Results {
  return isRecord(value) && typeof value.poll === 'string' && Array.isArray(value.options);
}

function isTimeseries(value: unknown): value is Timeseries {
  return isRecord(value) && typeof value.asOf === 'string' && Array.isArray(value.points);
}

function isActs(value: unknown): value is { readonly items: readonly OperatorAct[] } {
  return isRecord(value) && Array.isArray(value.items);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
