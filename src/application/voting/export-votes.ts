/** Hands out every vote of a poll with its verdict, page by page, live or after the end. */
import {
  formatUuidV7,
  idWords,
  parseEventIdHex,
  type ScopeSeed,
  scopeSeed,
  unmixScope,
} from '../../domain/counting/event-id.ts';
import type { Lane } from '../../domain/counting/lane.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger, LedgerEvent, LedgerEventState } from '../../ports/ledger.ts';
import type { PollReading } from './log-router.ts';

export const EXPORT_PAGE_EVENTS = 5_000;

export interface ExportVotesDeps {
  readonly directory: PollReading;
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'events'>;
  readonly catalogue: Pick<Catalogue, 'recordAct'>;
}

export interface ExportedVote {
  /** The UUIDv7 that the voter's side sent. */
  readonly id: string;
  readonly option: string;
  readonly lane: Lane;
  readonly state: LedgerEventState;
  /** ms since the Unix epoch. */
  readonly acceptedAt: number;
  /** Where the vote stands in the log. */
  readonly partition: number;
  readonly offset: number;
}

export type ExportVotesResult =
  | { readonly kind: 'ok'; readonly pages: AsyncGenerator<readonly ExportedVote[], void, void> }
  | { readonly kind: 'poll_not_found' }
  | { readonly kind: 'forbidden' };

/**
 * Votes in the order of their ids' times. While votes still come in, one with an earlier id time may
 * be stored behind the reader and is then not in this export; after `closed` an export is whole.
 * Who exported what is recorded as an act before the first page.
 */
export async function exportVotes(
  deps: ExportVotesDeps,
  input: { readonly poll: string; readonly audience: Audience; readonly actor: string },
): Promise<ExportVotesResult> {
  if (input.audience !== 'operator') return { kind: 'forbidden' };
  const now = deps.clock.now();
  const poll = deps.directory.shown(input.poll, now);
  if (poll === undefined) return { kind: 'poll_not_found' };
  await deps.catalogue.recordAct({
    at: now,
    actor: input.actor,
    act: 'export',
    poll: poll.id,
    detail: `votes, ${poll.state}`,
  });
  return { kind: 'ok', pages: pagesOf(deps.ledger, poll.id) };
}

async function* pagesOf(
  ledger: Pick<Ledger, 'events'>,
  poll: string,
): AsyncGenerator<readonly ExportedVote[], void, void> {
  const seed = scopeSeed(poll);
  let cursor: string | null = null;
  do {
    const page = await ledger.events(poll, cursor, EXPORT_PAGE_EVENTS);
    yield page.events.map((event) => exportedVote(event, seed));
    cursor = page.nextCursor;
  } while (cursor !== null);
}

function exportedVote(event: LedgerEvent, seed: ScopeSeed): ExportedVote {
  const words = idWords();
  if (!parseEventIdHex(event.id, words)) {
    throw new ApuraError('store_corrupt', `The ledger holds an event with the id ${event.id}.`);
  }
  unmixScope(words, seed);
  const { item, lane, state, acceptedAt, partition, offset } = event;
  return { id: formatUuidV7(words), option: item, lane, state, acceptedAt, partition, offset };
}
