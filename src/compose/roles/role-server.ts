/** The HTTP of the roles that have no pages, and how each role says whether it is ready. */
import type { Operations, Readiness, Surface } from '../../edge/http/api-deps.ts';
import { trustProxies } from '../../edge/http/client-address.ts';
import type { ConnectUsageRoute } from '../../edge/http/connect-usage-route.ts';
import { createConsoleSessions } from '../../edge/http/console-sessions.ts';
import { createFailedLogins } from '../../edge/http/failed-logins.ts';
import { createOperators } from '../../edge/http/operators.ts';
import { createRoleApi } from '../../edge/http/role-api.ts';
import { type HttpServer, startHttpServer } from '../../edge/http/server.ts';
import type { VoteRoute } from '../../edge/http/vote-route.ts';
import type { LogDescription } from '../../ports/event-log.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { GrpcSources } from '../../telemetry/metering-metrics.ts';
import { openPulseFront, type PulseFrontDeps } from '../metering/pulse-front.ts';
import { tlsOf } from '../tls.ts';
import type { LogDoor } from './log-door.ts';
import type { RoleContext } from './process.ts';

type Part = Readiness['parts'][number];
type ProcessOperations = Pick<Operations, 'readiness' | 'metrics'>;
type ServerContext = Pick<RoleContext, 'config' | 'clock' | 'logger'>;

/** What `/readyz` calls the door of pulses. */
export const PULSES_PART = 'pulses';

export function partOf(name: string, trouble: string | null): Part {
  return { name, ready: trouble === null, detail: trouble };
}

/** A door's parts: one a log, and the process itself while it stops. */
export function doorParts(
  doors: readonly Pick<LogDoor, 'place' | 'trouble'>[],
  stopping: boolean,
): readonly Part[] {
  const logs = doors.map(({ place, trouble }) => partOf(`log ${place.settings.logId}`, trouble));
  return stopping ? [...logs, partOf('process', 'It is stopping.')] : logs;
}

/** Ready where every part is. `log`: the newest of the installation. */
export function readinessOf(
  { durability, logId }: Pick<LogDescription, 'durability' | 'logId'>,
  parts: readonly Part[],
): Readiness {
  return { ready: parts.every(({ ready }) => ready), durability, logId, parts };
}

/** The first thing that is not as it should be, in words; null where all is. */
export function troubleOf({ parts }: Readiness): string | null {
  return parts.find(({ detail }) => detail !== null)?.detail ?? null;
}

export function processOperations(
  { registry }: Instruments,
  readiness: () => Readiness,
): ProcessOperations {
  const { contentType } = registry;
  return {
    readiness,
    metrics: async () => ({ contentType, text: await registry.metrics() }),
  };
}

/**
 * Where a process that nobody but its operators comes to says how it is, without a token; and takes
 * usage, with one, where it rates.
 *
 * @throws ApuraError `port_in_use`; `invalid_config` where the address won't do.
 */
export function startStatusServer(
  { config, clock, logger }: ServerContext,
  operations: ProcessOperations,
  usage: ConnectUsageRoute | null,
): HttpServer {
  return startHttpServer({
    host: config.httpHost,
    port: config.httpPort,
    portName: 'APURA_HTTP_PORT',
    sharePort: false,
    tls: null,
    votes: null,
    usage,
    live: null,
    surface: 'admin',
    clientAddress: trustProxies([]),
    api: createRoleApi({
      surface: 'admin',
      operators: null,
      isDoor: false,
      corsOrigins: [],
      reading: { clock },
      operations,
      reportFailure: (err, requestId) => logger.error({ err, requestId }, 'a request has failed'),
    }),
  });
}

export interface DoorServerDeps {
  readonly votes: VoteRoute;
  readonly operations: ProcessOperations;
  readonly operatorToken: string;
  readonly metering: Pick<PulseFrontDeps, 'view' | 'door' | 'trouble'>;
}

/**
 * A door's port, and the operators' where that is another.
 *
 * @throws ApuraError `port_in_use`; `invalid_config` where the address or the certificate won't do.
 */
export async function startDoorServer(
  { config, clock, logger }: ServerContext,
  { votes, operations, operatorToken, metering }: DoorServerDeps,
): Promise<
  Pick<HttpServer, 'url'> & {
    readonly grpcUrl: string;
    readonly grpc: GrpcSources;
  } & AsyncDisposable
> {
  const monotonic = (): number => clock.monotonic();
  const operators = createOperators({
    operatorToken,
    sessions: createConsoleSessions(monotonic),
    failedLogins: createFailedLogins(monotonic),
  });
  await using cleanup = new AsyncDisposableStack();
  const pulses = cleanup.use(
    await openPulseFront({
      ...metering,
      config,
      clock,
      logger,
      operators,
      putUsage: null,
      isReady: () => operations.readiness().ready,
    }),
  );
  const { httpPort, adminPort, corsOrigins } = config;
  const tls = tlsOf(config);
  const listen = (surface: Surface, port: number, portName: string): HttpServer =>
    startHttpServer({
      host: config.httpHost,
      port,
      portName,
      sharePort: config.sharePort && surface !== 'admin',
      tls,
      votes: surface === 'admin' ? null : votes,
      pulses: surface === 'admin' ? null : pulses.routes,
      live: null,
      surface,
      clientAddress: trustProxies(config.trustedProxies),
      api: createRoleApi({
        surface,
        operators,
        isDoor: true,
        corsOrigins,
        reading: { clock },
        operations,
        reportFailure: (err, requestId) => logger.error({ err, requestId }, 'a request has failed'),
      }),
    });
  const main = listen(adminPort === null ? 'combined' : 'public', httpPort, 'APURA_HTTP_PORT');
  cleanup.defer(() => main.stop());
  if (adminPort !== null) {
    const admin = listen('admin', adminPort, 'APURA_ADMIN_PORT');
    cleanup.defer(() => admin.stop());
  }
  const servers = cleanup.move();
  return {
    url: main.url,
    grpcUrl: pulses.url,
    grpc: pulses.grpc,
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}
