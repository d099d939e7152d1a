/** Who may see what of a poll: the one rule behind API, feed, cache, embed and export. */
import type { Poll, ResultsDetail, ResultsVisibility } from './poll.ts';
import { stateAt, type TimedPoll } from './poll-state-at.ts';

/** `voter`: holds a results token of this poll. `public`: everybody else. */
export type Audience = 'operator' | 'voter' | 'public';

/** Why a result is hidden: what would have to happen first. */
export type HiddenReason = Exclude<ResultsVisibility, 'always'>;

export type Disclosure =
  | { readonly visible: true; readonly detail: ResultsDetail }
  | { readonly visible: false; readonly reason: HiddenReason };

export type DisclosedPoll = TimedPoll & Pick<Poll, 'resultsVisibility' | 'resultsDetail'>;

/**
 * What may be shown of the poll's results at `now`. Each visibility shows whatever a stricter one
 * shows: `after_vote` opens to voters at once, and to everybody once the poll is closed.
 */
export function resultsDisclosure(
  poll: DisclosedPoll,
  audience: Audience,
  now: number,
): Disclosure {
  if (audience === 'operator') return { visible: true, detail: 'count' };
  const visibility = poll.resultsVisibility;
  if (visibility === 'always' || isReached(visibility, poll, audience, now)) {
    return { visible: true, detail: poll.resultsDetail };
  }
  return { visible: false, reason: visibility };
}

function isReached(
  visibility: HiddenReason,
  poll: DisclosedPoll,
  audience: 'voter' | 'public',
  now: number,
): boolean {
  const state = stateAt(poll, now);
  const published = state === 'published' || state === 'archived';
  switch (visibility) {
    case 'never':
      return false;
    case 'after_publish':
      return published;
    case 'after_close':
      return published || state === 'closed';
    case 'after_vote':
      return published || state === 'closed' || audience === 'voter';
  }
}

/** Drafts are for operators only: a list of candidates is often a secret until it is announced. */
export function isPollShown(poll: Pick<Poll, 'state'>, audience: Audience): boolean {
  return audience === 'operator' || poll.state !== 'draft';
}
