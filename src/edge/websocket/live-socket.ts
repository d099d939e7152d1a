/** What a live socket is for, kept with it from the handshake on. */
import type { Server, ServerWebSocket } from 'bun';

export interface ViewerData {
  readonly kind: 'viewer';
  readonly poll: string;
  /** The server that took the socket over: topics belong to a server. */
  readonly server: LiveServer;
  /** Becomes `voter` by a results token. */
  audience: 'public' | 'voter';
  /** Messages that came from the viewer. */
  received: number;
}

export interface OperatorData {
  readonly kind: 'operator';
  readonly server: LiveServer;
}

export type LiveSocketData = ViewerData | OperatorData;

/** Named without type arguments of its own, which would go in circles. */
export interface LiveServer extends Pick<Server<unknown>, 'publish'> {}
export type LiveSocket<Data extends LiveSocketData = LiveSocketData> = ServerWebSocket<Data>;

/** RFC 6455, 7.4.1, and IANA's registry. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;
export const CLOSE_TRY_LATER = 1013;
