/** The shapes that the voter page reads from the public API, and nothing that it does not need. */

export type Language = 'pt-BR' | 'en' | 'es';

export const LANGUAGES: readonly Language[] = ['pt-BR', 'en', 'es'];

export type PollState =
  | 'draft'
  | 'scheduled'
  | 'open'
  | 'paused'
  | 'closing'
  | 'closed'
  | 'published'
  | 'archived';

export type PollOption = {
  readonly id: string;
  readonly name: string;
  /** A path of this server; anything else is not shown, as the page asks no third party for anything. */
  readonly imageUrl: string | null;
};

export type ResultsVisibility = 'never' | 'after_vote' | 'after_close' | 'after_publish' | 'always';

export type ResultsDetail = 'winner' | 'percentage' | 'count';

/** The fields of the API's Poll that the page uses. Times are RFC 3339, UTC. */
export type Poll = {
  readonly id: string;
  readonly title: string;
  readonly state: PollState;
  readonly options: readonly PollOption[];
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  /** IANA name, such as `America/Sao_Paulo`. */
  readonly timeZone: string;
  readonly votePolicy: string;
  readonly resultsVisibility: ResultsVisibility;
  readonly resultsDetail: ResultsDetail;
  readonly look: PollLook;
  readonly version: number;
};

export type PollLook = {
  /** `#rgb` or `#rrggbb`. */
  readonly accentColor: string | null;
  /** A path of this server. */
  readonly logoUrl: string | null;
};

export type OptionResult = {
  readonly id: string;
  readonly votes: number | null;
  /** 0 to 1. */
  readonly share: number | null;
  readonly leader: boolean | null;
};

export type HiddenReason = 'never' | 'after_vote' | 'after_close' | 'after_publish';

type ResultsFrame = {
  readonly state: PollState;
  /** RFC 3339: the results hold every vote counted until then. */
  readonly asOf: string;
  /** Grows with every counted vote; never shown backwards. */
  readonly version: number;
  readonly stale: boolean;
};

export type VisibleResults = ResultsFrame & {
  readonly visible: true;
  readonly detail: ResultsDetail;
  readonly total: number | null;
  readonly options: readonly OptionResult[];
};

export type HiddenResults = ResultsFrame & {
  readonly visible: false;
  readonly reason: HiddenReason;
};

export type Results = VisibleResults | HiddenResults;

export type ReceiptStatus =
  | 'pending'
  | 'counted'
  | 'duplicate'
  | 'expired'
  | 'late'
  | 'voided'
  | 'not_counted_final';

/** No more votes will be taken, whatever happens. */
export function isOver(state: PollState): boolean {
  return state === 'closing' || state === 'closed' || state === 'published' || state === 'archived';
}

/** Milliseconds since the epoch of an RFC 3339 time, or null when there is none. */
export function instantOf(time: string | null): number | null {
  if (time === null) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}
