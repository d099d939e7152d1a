/** `apura aggregate`: pulses into the ledger, usage on its way to rating; several share the partitions out. */
import { logUsageTransport } from '../../application/metering/log-usage-transport.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import type { PulseCommit } from '../../ports/pulse-ledger.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addConsumerMetrics, addPulseMetrics } from '../../telemetry/metering-metrics.ts';
import { version } from '../../version.ts';
import { openGrpcUsageTransport } from '../metering/grpc-usage-transport.ts';
import { aggregateJob, newWriterId } from '../metering/jobs.ts';
import { type MeteringPlaces, meteringPlaces } from '../metering/logs-apart.ts';
import { openPatiently, type RoleContext, type RunningRole, reportProcess } from './process.ts';
import {
  partOf,
  processOperations,
  readinessOf,
  startStatusServer,
  troubleOf,
} from './role-server.ts';
import { watchConsumer } from './watch-consumer.ts';

const ROLE = 'aggregate';

export async function startAggregateRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger, clock } = context;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.meteringCatalogue()),
  );
  const places = await meteringPlaces(catalogue, config.partitions);
  const { logId } = places.pulses.settings;
  const log = cleanup.use(await openPatiently(context, 'log', () => engines.log(places.pulses)));
  const ledger = cleanup.use(
    await openPatiently(context, 'ledger', () => engines.pulseLedger(logId)),
  );
  const transport = cleanup.use(await openTransport(context, places));
  const ownership = cleanup.use(
    await openPatiently(context, 'group', () => engines.ownership(places.pulses, ROLE)),
  );
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const totals = { counted: 0, duplicates: 0, conflicts: 0 };
  const job = aggregateJob({
    log,
    ledger,
    transport,
    ownership,
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
  const watch = cleanup.use(watchConsumer(context, log, ownership, job));
  const instruments = createInstruments(version);
  addConsumerMetrics(instruments, 'resource-consumption', {
    behind: () => job.behind,
    halted: () => job.halted.size,
  });
  addPulseMetrics(instruments, () => totals);
  const readiness = (): Readiness => readinessOf(log.description, [partOf(ROLE, watch.trouble)]);
  const server = startStatusServer(context, processOperations(instruments, readiness));
  cleanup.defer(() => server.stop());
  cleanup.defer(
    reportProcess(context, ROLE, reports, () => ({
      trouble: troubleOf(readiness()),
      door: null,
      lagMs: null,
    })),
  );
  const stop = new AbortController();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const running = job.run(stop.signal).catch(fail);
  cleanup.defer(async () => {
    stop.abort();
    await running;
  });
  const resources = cleanup.move();
  return {
    url: server.url,
    durability: log.description.durability,
    logIds: [logId],
    failed,
    stop: () => resources.disposeAsync(),
  };
}

async function openTransport(
  context: RoleContext,
  { usage }: MeteringPlaces,
): Promise<UsageTransport> {
  const { engines, config, clock } = context;
  const { usageTransport } = config;
  if (usageTransport.kind === 'grpc') return openGrpcUsageTransport(config, usageTransport.url);
  const log = await openPatiently(context, 'usage log', () => engines.log(usage));
  return {
    ...logUsageTransport({ log, clock, writerId: newWriterId() }),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
