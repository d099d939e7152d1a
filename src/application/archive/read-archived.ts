/** Reads a range of the archive as whatever its events are, and tells apart what is no such thing. */
import { ApuraError } from '../../domain/errors.ts';
import type { Archive, ArchivedEvent } from '../../ports/archive.ts';

/** Events of one log with `occurredAt` in `[from, to)`, ms since the Unix epoch. */
export interface ArchiveRange {
  readonly logId: string;
  readonly from: number;
  readonly to: number;
}

/** Told of each archived event that is none by today's rules; it is left out. */
export type OnUnreadable = (archived: ArchivedEvent) => void;

/**
 * Page by page, in the archive's order; pages may be empty. Of one event logged several times each copy
 * is there.
 *
 * @param decode throws ApuraError `block_invalid` for what is unreadable.
 */
export async function* readArchived<Logged>(
  archive: Pick<Archive, 'read'>,
  { logId, from, to }: ArchiveRange,
  decode: (archived: ArchivedEvent) => Logged,
  onUnreadable: OnUnreadable,
): AsyncGenerator<readonly Logged[]> {
  for await (const page of archive.read(logId, from, to)) {
    const readable: Logged[] = [];
    for (const archived of page) {
      try {
        readable.push(decode(archived));
      } catch (error) {
        if (!(error instanceof ApuraError && error.code === 'block_invalid')) throw error;
        onUnreadable(archived);
      }
    }
    yield readable;
  }
}
