/** What the event log's suite needs of a log, and how it looks at what one holds. */
import { expect } from 'bun:test';
import { CONTROL_PARTITION, type EventLog, type LoggedBlock } from '../../src/ports/event-log.ts';

/** A handle that only reads: a worker's thread, beside the one that appends. */
export type EventLogReader = Omit<EventLog, 'append'>;

/** One log, reached through several handles. Disposing it removes it. */
export interface EventLogUnderTest extends AsyncDisposable {
  openWriter(): Promise<EventLog>;
  openReader(): Promise<EventLogReader>;
  /**
   * Ends every handle as kill -9 would, in the middle of whatever it does: nothing is closed or
   * flushed. They must not be used again; opening gives new ones.
   */
  crash(): Promise<void>;
  /** Drops the blocks of a partition below `start`, where the adapter knows retention. */
  trim?(partition: number, start: number): Promise<void>;
  /** Lets the storage report an error at every later write, as a full disk does. */
  breakStorage?(): Promise<void>;
}

export interface EventLogHarness {
  /** Makes a new, empty log. */
  create(partitions: number): Promise<EventLogUnderTest>;
  /** Whether several writers may stand open at once. */
  readonly manyWriters: boolean;
  /** Whether `trim` and `breakStorage` are there. */
  readonly trims: boolean;
  readonly breaks: boolean;
}

/** The partitions of every log under test. */
export const PARTITIONS = 3;
export const EVERY_PARTITION = [CONTROL_PARTITION, 0, 1, 2];

/** A partition's blocks, read in small bites and checked for holes. */
export async function contentOf(
  log: EventLogReader,
  partition: number,
  from = 0,
): Promise<Uint8Array[]> {
  const content: Uint8Array[] = [];
  for (;;) {
    const read = await log.read(partition, from + content.length, 500);
    if (read.length === 0) return content;
    for (const logged of read) {
      expect(logged.offset).toBe(from + content.length);
      content.push(plainBytes(logged));
    }
  }
}

/** The bytes alone: an adapter may hand out a subclass such as Buffer. */
export function plainBytes(logged: LoggedBlock): Uint8Array {
  return new Uint8Array(logged.bytes);
}
