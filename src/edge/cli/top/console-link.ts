/** The operators' live feed over a WebSocket that comes back by itself when it is cut off. */
import type { Json, OperatorApi } from '../operator-api.ts';

export type LinkState = 'connecting' | 'live' | 'lost';

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 5_000;

export class ConsoleLink implements Disposable {
  readonly #url: URL;
  readonly #token: string | null;
  readonly #onMessage: (message: Json) => void;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #waitMs = RECONNECT_FIRST_MS;
  #state: LinkState = 'connecting';

  constructor(api: OperatorApi, onMessage: (message: Json) => void) {
    this.#url = new URL('/v1/console/live', api.url);
    this.#url.protocol = api.url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#token = api.token;
    this.#onMessage = onMessage;
    this.#connect();
  }

  get state(): LinkState {
    return this.#state;
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect(): void {
    this.#timer = null;
    const headers = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    const socket = new WebSocket(this.#url, { headers });
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return;
      this.#state = 'live';
      this.#waitMs = RECONNECT_FIRST_MS;
      this.#onMessage(JSON.parse(String(data)));
    });
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#state = 'lost';
      this.#timer = setTimeout(() => this.#connect(), this.#waitMs);
      this.#waitMs = Math.min(RECONNECT_MAX_MS, this.#waitMs * 2);
    });
  }
}
