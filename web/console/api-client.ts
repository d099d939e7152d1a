/** The API as the console uses it, call by call. */
import { createMeteringApi, type MeteringApi } from './metering/metering-api.ts';
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
import { createSender, type Fetch, isRecord, narrow, nothing, type Outcome } from './sender.ts';

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
  readonly metering: MeteringApi;
}

export function createApiClient(fetch: Fetch): ApiClient {
  const send = createSender(fetch);
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
    metering: createMeteringApi(send),
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
