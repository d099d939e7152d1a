/**
 * What the console knows of the server: a reducer over the messages of the live feed.
 *
 * Three rules hold it together: counts never go back (an older version is dropped), a poll's settings
 * never go back (an older poll version is dropped), and another log starts from nothing.
 */
import type { HelloMessage, LiveMessage, Ops, TickMessage } from './live-message.ts';
import type { OperatorAct, Poll, Results } from './poll.ts';
import { EMPTY_SECONDS, type SecondSeries, withHistory, withSecond } from './second-series.ts';

const ACTS_MAX = 200;

/** The share of a slower estimate that the clock offset takes over: spikes of latency fade in. */
const CLOCK_DRIFT_WEIGHT = 0.02;

export type Link =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'live' }
  | { readonly phase: 'lost'; readonly since: number; readonly retryAt: number };

export interface LivePoll {
  readonly poll: Poll;
  /** Null until the first counts are known. */
  readonly total: number | null;
  readonly votes: Readonly<Record<string, number>>;
  readonly version: number;
  readonly stale: boolean;
  readonly seconds: SecondSeries;
}

/** Instants without "server" in their name are ms of this page's clock. */
export interface LiveState {
  readonly link: Link;
  /** When the newest message came; null before the first. */
  readonly heardAt: number | null;
  /** The newest server time of any message, ms since the Unix epoch: the curves end here. */
  readonly serverKnownUntil: number;
  /** Server clock minus this page's clock, ms. */
  readonly clockOffsetMs: number | null;
  readonly durability: string | null;
  readonly logId: string | null;
  /** Counts the hellos: a change means that what was missed has to be fetched. */
  readonly hellos: number;
  readonly polls: ReadonlyMap<string, LivePoll>;
  readonly ops: Ops | null;
  /** Newest first. */
  readonly acts: readonly OperatorAct[];
}

export type LiveEvent =
  | { readonly type: 'message'; readonly message: LiveMessage; readonly at: number }
  | { readonly type: 'lost'; readonly at: number; readonly retryAt: number }
  | { readonly type: 'connecting' }
  | { readonly type: 'results'; readonly results: Results }
  | { readonly type: 'poll'; readonly poll: Poll }
  | { readonly type: 'acts'; readonly acts: readonly OperatorAct[] }
  | { readonly type: 'reset' };

export const INITIAL_LIVE: LiveState = {
  link: { phase: 'connecting' },
  heardAt: null,
  serverKnownUntil: 0,
  clockOffsetMs: null,
  durability: null,
  logId: null,
  hellos: 0,
  polls: new Map(),
  ops: null,
  acts: [],
};

export function reduceLive(state: LiveState, event: LiveEvent): LiveState {
  switch (event.type) {
    case 'message':
      return applyMessage(heard(state, event.message, event.at), event.message);
    case 'lost': {
      const since = state.link.phase === 'lost' ? state.link.since : event.at;
      return { ...state, link: { phase: 'lost', since, retryAt: event.retryAt } };
    }
    case 'connecting':
      // An outage stays on the screen until the first message proves that it is over.
      return state.link.phase === 'lost' ? state : { ...state, link: { phase: 'connecting' } };
    case 'results':
      return withResults(state, event.results);
    case 'poll':
      return withPoll(state, event.poll);
    case 'acts':
      return { ...state, acts: mergeActs(state.acts, event.acts) };
    case 'reset':
      return INITIAL_LIVE;
  }
}

/** The server's clock at an instant of this page's clock. */
export function serverNow(state: LiveState, at: number): number {
  return at + (state.clockOffsetMs ?? 0);
}

