/** A WebSocket viewer that keeps what it is sent, for tests that wait for a certain message. */
import type { Json } from './api-client.ts';
import { waitUntil } from './wait-until.ts';

export class LiveViewer implements Disposable {
  readonly #socket: WebSocket;
  readonly messages: Json[] = [];
  /** The code of its end; null while it is open. */
  closeCode: number | null = null;

  /** `url` of the server, such as `http://127.0.0.1:8080`; `token` goes along as bearer token. */
  constructor(url: string, path: string, token?: string) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#socket = new WebSocket(url.replace(/^http/, 'ws') + path, { headers });
    this.#socket.addEventListener('message', ({ data }) => {
      this.messages.push(JSON.parse(String(data)) as Json);
    });
    this.#socket.addEventListener('close', ({ code }) => {
      this.closeCode = code;
    });
  }

  send(message: Json): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The first message, of those after the first `skip`, that `isWanted`; waits for it. */
  message(what: string, isWanted: (message: Json) => boolean, skip = 0): Promise<Json> {
    return waitUntil(what, () => this.messages.slice(skip).find(isWanted));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
