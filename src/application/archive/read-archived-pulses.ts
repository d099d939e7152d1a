/** Reads a range of the archive as pulses that can be understood, for exports. */
import type { Pulse } from '../../domain/metering/pulse.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import type { Archive } from '../../ports/archive.ts';
import { type ArchiveRange, type OnUnreadable, readArchived } from './read-archived.ts';

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

/** As `readArchived`. The range is of the pulses' own times. */
export function readArchivedPulses(
  archive: Pick<Archive, 'read'>,
  range: ArchiveRange,
  onUnreadable: OnUnreadable,
): AsyncGenerator<readonly LoggedPulse[]> {
  return readArchived(
    archive,
    range,
    ({ key, bytes, receivedAt, partition, offset }) => ({
      key,
      pulse: decodePulse(bytes),
      receivedAt,
      partition,
      offset,
    }),
    onUnreadable,
  );
}
