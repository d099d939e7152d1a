/** Adds a poll's minutes up to what is put on paper after a vote: totals, hours, peaks and the books. */
import type { MinuteTotal, ScopeBooks } from '../counting/step-totals.ts';
import {
  HOUR_MS,
  hourWindows,
  MINUTE_MS,
  minuteOf,
  type TimeWindow,
} from '../counting/time-window.ts';
import type { Poll, PollState } from './poll.ts';
import { type MinuteVotes, type OptionResult, resultsByWindow, resultsOf } from './results.ts';

/** Everything that a report is made from. Never a vote by itself. */
export interface ReportSource {
  /** As it is to be shown now. */
  readonly poll: Poll;
  /** The poll's minutes of every lane, ascending. */
  readonly minutes: readonly MinuteTotal[];
  readonly books: ScopeBooks;
}

export interface ReportOption extends OptionResult {
  readonly name: string;
}

/** A clock hour of the poll's zone, cut short where the zone's clocks are moved. */
export interface ReportHour extends TimeWindow {
  readonly total: number;
  /** In the order of the poll's options. */
  readonly votes: readonly number[];
}

/** The window with the most votes; of several the first. */
export interface Peak extends TimeWindow {
  readonly votes: number;
}

export interface ReportBooks extends Omit<ScopeBooks, 'scope'> {
  /** Counted events by lane, by the minutes. */
  readonly valid: number;
  readonly flagged: number;
  /** Whether logged = counted + duplicate + expired + late + voided, and counted = valid + flagged. */
  readonly balanced: boolean;
}

/** What a poll came to. Only the lane `valid` is results; `flagged` is in the books alone. */
export interface ReportFigures {
  readonly total: number;
  readonly options: readonly ReportOption[];
  readonly hours: readonly ReportHour[];
  readonly peakMinute: Peak | null;
  readonly peakHour: Peak | null;
  readonly books: ReportBooks;
}

export function reportFigures(source: ReportSource, now: number): ReportFigures {
  const { poll } = source;
  const ids = poll.options.map(({ id }) => id);
  const minutes = validMinutes(source.minutes);
  const range = votingRange(source, now);
  const hours = resultsByWindow(ids, minutes, hourWindows(poll.timeZone, range.from, range.to)).map(
    ({ from, to, total, options }) => ({ from, to, total, votes: options.map(votesOf) }),
  );
  const { total, options } = optionTotals(poll, minutes);
  return {
    total,
    options,
    hours,
    peakMinute: peakOf(minutes.map(minuteWindow)),
    peakHour: peakOf(hours.map(({ from, to, total }) => ({ from, to, votes: total }))),
    books: reportBooks(source),
  };
}

/** The counted votes of the lane `valid`, by minute. */
function validMinutes(minutes: readonly MinuteTotal[]): readonly MinuteVotes[] {
  const byMinute: { readonly minute: number; readonly votes: Map<string, number> }[] = [];
  for (const { minute, item, lane, count } of minutes) {
    if (lane !== 'valid') continue;
    let last = byMinute.at(-1);
    if (last?.minute !== minute) {
      last = { minute, votes: new Map() };
      byMinute.push(last);
    }
    last.votes.set(item, (last.votes.get(item) ?? 0) + count);
  }
  return byMinute;
}

function optionTotals(
  poll: Poll,
  minutes: readonly MinuteVotes[],
): { readonly total: number; readonly options: readonly ReportOption[] } {
  const votes = new Map<string, number>();
  for (const minute of minutes) {
    for (const [id, count] of minute.votes) votes.set(id, (votes.get(id) ?? 0) + count);
  }
  const results = resultsOf(
    poll.options.map(({ id }) => id),
    votes,
  );
  const options = results.options.map((option, index) => ({
    ...option,
    name: poll.options[index]?.name ?? '',
  }));
  return { total: results.total, options };
}

/**
 * From the opening to the closing or `now`, and never less than from the first to the last vote.
 * Empty while nothing has begun.
 */
export function votingRange(
  { poll, minutes }: Pick<ReportSource, 'poll' | 'minutes'>,
  now: number,
): TimeWindow {
  const first = minutes[0];
  const last = minutes.at(-1);
  const { opensAt } = poll;
  if (first === undefined || last === undefined) {
    if (opensAt === null || opensAt > now) return NOTHING;
    return { from: opensAt, to: Math.max(opensAt, shutAt(poll, now)) };
  }
  const firstAt = first.minute * MINUTE_MS;
  const from = Math.min(opensAt ?? firstAt, firstAt);
  return { from, to: Math.max(shutAt(poll, now), (last.minute + 1) * MINUTE_MS) };
}

const NOTHING: TimeWindow = { from: 0, to: 0 };

/** The present belongs to the range of an open poll. */
function shutAt({ closesAt }: Poll, now: number): number {
  return closesAt !== null && closesAt <= now ? closesAt : now + 1;
}

/** How many hours a table over the range has at most, whatever the zone. */
export function hoursIn({ from, to }: TimeWindow): number {
  return Math.ceil((to - from) / HOUR_MS);
}

/** Every store has passed the poll's CLOSE: what is counted can never move again. */
export function isFinal(state: PollState): boolean {
  return state === 'closed' || state === 'published' || state === 'archived';
}

/** Hours since the opening, the same for every poll: what one has to be laid beside another by. */
export interface ComparedPoll {
  readonly poll: Poll;
  /** Where its first hour begins: the minute of its opening. Null while nothing has begun. */
  readonly startsAt: number | null;
  readonly total: number;
  readonly options: readonly ReportOption[];
  /** Votes of the first hour, the second, and so on. */
  readonly hours: readonly number[];
}

export function comparedPoll(
  source: Pick<ReportSource, 'poll' | 'minutes'>,
  now: number,
): ComparedPoll {
  const { poll } = source;
  const minutes = validMinutes(source.minutes);
  const { total, options } = optionTotals(poll, minutes);
  const range = votingRange(source, now);
  if (range.from >= range.to) return { poll, startsAt: null, total, options, hours: [] };
  const startsAt = minuteOf(range.from) * MINUTE_MS;
  const hours = new Array<number>(hoursIn({ from: startsAt, to: range.to })).fill(0);
  for (const { minute, votes } of minutes) {
    const hour = Math.floor((minute * MINUTE_MS - startsAt) / HOUR_MS);
    for (const id of poll.options.map((option) => option.id)) {
      hours[hour] = (hours[hour] ?? 0) + (votes.get(id) ?? 0);
    }
  }
  return { poll, startsAt, total, options, hours };
}

function votesOf({ votes }: OptionResult): number {
  return votes;
}

function minuteWindow({ minute, votes }: MinuteVotes): Peak {
  const from = minute * MINUTE_MS;
  let sum = 0;
  for (const count of votes.values()) sum += count;
  return { from, to: from + MINUTE_MS, votes: sum };
}

function peakOf(windows: readonly Peak[]): Peak | null {
  let peak: Peak | null = null;
  for (const window of windows) {
    if (window.votes > (peak?.votes ?? 0)) peak = window;
  }
  return peak;
}

function reportBooks({ minutes, books }: ReportSource): ReportBooks {
  const lanes = { valid: 0, flagged: 0 };
  for (const { lane, count } of minutes) lanes[lane] += count;
  const { logged, counted, duplicate, expired, late, voided } = books;
  const balanced =
    logged === counted + duplicate + expired + late + voided &&
    counted === lanes.valid + lanes.flagged;
  return { logged, counted, duplicate, expired, late, voided, ...lanes, balanced };
}
