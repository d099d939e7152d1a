/**
 * Rebuilds the pulse ledger from its log. Every window gets a version above all that it ever had, so that
 * rating takes usage up anew. What operators have decided about dead letters stays.
 */
import { usageVersion } from '../../domain/metering/usage.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PulseCommit, PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { type HaveRebuiltDeps, haveRebuilt } from '../counting/have-rebuilt.ts';
import type { Consumer } from './consume-job.ts';
import { retractUsage } from './retract-usage.ts';
import { sendPendingUsage } from './usage-sender.ts';

type RebuiltLedger = Pick<
  PulseLedger,
  'takeOver' | 'reset' | 'checkpoint' | 'usage' | 'pendingUsage' | 'markUsageSent'
>;
type FedBook = Pick<RatingBook, 'usage' | 'tenants' | 'accept'>;

export interface RebuildPulsesDeps {
  readonly log: Pick<EventLog, 'description' | 'bounds'>;
  readonly ledger: RebuiltLedger;
  readonly book: FedBook;
  /** Makes what takes a partition of the log into the ledger. */
  readonly consumer: (partition: number) => Consumer<PulseCommit>;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

/**
 * The caller holds ledger and book alone: nothing else writes to them.
 *
 * @throws ApuraError `fenced`: something else does. Otherwise as the log and the stores.
 */
export async function rebuildPulses(deps: RebuildPulsesDeps): Promise<void> {
  const { log, ledger, book, consumer, onProgress } = deps;
  const { partitions } = log.description;
  const versions: number[] = [];
  // All of them first: a key that lies in a wrong partition would be known there still.
  for (let partition = 0; partition < partitions; partition += 1) {
    versions.push(await empty(ledger, partition));
  }
  const { signal } = new AbortController();
  const transport = {
    send: async (records: Parameters<FedBook['accept']>[0]): Promise<void> => {
      await book.accept(records);
    },
  };
  for (let partition = 0; partition < partitions; partition += 1) {
    const { end } = await log.bounds(partition);
    const work = consumer(partition);
    await work.drain(end, signal, () => onProgress(partition, work.position ?? 0, end));
    await sendPendingUsage({ ledger, transport }, partition);
  }
  await retractUsage({ ledger, book }, versions);
}

export interface HavePulsesRebuiltDeps extends HaveRebuiltDeps {
  readonly ledger: RebuiltLedger;
  readonly book: FedBook;
  /** Whether all usage has gone from the ledger to rating. */
  readonly isSettled: () => Promise<boolean>;
}

const LOOK_MS = 250;

/**
 * The same where workers run on: they fill what was emptied. Usage that they do not bring to rating within
 * `stillMsMax` is on its way for longer; then nothing is taken back, and false is what this resolves to.
 *
 * @throws ApuraError `not_ready`: nobody fills what was emptied; start a process that aggregates.
 */
export async function havePulsesRebuilt(deps: HavePulsesRebuiltDeps): Promise<boolean> {
  const { ledger, book, isSettled, sleep, stillMsMax } = deps;
  const versions: number[] = [];
  const position = async (partition: number): Promise<number> =>
    (await ledger.checkpoint(partition)).nextOffset;
  await haveRebuilt(
    deps,
    { name: 'pulse ledger', role: 'aggregate', position },
    async (partition) => {
      versions[partition] = await empty(ledger, partition);
    },
  );
  const { signal } = new AbortController();
  for (let waitedMs = 0; !(await isSettled()); waitedMs += LOOK_MS) {
    if (waitedMs > stillMsMax) return false;
    await sleep(LOOK_MS, signal);
  }
  await retractUsage({ ledger, book }, versions);
  return true;
}

/** Resolves to a version above every one that a window of the partition has had, and below all to come. */
async function empty(ledger: RebuiltLedger, partition: number): Promise<number> {
  const { epoch } = await ledger.takeOver(partition);
  await ledger.reset(partition);
  return usageVersion(epoch, 0);
}
