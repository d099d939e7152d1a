/** The roles that fold the log into a store: `apura tally` and `apura ledger`, several processes of each. */
import { randomInt } from 'node:crypto';
import {
  PartitionFollower,
  type StepCollector,
  type StepStore,
} from '../../application/counting/partition-follower.ts';
import { LedgerCollector, TallyCollector } from '../../application/counting/step-collectors.ts';
import { StoreWorker } from '../../application/counting/store-worker.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { PartitionCounts, StepBase } from '../../ports/store-step.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addWorkerMetrics } from '../../telemetry/metrics.ts';
import { version } from '../../version.ts';
import type { LogPlace } from '../engines.ts';
import { runUntilStopped } from '../event-loop.ts';
import { sleep } from '../sleep.ts';
import { addLogMetrics, logsPart, watchLogs } from './log-watch.ts';
import { logPlaces, openPatiently, type RoleContext, type RunningRole } from './process.ts';
import { ProgressWatch } from './progress-watch.ts';
import { partOf, readinessOf } from './role-server.ts';
import { showStatus } from './role-status.ts';

/** What makes a tally worker or a ledger worker of a worker. */
interface WorkerKind<Step extends StepBase> {
  readonly role: 'tally' | 'ledger';
  readonly open: (place: LogPlace) => Promise<WorkerStore<Step>>;
  readonly collector: () => StepCollector<Step>;
  /** About how much of the log one step takes. */
  readonly stepBytesMax: number;
  readonly roundMs: number;
}

type WorkerStore<Step extends StepBase> = StepStore<Step> &
  AsyncDisposable & { read(partition: number): Promise<PartitionCounts> };

const UINT32 = 0x1_0000_0000;

export function startTallyRole(context: RoleContext): Promise<RunningRole> {
  return startWorker(context, {
    role: 'tally',
    open: (place) => context.engines.tally(place),
    collector: () => new TallyCollector(),
    stepBytesMax: 4 << 20,
    // A vote is seen after half of this on average; each round costs a script a partition.
    roundMs: 50,
  });
}

export function startLedgerRole(context: RoleContext): Promise<RunningRole> {
  return startWorker(context, {
    role: 'ledger',
    open: (place) => context.engines.ledger(place),
    collector: () => new LedgerCollector(),
    // About 30,000 votes: larger steps hold a partition's row for longer, and gain little.
    stepBytesMax: 512 << 10,
    roundMs: 100,
  });
}

async function startWorker<Step extends StepBase>(
  context: RoleContext,
  kind: WorkerKind<Step>,
): Promise<RunningRole> {
  const { engines } = context;
  const { role } = kind;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.catalogue()),
  );
  const places = await logPlaces(context, catalogue);
  const watch = watchLogs(context, role, catalogue, places, cleanup);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const parts: LogPart[] = [];
  for (const place of places) {
    parts.push(cleanup.use(await startPart(context, kind, place, fail)));
  }
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));

  const instruments = createInstruments(version);
  let lagMs = 0;
  addWorkerMetrics(instruments, {
    store: role,
    lagMs: () => lagMs,
    expired: () => parts.reduce((sum, part) => sum + part.expired, 0),
    partitions: () => parts.flatMap((part) => part.partitions()),
  });
  addLogMetrics(instruments, watch);
  const newest = parts.at(-1);
  if (newest === undefined) throw new Error('An installation has at least one log.');
  const { description } = newest.log;
  const readiness = (): Readiness => {
    const troubles = parts.flatMap((part) => part.troubles());
    const trouble = troubles.length === 0 ? null : troubles.join(' ');
    return readinessOf(description, [partOf(role, trouble), ...logsPart(watch)]);
  };
  const endSecond = (): number => {
    lagMs = Math.max(0, ...parts.map((part) => part.takeLagMs()));
    return lagMs;
  };
  const status = { role, reports, instruments, readiness, endSecond };
  const url = showStatus(context, cleanup, status);
  const resources = cleanup.move();
  return {
    url,
    durability: description.durability,
    logIds: places.map(({ settings }) => settings.logId),
    failed,
    stop: () => resources.disposeAsync(),
  };
}

/** The worker of one log. */
interface LogPart extends AsyncDisposable {
  readonly log: EventLog;
  readonly expired: number;
  partitions(): readonly { partition: number; next: number; halted: boolean }[];
  troubles(): readonly string[];
  /** The longest lag since it was asked last, ms. */
  takeLagMs(): number;
}

async function startPart<Step extends StepBase>(
  context: RoleContext,
  kind: WorkerKind<Step>,
  place: LogPlace,
  fail: (error: Error) => void,
): Promise<LogPart> {
  const { engines, logger, clock } = context;
  const { settings } = place;
  await using cleanup = new AsyncDisposableStack();
  const log = cleanup.use(await openPatiently(context, 'log', () => engines.log(place)));
  const store = cleanup.use(await openPatiently(context, kind.role, () => kind.open(place)));
  const ownership: PartitionOwnership = cleanup.use(
    await openPatiently(context, 'group', () => engines.ownership(place, kind.role)),
  );
  const seed = randomInt(UINT32);
  const watch = new ProgressWatch({
    log,
    clock,
    owned: () => ownership.owned,
    onStill: ({ partition, next, end, stillMs }) =>
      logger.warn(
        {
          event: 'partition_stands_still',
          logId: settings.logId,
          partition,
          next,
          end,
          seconds: Math.round(stillMs / 1_000),
          outcome: worker.outcomeOf(partition),
        },
        'a partition stands still',
      ),
  });
  let expired = 0;
  let lagMs = 0;
  const worker: StoreWorker<Step> = new StoreWorker<Step>({
    log,
    ownership,
    follower: (partition) =>
      new PartitionFollower<Step>({
        log,
        store,
        partition,
        dedupWindowMs: settings.dedupWindowMs,
        seed,
        collector: kind.collector,
      }),
    read: (partition) => store.read(partition),
    stepBytesMax: kind.stepBytesMax,
    roundMs: kind.roundMs,
    sleep,
    onApplied: ({ step }) => {
      if (step.acceptedFrom !== null) lagMs = Math.max(lagMs, clock.now() - step.acceptedFrom);
      const late = step.books.reduce((sum, books) => sum + books.expired, 0);
      expired += late;
      if (late > 0) logger.error({ count: late }, 'events expired: logged too late to count');
    },
    onRound: (progress) => {
      watch.saw(progress.map(({ partition, checkpoint }) => [partition, checkpoint.nextOffset]));
    },
    onTrouble: (err) => logger.warn({ err, logId: settings.logId }, 'trouble, going on'),
    onHalted: (partition, err) =>
      logger.fatal({ err, logId: settings.logId, partition }, 'a partition has halted'),
  });
  cleanup.defer(runUntilStopped((signal) => worker.run(signal), fail));
  cleanup.defer(watch.start((err) => logger.warn({ err }, 'the log does not say where it ends')));
  const resources = cleanup.move();
  return {
    log,
    get expired() {
      return expired;
    },
    partitions: () =>
      [...ownership.owned].map((partition) => ({
        partition,
        next: watch.next(partition),
        halted: worker.halted.has(partition),
      })),
    troubles: () => [
      ...(ownership.trouble === null ? [] : [ownership.trouble]),
      ...[...worker.halted].map(([partition, { message }]) => `Partition ${partition}: ${message}`),
      ...watch.still.map(({ partition }) => `Partition ${partition} does not move.`),
    ],
    takeLagMs() {
      const taken = lagMs;
      lagMs = 0;
      return taken;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