function heard(state: LiveState, message: LiveMessage, at: number): LiveState {
  const next = { ...state, heardAt: at };
  if (!('serverTime' in message)) return next;
  const serverTime = Date.parse(message.serverTime);
  if (Number.isNaN(serverTime)) return next;
  // Transport only ever makes a message older, so the greatest difference is the best estimate.
  const estimate = serverTime - at;
  const known = state.clockOffsetMs;
  const clockOffsetMs =
    known === null || estimate > known ? estimate : known + (estimate - known) * CLOCK_DRIFT_WEIGHT;
  return {
    ...next,
    clockOffsetMs,
    serverKnownUntil: Math.max(state.serverKnownUntil, serverTime),
  };
}

function applyMessage(state: LiveState, message: LiveMessage): LiveState {
  switch (message.type) {
    case 'hello':
      return withHello(state, message);
    case 'ops':
      return { ...state, ops: message };
    case 'tick':
      return withTick(state, message);
    case 'poll':
      return withPoll(state, message.poll);
    case 'act':
      return { ...state, acts: mergeActs(state.acts, [message.act]) };
  }
}

function withHello(state: LiveState, hello: HelloMessage): LiveState {
  const isSameLog = state.logId === null || state.logId === hello.logId;
  const history = new Map(hello.history.map((entry) => [entry.poll, entry.seconds]));
  const polls = new Map<string, LivePoll>();
  for (const poll of hello.polls) {
    const known = isSameLog ? state.polls.get(poll.id) : undefined;
    const base = known ?? freshPoll(poll);
    const seconds = history.get(poll.id);
    polls.set(poll.id, {
      ...base,
      poll: newerPoll(known?.poll, poll),
      seconds: seconds === undefined ? base.seconds : withHistory(base.seconds, seconds),
    });
  }
  return {
    ...state,
    link: { phase: 'live' },
    serverKnownUntil: Date.parse(hello.serverTime),
    durability: hello.durability,
    logId: hello.logId,
    hellos: state.hellos + 1,
    polls,
    ops: hello.ops ?? state.ops,
    acts: mergeActs(isSameLog ? state.acts : [], hello.acts),
  };
}

function withTick(state: LiveState, tick: TickMessage): LiveState {
  const known = state.polls.get(tick.poll);
  if (known === undefined) return state;
  const seconds =
    tick.second === undefined ? known.seconds : withSecond(known.seconds, tick.second);
  const counts =
    tick.version < known.version
      ? known
      : { total: tick.total, votes: tick.options, version: tick.version, stale: tick.stale };
  return withEntry(state, { ...known, ...counts, seconds });
}

function withResults(state: LiveState, results: Results): LiveState {
  const known = state.polls.get(results.poll);
  if (known === undefined || results.version < known.version) return state;
  const votes: Record<string, number> = {};
  for (const option of results.options) votes[option.id] = option.votes ?? 0;
  const sum = Object.values(votes).reduce((total, count) => total + count, 0);
  return withEntry(state, {
    ...known,
    total: results.total ?? sum,
    votes,
    version: results.version,
    stale: results.stale,
  });
}

function withPoll(state: LiveState, poll: Poll): LiveState {
  const known = state.polls.get(poll.id);
  return withEntry(
    state,
    known === undefined ? freshPoll(poll) : { ...known, poll: newerPoll(known.poll, poll) },
  );
}

function withEntry(state: LiveState, entry: LivePoll): LiveState {
  return { ...state, polls: new Map(state.polls).set(entry.poll.id, entry) };
}

function freshPoll(poll: Poll): LivePoll {
  return { poll, total: null, votes: {}, version: 0, stale: false, seconds: EMPTY_SECONDS };
}

function newerPoll(known: Poll | undefined, received: Poll): Poll {
  return known !== undefined && known.version > received.version ? known : received;
}

function mergeActs(
  known: readonly OperatorAct[],
  received: readonly OperatorAct[],
): readonly OperatorAct[] {
  const byKey = new Map<string, OperatorAct>();
  for (const act of [...known, ...received]) {
    byKey.set(`${act.at} ${act.actor} ${act.act} ${act.poll}`, act);
  }
  return [...byKey.values()].sort((a, b) => b.at.localeCompare(a.at)).slice(0, ACTS_MAX);
}
