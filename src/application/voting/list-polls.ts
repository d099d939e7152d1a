/** Lists polls, newest first, page by page, from the directory. */
import type { Poll, PollState } from '../../domain/voting/poll.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import type { PollReaderDeps } from './get-poll.ts';
import { newestFirst } from './poll-directory.ts';

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

export type ListPollsResult =
  | {
      readonly kind: 'ok';
      readonly items: readonly Poll[];
      readonly nextCursor: string | null;
      readonly now: number;
    }
  | { readonly kind: 'invalid_cursor' };

/** Archived polls are listed to operators, and to the public only where `states` asks for them. */
export function listPolls(deps: PollReaderDeps, input: ListPollsInput): ListPollsResult {
  const after = input.cursor === null ? null : readCursor(input.cursor);
  if (after === undefined) return { kind: 'invalid_cursor' };
  const now = deps.clock.now();
  const matching = deps.directory
    .list(now)
    .filter((poll) => isListed(poll, input) && (after === null || newestFirst(after, poll) < 0));
  const items = matching.slice(0, Math.min(input.limit, POLLS_PAGE_MAX));
  const last = items.at(-1);
  const hasMore = matching.length > items.length;
  return {
    kind: 'ok',
    items,
    nextCursor: hasMore && last !== undefined ? `${last.createdAt}.${last.id}` : null,
    now,
  };
}

function isListed(poll: Poll, { audience, states }: ListPollsInput): boolean {
  if (!isPollShown(poll, audience)) return false;
  if (states !== undefined) return states.includes(poll.state);
  return audience === 'operator' || poll.state !== 'archived';
}

function readCursor(cursor: string): { createdAt: number; id: string } | undefined {
  const match = /^(\d{1,15})\.([a-z0-9-]{1,63})$/.exec(cursor);
  return match === null ? undefined : { createdAt: Number(match[1]), id: String(match[2]) };
}
