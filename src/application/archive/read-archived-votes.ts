/** Reads a range of the archive as votes, for exports: of one poll, or of all. */
import { decodeKey } from '../../domain/counting/block.ts';
import type { EventKey } from '../../domain/counting/key.ts';
import type { Archive } from '../../ports/archive.ts';
import { type ArchiveRange, type OnUnreadable, readArchived } from './read-archived.ts';

/** A vote as it was logged. Whether it counts is not told here: the fold of the log says it. */
export interface LoggedVote extends EventKey {
  /** Its id16, 32 hex digits: several with the same are copies of one vote. */
  readonly id: string;
  /** ms since the Unix epoch. */
  readonly acceptedAt: number;
  /** The time of its block. */
  readonly loggedAt: number;
  readonly partition: number;
  readonly offset: number;
}

/**
 * As `readArchived`. The range is of acceptances.
 *
 * @param poll its id; null: every poll's.
 */
export async function* readArchivedVotes(
  archive: Pick<Archive, 'read'>,
  range: ArchiveRange,
  poll: string | null,
  onUnreadable: OnUnreadable,
): AsyncGenerator<readonly LoggedVote[]> {
  const pages = readArchived(
    archive,
    range,
    ({ key, bytes, occurredAt, receivedAt, partition, offset }): LoggedVote => ({
      ...decodeKey(bytes),
      id: key,
      acceptedAt: occurredAt,
      loggedAt: receivedAt,
      partition,
      offset,
    }),
    onUnreadable,
  );
  for await (const page of pages) {
    yield poll === null ? page : page.filter(({ scope }) => scope === poll);
  }
}
