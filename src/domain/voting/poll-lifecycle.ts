/** Decides what may become of a poll: the acts of operators and of the clock, from draft to archive. */
import type { Poll, PollState } from './poll.ts';
import { stateAt } from './poll-state-at.ts';

export const POLL_ACTS = ['open', 'pause', 'resume', 'close', 'publish', 'archive'] as const;
export type PollAct = (typeof POLL_ACTS)[number];

/** When a decision is made, and from when on the doors go by it (later, where there are several). */
export interface DecisionTime {
  /** ms since the Unix epoch. */
  readonly now: number;
  readonly effectiveAt: number;
}

export type ActDecision =
  | { readonly kind: 'changed'; readonly poll: Poll }
  /** The poll is there already: a repeated act is no error, so that a lost answer may be retried. */
  | { readonly kind: 'unchanged'; readonly poll: Poll }
  | { readonly kind: 'refused'; readonly state: PollState; readonly detail: string };

interface Transition {
  readonly from: readonly PollState[];
  /** States in which the act has had its effect already. */
  readonly done: readonly PollState[];
  readonly to: PollState;
}

const TRANSITIONS: Readonly<Record<PollAct, Transition>> = {
  open: { from: ['draft', 'scheduled'], done: ['open'], to: 'open' },
  pause: { from: ['open'], done: ['paused'], to: 'paused' },
  resume: { from: ['paused'], done: ['open'], to: 'open' },
  close: { from: ['open', 'paused'], done: ['closing', 'closed'], to: 'closing' },
  publish: { from: ['closed'], done: ['published'], to: 'published' },
  // A draft or a scheduled poll that nobody wants any more goes straight to the archive.
  archive: { from: ['published', 'draft', 'scheduled'], done: ['archived'], to: 'archived' },
};

/** What an operator's act makes of the poll. */
export function decideAct(poll: Poll, act: PollAct, at: DecisionTime): ActDecision {
  const state = stateAt(poll, at.now);
  const transition = TRANSITIONS[act];
  if (transition.done.includes(state)) return { kind: 'unchanged', poll };
  if (!transition.from.includes(state)) {
    const from = transition.from.join(' or ');
    return refused(state, `A poll can ${act} from ${from}; this one is ${state}.`);
  }
  const { closesAt } = poll;
  if (act === 'open' && closesAt !== null && closesAt <= at.effectiveAt) {
    return refused(state, 'The poll closes before it could open: set a later closesAt first.');
  }
  const next = changed(poll, at.now, transition.to);
  // opensAt and closesAt tell the instants at which the doors really opened and shut.
  if (act === 'open') return { kind: 'changed', poll: { ...next, opensAt: at.effectiveAt } };
  if (act === 'close') {
    const shutsAt = closesAt === null ? at.effectiveAt : Math.min(closesAt, at.effectiveAt);
    return { kind: 'changed', poll: { ...next, closesAt: shutsAt } };
  }
  return { kind: 'changed', poll: next };
}

/** What the clock has made of the poll since its state was stored; null where nothing. */
export function decideByClock(poll: Poll, now: number): Poll | null {
  const state = stateAt(poll, now);
  return state === poll.state ? null : changed(poll, now, state);
}

/** The poll once every store has passed its CLOSE; null where it is not closing. */
export function decideClosed(poll: Poll, now: number): Poll | null {
  return poll.state === 'closing' ? changed(poll, now, 'closed') : null;
}

function changed(poll: Poll, now: number, state: PollState): Poll {
  return { ...poll, state, version: poll.version + 1, updatedAt: now };
}

function refused(state: PollState, detail: string): ActDecision {
  return { kind: 'refused', state, detail };
}
