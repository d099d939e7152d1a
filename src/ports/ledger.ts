/** The ledger: every event with its verdict, and windows over them: history, receipts, reports. */
import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type { Lane } from '../domain/counting/lane.ts';
import type {
  Books,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from './store-step.ts';

/**
 * Events in columns, all of equal length `count`: at 50,000 votes a second one object per event
 * would cost more than writing it.
 */
export interface EventColumns {
  readonly count: number;
  /** 16 bytes an event: the id16 (48-bit big-endian time, then 80 mixed bits). */
  readonly ids: Uint8Array;
  /** Index into `keys`, an event. */
  readonly keyIndex: Uint16Array;
  /** Acceptance, ms since the Unix epoch. */
  readonly acceptedAt: Float64Array;
  /** The offset of the event's block. */
  readonly offset: Float64Array;
  readonly keys: readonly { readonly scope: string; readonly item: string; readonly lane: Lane }[];
}

export interface LedgerStep extends StepBase {
  readonly counted: EventColumns;
  /** Events that the log holds but that do not count, save duplicates: `verdict` per event (EXPIRED, LATE). */
  readonly excluded: EventColumns & { readonly verdict: Uint8Array };
}

export type LedgerEventState = 'counted' | 'voided' | 'late' | 'expired';

export interface LedgerEvent {
  /** id16 as 32 hex digits. */
  readonly id: string;
  readonly scope: string;
  readonly item: string;
  readonly lane: Lane;
  readonly acceptedAt: number;
  readonly state: LedgerEventState;
  readonly partition: number;
  readonly offset: number;
}

export interface EventPage {
  readonly events: readonly LedgerEvent[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface Ledger extends AsyncDisposable {
  /** As LiveTally.takeOver. */
  takeOver(partition: number): Promise<Takeover>;

  /**
   * Applies one step atomically and idempotently; see CommitOutcome. Acts change only events that
   * counted. An id that the ledger holds
   * already as counted breaks an invariant: throws ApuraError `ledger_key_conflict`, nothing applied.
   */
  commit(step: LedgerStep): Promise<CommitOutcome>;

  /** One partition's windows, books and position, all of the same instant. */
  read(partition: number): Promise<PartitionCounts>;

  /** One partition's position alone: cheap, for who need not read the counts. */
  checkpoint(partition: number): Promise<Checkpoint>;

  /**
   * The event with this id16 (32 hex digits), or null where the ledger holds none. Of several copies
   * that are all excluded, the first.
   */
  find(id: string): Promise<LedgerEvent | null>;

  /** Minute windows of one scope over all partitions, by minute then item; `[fromMinute, toMinute)`. */
  windows(scope: string, fromMinute: number, toMinute: number): Promise<readonly MinuteCount[]>;

  /** One scope's books, summed over all partitions in one view; all zeros where nothing of it was logged. */
  books(scope: string): Promise<Books>;

  /** Events of one scope in id order, at most `limit`, from `cursor` (null: the start). */
  events(scope: string, cursor: string | null, limit: number): Promise<EventPage>;

  /** Counts the event rows themselves, not the windows: what an audit compares. */
  recount(partition: number): Promise<PartitionCounts>;

  /**
   * Lets go of event rows by whole UTC days of their id time, those that end at or before `before` (ms
   * since the Unix epoch), and resolves to how many. Windows, books, positions and marks stay, and a
   * recount goes on counting what was let go; find and events know it no more. Days that did not end `W`
   * before the log time of every partition stay: 0 where none is left. Idempotent. Atomic a part of
   * the rows, not over all: one that broke off is gone on with by calling again. Steps may come between.
   */
  forget(before: number): Promise<number>;

  /** Empties a partition and raises its epoch, for a rebuild from the log. */
  reset(partition: number): Promise<void>;
}
