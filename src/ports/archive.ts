/** The archive: a raw backup of events outside the ledger, from which a range can be brought back. */
import type { PulseColumns } from './pulse-ledger.ts';

/** One archived event as it came: a pulse's Protobuf message or a vote's row. */
export interface ArchivedPulse {
  /** 32 hex digits. */
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
  readonly occurredAt: number;
  readonly receivedAt: number;
  /** The pulse's Protobuf message. */
  readonly bytes: Uint8Array;
}

export interface Archive extends AsyncDisposable {
  /**
   * Stores the pulses of one partition of the log; all of them are held, by as many replicas as
   * the archive's settings ask for, when this resolves. Idempotent: rows are written under
   * (occurred day and hour, partition, key, offset) and the same row twice is one. A failure in between
   * leaves some; do it again.
   *
   * @throws ApuraError `store_unavailable`
   */
  put(logId: string, partition: number, pulses: PulseColumns): Promise<void>;

  /** How far the partition is archived: the offset of the first block that is not. 0 at the start. */
  position(logId: string, partition: number): Promise<number>;

  /** Moves the position on; never back. */
  setPosition(logId: string, partition: number, nextOffset: number): Promise<void>;

  /**
   * Every archived pulse of the log with `occurredAt` in `[from, to)`, in pages of bounded size, in order of
   * (hour, partition, key, offset). Of one pulse logged several times each copy is there.
   */
  read(logId: string, from: number, to: number): AsyncIterable<readonly ArchivedPulse[]>;
}
