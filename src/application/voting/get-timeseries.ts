/** Shows how a poll's votes came in, by minutes, steps or the clock hours of the poll's zone. */
import {
  HOUR_MS,
  hourWindows,
  MINUTE_MS,
  minuteOf,
  stepWindows,
  type TimeWindow,
} from '../../domain/counting/time-window.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import {
  isSeriesHidden,
  type ShownSeries,
  shapeSeries,
} from '../../domain/voting/shown-results.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import type { ResultsDeps } from './get-results.ts';

export type SeriesStep = '1m' | '5m' | '1h';

/** No answer has more windows: a year of hours, or six days of minutes. */
export const SERIES_WINDOWS_MAX = 9_000;

const STEP_MS: Readonly<Record<SeriesStep, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '1h': HOUR_MS,
};

export interface GetTimeseriesInput {
  readonly poll: string;
  readonly audience: Audience;
  readonly step: SeriesStep;
  /** ms since the Unix epoch, widened to whole windows. Null: from the opening, or the first vote. */
  readonly from: number | null;
  /** Null: to now, the closing, or the last vote. */
  readonly to: number | null;
}

export type GetTimeseriesResult =
  | { readonly kind: 'ok'; readonly series: ShownSeries; readonly now: number }
  | { readonly kind: 'poll_not_found' }
  | { readonly kind: 'range_too_long'; readonly windowsMax: number };

/** Every window of the range, those without votes too. Hours are those of the poll's zone. */
export function getTimeseries(deps: ResultsDeps, input: GetTimeseriesInput): GetTimeseriesResult {
  const now = deps.clock.now();
  const poll = deps.directory.shown(input.poll, now);
  if (poll === undefined || !isPollShown(poll, input.audience)) return { kind: 'poll_not_found' };
  const range = rangeOf(deps, poll, input, now);
  // At most one window more than fits the range, whose ends are widened to whole windows.
  if ((range.to - range.from) / STEP_MS[input.step] > SERIES_WINDOWS_MAX) {
    return { kind: 'range_too_long', windowsMax: SERIES_WINDOWS_MAX };
  }
  const isHidden = isSeriesHidden(poll, input.audience, now) !== null;
  const windows = isHidden ? [] : windowsOf(poll, input.step, range);
  const from = windows[0]?.from ?? 0;
  const to = windows.at(-1)?.to ?? 0;
  const { minutes, ...position } = deps.board.minutes(poll.id, minuteOf(from), minuteOf(to));
  const series = shapeSeries(poll, input.audience, { minutes, windows }, position, now);
  return { kind: 'ok', series, now };
}

function windowsOf(poll: Poll, step: SeriesStep, range: TimeWindow): readonly TimeWindow[] {
  if (step === '1h') return hourWindows(poll.timeZone, range.from, range.to);
  return stepWindows(range.from, range.to, STEP_MS[step]);
}

const NOTHING: TimeWindow = { from: 0, to: 0 };

/** From the opening to the closing or now, and never less than from the first to the last vote. */
function rangeOf(
  { board }: ResultsDeps,
  poll: Poll,
  input: GetTimeseriesInput,
  now: number,
): TimeWindow {
  const span = board.span(poll.id);
  const firstVote = span === null ? now + 1 : span.first * MINUTE_MS;
  const start = input.from ?? Math.min(poll.opensAt ?? now + 1, firstVote);
  if (input.from === null && start > now) return NOTHING;
  const pastVotes = span === null ? start : (span.last + 1) * MINUTE_MS;
  const shutAt = poll.closesAt !== null && poll.closesAt <= now ? poll.closesAt : now + 1;
  const end = input.to ?? Math.max(shutAt, pastVotes);
  return { from: start, to: Math.max(start, end) };
}
