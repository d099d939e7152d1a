/** The door's question: may this poll take a vote at this instant? Decided by the clock, not by a job. */
import { stateAt, type TimedPoll } from './poll-state-at.ts';

export type Door =
  | { readonly kind: 'open' }
  | { readonly kind: 'not_open'; readonly opensAt: number | null }
  | { readonly kind: 'paused' }
  | { readonly kind: 'closed' };

/** Made once: the open door is asked for every vote. */
const OPEN: Door = { kind: 'open' };
const PAUSED: Door = { kind: 'paused' };
const CLOSED: Door = { kind: 'closed' };

/**
 * A scheduled poll opens by itself at `opensAt` and any poll stops at `closesAt`, whether or not
 * the stored state has followed yet. `now` is ms since the Unix epoch.
 */
export function doorAt(poll: TimedPoll, now: number): Door {
  switch (stateAt(poll, now)) {
    case 'open':
      // An opening that is announced for an instant ahead holds for the doors too.
      return poll.opensAt !== null && now < poll.opensAt
        ? { kind: 'not_open', opensAt: poll.opensAt }
        : OPEN;
    case 'paused':
      return PAUSED;
    case 'draft':
      return { kind: 'not_open', opensAt: null };
    case 'scheduled':
      return { kind: 'not_open', opensAt: poll.opensAt };
    default:
      return CLOSED;
  }
}
