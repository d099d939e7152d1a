/** The votes counted in each of the last seconds of one poll: what the five-minute curve is made of. */
import type { CountedSecond, SecondHistory } from './live-message.ts';

/**
 * Ten minutes: twice the shown window, so that the curve of the last hour can be stitched to the
 * newest whole minute even when a refresh of the minutes comes late.
 */
export const SECONDS_MAX = 600;

/** Every list of `votes` has the same length; index i is the second `from + i * 1000`. */
export interface SecondSeries {
  readonly from: number;
  readonly length: number;
  readonly votes: ReadonlyMap<string, readonly number[]>;
}

export const EMPTY_SECONDS: SecondSeries = { from: 0, length: 0, votes: new Map() };

export function seriesEnd(series: SecondSeries): number {
  return series.from + series.length * 1000;
}

/** Puts one second in its place: gaps are filled with zeros, a second that is known is replaced. */
export function withSecond(series: SecondSeries, second: CountedSecond): SecondSeries {
  const at = wholeSecond(second.at);
  const votes: Record<string, readonly number[]> = {};
  for (const [option, count] of Object.entries(second.votes)) votes[option] = [count];
  return withHistory(series, { from: at, votes }, 1);
}

/** Lays a history over what is known: the history wins where both speak, older seconds stay. */
export function withHistory(
  series: SecondSeries,
  history: SecondHistory,
  lengthMin = 0,
): SecondSeries {
  const from = wholeSecond(history.from);
  const length = Object.values(history.votes).reduce(
    (longest, votes) => Math.max(longest, votes.length),
    lengthMin,
  );
  if (length === 0) return series;
  const historyEnd = from + length * 1000;
  const isFresh = series.length === 0 || from - seriesEnd(series) > SECONDS_MAX * 1000;
  const start = isFresh ? from : Math.min(series.from, from);
  const end = isFresh ? historyEnd : Math.max(seriesEnd(series), historyEnd);
  const kept = Math.max(start, end - SECONDS_MAX * 1000);

  const names = new Set([...(isFresh ? [] : series.votes.keys()), ...Object.keys(history.votes)]);
  const merged = new Map<string, readonly number[]>();
  for (const name of names) {
    const line = new Array<number>((end - kept) / 1000).fill(0);
    if (!isFresh) lay(line, kept, series.from, series.votes.get(name) ?? []);
    const zeros = new Array<number>(length).fill(0);
    lay(line, kept, from, Object.assign(zeros, history.votes[name] ?? []));
    merged.set(name, line);
  }
  return { from: kept, length: (end - kept) / 1000, votes: merged };
}

/** Votes of one option in the seconds that start in `[from, until)`, ms since the Unix epoch. */
export function votesBetween(
  series: SecondSeries,
  option: string,
  from: number,
  until: number,
): number {
  const line = series.votes.get(option);
  if (line === undefined) return 0;
  const first = Math.max(0, Math.ceil((from - series.from) / 1000));
  const last = Math.min(series.length, Math.ceil((until - series.from) / 1000));
  let sum = 0;
  for (let i = first; i < last; i += 1) sum += line[i] ?? 0;
  return sum;
}

function lay(line: number[], kept: number, from: number, votes: readonly number[]): void {
  const shift = (from - kept) / 1000;
  votes.forEach((count, i) => {
    if (shift + i >= 0 && shift + i < line.length) line[shift + i] = count;
  });
}

function wholeSecond(at: string | number): number {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return Math.floor(ms / 1000) * 1000;
}
