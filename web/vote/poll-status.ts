/** Says in words where a poll stands now; the server writes it into the page and the script keeps it true. */
import type { Messages } from './messages.ts';
import { instantOf, isOver, type Poll } from './poll.ts';
import { sayInstant, zoneToTell } from './time-text.ts';

/** What the page can do for the voter: vote, wait for the start, wait, or read the end. */
export type Phase = 'voting' | 'before' | 'paused' | 'after';

export type PollStatus = {
  readonly phase: Phase;
  readonly title: string;
  readonly detail: string;
  /** The instant that a countdown runs to, ms since the epoch, and what it says. */
  readonly countdown: { readonly to: number; readonly say: (remaining: string) => string } | null;
};

type Dates = Pick<Poll, 'state' | 'opensAt' | 'closesAt' | 'timeZone'>;

/**
 * The phase at `now`: the state that was heard last, moved on by the clock. A poll that nobody has heard
 * of since its closing time is over for the page too; one whose opening time has come is open.
 */
export function phaseOf(poll: Dates, now: number): Phase {
  const opensAt = instantOf(poll.opensAt);
  const closesAt = instantOf(poll.closesAt);
  if (isOver(poll.state) || (closesAt !== null && now >= closesAt)) return 'after';
  if (poll.state === 'paused') return 'paused';
  if (poll.state === 'open') return 'voting';
  const started = poll.state === 'scheduled' && opensAt !== null && now >= opensAt;
  return started ? 'voting' : 'before';
}

/** `readersZone` is the IANA zone of the device, or null where it is not known (the server). */
export function describeStatus(
  poll: Dates,
  now: number,
  readersZone: string | null,
  messages: Messages,
): PollStatus {
  const { status, time } = messages;
  const phase = phaseOf(poll, now);
  const opensAt = instantOf(poll.opensAt);
  const closesAt = instantOf(poll.closesAt);
  const say = (at: number) => {
    const zone = zoneToTell(at, poll.timeZone, readersZone ?? poll.timeZone);
    return sayInstant(at, now, zone, messages);
  };
  switch (phase) {
    case 'voting':
      return closesAt === null
        ? { phase, title: status.open, detail: status.openEndless, countdown: null }
        : {
            phase,
            title: status.openUntil(say(closesAt)),
            detail: '',
            countdown: { to: closesAt, say: time.left },
          };
    case 'before':
      return opensAt === null
        ? { phase, title: status.notYet, detail: status.startUnknown, countdown: null }
        : {
            phase,
            title: status.notYet,
            detail: status.starts(say(opensAt)),
            countdown: { to: opensAt, say: time.startsIn },
          };
    case 'paused':
      return { phase, title: status.paused, detail: status.pausedDetail, countdown: null };
    case 'after': {
      const counting = poll.state !== 'closed' && poll.state !== 'published';
      const ended = closesAt !== null && closesAt <= now ? status.endedAt(say(closesAt)) : '';
      const detail = counting && poll.state !== 'archived' ? status.closing : ended;
      return { phase, title: status.ended, detail, countdown: null };
    }
  }
}
