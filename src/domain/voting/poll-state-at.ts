/** The state that a poll is in at an instant: the clock opens and closes polls, a job only records it. */
import type { Poll, PollState } from './poll.ts';

export type TimedPoll = Pick<Poll, 'state' | 'opensAt' | 'closesAt'>;

/** The state at `now` (ms since the Unix epoch), whatever the stored state says so far. */
export function stateAt(poll: TimedPoll, now: number): PollState {
  if (poll.state !== 'scheduled' && poll.state !== 'open' && poll.state !== 'paused') {
    return poll.state;
  }
  if (poll.closesAt !== null && now >= poll.closesAt) return 'closing';
  if (poll.state === 'scheduled' && poll.opensAt !== null && now >= poll.opensAt) return 'open';
  return poll.state;
}

/** The poll as it is to be shown at `now`: the same object where the clock has changed nothing. */
export function pollAt(poll: Poll, now: number): Poll {
  const state = stateAt(poll, now);
  return state === poll.state ? poll : { ...poll, state };
}
