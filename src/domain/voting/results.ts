/** Turns counts into results: totals, shares, leaders, and how they went by the hour or the minute. */
import type { TimeWindow } from '../counting/time-window.ts';
import { MINUTE_MS } from '../counting/time-window.ts';

/** Counted votes an option id. An option without an entry has none. */
export type Votes = ReadonlyMap<string, number>;

export interface OptionResult {
  readonly id: string;
  readonly votes: number;
  /** Of the total, 0 to 1, to six places. */
  readonly share: number;
  /** Has the most votes, and at least one; with a tie more than one option leads. */
  readonly leader: boolean;
}

export interface PollResults {
  readonly total: number;
  /** In the order of the poll's options. */
  readonly options: readonly OptionResult[];
}

/** Counted votes of one minute since the Unix epoch. */
export interface MinuteVotes {
  readonly minute: number;
  readonly votes: Votes;
}

export interface WindowResults extends TimeWindow, PollResults {}

/** Shares are told in millionths. */
const SHARE_UNITS = 1_000_000;

/** The results of the options with these ids; votes of any other id are left out. */
export function resultsOf(optionIds: readonly string[], votes: Votes): PollResults {
  const counts = optionIds.map((id) => votes.get(id) ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(0, ...counts);
  const shares = sharesOf(counts, total);
  const options = optionIds.map((id, index) => {
    const count = counts[index] ?? 0;
    return { id, votes: count, share: shares[index] ?? 0, leader: count > 0 && count === most };
  });
  return { total, options };
}

/**
 * Shares that add up to exactly 1 (or 0 without votes): cut to six places, and the millionths left
 * over go to the largest remainders, the earlier option first. The same counts always give the same
 * shares, and more votes never give a smaller share.
 */
export function sharesOf(counts: readonly number[], total: number): readonly number[] {
  if (total === 0) return counts.map(() => 0);
  const whole = BigInt(total);
  const units = counts.map((count) => {
    const scaled = BigInt(count) * BigInt(SHARE_UNITS);
    return { cut: Number(scaled / whole), remainder: Number(scaled % whole) };
  });
  const left = SHARE_UNITS - units.reduce((sum, { cut }) => sum + cut, 0);
  const byRemainder = [...units.keys()].sort(
    (a, b) => (units[b]?.remainder ?? 0) - (units[a]?.remainder ?? 0) || a - b,
  );
  const raised = new Set(byRemainder.slice(0, left));
  return units.map(({ cut }, index) => (cut + (raised.has(index) ? 1 : 0)) / SHARE_UNITS);
}

/**
 * The results of each window, from minutes in ascending order. Windows are ascending, do not overlap
 * and are whole minutes; minutes outside all of them are left out.
 */
export function resultsByWindow(
  optionIds: readonly string[],
  minutes: readonly MinuteVotes[],
  windows: readonly TimeWindow[],
): readonly WindowResults[] {
  let next = 0;
  return windows.map((window) => {
    const votes = new Map<string, number>();
    for (; next < minutes.length; next += 1) {
      const entry = minutes[next];
      if (entry === undefined || entry.minute * MINUTE_MS >= window.to) break;
      if (entry.minute * MINUTE_MS < window.from) continue;
      for (const [id, count] of entry.votes) votes.set(id, (votes.get(id) ?? 0) + count);
    }
    return { ...window, ...resultsOf(optionIds, votes) };
  });
}
