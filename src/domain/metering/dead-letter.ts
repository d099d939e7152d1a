/** The dead letter: what could not be processed, kept byte by byte until somebody has decided about it. */
import { ApuraError } from '../errors.ts';

export const DEAD_LETTER_QUEUES = ['resource-consumption.dlq', 'resource-usage.dlq'] as const;
export type DeadLetterQueue = (typeof DEAD_LETTER_QUEUES)[number];

/**
 * - `PENDING`: waits for somebody, or for its next try.
 * - `REQUEUED`: sent again into the log that it came from.
 * - `DISCARDED`: given up by an operator; its bytes stay.
 */
export const DEAD_LETTER_STATES = ['PENDING', 'REQUEUED', 'DISCARDED'] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

/** What a worker reports of a failure. */
export interface DeadLetterReport {
  /** SHA-256 of queue and bytes, 64 hex digits: the same bytes failing again are the same letter. */
  readonly id: string;
  readonly queue: DeadLetterQueue;
  /** Exactly as they were met. */
  readonly bytes: Uint8Array;
  /** Where they lie in the log. `index`: place in the block, or null for a block as a whole. */
  readonly origin: {
    readonly logId: string;
    readonly partition: number;
    readonly offset: number;
    readonly index: number | null;
  };
  /** Null where the bytes don't tell. */
  readonly tenant: string | null;
  /** Stable, snake_case. */
  readonly code: string;
  readonly message: string;
  /** ms since the Unix epoch. */
  readonly failedAt: number;
}

export interface DeadLetter extends Omit<DeadLetterReport, 'failedAt'> {
  readonly state: DeadLetterState;
  /** How often the bytes have failed, at least 1. */
  readonly attempts: number;
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
  /** When it is tried again without anybody's doing, ms since the Unix epoch; null: it is not. */
  readonly retryAt: number | null;
  /** Who requeued or discarded it last, and when; null before. */
  readonly resolvedBy: string | null;
  readonly resolvedAt: number | null;
}

/** Codes of failures that time may mend: tried again by themselves, later and later. */
const RETRIED_CODES: ReadonlySet<string> = new Set(['rating_unavailable']);
const RETRY_FIRST_MS = 60_000;
const RETRY_MS_MAX = 6 * 3_600_000;
const RETRIES_MAX = 10;

/** When bytes that have failed `attempts` times with this code are tried again; null: never by themselves. */
export function retryAt(code: string, attempts: number, failedAt: number): number | null {
  if (!RETRIED_CODES.has(code) || attempts > RETRIES_MAX) return null;
  return failedAt + Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_MS_MAX);
}

/** SHA-256, 64 hex digits: the domain hashes nothing by itself. */
export type Sha256 = (...parts: readonly Uint8Array[]) => string;

const encoder = new TextEncoder();

/** What a letter of these bytes is known by. */
export function deadLetterId(queue: DeadLetterQueue, bytes: Uint8Array, sha256: Sha256): string {
  return sha256(encoder.encode(`${queue}\0`), bytes);
}

/**
 * The letter after a report of its bytes: `before` is null for the first. A report from a place of the
 * log at or before the one that the letter names was met again by a rebuild, and changes nothing. A
 * letter that was sent again and has failed again is PENDING; one that was given up stays so.
 */
export function reportedLetter(before: DeadLetter | null, report: DeadLetterReport): DeadLetter {
  const { failedAt, ...failure } = report;
  if (before === null) {
    return {
      ...failure,
      state: 'PENDING',
      attempts: 1,
      firstFailedAt: failedAt,
      lastFailedAt: failedAt,
      retryAt: retryAt(report.code, 1, failedAt),
      resolvedBy: null,
      resolvedAt: null,
    };
  }
  if (isAtOrBefore(report.origin, before.origin)) return before;
  const attempts = before.attempts + 1;
  const state = before.state === 'DISCARDED' ? 'DISCARDED' : 'PENDING';
  return {
    ...before,
    ...failure,
    state,
    attempts,
    lastFailedAt: Math.max(before.lastFailedAt, failedAt),
    retryAt: state === 'PENDING' ? retryAt(report.code, attempts, failedAt) : null,
  };
}

/** The letter after somebody has decided about it. One that is to wait again is tried again as ever. */
export function resolvedLetter(
  letter: DeadLetter,
  state: DeadLetterState,
  by: { readonly actor: string; readonly at: number },
): DeadLetter {
  return {
    ...letter,
    state,
    retryAt: state === 'PENDING' ? retryAt(letter.code, letter.attempts, by.at) : null,
    resolvedBy: by.actor,
    resolvedAt: by.at,
  };
}

function isAtOrBefore(place: DeadLetter['origin'], other: DeadLetter['origin']): boolean {
  if (place.logId !== other.logId || place.partition !== other.partition) return false;
  if (place.offset !== other.offset) return place.offset < other.offset;
  return (place.index ?? 0) <= (other.index ?? 0);
}

export type DeadLetterPlace = Pick<DeadLetter, 'lastFailedAt' | 'id'>;

/** Newest failure first, then by id. Two letters never share a place. */
export function newestFailureFirst(left: DeadLetterPlace, right: DeadLetterPlace): number {
  return (
    right.lastFailedAt - left.lastFailedAt || (left.id < right.id ? -1 : Number(left.id > right.id))
  );
}

/** Names the place of the last letter of a page: the next page starts behind it. */
export function letterCursorAt({ lastFailedAt, id }: DeadLetterPlace): string {
  return `${lastFailedAt}.${id}`;
}

/** @throws ApuraError `invalid_query`: not a cursor. */
export function letterPlaceAt(cursor: string): DeadLetterPlace {
  const match = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(cursor);
  const id = match?.[2];
  if (id !== undefined) return { lastFailedAt: Number(match?.[1]), id };
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of dead letters.');
}
