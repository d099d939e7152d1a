/** What the countdown of a poll counts down to. */
import type { Poll } from './poll.ts';

export type PollClock =
  | { readonly kind: 'closes' | 'opens'; readonly at: number; readonly leftMs: number }
  | { readonly kind: 'open-ended' | 'closing' | 'final' | 'not-open' };

/** `now` is the server's clock, ms since the Unix epoch. */
export function pollClock(poll: Poll, now: number): PollClock {
  const closes = poll.closesAt === null ? null : Date.parse(poll.closesAt);
  const opens = poll.opensAt === null ? null : Date.parse(poll.opensAt);
  switch (poll.state) {
    case 'draft':
    case 'scheduled':
      if (opens === null) return { kind: 'not-open' };
      return { kind: 'opens', at: opens, leftMs: Math.max(0, opens - now) };
    case 'open':
    case 'paused':
      if (closes === null) return { kind: 'open-ended' };
      return { kind: 'closes', at: closes, leftMs: Math.max(0, closes - now) };
    case 'closing':
      return { kind: 'closing' };
    case 'closed':
    case 'published':
    case 'archived':
      return { kind: 'final' };
  }
}
