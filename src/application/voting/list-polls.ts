/** Lists polls, newest first, page by page, from the directory. */
import type { Poll, PollState } from '../../domain/voting/poll.ts';
import { cursorAt, newestFirst, placeOf } from '../../domain/voting/poll-order.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import type { PollReaderDeps } from './get-poll.ts';

export const POLLS_PAGE_DEFAULT = 50;
export const POLLS_PAGE_MAX = 200;

export interface ListPollsInput {
  readonly audience: Audience;
  /** Only polls in these states (by the clock); absent: in any. */
  readonly states?: readonly PollState[];
  /** From `nextCursor` of the page before; null for the first. */
  readonly cursor: string | null;
  /** 1 to POLLS_PAGE_MAX. */
  readonly limit: number;
}

export interface ListPollsResult {
  readonly items: readonly Poll[];
  readonly nextCursor: string | null;
  readonly now: number;
}

/**
 * Archived polls are listed to operators, and to the public only where `states` asks for them.
 *
 * @throws ApuraError `invalid_query`: the cursor is not one of this list.
 */
export function listPolls(deps: PollReaderDeps, input: ListPollsInput): ListPollsResult {
  const after = input.cursor === null ? null : placeOf(input.cursor);
  const now = deps.clock.now();
  const matching = deps.directory
    .list(now)
    .filter((poll) => isListed(poll, input) && (after === null || newestFirst(after, poll) < 0));
  const items = matching.slice(0, Math.min(input.limit, POLLS_PAGE_MAX));
  const last = items.at(-1);
  const hasMore = last !== undefined && matching.length > items.length;
  return { items, nextCursor: hasMore ? cursorAt(last) : null, now };
}

function isListed(poll: Poll, { audience, states }: ListPollsInput): boolean {
  if (!isPollShown(poll, audience)) return false;
  if (states !== undefined) return states.includes(poll.state);
  return audience === 'operator' || poll.state !== 'archived';
}
