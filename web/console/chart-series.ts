/**
 * From counted votes to the lines of a chart: buckets of time, votes per second, stacks and shares.
 *
 * The newest minutes come from the live seconds, older ones from the server's points, and both are
 * cut at one instant, so that no vote is drawn twice and none is left out.
 */
import type { SeriesPoint, SeriesStep } from './poll.ts';
import { type SecondSeries, seriesEnd, votesBetween } from './second-series.ts';

const STEP_MS: Readonly<Record<SeriesStep, number>> = {
  '1m': 60_000,
  '5m': 300_000,
  '1h': 3_600_000,
};

/** A line of more points than this costs more to send and draw than an eye can tell apart. */
const POINTS_MAX = 720;

/**
 * A second without votes is not sent, so silence and delay look alike for a while: the curve is drawn
 * as zero only when the server has gone on for this long.
 */
const SILENCE_MS = 3_000;

/** `votes[line][i]` were counted in the `seconds[i]` seconds that start at `starts[i]` (epoch ms). */
export interface Buckets {
  readonly starts: readonly number[];
  readonly seconds: readonly number[];
  readonly votes: readonly (readonly number[])[];
}

/** The finest step with which a span of time stays within a readable number of points. */
export function stepForSpan(spanMs: number): SeriesStep {
  if (spanMs / STEP_MS['1m'] <= POINTS_MAX) return '1m';
  return spanMs / STEP_MS['5m'] <= POINTS_MAX ? '5m' : '1h';
}

/** Where the live curve ends, epoch ms: the newest counted second, or later when none came. */
export function liveEnd(series: SecondSeries, serverKnownUntil: number): number {
  const silentUntil = Math.floor((serverKnownUntil - SILENCE_MS) / 1000) * 1000;
  return series.length === 0 ? silentUntil : Math.max(seriesEnd(series), silentUntil);
}

/** One bucket a second over `[from, until)`. */
export function secondBuckets(
  series: SecondSeries,
  options: readonly string[],
  from: number,
  until: number,
): Buckets {
  const first = Math.max(from, series.length === 0 ? until : series.from);
  const starts: number[] = [];
  for (let at = first; at < until; at += 1000) starts.push(at);
  return {
    starts,
    seconds: starts.map(() => 1),
    votes: options.map((option) => {
      const line = series.votes.get(option) ?? [];
      return starts.map((at) => line[(at - series.from) / 1000] ?? 0);
    }),
  };
}

/**
 * The server's whole points, then the live seconds in buckets of the same step up to `until`. Where
 * the seconds do not reach back to the last whole point, the server's unfinished point stands.
 */
export function stitchedBuckets(
  points: readonly SeriesPoint[],
  step: SeriesStep,
  asOf: number,
  series: SecondSeries,
  options: readonly string[],
  until: number,
): Buckets {
  const stepMs = STEP_MS[step];
  const whole = points.filter((point) => Date.parse(point.from) + stepMs <= asOf);
  const partial = points.find((point) => Date.parse(point.from) + stepMs > asOf);
  const starts = whole.map((point) => Date.parse(point.from));
  const seconds = whole.map(() => stepMs / 1000);
  const votes = options.map((option) => whole.map((point) => point.options[option] ?? 0));

  const cut = Math.floor(asOf / stepMs) * stepMs;
  if (series.length > 0 && series.from <= cut) {
    for (let from = cut; from < until; from += stepMs) {
      const end = Math.min(from + stepMs, until);
      starts.push(from);
      seconds.push((end - from) / 1000);
      options.forEach((option, i) => {
        votes[i]?.push(votesBetween(series, option, from, end));
      });
    }
  } else if (partial !== undefined && asOf > Date.parse(partial.from)) {
    starts.push(Date.parse(partial.from));
    seconds.push((asOf - Date.parse(partial.from)) / 1000);
    options.forEach((option, i) => {
      votes[i]?.push(partial.options[option] ?? 0);
    });
  }
  return { starts, seconds, votes };
}

/**
 * Whether the live seconds hold every vote of the server's whole points: then they draw the whole
 * poll, finer than the points can. Votes near a border may fall on either side of it, so a difference
 * of one busy second is none.
 */
export function coversPoints(
  points: readonly SeriesPoint[],
  step: SeriesStep,
  asOf: number,
  series: SecondSeries,
): boolean {
  const stepMs = STEP_MS[step];
  const cut = Math.floor(asOf / stepMs) * stepMs;
  const whole = points.filter((point) => Date.parse(point.from) + stepMs <= asOf);
  const options = [...series.votes.keys()];
  const counted = sum(options.map((option) => votesBetween(series, option, series.from, cut)));
  const all = secondBuckets(series, options, series.from, seriesEnd(series));
  return sum(whole.map((point) => point.total)) - counted <= busiestSecond(all);
}

