/** Cuts results down to what their reader may see: nothing leaves the system except through here. */

import type { TimeWindow } from '../counting/time-window.ts';
import type { Poll, PollState, ResultsDetail } from './poll.ts';
import { stateAt } from './poll-state-at.ts';
import { type MinuteVotes, resultsByWindow, resultsOf, type Votes } from './results.ts';
import { type Audience, type HiddenReason, resultsDisclosure } from './visibility.ts';

/** How fresh counts are. */
export interface CountsPosition {
  /** When the counts were read, ms since the Unix epoch. */
  readonly asOf: number;
  /** Sum of the tally's next offsets: never goes backwards. */
  readonly version: number;
  /** Whether the counts are known to be behind what was logged or shown before. */
  readonly stale: boolean;
}

export interface ShownOption {
  readonly id: string;
  readonly votes: number | null;
  readonly share: number | null;
  readonly leader: boolean | null;
}

interface ResultsHead extends CountsPosition {
  readonly poll: string;
  readonly state: PollState;
}

export interface HiddenResults<Reason> extends ResultsHead {
  readonly visible: false;
  readonly reason: Reason;
}

export interface VisibleResults extends ResultsHead {
  readonly visible: true;
  readonly detail: ResultsDetail;
  /** Null unless the detail is `count`. */
  readonly total: number | null;
  /** In the poll's order; `votes` only with detail `count`, `share` with `percentage` too. */
  readonly options: readonly ShownOption[];
}

export type ShownResults = VisibleResults | HiddenResults<HiddenReason>;

export interface ShownWindow extends TimeWindow {
  readonly total: number | null;
  /** An option's votes, or its share of the window's votes where the detail is `percentage`. */
  readonly options: Readonly<Record<string, number>>;
}

export interface VisibleSeries extends ResultsHead {
  readonly visible: true;
  readonly detail: Exclude<ResultsDetail, 'winner'>;
  readonly timeZone: string;
  readonly windows: readonly ShownWindow[];
}

/** `winner_only`: the poll tells who leads and no more, which a series would give away. */
export type SeriesHiddenReason = HiddenReason | 'winner_only';

export type ShownSeries = VisibleSeries | HiddenResults<SeriesHiddenReason>;

/** The poll's results as `audience` may see them at `now`. */
export function shapeResults(
  poll: Poll,
  audience: Audience,
  votes: Votes,
  position: CountsPosition,
  now: number,
): ShownResults {
  const head = headOf(poll, position, now);
  const disclosure = resultsDisclosure(poll, audience, now);
  if (!disclosure.visible) return { ...head, ...disclosure };
  const { detail } = disclosure;
  const { total, options } = resultsOf(
    poll.options.map(({ id }) => id),
    votes,
  );
  return {
    ...head,
    visible: true,
    detail,
    total: detail === 'count' ? total : null,
    options: options.map((option) => ({
      id: option.id,
      votes: detail === 'count' ? option.votes : null,
      share: detail === 'winner' ? null : option.share,
      leader: option.leader,
    })),
  };
}

/** Whether `audience` may see any series of the poll at `now`: asked before counts are gathered. */
export function isSeriesHidden(
  poll: Poll,
  audience: Audience,
  now: number,
): SeriesHiddenReason | null {
  const disclosure = resultsDisclosure(poll, audience, now);
  if (!disclosure.visible) return disclosure.reason;
  return disclosure.detail === 'winner' ? 'winner_only' : null;
}

/** The poll's votes over the windows, as `audience` may see them at `now`. */
export function shapeSeries(
  poll: Poll,
  audience: Audience,
  series: { readonly minutes: readonly MinuteVotes[]; readonly windows: readonly TimeWindow[] },
  position: CountsPosition,
  now: number,
): ShownSeries {
  const head = headOf(poll, position, now);
  const reason = isSeriesHidden(poll, audience, now);
  if (reason !== null) return { ...head, visible: false, reason };
  const detail = audience === 'operator' || poll.resultsDetail === 'count' ? 'count' : 'percentage';
  const ids = poll.options.map(({ id }) => id);
  const windows = resultsByWindow(ids, series.minutes, series.windows).map((window) => ({
    from: window.from,
    to: window.to,
    total: detail === 'count' ? window.total : null,
    options: Object.fromEntries(
      window.options.map(({ id, votes, share }) => [id, detail === 'count' ? votes : share]),
    ),
  }));
  return { ...head, visible: true, detail, timeZone: poll.timeZone, windows };
}

function headOf(poll: Poll, position: CountsPosition, now: number): ResultsHead {
  const { asOf, version, stale } = position;
  return { poll: poll.id, state: stateAt(poll, now), asOf, version, stale };
}
