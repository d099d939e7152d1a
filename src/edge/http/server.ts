/** The listening sockets: the vote route straight on the router, live feeds, and all the rest behind. */
import { ApuraError } from '../../domain/errors.ts';
import type { RequestContext, Surface } from './api-deps.ts';
import type { ClientAddress } from './client-address.ts';
import { CLOUD_EVENTS_PATH, type CloudEventsRoute } from './cloud-events-route.ts';
import { CONNECT_INGEST_PATH, type ConnectRoute } from './connect-route.ts';
import { CONNECT_USAGE_PATH, type ConnectUsageRoute } from './connect-usage-route.ts';
import { PULSE_REQUEST_BYTES_MAX } from './pulse-ingest.ts';
import type { VoteRoute } from './vote-route.ts';

/** The largest body of any route, an image, and a little more. The vote route has its own bound. */
const REQUEST_BYTES_MAX = (1 << 20) + (64 << 10);
/** A connection on which nothing happens for so long is closed, seconds. */
const IDLE_SECONDS = 30;
const STOP_GRACE_MS = 3_000;
/** Nothing is upgraded without feeds, so that nothing is ever heard. */
const NO_FEEDS = { message() {} };

export interface HttpServerDeps<SocketData> {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The variable that sets the port, for the words of an error. */
  readonly portName: string;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Null where this process takes no votes. */
  readonly votes: VoteRoute | null;
  /** Null, or left out, where it takes no pulses. */
  readonly pulses?: {
    readonly connect: ConnectRoute;
    readonly cloudEvents: CloudEventsRoute;
  } | null;
  /** Null, or left out, where it takes no usage. */
  readonly usage?: ConnectUsageRoute | null;
  /** Whether other processes of ours may listen on the port too, and the kernel deals connections out. */
  readonly sharePort: boolean;
  readonly api: { fetch(request: Request, context: RequestContext): Promise<Response> };
  /** Null where this process has no feeds. */
  readonly live: {
    /** Whether the request asks for one of the feeds. */
    isFeed(request: Request): boolean;
    /** A response where the request is refused, undefined where the socket was taken over. */
    upgrade(
      request: Request,
      server: Bun.Server<SocketData>,
      context: { readonly remoteAddress: string; readonly surface: Surface },
    ): Response | undefined;
    readonly websocket: Bun.WebSocketHandler<SocketData>;
  } | null;
  /** Which routes this port has. */
  readonly surface: Surface;
  readonly clientAddress: ClientAddress;
}

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Takes no more connections, lets requests end for a while, then closes what is left. */
  stop(): Promise<void>;
}

/** @throws ApuraError `port_in_use`; `invalid_config` where the address or the certificate won't do. */
export function startHttpServer<SocketData>(deps: HttpServerDeps<SocketData>): HttpServer {
  const { api, live, votes, clientAddress, tls, pulses = null, usage = null } = deps;
  const contextOf = (request: Request, server: Bun.Server<SocketData>): RequestContext => {
    const peer = server.requestIP(request)?.address ?? '';
    const forwardedTls =
      clientAddress.isTrusted(peer) && request.headers.get('x-forwarded-proto') === 'https';
    return {
      remoteAddress: clientAddress.of(peer, request.headers),
      isTls: tls !== null || forwardedTls,
    };
  };
  const server = listen(deps, () =>
    Bun.serve<SocketData>({
      hostname: deps.host,
      port: deps.port,
      development: false,
      // Said in any case: `development: false` alone shares the port with any other process of ours
      // that asks for it, and the kernel would deal votes out between two installations.
      reusePort: deps.sharePort,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize:
        pulses === null && usage === null ? REQUEST_BYTES_MAX : PULSE_REQUEST_BYTES_MAX,
      ...(tls === null ? {} : { tls: { cert: tls.cert, key: tls.key } }),
      routes: {
        ...(votes === null ? {} : voteRoutes(votes)),
        ...(pulses === null ? {} : pulseRoutes(pulses, contextOf)),
        ...(usage === null ? {} : usageRoutes(usage, contextOf)),
      },
      fetch(request, bunServer) {
        const context = contextOf(request, bunServer);
        if (live?.isFeed(request) !== true) return api.fetch(request, context);
        const { remoteAddress } = context;
        return live.upgrade(request, bunServer, { remoteAddress, surface: deps.surface });
      },
      websocket: live?.websocket ?? NO_FEEDS,
    }),
  );
  const port = server.port ?? deps.port;
  const shownHost = deps.host === '0.0.0.0' || deps.host === '::' ? 'localhost' : deps.host;
  return {
    port,
    url: `${tls === null ? 'http' : 'https'}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`,
    async stop() {
      const graceful = server.stop(false);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_GRACE_MS);
      await Promise.race([graceful, late]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

function voteRoutes(votes: VoteRoute) {
  return {
    '/v1/polls/:poll/votes': {
      POST: (request: Bun.BunRequest<'/v1/polls/:poll/votes'>) =>
        votes.handle(request, request.params.poll),
    },
  };
}

function pulseRoutes<SocketData>(
  { connect, cloudEvents }: NonNullable<HttpServerDeps<SocketData>['pulses']>,
  contextOf: (request: Request, server: Bun.Server<SocketData>) => RequestContext,
) {
  return {
    [CONNECT_INGEST_PATH]: {
      POST: (request: Request, server: Bun.Server<SocketData>) =>
        connect.handle(request, contextOf(request, server).remoteAddress),
    },
    [CLOUD_EVENTS_PATH]: {
      POST: (request: Request, server: Bun.Server<SocketData>) =>
        cloudEvents.handle(request, contextOf(request, server).remoteAddress),
    },
  };
}

function usageRoutes<SocketData>(
  usage: ConnectUsageRoute,
  contextOf: (request: Request, server: Bun.Server<SocketData>) => RequestContext,
) {
  return {
    [CONNECT_USAGE_PATH]: {
      POST: (request: Request, server: Bun.Server<SocketData>) =>
        usage.handle(request, contextOf(request, server).remoteAddress),
    },
  };
}

function listen<T>(deps: { host: string; port: number; portName: string }, start: () => T): T {
  try {
    return start();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code === 'EADDRINUSE') {
      throw new ApuraError(
        'port_in_use',
        `Port ${deps.port} is taken by another process; stop it, or choose another with ${deps.portName}.`,
        { cause },
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ApuraError('invalid_config', `Can't listen on ${deps.host}:${deps.port}: ${why}`, {
      cause,
    });
  }
}
