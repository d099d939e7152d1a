/** Reads a range of the archive as pulses that can be understood, for exports. */
import { ApuraError } from '../../domain/errors.ts';
import type { Pulse } from '../../domain/metering/pulse.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import type { Archive, ArchivedPulse } from '../../ports/archive.ts';
import type { ArchiveRange } from './replay-archive.ts';

/** A pulse with what the log knows of it. */
export interface LoggedPulse {
  /** What it is known by, 32 hex digits: several with the same are copies, or contradict each other. */
  readonly key: string;
  readonly pulse: Pulse;
  /** ms since the Unix epoch. */
  readonly receivedAt: number;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Page by page, in the archive's order; pages may be empty. Of one pulse logged several times each copy
 * is there.
 *
 * @param onUnreadable told of each that is no pulse by today's rules; it is left out.
 */
export async function* readArchivedPulses(
  archive: Pick<Archive, 'read'>,
  { logId, from, to }: ArchiveRange,
  onUnreadable: (archived: ArchivedPulse) => void,
): AsyncGenerator<readonly LoggedPulse[]> {
  for await (const page of archive.read(logId, from, to)) {
    const pulses: LoggedPulse[] = [];
    for (const archived of page) {
      const { key, partition, offset, receivedAt } = archived;
      const pulse = pulseOf(archived);
      if (pulse === null) onUnreadable(archived);
      else pulses.push({ key, pulse, receivedAt, partition, offset });
    }
    yield pulses;
  }
}

function pulseOf({ bytes }: ArchivedPulse): Pulse | null {
  try {
    return decodePulse(bytes);
  } catch (error) {
    if (error instanceof ApuraError && error.code === 'block_invalid') return null;
    throw error;
  }
}
