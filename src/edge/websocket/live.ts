/** The WebSocket doors: who may follow what, within which bounds; the feeds do the rest. */
import type { Poll } from '../../domain/voting/poll.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { Surface } from '../http/api-deps.ts';
import { isSameHost, refuseUnlessOperator } from '../http/operators.ts';
import { problem } from '../http/problems.ts';
import { addSecurityHeaders } from '../http/security-headers.ts';
import { ConsoleFeed } from './console-feed.ts';
import type { LiveDeps, OpsFigures } from './live-deps.ts';
import type { LiveSocket, LiveSocketData, OperatorData, ViewerData } from './live-socket.ts';
import { PollFeed } from './poll-feed.ts';
import { createTurnQueue } from './turn-queue.ts';

/** Each costs about 10 kB with its buffers. */
const VIEWERS_MAX = 20_000;
const OPERATORS_MAX = 200;
const MESSAGE_BYTES_MAX = 1_024;
/** A connection that answers no ping for so long is gone. */
const IDLE_SECONDS = 60;
/** Never reached: whoever falls behind by its room's measure is cut off before, with a reason. */
const BACKPRESSURE_BYTES_MAX = 16 * 1024 * 1024;

export interface UpgradeContext {
  /** The client's address, after trusted proxies; default: the connection's. */
  readonly remoteAddress?: string;
  /** Which routes the port has; default `combined`. */
  readonly surface?: Surface;
}

export interface Live {
  /** Whether the request asks for one of the feeds by WebSocket. */
  isFeed(request: Request): boolean;
  /** A response where the request is refused, undefined where the socket was taken over. */
  upgrade(
    request: Request,
    server: Bun.Server<LiveSocketData>,
    context?: UpgradeContext,
  ): Response | undefined;
  readonly websocket: Bun.WebSocketHandler<LiveSocketData>;
  /** Call once the board has taken the frame in. */
  onFrame(frame: Pick<TallyFrame, 'scope'>): void;
  /** Call once the directory has taken the poll in. */
  onPoll(poll: Poll): void;
  onOps(ops: OpsFigures): void;
  onAct(act: OperatorAct): void;
  /** Closes every socket with 1001 and takes no more. Closing twice is closing once. */
  close(): void;
}

type Feed = { readonly kind: 'poll'; readonly poll: string } | { readonly kind: 'console' };

export function createLive(deps: LiveDeps): Live {
  const queue = createTurnQueue();
  const polls = new PollFeed(deps, queue);
  const operators = new ConsoleFeed(deps, queue);
  const origins = new Set(deps.corsOrigins);
  const viewersMax = deps.viewersMax ?? VIEWERS_MAX;
  let viewers = 0;
  let isClosed = false;

  const refusal = (
    request: Request,
    feed: Feed | null,
    remoteAddress: string,
    surface: Surface,
  ): Response | null => {
    if (feed === null || (feed.kind === 'console' && surface === 'public')) {
      return problem('not_found', 'There is no live feed at this path.');
    }
    if (isClosed) return problem('not_ready', 'The server is stopping.');
    if (feed.kind === 'console') {
      const caller = deps.operators.identify(request, remoteAddress);
      const isForeign = request.headers.has('origin') && !isSameHost(request);
      if (isForeign) return problem('forbidden', 'The console is a page of this server.');
      if (operators.size >= OPERATORS_MAX) return problem('overloaded', 'Too many operators.');
      return refuseUnlessOperator(caller);
    }
    const origin = request.headers.get('origin');
    if (origin !== null && !origins.has(origin) && !isSameHost(request)) {
      return problem('forbidden', 'Pages of this origin may not follow polls here.');
    }
    if (!polls.has(feed.poll)) return problem('poll_not_found', 'No poll has this id.');
    return viewers >= viewersMax ? problem('overloaded', 'Too many are watching.') : null;
  };

  return {
    isFeed: (request) =>
      request.headers.get('upgrade')?.toLowerCase() === 'websocket' && feedOf(request) !== null,

    upgrade(request, server, { remoteAddress, surface = 'combined' } = {}) {
      const feed = feedOf(request);
      const address = remoteAddress ?? server.requestIP(request)?.address ?? '';
      const refused = refusal(request, feed, address, surface);
      if (refused === null && feed !== null) {
        const data: LiveSocketData =
          feed.kind === 'console'
            ? { kind: 'operator', server }
            : { kind: 'viewer', poll: feed.poll, server, audience: 'public', received: 0 };
        if (server.upgrade(request, { data })) return undefined;
      }
      const response = refused ?? problem('not_found', 'Ask for it with Upgrade: websocket.');
      addSecurityHeaders(response.headers);
      return response;
    },

    websocket: {
      maxPayloadLength: MESSAGE_BYTES_MAX,
      idleTimeout: IDLE_SECONDS,
      sendPings: true,
      backpressureLimit: BACKPRESSURE_BYTES_MAX,
      closeOnBackpressureLimit: true,
      perMessageDeflate: false,
      open(socket) {
        if (isViewer(socket)) {
          viewers += 1;
          polls.open(socket);
        } else if (isOperator(socket)) operators.open(socket);
      },
      message(socket, message) {
        // Bytes are no message of ours; their text is as little JSON.
        const text = typeof message === 'string' ? message : '';
        if (isViewer(socket)) polls.message(socket, text);
        else if (isOperator(socket)) operators.message(socket);
      },
      close(socket) {
        if (isViewer(socket)) {
          viewers -= 1;
          polls.close(socket);
        } else if (isOperator(socket)) operators.close(socket);
      },
    },

    onFrame({ scope }) {
      polls.onCounts(scope);
      operators.onCounts(scope);
    },
    onPoll(poll) {
      polls.onPoll(poll);
      operators.onPoll(poll);
    },
    onOps: (ops) => operators.onOps(ops),
    onAct: (act) => operators.onAct(act),
    close() {
      if (isClosed) return;
      isClosed = true;
      polls.closeAll();
      operators.closeAll();
      queue.clear();
    },
  };
}

function feedOf(request: Request): Feed | null {
  const { pathname } = new URL(request.url);
  if (pathname === '/v1/console/live') return { kind: 'console' };
  const match = /^\/v1\/polls\/([a-z0-9-]{1,63})\/live$/.exec(pathname);
  return match?.[1] === undefined ? null : { kind: 'poll', poll: match[1] };
}

function isViewer(socket: LiveSocket): socket is LiveSocket<ViewerData> {
  return socket.data.kind === 'viewer';
}

function isOperator(socket: LiveSocket): socket is LiveSocket<OperatorData> {
  return socket.data.kind === 'operator';
}
