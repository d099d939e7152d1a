/** What became of a vote's id, as far as the log has said so: never which option it chose. */

/**
 * - `pending`: not met yet; it may still be on its way, so send nothing anew under another id.
 * - `counted`, `duplicate`, `expired`, `late`, `voided`: the verdict on it.
 * - `not_counted_final`: not met, and the log would refuse it from now on: a new id may be used.
 */
export const RECEIPT_STATUSES = [
  'pending',
  'counted',
  'duplicate',
  'expired',
  'late',
  'voided',
  'not_counted_final',
] as const;
export type ReceiptStatus = (typeof RECEIPT_STATUSES)[number];

export interface ReceiptFacts {
  /** What the ledger holds of the id; null where it holds nothing. */
  readonly event: Exclude<ReceiptStatus, 'pending' | 'not_counted_final'> | null;
  /**
   * The log time up to which the ledger has followed the id's partition. Read BEFORE `event`: the
   * other way round an event between the two reads would be called lost.
   */
  readonly logTime: number;
  /** The time in the id, ms since the Unix epoch. */
  readonly idTime: number;
  readonly dedupWindowMs: number;
}

export function receiptStatus(facts: ReceiptFacts): ReceiptStatus {
  if (facts.event !== null) return facts.event;
  return isPastWindow(facts) ? 'not_counted_final' : 'pending';
}

/** Whether any block that is still to come would find the id expired. */
export function isPastWindow(
  facts: Pick<ReceiptFacts, 'logTime' | 'idTime' | 'dedupWindowMs'>,
): boolean {
  return facts.logTime > facts.idTime + facts.dedupWindowMs;
}
