/** The dead letter: what could not be processed, kept byte by byte until somebody has decided about it. */

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
export const RETRIED_CODES: ReadonlySet<string> = new Set(['rating_unavailable']);
const RETRY_FIRST_MS = 60_000;
const RETRY_MS_MAX = 6 * 3_600_000;
const RETRIES_MAX = 10;

/** When bytes that have failed `attempts` times with this code are tried again; null: never by themselves. */
export function retryAt(code: string, attempts: number, failedAt: number): number | null {
  if (!RETRIED_CODES.has(code) || attempts > RETRIES_MAX) return null;
  return failedAt + Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_MS_MAX);
}
