/** The order of the polls in the list: what is on air first, then what comes, then what is over. */
import type { LivePoll } from './live-state.ts';
import type { PollState } from './poll.ts';

const POLL_GROUPS = ['on_air', 'scheduled', 'draft', 'ended', 'archived'] as const;
export type PollGroup = (typeof POLL_GROUPS)[number];

const GROUP_OF: Readonly<Record<PollState, PollGroup>> = {
  open: 'on_air',
  paused: 'on_air',
  closing: 'on_air',
  scheduled: 'scheduled',
  draft: 'draft',
  closed: 'ended',
  published: 'ended',
  archived: 'archived',
};

export interface PollSection {
  readonly group: PollGroup;
  readonly polls: readonly LivePoll[];
}

/** Sections without polls are left out. */
export function sectionsOf(polls: Iterable<LivePoll>): readonly PollSection[] {
  const all = [...polls];
  return POLL_GROUPS.map((group) => ({
    group,
    polls: all.filter((entry) => GROUP_OF[entry.poll.state] === group).sort(orderOf(group)),
  })).filter((section) => section.polls.length > 0);
}

/** The poll that an operator who has just come in most likely wants: the first of the list. */
export function firstPoll(polls: Iterable<LivePoll>): LivePoll | null {
  return sectionsOf(polls)[0]?.polls[0] ?? null;
}

/** What is to come is ordered by what comes first, the rest by what changed last. */
function orderOf(group: PollGroup): (a: LivePoll, b: LivePoll) => number {
  const timeOf = ({ poll }: LivePoll) =>
    (group === 'on_air' ? poll.closesAt : group === 'scheduled' ? poll.opensAt : null) ?? '9999';
  return (a, b) =>
    timeOf(a).localeCompare(timeOf(b)) ||
    b.poll.createdAt.localeCompare(a.poll.createdAt) ||
    a.poll.id.localeCompare(b.poll.id);
}
