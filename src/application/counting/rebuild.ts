/** Rebuilds a store from the log: empties it partition by partition and follows the log to its end. */
import { START } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import type { StepBase } from '../../ports/store-step.ts';
import { PartitionFollower, type StepCollector, type StepStore } from './partition-follower.ts';
import { LedgerCollector, TallyCollector } from './step-collectors.ts';

export interface RebuildDeps {
  readonly log: EventLog;
  readonly dedupWindowMs: number;
  /** Any 32 random bits: see DedupWindow. */
  readonly seed: number;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

const STEP_BYTES_MAX = 1 << 20;

/**
 * The caller holds the store alone: nothing else writes to it.
 *
 * @throws ApuraError `fenced`: something else does.
 */
export async function rebuildTally(deps: RebuildDeps, tally: LiveTally): Promise<void> {
  for (let partition = 0; partition < deps.log.description.partitions; partition += 1) {
    const { checkpoint } = await tally.read(partition);
    const empty = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
    if (!(await tally.replace(partition, checkpoint.nextOffset, empty))) {
      throw new ApuraError('fenced', `Somebody else moves partition ${partition} of the tally.`);
    }
    await refill(deps, partition, tally, () => new TallyCollector());
  }
}

/** As `rebuildTally`. */
export async function rebuildLedger(deps: RebuildDeps, ledger: Ledger): Promise<void> {
  for (let partition = 0; partition < deps.log.description.partitions; partition += 1) {
    await ledger.reset(partition);
    await refill(deps, partition, ledger, () => new LedgerCollector());
  }
}

async function refill<Step extends StepBase>(
  deps: RebuildDeps,
  partition: number,
  store: StepStore<Step>,
  collector: () => StepCollector<Step>,
): Promise<void> {
  const { log, dedupWindowMs, seed, onProgress } = deps;
  const follower = new PartitionFollower({
    log,
    store,
    partition,
    dedupWindowMs,
    seed,
    collector,
  });
  const { end } = await log.bounds(partition);
  for (;;) {
    await follower.advance(STEP_BYTES_MAX);
    const at = follower.checkpoint?.nextOffset ?? 0;
    onProgress(partition, at, end);
    if (at >= end) return;
  }
}
