/** `apura archive`: a raw backup of every pulse outside the ledger; several share the partitions out. */
import { archivablePulses } from '../../application/archive/archive-decoder.ts';
import { ArchiveFollower } from '../../application/archive/archive-follower.ts';
import { ArchiveWorker } from '../../application/archive/archive-worker.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addConsumerMetrics } from '../../telemetry/metering-metrics.ts';
import { version } from '../../version.ts';
import { meteringPlaces } from '../metering/logs-apart.ts';
import { sleep } from '../sleep.ts';
import { openPatiently, type RoleContext, type RunningRole, reportProcess } from './process.ts';
import {
  partOf,
  processOperations,
  readinessOf,
  startStatusServer,
  troubleOf,
} from './role-server.ts';
import { watchConsumer } from './watch-consumer.ts';

const ROLE = 'archive';
/** Many blocks together cost the archive little more than one. */
const STEP_BYTES_MAX = 4 << 20;
const PAUSE_MS = 1_000;

export async function startArchiveRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger } = context;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.meteringCatalogue()),
  );
  const { pulses } = await meteringPlaces(catalogue, config.partitions);
  const log = cleanup.use(await openPatiently(context, 'log', () => engines.log(pulses)));
  const archive = cleanup.use(await openPatiently(context, 'archive', () => engines.archive()));
  const ownership = cleanup.use(
    await openPatiently(context, 'group', () => engines.ownership(pulses, ROLE)),
  );
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const positions = new Map<number, number>();
  const ends = new Map<number, number>();
  const worker = new ArchiveWorker({
    log,
    ownership,
    follower: (partition) =>
      new ArchiveFollower({
        ...{ log, archive, partition },
        ...{ decode: archivablePulses, stepBytesMax: STEP_BYTES_MAX },
      }),
    stepBytesMax: STEP_BYTES_MAX,
    pauseMs: PAUSE_MS,
    sleep,
    onStep: (partition, { nextOffset }) => {
      positions.set(partition, nextOffset);
    },
    onTrouble: (partition, err) => logger.warn({ err, partition }, 'trouble, going on'),
    onHalted: (partition, err) => logger.fatal({ err, partition }, 'a partition has halted'),
  });
  const progress = {
    get behind() {
      return [...ownership.owned].map((partition) => ({
        partition,
        end: ends.get(partition) ?? 0,
        next: positions.get(partition) ?? null,
      }));
    },
    get halted() {
      return worker.halted;
    },
  };
  const watch = cleanup.use(watchConsumer(context, log, ownership, progress));
  const instruments = createInstruments(version);
  addConsumerMetrics(instruments, 'resource-consumption', {
    behind: () => progress.behind,
    halted: () => worker.halted.size,
  });
  const readiness = (): Readiness => readinessOf(log.description, [partOf(ROLE, watch.trouble)]);
  const server = startStatusServer(context, processOperations(instruments, readiness));
  cleanup.defer(() => server.stop());
  cleanup.defer(
    reportProcess(context, ROLE, reports, () => {
      lookAtEnds().catch((err: unknown) =>
        logger.warn({ err }, 'the log does not say where it ends'),
      );
      return { trouble: troubleOf(readiness()), door: null, lagMs: null };
    }),
  );
  const lookAtEnds = async (): Promise<void> => {
    for (const partition of ownership.owned) ends.set(partition, (await log.bounds(partition)).end);
  };
  const stop = new AbortController();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const running = worker.run(stop.signal).catch(fail);
  cleanup.defer(async () => {
    stop.abort();
    await running;
  });
  const resources = cleanup.move();
  return {
    url: server.url,
    durability: log.description.durability,
    logIds: [pulses.settings.logId],
    failed,
    stop: () => resources.disposeAsync(),
  };
}
