/** `apura sync`: the referee and the closer. Several may run; what they do, they may do twice. */
import { randomInt } from 'node:crypto';
import { recordOf } from '../../application/counting/record-of.ts';
import { Sync } from '../../application/counting/sync.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addSyncMetrics } from '../../telemetry/sync-metrics.ts';
import { version } from '../../version.ts';
import { repeat, runUntilStopped } from '../event-loop.ts';
import { startRetention } from '../retention.ts';
import { sleep } from '../sleep.ts';
import { createSchedule } from '../use-cases.ts';
import { openLogDoors } from './log-door.ts';
import { addLogMetrics, logsPart, watchLogs } from './log-watch.ts';
import { logPlaces, openPatiently, type RoleContext, type RunningRole } from './process.ts';
import { doorParts, readinessOf } from './role-server.ts';
import { showStatus } from './role-status.ts';
import { type VotingOfLog, votingParts } from './voting.ts';

const ROLE = 'sync';
const SCHEDULE_MS = 200;
const UINT32 = 0x1_0000_0000;

export async function startSyncRole(context: RoleContext): Promise<RunningRole> {
  const { engines, logger, clock } = context;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.catalogue()),
  );
  const places = await logPlaces(context, catalogue);
  const watch = watchLogs(context, ROLE, catalogue, places, cleanup);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { directories, doors } = cleanup.use(await openLogDoors(context, places, catalogue, fail));
  const logs: (VotingOfLog & { readonly sync: Sync })[] = [];
  for (const door of doors) {
    const { place } = door;
    const { settings } = place;
    const { logId } = settings;
    const ledger = cleanup.use(await openPatiently(context, 'ledger', () => engines.ledger(place)));
    const tally = cleanup.use(await openPatiently(context, 'tally', () => engines.tally(place)));
    let isDifferent = false;
    const sync = new Sync({
      log: door.log,
      tally,
      ledger,
      settings,
      clock,
      seed: randomInt(UINT32),
      sleep,
      onReport: (report) => {
        const { state, detail } = report;
        if (state === 'different' && !isDifferent) logger.error({ logId, detail }, 'stores differ');
        isDifferent = state === 'different';
        const record = recordOf(report, logId, clock.now());
        // Of a log that it does not know nobody compares the stores: said with the logs that it knows.
        const alarms = watch.words === null ? record.alarms : [watch.words, ...record.alarms];
        catalogue
          .putConsistency({ ...record, alarms })
          .catch((err: unknown) => logger.warn({ err }, 'the catalogue did not take a report'));
      },
      onRepair: (repair) => logger.warn({ logId, ...repair }, 'the tally was repaired'),
      onTrouble: (err) => logger.warn({ err, logId }, 'trouble, going on'),
    });
    cleanup.defer(runUntilStopped((signal) => sync.run(signal), fail));
    logs.push({ door, ledger, sync });
  }
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const parts = votingParts(context, {
    catalogue,
    directories,
    logs,
    consistency: () => ({ state: 'checking', checkedAt: null, detail: null }),
  });
  const newest = logs.at(-1);
  if (newest === undefined) throw new Error('An installation has at least one log.');
  const { settings } = newest.door.place;
  const syncOf = (poll: Poll): Sync | undefined =>
    logs.find(({ door }) => door.place.settings.logId === directories.logOf(poll))?.sync;
  const schedule = createSchedule(
    parts,
    settings,
    async (poll) => syncOf(poll)?.hasPassedClose(poll.id) ?? false,
  );
  cleanup.defer(
    repeat(
      SCHEDULE_MS,
      () => schedule.step(),
      (err) => logger.warn({ err }, 'the schedule'),
    ),
  );

  cleanup.defer(
    startRetention({
      days: context.config.ledgerRetentionDays,
      clock,
      forget: logs.map(
        ({ ledger }) =>
          (before) =>
            ledger.forget(before),
      ),
      onForgotten: (events) => logger.info({ events }, 'the ledger has let go of old votes'),
      onTrouble: (err) => logger.warn({ err }, 'old votes could not be let go of'),
    }),
  );

  const instruments = createInstruments(version);
  addSyncMetrics(instruments, {
    reports: () => logs.map(({ door, sync }) => [door.place.settings.logId, sync.newest]),
    now: () => clock.now(),
  });
  addLogMetrics(instruments, watch);
  const { description } = newest.door.log;
  const readiness = (): Readiness =>
    readinessOf(description, [...doorParts(doors, false), ...logsPart(watch)]);
  const url = showStatus(context, cleanup, { role: ROLE, reports, instruments, readiness });
  const resources = cleanup.move();
  return {
    url,
    durability: description.durability,
    logIds: places.map((place) => place.settings.logId),
    failed,
    stop: () => resources.disposeAsync(),
  };
}
