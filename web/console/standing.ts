/** The rows of the options' table: place, share, the last minute and where it pulls. */
import type { LivePoll } from './live-state.ts';
import type { PollOption } from './poll.ts';
import { votesBetween } from './second-series.ts';

export interface Standing {
  readonly option: PollOption;
  /** In the poll's own order, from 0: decides the option's colour. */
  readonly position: number;
  /** From 1; options with equal votes share a place. */
  readonly place: number;
  readonly votes: number;
  /** 0..1; null while nothing has been counted. */
  readonly share: number | null;
  readonly lastMinute: number;
  /** The share of the last minute minus the whole share; null while either is unknown. */
  readonly pull: number | null;
}

const MINUTE_MS = 60_000;

/** Rows in order of votes; `until` (epoch ms) is where the last minute ends. */
export function standingsOf(entry: LivePoll, until: number): readonly Standing[] {
  const { poll, votes, seconds } = entry;
  const counts = poll.options.map((option) => votes[option.id] ?? 0);
  const minutes = poll.options.map((option) =>
    votesBetween(seconds, option.id, until - MINUTE_MS, until),
  );
  const total = sum(counts);
  const minuteTotal = sum(minutes);
  return poll.options
    .map((option, position) => {
      const count = counts[position] ?? 0;
      const lastMinute = minutes[position] ?? 0;
      const share = total > 0 ? count / total : null;
      return {
        option,
        position,
        place: 1 + counts.filter((other) => other > count).length,
        votes: count,
        share,
        lastMinute,
        pull: share === null || minuteTotal === 0 ? null : lastMinute / minuteTotal - share,
      };
    })
    .sort((a, b) => b.votes - a.votes || a.position - b.position);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
