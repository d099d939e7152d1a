/** The archive: a raw backup of logged events outside the ledger, from which a range can be had back. */
import type { PulseColumns } from './pulse-ledger.ts';

/**
 * Pulses or votes in columns, all of length `count`. Several may share the same of `bytes`. For a pulse
 * each says what PulseColumns says. For a vote:
 *
 * - `keys`: its id16, and `digests`: zeros;
 * - `bytes`: its key (scope, item, lane) as a block's dictionary writes it;
 * - `occurredAt`: its acceptance, and `receivedAt`: the block time.
 */
export type ArchiveColumns = Pick<
  PulseColumns,
  'count' | 'bytes' | 'start' | 'end' | 'keys' | 'digests' | 'occurredAt' | 'receivedAt' | 'offset'
>;

/** One archived event as it came: see ArchiveColumns. */
export interface ArchivedEvent {
  /** 32 hex digits. */
  readonly key: string;
  /** 32 hex digits. */
  readonly digest: string;
  readonly partition: number;
  readonly offset: number;
  /** ms since the Unix epoch. */
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly bytes: Uint8Array;
}

/** What one page of `read` has at most. */
export const ARCHIVE_PAGE_EVENTS_MAX = 4_096;
export const ARCHIVE_PAGE_BYTES_MAX = 4 << 20;

export interface Archive extends AsyncDisposable {
  /**
   * Stores the events of whole blocks of one partition of the log: of each offset that is named, every
   * event, in log order. All are held, by as many replicas as the archive's settings ask for, when this
   * resolves. Idempotent: what is stored is a function of the log alone, so that the same blocks twice,
   * together or one by one, are there once. A failure in between leaves some; do it again.
   *
   * @throws ApuraError `store_unavailable`
   * @throws ApuraError `store_corrupt`: the archive's tables are not ours, or gone.
   */
  put(logId: string, partition: number, events: ArchiveColumns): Promise<void>;

  /** How far the partition is archived: the offset of the first block that is not. 0 at the start. */
  position(logId: string, partition: number): Promise<number>;

  /** Moves the position on; never back, whoever else moves it at the same time. Idempotent. */
  setPosition(logId: string, partition: number, nextOffset: number): Promise<void>;

  /**
   * Every archived event of the log with `occurredAt` in `[from, to)`, in pages that are never empty, in
   * order of (hour of `occurredAt`, partition, offset, place in the block). Of one event logged several
   * times each copy is there. What is put while it reads may be missing.
   *
   * @throws ApuraError `store_unavailable`, `store_corrupt`: some row is not what was put.
   */
  read(logId: string, from: number, to: number): AsyncIterable<readonly ArchivedEvent[]>;
}