/** Fills the steps in which nothing was counted, so that a quiet hour is a zero and not a slope. */
export function withoutGaps(buckets: Buckets, step: SeriesStep): Buckets {
  const stepMs = STEP_MS[step];
  const starts: number[] = [];
  const seconds: number[] = [];
  const votes: number[][] = buckets.votes.map(() => []);
  buckets.starts.forEach((start, i) => {
    const last = starts.at(-1);
    for (let at = (last ?? start) + stepMs; last !== undefined && at < start; at += stepMs) {
      starts.push(at);
      seconds.push(stepMs / 1000);
      for (const line of votes) line.push(0);
    }
    starts.push(start);
    seconds.push(buckets.seconds[i] ?? stepMs / 1000);
    votes.forEach((line, n) => {
      line.push(buckets.votes[n]?.[i] ?? 0);
    });
  });
  return { starts, seconds, votes };
}

/** Votes per second of each line. */
export function ratesOf(buckets: Buckets): readonly (readonly number[])[] {
  return buckets.votes.map((line) =>
    line.map((votes, i) => votes / Math.max(1, buckets.seconds[i] ?? 1)),
  );
}

/** Each line on top of those before it: the last one is the sum of all. */
export function stackOf(lines: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const stacked: (readonly number[])[] = [];
  for (const line of lines) {
    const below = stacked.at(-1);
    stacked.push(line.map((value, i) => value + (below?.[i] ?? 0)));
  }
  return stacked;
}

/**
 * What had been counted before the first bucket, worked out backwards from the counts at the end, so
 * that a window need not reach back to the first vote. Counts run ahead of the buckets by the second
 * that is not complete: a remainder within `tolerance` votes is that, and not an older vote.
 */
export function countsBefore(
  buckets: Buckets,
  countsAtEnd: readonly number[],
  tolerance: number,
): readonly number[] {
  const before = countsAtEnd.map((count, line) =>
    Math.max(0, count - sum(buckets.votes[line] ?? [])),
  );
  return sum(before) <= tolerance ? before.map(() => 0) : before;
}

/** The cumulative share (0..1) of each line at the end of each bucket; null until there is a vote. */
export function sharesOf(
  buckets: Buckets,
  before: readonly number[],
): readonly (readonly (number | null)[])[] {
  const running = [...before];
  const shares: (number | null)[][] = buckets.votes.map(() => []);
  buckets.starts.forEach((_, i) => {
    running.forEach((count, line) => {
      running[line] = count + (buckets.votes[line]?.[i] ?? 0);
    });
    const total = sum(running);
    running.forEach((count, line) => {
      shares[line]?.push(total > 0 ? count / total : null);
    });
  });
  return shares;
}

/** The votes of the busiest second: how much one incomplete second can hold back. */
export function busiestSecond(buckets: Buckets): number {
  return Math.max(0, ...(stackOf(ratesOf(buckets)).at(-1) ?? []));
}

/** The lines of a chart: the options of most votes by name, the rest as one. */
export interface LineChoice {
  readonly shown: readonly string[];
  /** Empty when every option has a line of its own. */
  readonly grouped: readonly string[];
}

/** Keeps the poll's own order among those shown, so that bands do not swap places while counting. */
export function chooseLines(
  options: readonly string[],
  votes: Readonly<Record<string, number>>,
  linesMax: number,
): LineChoice {
  if (options.length <= linesMax) return { shown: options, grouped: [] };
  const ranked = [...options].sort((a, b) => (votes[b] ?? 0) - (votes[a] ?? 0));
  const top = new Set(ranked.slice(0, linesMax - 1));
  return {
    shown: options.filter((option) => top.has(option)),
    grouped: options.filter((option) => !top.has(option)),
  };
}

/** Sums the lines of the grouped options into one last line. */
export function groupLines(
  buckets: Buckets,
  options: readonly string[],
  choice: LineChoice,
): Buckets {
  if (choice.grouped.length === 0) return buckets;
  const lineOf = (option: string) => buckets.votes[options.indexOf(option)] ?? [];
  const rest = buckets.starts.map((_, i) =>
    choice.grouped.reduce((sum, option) => sum + (lineOf(option)[i] ?? 0), 0),
  );
  return { ...buckets, votes: [...choice.shown.map(lineOf), rest] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
