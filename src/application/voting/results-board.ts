/** The counts that results are read from: totals and minutes of each poll, as the live tally has them. */
import type { MinuteVotes, Votes } from '../../domain/voting/results.ts';
import type { CountsPosition } from '../../domain/voting/shown-results.ts';

export interface PollTotals extends CountsPosition {
  /** Counted votes an option. Empty for a poll without votes. */
  readonly votes: Votes;
}

export interface PollMinutes extends CountsPosition {
  /** Minutes with votes, ascending. */
  readonly minutes: readonly MinuteVotes[];
}

export interface ResultsBoard {
  /** Totals of one poll and how fresh they are, all of one instant. */
  totals(poll: string): PollTotals;
  /** Minutes `[fromMinute, toMinute)` since the Unix epoch; all of one instant. */
  minutes(poll: string, fromMinute: number, toMinute: number): PollMinutes;
  /** The first and the last minute with votes, or null without any. */
  span(poll: string): { readonly first: number; readonly last: number } | null;
}
