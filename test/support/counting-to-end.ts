/** Counts a log into a store as a worker does, to the log's end and no further: for tests of whole paths. */
import {
  type FollowerDeps,
  PartitionFollower,
} from '../../src/application/counting/partition-follower.ts';
import { LedgerCollector, TallyCollector } from '../../src/application/counting/step-collectors.ts';
import { DEDUP_WINDOW_MS } from '../../src/domain/counting/log-settings.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { Ledger, LedgerStep } from '../../src/ports/ledger.ts';
import type { LiveTally, TallyStep } from '../../src/ports/live-tally.ts';
import type { PartitionCounts, StepBase } from '../../src/ports/store-step.ts';

const STEP_BYTES = 1 << 20;

/** A worker's follower of partition 0 that knows nothing yet, as after a start. */
export function tallyFollower(log: EventLog, store: LiveTally): PartitionFollower<TallyStep> {
  return followerOf({ log, store, collector: () => new TallyCollector() });
}

export function ledgerFollower(log: EventLog, store: Ledger): PartitionFollower<LedgerStep> {
  return followerOf({ log, store, collector: () => new LedgerCollector() });
}

function followerOf<Step extends StepBase>(
  deps: Pick<FollowerDeps<Step>, 'log' | 'store' | 'collector'>,
): PartitionFollower<Step> {
  return new PartitionFollower({
    ...deps,
    partition: 0,
    dedupWindowMs: DEDUP_WINDOW_MS,
    seed: 9,
  });
}

/** Resolves once the store stands where the log ends. Throws as PartitionFollower.advance. */
export async function countToEnd(follower: {
  advance(maxBytes: number): Promise<{ readonly kind: 'applied' | 'idle' }>;
}): Promise<void> {
  while ((await follower.advance(STEP_BYTES)).kind === 'applied') {}
}

/** What a store holds, an option. */
export function votesOf({
  counts,
}: Pick<PartitionCounts, 'counts'>): Readonly<Record<string, number>> {
  const votes: Record<string, number> = {};
  for (const { item, count } of counts) votes[item] = (votes[item] ?? 0) + count;
  return votes;
}
