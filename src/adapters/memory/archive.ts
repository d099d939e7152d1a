/** The archive in memory: the model that the others are held against, and the tests' own. */
import { HOUR_MS } from '../../domain/counting/time-window.ts';
import {
  ARCHIVE_PAGE_BYTES_MAX,
  ARCHIVE_PAGE_EVENTS_MAX,
  type Archive,
  type ArchiveColumns,
  type ArchivedEvent,
} from '../../ports/archive.ts';

interface Row extends ArchivedEvent {
  /** Place in its block. */
  readonly index: number;
}

interface LogRows {
  readonly positions: Map<number, number>;
  /** By partition, offset and place in the block. */
  readonly rows: Map<string, Row>;
}

/** What all handles on one archive share. */
export class MemoryArchiveContent {
  readonly logs = new Map<string, LogRows>();
}

export class MemoryArchive implements Archive {
  readonly #content: MemoryArchiveContent;

  constructor(content: MemoryArchiveContent = new MemoryArchiveContent()) {
    this.#content = content;
  }

  async put(logId: string, partition: number, events: ArchiveColumns): Promise<void> {
    const { rows } = this.#log(logId);
    let index = 0;
    for (let at = 0; at < events.count; at += 1) {
      const offset = events.offset[at] ?? 0;
      index = at > 0 && events.offset[at - 1] === offset ? index + 1 : 0;
      rows.set(`${partition}/${offset}/${index}`, {
        key: hexAt(events.keys, at),
        digest: hexAt(events.digests, at),
        partition,
        offset,
        index,
        occurredAt: events.occurredAt[at] ?? 0,
        receivedAt: events.receivedAt[at] ?? 0,
        bytes: events.bytes.slice(events.start[at], events.end[at]),
      });
    }
  }

  async position(logId: string, partition: number): Promise<number> {
    return this.#log(logId).positions.get(partition) ?? 0;
  }

  async setPosition(logId: string, partition: number, nextOffset: number): Promise<void> {
    const { positions } = this.#log(logId);
    positions.set(partition, Math.max(positions.get(partition) ?? 0, nextOffset));
  }

  async *read(logId: string, from: number, to: number): AsyncGenerator<readonly ArchivedEvent[]> {
    const rows = [...this.#log(logId).rows.values()]
      .filter(({ occurredAt }) => occurredAt >= from && occurredAt < to)
      .sort(inOrder);
    let page: ArchivedEvent[] = [];
    let bytes = 0;
    for (const { index: _, ...event } of rows) {
      const isFull =
        page.length === ARCHIVE_PAGE_EVENTS_MAX ||
        bytes + event.bytes.length > ARCHIVE_PAGE_BYTES_MAX;
      if (isFull) {
        yield page;
        page = [];
        bytes = 0;
      }
      page.push(event);
      bytes += event.bytes.length;
    }
    if (page.length > 0) yield page;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #log(logId: string): LogRows {
    const known = this.#content.logs.get(logId);
    if (known !== undefined) return known;
    const created: LogRows = { positions: new Map(), rows: new Map() };
    this.#content.logs.set(logId, created);
    return created;
  }
}

function inOrder(left: Row, right: Row): number {
  return (
    Math.floor(left.occurredAt / HOUR_MS) - Math.floor(right.occurredAt / HOUR_MS) ||
    left.partition - right.partition ||
    left.offset - right.offset ||
    left.index - right.index
  );
}

function hexAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(16 * at, 16 * at + 16)).toString('hex');
}
