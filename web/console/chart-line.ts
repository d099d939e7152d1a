/** The lines that a chart draws, built from a poll's live seconds and the server's points. */
import {
  type Buckets,
  busiestSecond,
  chooseLines,
  countsBefore,
  coversPoints,
  groupLines,
  liveEnd,
  ratesOf,
  secondBuckets,
  sharesOf,
  stackOf,
  stitchedBuckets,
  withoutGaps,
} from './chart-series.ts';
import type { LivePoll } from './live-state.ts';
import { type OptionLook, optionLook, restLook, type Theme } from './palette.ts';
import type { Timeseries } from './poll.ts';
import { isLive } from './poll-act.ts';
import { EMPTY_SECONDS } from './second-series.ts';
import type { Range } from './use-points.ts';

/** More lines than this are a tangle: the rest is drawn as one. */
const LINES_MAX = 12;

const WINDOW_S = { '5m': 300, '1h': 3_600 } as const;

/** A chart of less time than this would race. */
const SPAN_MIN_S = 60;

export interface ChartLine {
  /** Null for the line of the rest. */
  readonly option: string | null;
  readonly name: string;
  readonly look: OptionLook;
}

export interface Curves {
  /** Of `rates` and `stacked`; the rest, where there is one, comes last. */
  readonly lines: readonly ChartLine[];
  /** The end of each bucket, s since the Unix epoch. */
  readonly xs: readonly number[];
  readonly rates: readonly (readonly number[])[];
  readonly stacked: readonly (readonly number[])[];
  /** Of the lines that stand for one option: the rest together is nobody's standing. */
  readonly shares: readonly (readonly (number | null)[])[];
  /** What to show when nobody has zoomed, s since the Unix epoch. */
  readonly window: { readonly min: number; readonly max: number };
  /** The same buckets with a line for every option: for the download. */
  readonly buckets: Buckets;
}

export function curvesOf(
  entry: LivePoll,
  range: Range,
  points: Timeseries | null,
  serverKnownUntil: number,
  theme: Theme,
  restName: (count: number) => string,
): Curves {
  const { poll, votes } = entry;
  const options = poll.options.map((option) => option.id);
  const buckets = bucketsOf(entry, range, points, serverKnownUntil, options);
  const choice = chooseLines(options, votes, LINES_MAX);
  const grouped = groupLines(buckets, options, choice);
  const counts = choice.shown.map((option) => votes[option] ?? 0);
  if (choice.grouped.length > 0) {
    counts.push(choice.grouped.reduce((sum, option) => sum + (votes[option] ?? 0), 0));
  }
  const lines: ChartLine[] = choice.shown.map((option) => {
    const position = options.indexOf(option);
    const name = poll.options[position]?.name ?? option;
    return { option, name, look: optionLook(position, theme) };
  });
  if (choice.grouped.length > 0) {
    lines.push({ option: null, name: restName(choice.grouped.length), look: restLook(theme) });
  }

  const rates = ratesOf(grouped);
  const xs = buckets.starts.map((start, i) => start / 1000 + (buckets.seconds[i] ?? 0));
  const stacked = stackOf(rates);
  return {
    lines,
    xs,
    rates,
    stacked,
    shares: sharesOf(grouped, countsBefore(grouped, counts, busiestSecond(grouped))).slice(
      0,
      choice.shown.length,
    ),
    window: windowOf(range, xs, stacked.at(-1) ?? [], serverKnownUntil),
    buckets,
  };
}

/** As much time as the range says, or less while the poll is younger: its first minutes fill the chart. */
function windowOf(
  range: Range,
  xs: readonly number[],
  totals: readonly number[],
  serverKnownUntil: number,
): { readonly min: number; readonly max: number } {
  const max = xs.at(-1) ?? serverKnownUntil / 1000;
  const firstVote = totals.findIndex((total) => total > 0);
  const begin = xs[Math.max(0, firstVote - 1)] ?? max;
  const youngest = Math.min(begin, max - SPAN_MIN_S);
  return { min: range === 'all' ? youngest : Math.max(youngest, max - WINDOW_S[range]), max };
}

function bucketsOf(
  entry: LivePoll,
  range: Range,
  points: Timeseries | null,
  serverKnownUntil: number,
  options: readonly string[],
): Buckets {
  const { seconds, poll } = entry;
  // When a poll is over, time that passes is no longer a curve of zeros.
  const end = isLive(poll.state) ? liveEnd(seconds, serverKnownUntil) : liveEnd(seconds, 0);
  if (range === '5m') return secondBuckets(seconds, options, seconds.from, end);
  if (points === null) return { starts: [], seconds: [], votes: options.map(() => []) };
  const asOf = Date.parse(points.asOf);
  if (seconds.length > 0 && coversPoints(points.points, points.step, asOf, seconds)) {
    return secondBuckets(seconds, options, seconds.from, end);
  }
  const stitchable = isLive(poll.state) ? seconds : EMPTY_SECONDS;
  const stitched = stitchedBuckets(points.points, points.step, asOf, stitchable, options, end);
  return withoutGaps(stitched, points.step);
}
