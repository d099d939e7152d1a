/** A TCP proxy that loses what a test wants lost: an answer, the rest of a message, or everything. */
import { connect, createServer, type Socket } from 'node:net';

export interface LossyProxy extends AsyncDisposable {
  /** The address, with the proxy's port in place of the server's. */
  readonly url: string;
  /**
   * From now on: once a message that contains `text` has been passed on, nothing is passed back. When
   * the server has answered it, the client's connection is reset. Resolves then.
   */
  loseReplyTo(text: string): Promise<void>;
  /** Passes the next message that contains `text` on up to its end, and nothing behind it. Resolves then. */
  stopBehind(text: string): Promise<void>;
  /** From now on nothing is passed on or back, and no connection is closed: a network that is gone. */
  goSilent(): void;
  /** As `goSilent`, of the connections that are open now alone: new ones are served. */
  silencePresent(): void;
}

interface Trap {
  readonly text: string;
  readonly sprung: () => void;
}

export async function lossyProxy(serverUrl: string): Promise<LossyProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let losing: Trap | null = null;
  let stopping: Trap | null = null;
  let silent = false;
  let connections = 0;
  let silenced = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let lost: (() => void) | null = null;
    let stopped = false;
    connections += 1;
    const number = connections;
    const isSilent = (): boolean => silent || number <= silenced;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes: Buffer) => {
      if (isSilent() || stopped) return;
      if (losing !== null && bytes.includes(losing.text)) {
        lost = losing.sprung;
        losing = null;
      }
      if (stopping !== null && bytes.includes(stopping.text)) {
        const { text, sprung } = stopping;
        upstream.write(bytes.subarray(0, bytes.indexOf(text) + text.length));
        stopping = null;
        stopped = true;
        sprung();
        return;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isSilent()) return;
      if (lost === null) {
        client.write(bytes);
        return;
      }
      client.destroy();
      lost();
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = new URL(serverUrl);
  url.port = String(port);
  return {
    url: url.href,
    loseReplyTo(text) {
      const { promise, resolve } = Promise.withResolvers<void>();
      losing = { text, sprung: resolve };
      return promise;
    },
    stopBehind(text) {
      const { promise, resolve } = Promise.withResolvers<void>();
      stopping = { text, sprung: resolve };
      return promise;
    },
    goSilent() {
      silent = true;
    },
    silencePresent() {
      silenced = connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
