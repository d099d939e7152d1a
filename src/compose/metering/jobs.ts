/** The two jobs of metering, as the embedded form and the roles apart have them: aggregation and rating's intake. */
import { createHash, randomBytes } from 'node:crypto';
import { ConsumeJob, type ConsumeJobDeps } from '../../application/metering/consume-job.ts';
import { LogConsumer } from '../../application/metering/log-consumer.ts';
import { type PulseBatch, readPulseBatches } from '../../application/metering/pulse-batches.ts';
import { readUsageBatches, type UsageBatch } from '../../application/metering/usage-batches.ts';
import { sendPendingUsage } from '../../application/metering/usage-sender.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { PulseCommit, PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { BoundedChannel } from '../../runtime/bounded-channel.ts';
import { sleep } from '../sleep.ts';

/** About 20,000 pulses: a fraction of a second of one commit, and some ten MiB in memory. */
const PULSE_STEP_BYTES_MAX = 640 << 10;
const USAGE_STEP_BYTES_MAX = 512 << 10;
/** How soon rating sees usage that the aggregation has sent, ms. */
const RATE_INTAKE_EVERY_MS = 500;

interface JobDeps<Commit> {
  readonly log: EventLog;
  readonly ownership: Pick<PartitionOwnership, 'owned' | 'subscribe'>;
  readonly clock: Clock;
  readonly onCommitted: (partition: number, commit: Commit) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly onHalted: ConsumeJobDeps<{ readonly outcome: CommitOutcome }>['onHalted'];
}

export interface AggregateDeps extends JobDeps<PulseCommit> {
  readonly ledger: PulseLedger;
  readonly transport: Pick<UsageTransport, 'send'>;
  readonly everyMs: number;
  /** Told how many records went on their way after each drain. */
  readonly onUsageSent?: (partition: number, records: number) => void;
}

/** Pulses into the ledger, usage on its way to rating. */
export function aggregateJob(deps: AggregateDeps): ConsumeJob<PulseCommit> {
  const { log, ledger, transport, clock } = deps;
  return new ConsumeJob<PulseCommit>({
    ...deps,
    sleep,
    consumer: (partition) => pulseConsumer({ log, ledger, clock }, partition),
    afterDrain: async (partition) => {
      const records = await sendPendingUsage({ ledger, transport }, partition);
      deps.onUsageSent?.(partition, records);
    },
  });
}

/** Takes one partition of pulses into the ledger. */
export function pulseConsumer(
  {
    log,
    ledger,
    clock,
  }: Pick<AggregateDeps, 'log' | 'clock'> & {
    readonly ledger: Pick<PulseLedger, 'takeOver' | 'checkpoint' | 'commit'>;
  },
  partition: number,
): LogConsumer<PulseBatch, PulseCommit> {
  return new LogConsumer<PulseBatch, PulseCommit>({
    log,
    partition,
    store: {
      takeOver: (number) => ledger.takeOver(number),
      checkpoint: (number) => ledger.checkpoint(number),
      commit: ({ step }, epoch) => ledger.commit({ ...step, epoch }),
    },
    batches: (from, end) =>
      readPulseBatches(
        {
          log,
          logId: log.description.logId,
          partition,
          clock,
          stepBytesMax: PULSE_STEP_BYTES_MAX,
          sha256,
        },
        from,
        end,
      ),
    channel: (capacity) => new BoundedChannel<PulseBatch>(capacity),
  });
}

export interface RateIntakeCommit {
  readonly outcome: CommitOutcome;
  readonly records: number;
}

export interface RateIntakeDeps extends JobDeps<RateIntakeCommit> {
  readonly book: RatingBook;
}

/** Usage from the log `resource-usage` into the rating book. */
export function rateIntakeJob(deps: RateIntakeDeps): ConsumeJob<RateIntakeCommit> {
  const { log, book, clock } = deps;
  return new ConsumeJob<RateIntakeCommit>({
    ...deps,
    everyMs: RATE_INTAKE_EVERY_MS,
    sleep,
    consumer: (partition) =>
      new LogConsumer<UsageBatch, RateIntakeCommit>({
        log,
        partition,
        store: {
          takeOver: (number) => book.takeOver(number),
          checkpoint: (number) => book.checkpoint(number),
          commit: async ({ step }, epoch) => ({
            outcome: await book.commit({ ...step, epoch }),
            records: step.records.length,
          }),
        },
        batches: (from, end) =>
          readUsageBatches(
            {
              log,
              logId: log.description.logId,
              partition,
              clock,
              stepBytesMax: USAGE_STEP_BYTES_MAX,
              sha256,
            },
            from,
            end,
          ),
        channel: (capacity) => new BoundedChannel<UsageBatch>(capacity),
      }),
    afterDrain: async () => {},
  });
}

/** SHA-256 of the parts one behind the other, 64 hex digits. */
export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Names a writer in its blocks: random, new with every start. */
export function newWriterId(): bigint {
  return randomBytes(8).readBigUInt64LE();
}
