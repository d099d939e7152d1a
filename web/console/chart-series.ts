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
 * The cumulative share (0..1) of each line at the end of each bucket, worked out backwards from the
 * counts at the end: exact for a window that does not reach back to the first vote. Null while
 * nothing has been counted.
 */
export function sharesOf(
  buckets: Buckets,
  countsAtEnd: readonly number[],
): readonly (readonly (number | null)[])[] {
  const running = [...countsAtEnd];
  const shares: (number | null)[][] = buckets.votes.map(() => new Array(buckets.starts.length));
  for (let i = buckets.starts.length - 1; i >= 0; i -= 1) {
    const total = running.reduce((sum, count) => sum + Math.max(0, count), 0);
    running.forEach((count, line) => {
      const share = shares[line];
      if (share !== undefined) share[i] = total > 0 ? Math.max(0, count) / total : null;
      running[line] = count - (buckets.votes[line]?.[i] ?? 0);
    });
  }
  return shares;
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
