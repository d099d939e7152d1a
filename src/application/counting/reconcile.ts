/**
 * Reconciles the live tally with the ledger while both move: brings the one that is behind to stop
 * exactly where the other was read, and compares all counts and books there. Each has folded the log
 * by itself, so their agreement speaks for both.
 */
import type { PartitionCounts } from '../../ports/store-step.ts';
import { compareCounts, type Difference } from './compare-counts.ts';

/** A store that is being kept up with the log. */
export interface MovingStore {
  read(partition: number): Promise<PartitionCounts>;
  /** As StoreWorker.countsAt. */
  countsAt(partition: number, offset: number): Promise<PartitionCounts | null>;
}

export type Reconciliation =
  | { readonly kind: 'consistent'; readonly nextOffset: number }
  | { readonly kind: 'different'; readonly differences: readonly Difference[] }
  /** The stores passed each other; ask again. */
  | { readonly kind: 'missed' };

export async function reconcile(
  partition: number,
  tally: MovingStore,
  ledger: MovingStore,
): Promise<Reconciliation> {
  const [tallied, booked] = await Promise.all([tally.read(partition), ledger.read(partition)]);
  const tallyAt = tallied.checkpoint.nextOffset;
  const ledgerAt = booked.checkpoint.nextOffset;
  const behind = tallyAt < ledgerAt ? tally : ledger;
  const target = Math.max(tallyAt, ledgerAt);
  const caughtUp = tallyAt === ledgerAt ? booked : await behind.countsAt(partition, target);
  if (caughtUp === null) return { kind: 'missed' };
  const ahead = tallyAt < ledgerAt ? booked : tallied;
  const differences =
    behind === tally
      ? compareCounts(partition, ahead, caughtUp)
      : compareCounts(partition, caughtUp, ahead);
  return differences.length === 0
    ? { kind: 'consistent', nextOffset: target }
    : { kind: 'different', differences };
}
