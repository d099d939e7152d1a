/** The poll as the API sends it: the console's own copy of the wire contract. */
export const POLL_STATES = [
  'draft',
  'scheduled',
  'open',
  'paused',
  'closing',
  'closed',
  'published',
  'archived',
] as const;
export type PollState = (typeof POLL_STATES)[number];

export const RESULTS_VISIBILITIES = [
  'never',
  'after_vote',
  'after_close',
  'after_publish',
  'always',
] as const;
export type ResultsVisibility = (typeof RESULTS_VISIBILITIES)[number];

export const RESULTS_DETAILS = ['winner', 'percentage', 'count'] as const;
export type ResultsDetail = (typeof RESULTS_DETAILS)[number];

export const OPTIONS_MIN = 2;
export const OPTIONS_MAX = 100;

export interface PollOption {
  readonly id: string;
  readonly name: string;
  readonly imageUrl: string | null;
}

export interface Look {
  readonly accentColor: string | null;
  readonly logoUrl: string | null;
}

/** Times are RFC 3339 in UTC. */
export interface Poll {
  readonly id: string;
  readonly title: string;
  readonly state: PollState;
  readonly options: readonly PollOption[];
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly timeZone: string;
  readonly votePolicy: string;
  readonly challengePolicy: string;
  readonly resultsVisibility: ResultsVisibility;
  readonly resultsDetail: ResultsDetail;
  readonly look: Look;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What an operator reads: counts are always there. */
export interface Results {
  readonly poll: string;
  readonly total: number | null;
  readonly options: readonly { readonly id: string; readonly votes: number | null }[];
  readonly asOf: string;
  readonly version: number;
  readonly stale: boolean;
}

export type SeriesStep = '1m' | '5m' | '1h';

export interface SeriesPoint {
  readonly from: string;
  readonly total: number;
  readonly options: Readonly<Record<string, number>>;
}

export interface Timeseries {
  readonly poll: string;
  readonly step: SeriesStep;
  readonly points: readonly SeriesPoint[];
  readonly asOf: string;
}

export interface OperatorAct {
  readonly at: string;
  readonly actor: string;
  readonly act: string;
  readonly poll: string | null;
  readonly detail: string | null;
}
