/** `apura ingest`: a door in a process of its own, as many as there are cores to spare. Asks no store. */
import type { Readiness } from '../../edge/http/api-deps.ts';
import { createCors } from '../../edge/http/cors.ts';
import { createResultsTokens } from '../../edge/http/results-token.ts';
import { VoteRoute } from '../../edge/http/vote-route.ts';
import { DoorMetrics } from '../../telemetry/door-metrics.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addGrpcMetrics } from '../../telemetry/metering-metrics.ts';
import { addDoorMetrics } from '../../telemetry/metrics.ts';
import { version } from '../../version.ts';
import { openPulseDoorApart } from '../metering/door-apart.ts';
import { openLogDoors } from './log-door.ts';
import { addLogMetrics, logsPart, watchLogs } from './log-watch.ts';
import {
  logPlaces,
  openPatiently,
  type RoleContext,
  type RunningRole,
  reportProcess,
} from './process.ts';
import {
  doorParts,
  PULSES_PART,
  partOf,
  processOperations,
  readinessOf,
  startDoorServer,
  troubleOf,
} from './role-server.ts';
import { doorOf } from './vote-doors.ts';

const ROLE = 'ingest';

export async function startIngestRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, clock } = context;
  const { adminToken, secret } = config;
  if (adminToken === null || secret === null) throw new Error('The settings were not checked.');
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.catalogue()),
  );
  const places = await logPlaces(context, catalogue);
  const watch = watchLogs(context, ROLE, catalogue, places, cleanup);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { directories, doors, newest, clockTrouble } = cleanup.use(
    await openLogDoors(context, places, catalogue, fail),
  );
  const metering = cleanup.use(await openPulseDoorApart(context, { clockTrouble, fail }));
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));

  const books = new DoorMetrics();
  const pending = (): number => doors.reduce((sum, { writer }) => sum + writer.pending, 0);
  const instruments = createInstruments(version);
  addDoorMetrics(instruments, { door: books, pending });
  addLogMetrics(instruments, watch);
  let stopping = false;
  const readiness = (): Readiness =>
    readinessOf(newest.log.description, [
      ...doorParts(doors, stopping),
      partOf(PULSES_PART, metering.trouble()),
      ...logsPart(watch),
    ]);
  const votes = new VoteRoute({
    door: doorOf(doors, directories),
    clock,
    books,
    resultsTokens: createResultsTokens(secret),
    cors: createCors(config.corsOrigins),
    corsEnabled: config.corsOrigins.length > 0,
  });
  const server = cleanup.use(
    await startDoorServer(context, {
      votes,
      operations: processOperations(instruments, readiness),
      operatorToken: adminToken,
      metering,
    }),
  );
  addGrpcMetrics(instruments, server.grpc);
  cleanup.defer(
    reportProcess(context, ROLE, reports, (seconds) => {
      books.endSecond(seconds);
      return { trouble: troubleOf(readiness()), door: books.snapshot(), lagMs: null };
    }),
  );
  const resources = cleanup.move();
  return {
    url: server.url,
    grpcUrl: server.grpcUrl,
    durability: newest.log.description.durability,
    logIds: places.map(({ settings }) => settings.logId),
    failed,
    async stop() {
      stopping = true;
      await resources.disposeAsync();
    },
  };
}
