/** All that people reach over HTTP in one process: votes, API, pages and live feeds, on one port or two. */
import type { CatalogueView } from '../application/metering/catalogue-view.ts';
import type { PulseDoor } from '../application/metering/pulse-door.ts';
import type { Config } from '../config/config.ts';
import { createApi } from '../edge/http/api.ts';
import type { ApiDeps, Operations, Surface, VotingUseCases } from '../edge/http/api-deps.ts';
import { loadAssets } from '../edge/http/assets.ts';
import { trustProxies } from '../edge/http/client-address.ts';
import type { ConsoleSessions } from '../edge/http/console-sessions.ts';
import { createFailedLogins } from '../edge/http/failed-logins.ts';
import type { MeteringUseCases } from '../edge/http/metering-deps.ts';
import { createOperators } from '../edge/http/operators.ts';
import { createResultsBodies } from '../edge/http/results-bodies.ts';
import type { ResultsTokens } from '../edge/http/results-token.ts';
import { type HttpServer, startHttpServer } from '../edge/http/server.ts';
import type { VoteRoute } from '../edge/http/vote-route.ts';
import { createLive, type Live } from '../edge/websocket/live.ts';
import type { Durability } from '../ports/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { GrpcSources } from '../telemetry/metering-metrics.ts';
import { openPulseFront } from './metering/pulse-front.ts';
import { tlsOf } from './tls.ts';

export interface FrontDeps {
  readonly config: Config;
  readonly logger: Logger;
  readonly reading: ApiDeps['reading'];
  readonly useCases: VotingUseCases;
  readonly operations: Operations;
  readonly votes: VoteRoute;
  readonly operatorToken: string;
  readonly sessions: ConsoleSessions;
  readonly resultsTokens: ResultsTokens;
  readonly log: { readonly durability: Durability; readonly logId: string };
  readonly metering: FrontMetering;
}

/** Metering as this process has it. */
export interface FrontMetering {
  readonly door: Pick<PulseDoor, 'ingest'>;
  readonly view: Pick<CatalogueView, 'get' | 'ageMs'>;
  readonly useCases: MeteringUseCases;
  /** Whether the process is ready, as the health service says it. */
  readonly isReady: () => boolean;
  /** Why no pulses may be taken now; null while they may. */
  readonly trouble: () => string | null;
}

export interface Front extends AsyncDisposable {
  readonly url: string;
  /** Where operators go; the same as `url` unless they have a port of their own. */
  readonly adminUrl: string;
  /** Of gRPC. */
  readonly grpcUrl: string;
  readonly grpc: GrpcSources;
  readonly live: Live;
}

const RECENT_ACTS = 20;

/** @throws ApuraError `port_in_use`; `invalid_config` where the address or the certificate won't do. */
export async function openFront(deps: FrontDeps): Promise<Front> {
  const { config, logger, reading, useCases, operations, votes, resultsTokens } = deps;
  await using cleanup = new AsyncDisposableStack();
  const operators = createOperators({
    operatorToken: deps.operatorToken,
    sessions: deps.sessions,
    failedLogins: createFailedLogins(() => reading.clock.monotonic()),
  });
  const results = createResultsBodies(reading);
  const live = createLive({
    reading,
    results,
    operators,
    resultsTokens,
    corsOrigins: config.corsOrigins,
    log: deps.log,
    recentActs: (await useCases.listActs({ poll: null, cursor: null, limit: RECENT_ACTS })).acts,
  });
  const { metering } = deps;
  const pulses = cleanup.use(
    await openPulseFront({
      config,
      clock: reading.clock,
      logger,
      operators,
      view: metering.view,
      door: metering.door,
      putUsage: null,
      isReady: metering.isReady,
      trouble: metering.trouble,
    }),
  );
  const { routes } = pulses;
  const assets = await loadAssets();
  const apiOf = (surface: Surface) =>
    createApi({
      surface,
      reading,
      results,
      useCases,
      operations,
      operators,
      sessions: deps.sessions,
      resultsTokens,
      metering: { useCases: metering.useCases, keys: pulses.keys },
      corsOrigins: config.corsOrigins,
      assets,
      castVote: (poll, option, key) => votes.cast(poll, option, key),
      vote: (request, poll) => votes.handle(request, poll),
      takePulses:
        routes === null ? null : (request, from) => routes.cloudEvents.handle(request, from),
      reportFailure: (err, requestId) => logger.error({ err, requestId }, 'a request has failed'),
    } satisfies ApiDeps);
  const tls = tlsOf(config);
  const listen = (surface: Surface, port: number, portName: string): HttpServer =>
    startHttpServer({
      host: config.httpHost,
      port,
      portName,
      sharePort: false,
      tls,
      votes,
      pulses: routes,
      api: apiOf(surface),
      live,
      surface,
      clientAddress: trustProxies(config.trustedProxies),
    });
  const { httpPort, adminPort } = config;
  const main = listen(adminPort === null ? 'combined' : 'public', httpPort, 'APURA_HTTP_PORT');
  cleanup.defer(() => main.stop());
  const admin = adminPort === null ? main : listen('admin', adminPort, 'APURA_ADMIN_PORT');
  if (admin !== main) cleanup.defer(() => admin.stop());
  // Viewers go first: a server waits for whoever is still connected.
  cleanup.defer(() => live.close());
  const resources = cleanup.move();
  return {
    url: main.url,
    adminUrl: admin.url,
    grpcUrl: pulses.url,
    grpc: pulses.grpc,
    live,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
