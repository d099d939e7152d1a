/** The dead letters of both queues: listed, sent again, or given up, and never lost. */
import type {
  DeadLetter,
  DeadLetterQueue,
  DeadLetterState,
} from '../domain/metering/dead-letter.ts';

export interface DeadLetterFilter {
  readonly queue: DeadLetterQueue | null;
  readonly state: DeadLetterState | null;
  readonly tenant: string | null;
  readonly code: string | null;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

/**
 * Written by the steps of the pulse ledger and the rating book as `reportedLetter` says; read and
 * resolved here.
 */
export interface DeadLetters {
  /** By lastFailedAt, newest first, then by id. @throws ApuraError `invalid_query`: the cursor is not one of this list. */
  list(filter: DeadLetterFilter, cursor: string | null, limit: number): Promise<DeadLetterPage>;

  get(id: string): Promise<DeadLetter | null>;

  /** How many letters are PENDING, a queue. */
  pending(): Promise<Readonly<Record<DeadLetterQueue, number>>>;

  /** PENDING letters whose `retryAt` has come, by (retryAt, id), at most `limit`. */
  due(now: number, limit: number): Promise<readonly DeadLetter[]>;

  /**
   * Makes the letter `resolvedLetter` of it if its state still is one of `from`, and where `attempts` is
   * given it has failed that often and no more; `conflict` otherwise, `unknown` where there is none.
   * Atomic: of several at once one wins. Failing again makes a REQUEUED letter PENDING by the step that
   * reports it.
   */
  resolve(
    id: string,
    from: readonly DeadLetterState[],
    state: DeadLetterState,
    by: { readonly actor: string; readonly at: number },
    attempts?: number,
  ): Promise<'resolved' | 'conflict' | 'unknown'>;
}
