/**
 * The catalogue: the log's settings, the polls as operators left them, their images, and every
 * operator act. Small, strongly consistent, asked at start and by operators, never for a vote.
 */
import type { ConsistencyRecord as StoredConsistency } from '../domain/counting/consistency-record.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { ImageInfo } from '../domain/voting/image.ts';
import type { Poll } from '../domain/voting/poll.ts';

export const ACT_NAMES = [
  'create',
  'update',
  'schedule',
  'open',
  'pause',
  'resume',
  'close',
  'closed',
  'publish',
  'archive',
  'set_image',
  'export',
] as const;
export type ActName = (typeof ACT_NAMES)[number];

/** What the sync role leaves for all who are asked whether the stores agree. */
export type ConsistencyRecord = StoredConsistency;

/** One thing that an operator (or the clock) did. Never changed, never deleted. */
export interface OperatorAct {
  /** ms since the Unix epoch. */
  readonly at: number;
  /** Who: an operator's name, or CLOCK_ACTOR. */
  readonly actor: string;
  readonly act: ActName;
  readonly poll: string;
  /** What exactly, in a few words; null where the act says it all. */
  readonly detail: string | null;
}

/** The actor of what the schedule did. */
export const CLOCK_ACTOR = 'clock';

export interface StoredImage extends ImageInfo {
  /** SHA-256 of the bytes, 64 lower-case hex digits: the image's name. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** All that one act changes; it is stored as a whole or not at all. */
export interface PollChange {
  /** The whole poll as it is to be; its version is `expectedVersion + 1`. */
  readonly poll: Poll;
  /** The version that the change was decided on; 0 creates the poll. */
  readonly expectedVersion: number;
  readonly act: OperatorAct;
  /** An image that the poll now refers to, or null. Storing a known image again changes nothing. */
  readonly image: StoredImage | null;
}

export interface PollPage {
  readonly polls: readonly Poll[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface ActPage {
  readonly acts: readonly OperatorAct[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface Catalogue extends AsyncDisposable {
  /**
   * The first log's settings: stores `proposal` if there are none yet, and resolves to what is stored,
   * which may differ from the proposal. Atomic: all callers ever get the same settings.
   */
  mintLogSettings(proposal: LogSettings): Promise<LogSettings>;

  /**
   * Every log of the installation, oldest first; its place in the list is the log's generation. An
   * installation grows by a new log: what an older one holds stays there.
   */
  logs(): Promise<readonly LogSettings[]>;

  /**
   * Adds the newest log. Atomic, and idempotent by the log's id: `known` changes nothing, whatever
   * the other settings say. The first log of all is the one that `mintLogSettings` resolves to.
   */
  addLog(settings: LogSettings): Promise<'added' | 'known'>;

  /** Puts a report in the place of the one that the log had. */
  putConsistency(report: ConsistencyRecord): Promise<void>;

  /** The newest report of this log, or null where there was none yet. */
  consistency(logId: string): Promise<ConsistencyRecord | null>;

  /**
   * The store's own clock, ms since the Unix epoch, which doors hold theirs against; null where the
   * store has none but the machine's.
   */
  now(): Promise<number | null>;

  /**
   * Stores a poll's change, its act and its image in one step, if the poll still has
   * `expectedVersion`; `conflict` otherwise, and nothing changes. The new version is unpublished.
   * Once this resolves to `stored` it survives a crash of the process and of the machine.
   */
  putPoll(change: PollChange): Promise<'stored' | 'conflict'>;

  /** The newest version of a poll, or null where there is none of this id. */
  poll(id: string): Promise<Poll | null>;

  /**
   * Polls, newest first (by creation, then by id), at most `limit`, from `cursor` (null: the start).
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  polls(cursor: string | null, limit: number): Promise<PollPage>;

  /**
   * Every stored poll version that is not confirmed as written to the log's control partition, a
   * poll's versions in their order. A crash between the catalogue and the log leaves them here.
   */
  unpublished(): Promise<readonly Poll[]>;

  /** Confirms the poll's versions up to `version` as written to the log. Idempotent. */
  markPublished(poll: string, version: number): Promise<void>;

  /** The image with this digest, or null. */
  image(sha256: string): Promise<StoredImage | null>;

  /** Adds an act that changes no poll. */
  recordAct(act: OperatorAct): Promise<void>;

  /**
   * Acts, newest first, of one poll or (null) of all, at most `limit`, from `cursor`.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  acts(poll: string | null, cursor: string | null, limit: number): Promise<ActPage>;
}
