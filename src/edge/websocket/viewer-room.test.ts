/** Proves that viewers are spread over bounded topics, told in order, and cut off when they do not read. */
import { describe, expect, test } from 'bun:test';
import type { LiveServer, LiveSocket, ViewerData } from './live-socket.ts';
import { createTurnQueue } from './turn-queue.ts';
import { TOPIC_VIEWERS_MAX, ViewerRoom } from './viewer-room.ts';

const BUFFER_BYTES_MAX = 64 * 1024;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A server whose topics deliver at once, and the turns in which it published. */
class FakeServer implements LiveServer {
  readonly topics = new Map<string, Set<FakeSocket>>();
  readonly published: string[] = [];

  publish(topic: string, message: unknown): number {
    this.published.push(topic);
    for (const socket of this.topics.get(topic) ?? []) socket.received.push(String(message));
    return 1;
  }
}

class FakeSocket {
  readonly data: ViewerData;
  readonly received: string[] = [];
  readonly readyState = WebSocket.OPEN;
  buffered = 0;
  closedWith: number | null = null;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
    this.data = { kind: 'viewer', poll: 'final', server, audience: 'public', received: 0 };
  }

  getBufferedAmount(): number {
    return this.buffered;
  }

  subscribe(topic: string): void {
    const subscribers = this.#server.topics.get(topic) ?? new Set();
    this.#server.topics.set(topic, subscribers.add(this));
  }

  unsubscribe(topic: string): void {
    this.#server.topics.get(topic)?.delete(this);
  }

  close(code: number): void {
    this.closedWith = code;
  }
}

const socketOf = (fake: FakeSocket) => fake as unknown as LiveSocket<ViewerData>;

function roomWith(viewers: number) {
  const server = new FakeServer();
  const room = new ViewerRoom<ViewerData>('final', createTurnQueue(), BUFFER_BYTES_MAX);
  const sockets = Array.from({ length: viewers }, () => new FakeSocket(server));
  for (const socket of sockets) room.add(socketOf(socket));
  return { server, room, sockets };
}

async function turns(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed += 1) await turn();
}

describe('a room', () => {
  test('spreads its viewers over topics of bounded size, and publishes to one a turn', async () => {
    const { server, room, sockets } = roomWith(3 * TOPIC_VIEWERS_MAX + 1);
    expect([...server.topics.values()].map(({ size }) => size)).toEqual([512, 512, 512, 1]);
    room.publish('results', 'one');
    let before = 0;
    while (server.published.length < 4) {
      await turn();
      expect(server.published.length).toBeLessThanOrEqual(before + 1);
      before = server.published.length;
    }
    expect(sockets.every(({ received }) => received.join() === 'one')).toBe(true);
  });

  test('fills the places of viewers that left', () => {
    const { server, room, sockets } = roomWith(TOPIC_VIEWERS_MAX + 1);
    const [first] = sockets;
    if (first !== undefined) room.remove(socketOf(first));
    if (first !== undefined) room.remove(socketOf(first));
    expect(room.size).toBe(TOPIC_VIEWERS_MAX);
    room.add(socketOf(new FakeSocket(server)));
    expect([...server.topics.values()].map(({ size }) => size)).toEqual([512, 1]);
  });

  test('tells a viewer that is behind the newest of a slot, and each of the others in order', async () => {
    const { room, sockets } = roomWith(1);
    room.publish('results', 'old');
    room.publishEach('act 1');
    room.publish('results', 'new');
    room.publishEach('act 2');
    await turns(3);
    expect(sockets[0]?.received).toEqual(['new', 'act 1', 'act 2']);
  });

  test('tells a newcomer nothing that is older than itself', async () => {
    const { server, room, sockets } = roomWith(1);
    room.publish('results', 'old');
    const newcomer = new FakeSocket(server);
    room.add(socketOf(newcomer));
    await turns(3);
    expect(sockets[0]?.received).toEqual(['old']);
    expect(newcomer.received).toEqual([]);
  });

  test('keeps a bounded number of messages for a topic', async () => {
    const { room, sockets } = roomWith(1);
    for (let number = 0; number < 1_000; number += 1) room.publishEach(`act ${number}`);
    await turns(3);
    expect(sockets[0]?.received).toHaveLength(256);
    expect(sockets[0]?.received.at(-1)).toBe('act 999');
  });

  test('keeps viewers of two servers apart', async () => {
    const { room, server } = roomWith(1);
    const other = new FakeServer();
    const guest = new FakeSocket(other);
    room.add(socketOf(guest));
    room.publish('results', 'one');
    await turns(4);
    expect(guest.received).toEqual(['one']);
    expect([server.published, other.published].map(({ length }) => length)).toEqual([1, 1]);
  });

  test('cuts off viewers that do not read, and no others', async () => {
    const { room, sockets } = roomWith(3);
    const [, slow] = sockets;
    if (slow !== undefined) slow.buffered = BUFFER_BYTES_MAX + 1;
    room.publish('results', 'one');
    await turns(3);
    expect(sockets.map(({ closedWith }) => closedWith)).toEqual([null, 1013, null]);
  });
});

test('a real viewer that stops reading is closed with 1013, and the others keep getting all', async () => {
  const room = new ViewerRoom<ViewerData>('final', createTurnQueue(), BUFFER_BYTES_MAX);
  const { promise: slowClosed, resolve: onSlowClosed } = Promise.withResolvers<number>();
  const server = Bun.serve<ViewerData>({
    port: 0,
    fetch: (request, bun) => {
      const poll = new URL(request.url).pathname;
      const data: ViewerData = {
        kind: 'viewer',
        poll,
        server: bun,
        audience: 'public',
        received: 0,
      };
      return bun.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 });
    },
    websocket: {
      backpressureLimit: 16 * 1024 * 1024,
      open: (socket) => room.add(socket),
      message: () => {},
      close: (socket, code) => {
        room.remove(socket);
        if (socket.data.poll === '/slow') onSlowClosed(code);
      },
    },
  });
  let received = 0;
  const reader = new WebSocket(`ws://localhost:${server.port}/reader`);
  reader.onmessage = () => {
    received += 1;
  };
  const slow = await Bun.connect({
    hostname: 'localhost',
    port: server.port ?? 0,
    socket: { data: () => {} },
  });
  slow.write(
    'GET /slow HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  while (room.size < 2) await turn();
  slow.pause();
  const message = 'x'.repeat(64 * 1024);
  let published = 0;
  let code: number | null = null;
  void slowClosed.then((closed) => {
    code = closed;
  });
  while (code === null) {
    room.publishEach(message);
    published += 1;
    // The reader keeps up; who does not is the other one.
    while (received < published) await turn();
  }
  expect(code as number).toBe(1013);
  expect(reader.readyState).toBe(WebSocket.OPEN);
  expect(room.size).toBe(1);
  slow.terminate();
  reader.close();
  await server.stop(true);
});
