/** `apura ingest`: a door in a process of its own, as many as there are cores to spare. Asks no store. */

import type { Readiness } from '../../edge/http/api-deps.ts';
import { trustProxies } from '../../edge/http/client-address.ts';
import { createConsoleSessions } from '../../edge/http/console-sessions.ts';
import { createCors } from '../../edge/http/cors.ts';
import { createFailedLogins } from '../../edge/http/failed-logins.ts';
import { createOperators } from '../../edge/http/operators.ts';
import { createResultsTokens } from '../../edge/http/results-token.ts';
import { createRoleApi } from '../../edge/http/role-api.ts';
import { startHttpServer } from '../../edge/http/server.ts';
import { VoteRoute } from '../../edge/http/vote-route.ts';
import { DoorMetrics } from '../../telemetry/door-metrics.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addDoorMetrics } from '../../telemetry/metrics.ts';
import { version } from '../../version.ts';
import { tlsOf } from '../front.ts';
import { startClockCheck } from './clock-check.ts';
import { type LogDoor, openLogDoor, pollDirectories } from './log-door.ts';
import type { RunningRole } from './process.ts';
import { logPlaces, openPatiently, type RoleContext, reportProcess } from './process.ts';
import { doorOf } from './vote-doors.ts';

const ROLE = 'ingest';

export async function startIngestRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger, clock } = context;
  const { adminToken, secret } = config;
  if (adminToken === null || secret === null) throw new Error('The settings were not checked.');
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.catalogue()),
  );
  const places = await logPlaces(context, catalogue);
  const clocks = cleanup.use(await startClockCheck(context, catalogue));
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const doors: LogDoor[] = [];
  const directories = pollDirectories(context, places);
  for (const place of places) {
    const onFailure = (error: Error): void => {
      logger.fatal({ err: error }, 'the log has failed');
      fail(error);
    };
    const door = await openLogDoor(context, place, {
      directories,
      clockTrouble: () => clocks.trouble,
      onFailure,
    });
    doors.push(cleanup.use(door));
  }
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));

  const books = new DoorMetrics();
  const pending = (): number => doors.reduce((sum, { writer }) => sum + writer.pending, 0);
  const instruments = createInstruments(version);
  addDoorMetrics(instruments, { door: books, pending });
  let stopping = false;
  const newest = doors.at(-1);
  if (newest === undefined) throw new Error('An installation has at least one log.');
  const readiness = (): Readiness => {
    const parts = doors.map(({ place, trouble }) => ({
      name: `log ${place.settings.logId}`,
      ready: trouble === null,
      detail: trouble,
    }));
    if (stopping) parts.push({ name: 'process', ready: false, detail: 'It is stopping.' });
    return {
      ready: parts.every(({ ready }) => ready),
      durability: newest.log.description.durability,
      logId: newest.place.settings.logId,
      parts,
    };
  };
  const monotonic = (): number => clock.monotonic();
  const listen = (surface: 'combined' | 'public' | 'admin', port: number, portName: string) =>
    startHttpServer({
      host: config.httpHost,
      port,
      portName,
      sharePort: config.sharePort && surface !== 'admin',
      tls: tlsOf(config),
      votes: surface === 'admin' ? null : votes,
      live: null,
      surface,
      clientAddress: trustProxies(config.trustedProxies),
      api: createRoleApi({
        surface,
        operators: createOperators({
          operatorToken: adminToken,
          sessions: createConsoleSessions(monotonic),
          failedLogins: createFailedLogins(monotonic),
        }),
        isDoor: true,
        corsOrigins: config.corsOrigins,
        reading: { clock },
        operations: {
          readiness,
          consistency: () => Promise.reject(new Error('A door is not asked this.')),
          metrics: async () => ({
            contentType: instruments.registry.contentType,
            text: await instruments.registry.metrics(),
          }),
        },
        reportFailure: (err, requestId) => logger.error({ err, requestId }, 'a request has failed'),
      }),
    });
  const votes = new VoteRoute({
    door: doorOf(doors, directories),
    clock,
    books,
    resultsTokens: createResultsTokens(secret),
    cors: createCors(config.corsOrigins),
    corsEnabled: config.corsOrigins.length > 0,
  });
  const { httpPort, adminPort } = config;
  const main = listen(adminPort === null ? 'combined' : 'public', httpPort, 'APURA_HTTP_PORT');
  cleanup.defer(() => main.stop());
  if (adminPort !== null) {
    const admin = listen('admin', adminPort, 'APURA_ADMIN_PORT');
    cleanup.defer(() => admin.stop());
  }
  cleanup.defer(
    reportProcess(context, ROLE, reports, (seconds) => {
      books.endSecond(seconds);
      const trouble = readiness().parts.find((part) => part.detail !== null)?.detail ?? null;
      return { trouble, door: books.snapshot(), lagMs: null };
    }),
  );
  const resources = cleanup.move();
  return {
    url: main.url,
    durability: newest.log.description.durability,
    logIds: places.map(({ settings }) => settings.logId),
    failed,
    async stop() {
      stopping = true;
      await resources.disposeAsync();
    },
  };
}
