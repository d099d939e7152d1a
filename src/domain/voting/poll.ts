/** What a poll is: its options, its settings, its state, and the limits that bound them. */
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
/**
 * - `draft`: being written; takes no votes, the public does not see it.
 * - `scheduled`: opens by itself at `opensAt`.
 * - `open` and `paused`: takes votes, or holds them off for a while.
 * - `closing`: the doors are shut from `closesAt` on; votes on their way are still being counted.
 * - `closed`: every store has passed the CLOSE; the result can never move again.
 * - `published`: an operator has announced the result.
 * - `archived`: over and done with; the log may forget its votes.
 */
export type PollState = (typeof POLL_STATES)[number];

export const VOTE_POLICIES = ['unlimited', 'limited', 'single'] as const;
export type VotePolicy = (typeof VOTE_POLICIES)[number];

export const CHALLENGE_POLICIES = ['off', 'risk', 'always'] as const;
export type ChallengePolicy = (typeof CHALLENGE_POLICIES)[number];

/** Who may see results before the end, from the strictest to the most open. */
export const RESULTS_VISIBILITIES = [
  'never',
  'after_publish',
  'after_close',
  'after_vote',
  'always',
] as const;
export type ResultsVisibility = (typeof RESULTS_VISIBILITIES)[number];

/** How much of a visible result is told, from the least to the most. */
export const RESULTS_DETAILS = ['winner', 'percentage', 'count'] as const;
export type ResultsDetail = (typeof RESULTS_DETAILS)[number];

export interface PollOption {
  /** A slug, unique in the poll; what a vote names. */
  readonly id: string;
  readonly name: string;
  /** A path on this server (IMAGE_PATH_PATTERN): pages make no request to third parties. */
  readonly imageUrl: string | null;
}

/** The looks of a poll's pages: live settings. */
export interface Look {
  /** `#rrggbb`, lower case. */
  readonly accentColor: string | null;
  /** A path on this server (IMAGE_PATH_PATTERN). */
  readonly logoUrl: string | null;
}

/** What an operator chooses; the rest of a poll follows from acts and the clock. */
export interface PollSettings {
  readonly title: string;
  readonly options: readonly PollOption[];
  /** When it opens (or opened), ms since the Unix epoch. Null only in drafts. */
  readonly opensAt: number | null;
  /** From this instant on the doors take no vote. Null: until an operator closes it. */
  readonly closesAt: number | null;
  /** IANA name: the zone in which hours are reported. */
  readonly timeZone: string;
  readonly votePolicy: VotePolicy;
  readonly challengePolicy: ChallengePolicy;
  readonly resultsVisibility: ResultsVisibility;
  readonly resultsDetail: ResultsDetail;
  readonly look: Look;
}

export interface Poll extends PollSettings {
  /** A slug; also the scope of the poll's events in the log. */
  readonly id: string;
  /**
   * The id of the log that its votes stand in; fixed at creation. Empty in a poll that was made before
   * polls had it: it stands in the installation's first log.
   */
  readonly log: string;
  readonly state: PollState;
  /** 1 at creation, one more with every change. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Poll and option ids. */
export const SLUG_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const SLUG_LENGTH_MAX = 63;
/** What `imageUrl` and `logoUrl` may point to: an uploaded image, or an asset that Apura ships. */
export const IMAGE_PATH_PATTERN = /^\/(v1\/images\/[0-9a-f]{64}|assets\/[A-Za-z0-9._-]{1,128})$/;
export const ACCENT_COLOR_PATTERN = /^#[0-9a-f]{6}$/;

export const OPTIONS_MIN = 2;
export const OPTIONS_MAX = 100;
/** Lengths in Unicode code points, after trimming. */
export const TITLE_LENGTH_MAX = 200;
export const OPTION_NAME_LENGTH_MAX = 100;

export const DEFAULT_TIME_ZONE = 'America/Sao_Paulo';
export const DEFAULT_RESULTS_VISIBILITY: ResultsVisibility = 'after_vote';
export const DEFAULT_RESULTS_DETAIL: ResultsDetail = 'percentage';

/** Where an uploaded image is served. */
export function imagePath(sha256: string): string {
  return `/v1/images/${sha256}`;
}
