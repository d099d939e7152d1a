/** `apura aggregate`: pulses into the ledger, usage on its way to rating; several share the partitions out. */
import { logUsageTransport } from '../../application/metering/log-usage-transport.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Aggregated } from '../../edge/cli/aggregate-once.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { PulseCommit, PulseLedger } from '../../ports/pulse-ledger.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addConsumerMetrics, addPulseMetrics } from '../../telemetry/metering-metrics.ts';
import { version } from '../../version.ts';
import { runUntilStopped } from '../event-loop.ts';
import { firstPartitions } from '../first-partitions.ts';
import { openDirectUsageTransport } from '../metering/direct-usage-transport.ts';
import { aggregateJob, newWriterId } from '../metering/jobs.ts';
import { type MeteringPlaces, meteringPlaces } from '../metering/logs-apart.ts';
import { startRetention } from '../retention.ts';
import { sleep } from '../sleep.ts';
import { openPatiently, type RoleContext, type RunningRole } from './process.ts';
import { partOf, readinessOf } from './role-server.ts';
import { showStatus } from './role-status.ts';
import { watchConsumer } from './watch-consumer.ts';

const ROLE = 'aggregate';
/** Joining a group takes a session of a member that died in it, and some. */
const SETTLE_MS_MAX = 30_000;
const SETTLE_LOOK_MS = 50;

/** Opens one of the parts; `what` names it in words to the operator. */
type OpenPart = <T>(what: string, open: () => Promise<T>) => Promise<T>;

interface AggregateParts {
  readonly log: EventLog;
  readonly ledger: PulseLedger;
  readonly transport: UsageTransport;
  readonly ownership: PartitionOwnership;
}

async function openParts(
  context: RoleContext,
  cleanup: AsyncDisposableStack,
  open: OpenPart,
): Promise<AggregateParts> {
  const { engines, config } = context;
  const catalogue = cleanup.use(await open('catalogue', () => engines.meteringCatalogue()));
  const places = await meteringPlaces(catalogue, firstPartitions(config));
  const { logId } = places.pulses.settings;
  const log = cleanup.use(await open('log', () => engines.log(places.pulses)));
  const ledger = cleanup.use(await open('ledger', () => engines.pulseLedger(logId)));
  const transport = cleanup.use(await openTransport(context, places, open));
  const ownership = cleanup.use(await open('group', () => engines.ownership(places.pulses, ROLE)));
  return { log, ledger, transport, ownership };
}

export async function startAggregateRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger, clock } = context;
  await using cleanup = new AsyncDisposableStack();
  const parts = await openParts(context, cleanup, (what, open) =>
    openPatiently(context, what, open),
  );
  const { log, ledger, ownership } = parts;
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const totals = { counted: 0, duplicates: 0, conflicts: 0 };
  const job = aggregateJob({
    ...parts,
    clock,
    everyMs: config.aggregateEveryMs,
    onCommitted: (partition, commit: PulseCommit) => {
      totals.counted += commit.counted;
      totals.duplicates += commit.duplicates;
      totals.conflicts += commit.conflicts;
      if (commit.conflicts === 0) return;
      logger.warn(
        { partition, count: commit.conflicts },
        'pulses under known ids say something else',
      );
    },
    onTrouble: (err) => logger.warn({ err }, 'trouble, going on'),
    onHalted: (partition, err) => logger.fatal({ err, partition }, 'a partition has halted'),
  });
  cleanup.defer(
    startRetention({
      days: config.pulseRetentionDays,
      clock,
      forget: [(before) => ledger.forget(0, before)],
      onForgotten: (pulses) => logger.info({ pulses }, 'the ledger has let go of old pulses'),
      onTrouble: (err) => logger.warn({ err }, 'old pulses could not be let go of'),
    }),
  );
  const watch = cleanup.use(watchConsumer(context, log, ownership, job));
  const instruments = createInstruments(version);
  addConsumerMetrics(instruments, [
    { log: 'resource-consumption', behind: () => job.behind, halted: () => job.halted.size },
  ]);
  addPulseMetrics(instruments, () => totals);
  const readiness = (): Readiness => readinessOf(log.description, [partOf(ROLE, watch.trouble)]);
  const url = showStatus(context, cleanup, { role: ROLE, reports, instruments, readiness });
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  cleanup.defer(runUntilStopped((signal) => job.run(signal), fail));
  const resources = cleanup.move();
  return {
    url,
    durability: log.description.durability,
    logIds: [log.description.logId],
    failed,
    stop: () => resources.disposeAsync(),
  };
}

