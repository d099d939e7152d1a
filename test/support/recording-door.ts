/** A stand-in for a process behind the gateway: answers everything, and remembers what reached it. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';

export interface ReachedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What it does with a request, once it has read it whole. `/readyz` is always answered by `isReady`. */
export type DoorConduct = 'answer' | 'die' | 'stall';

export interface RecordingDoor extends AsyncDisposable {
  readonly address: string;
  /** Without those for `/readyz`. */
  readonly requests: readonly ReachedRequest[];
  readonly connections: number;
  conduct: DoorConduct;
  isReady: boolean;
  /** Further headers of every answer. */
  headers: Readonly<Record<string, string>>;
  /** Refuses connections from now on, and ends those that are open. */
  close(): Promise<void>;
}

/** Answers `{"door": name, "count": n}`, n counted from 1. */
export async function startRecordingDoor(name: string): Promise<RecordingDoor> {
  const requests: ReachedRequest[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    if (request.url === '/readyz') {
      response.writeHead(door.isReady ? 200 : 503).end('{}');
      return;
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers, body });
    if (door.conduct === 'die') request.socket.destroy();
    if (door.conduct !== 'answer') return;
    response.writeHead(200, { 'content-type': 'application/json', ...door.headers });
    response.end(JSON.stringify({ door: name, count: requests.length }));
  });
  server.on('connection', () => {
    connections += 1;
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const door: RecordingDoor = {
    address: `127.0.0.1:${portOf(server)}`,
    requests,
    get connections() {
      return connections;
    },
    conduct: 'answer',
    isReady: true,
    headers: {},
    close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      return closed.promise;
    },
    [Symbol.asyncDispose]: () => door.close(),
  };
  return door;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