/**
 * One run over the partitions that the group gives this process, up to where the log ends when it begins.
 * Waits for no server that is away. Partitions that fail are told; the others go on.
 *
 * @throws ApuraError `log_unavailable`: the group does not settle; and as whatever can't be opened.
 */
export async function aggregateOnce(context: RoleContext): Promise<Aggregated> {
  const { config, logger, clock, signal } = context;
  await using cleanup = new AsyncDisposableStack();
  const parts = await openParts(context, cleanup, (_what, open) => open());
  const { log, ledger, ownership } = parts;
  const owned = await settled(ownership, context);
  const totals = { counted: 0, duplicates: 0, conflicts: 0, usageRecords: 0 };
  const failures: string[] = [];
  const job = aggregateJob({
    ...parts,
    clock,
    everyMs: config.aggregateEveryMs,
    onCommitted: (_partition, commit) => {
      totals.counted += commit.counted;
      totals.duplicates += commit.duplicates;
      totals.conflicts += commit.conflicts;
    },
    onUsageSent: (_partition, records) => {
      totals.usageRecords += records;
    },
    onTrouble: (error) => failures.push(error instanceof Error ? error.message : String(error)),
    onHalted: (partition, { message }) => failures.push(`Partition ${partition}: ${message}`),
  });
  const behind = (): Promise<number | null> =>
    blocksBehind(log, ledger, owned).catch((err: unknown) => {
      logger.warn({ err }, 'how far the ledger is behind can not be told');
      return null;
    });
  const behindBefore = await behind();
  const { failed } = await job.runOnce(signal);
  return {
    logId: log.description.logId,
    partitions: log.description.partitions,
    owned: owned.length,
    ...totals,
    behindBefore,
    behindAfter: await behind(),
    failed,
    failures,
    stopped: signal.aborted,
  };
}

/** The partitions of this process once its group has settled. @throws ApuraError `log_unavailable`. */
async function settled(
  ownership: PartitionOwnership,
  { clock, signal }: Pick<RoleContext, 'clock' | 'signal'>,
): Promise<readonly number[]> {
  const until = clock.monotonic() + SETTLE_MS_MAX;
  while (ownership.trouble !== null && !signal.aborted) {
    if (clock.monotonic() > until) {
      const words = `The group has not settled in ${SETTLE_MS_MAX / 1_000} s: ${ownership.trouble}.`;
      throw new ApuraError('log_unavailable', words);
    }
    await sleep(SETTLE_LOOK_MS, signal);
  }
  return [...ownership.owned];
}

async function blocksBehind(
  log: Pick<EventLog, 'bounds'>,
  ledger: Pick<PulseLedger, 'checkpoint'>,
  partitions: readonly number[],
): Promise<number> {
  let blocks = 0;
  for (const partition of partitions) {
    const { end } = await log.bounds(partition);
    const { nextOffset } = await ledger.checkpoint(partition);
    blocks += Math.max(0, end - nextOffset);
  }
  return blocks;
}

async function openTransport(
  { engines, config, clock }: RoleContext,
  { usage }: MeteringPlaces,
  open: OpenPart,
): Promise<UsageTransport> {
  const { usageTransport } = config;
  if (usageTransport.kind !== 'broker') return openDirectUsageTransport(config, usageTransport);
  const log = await open('usage log', () => engines.log(usage));
  return {
    ...logUsageTransport({ log, clock, writerId: newWriterId() }),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
