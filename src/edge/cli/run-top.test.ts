/** `apura top` speaks to the operators' feed, gives the terminal back, and comes back when cut off. */
import { describe, expect, test } from 'bun:test';
import type { ServerWebSocket } from 'bun';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { runTop } from './run-top.ts';

const HELLO = {
  type: 'hello',
  serverTime: '2026-11-21T20:00:00.000Z',
  durability: 'power-safe',
  polls: [
    {
      id: 'demo',
      title: 'Quem vence?',
      state: 'open',
      options: [{ id: 'ana', name: 'Ana' }],
      timeZone: 'UTC',
    },
  ],
  history: [],
  ops: null,
  acts: [],
};
const TICK = { type: 'tick', poll: 'demo', total: 7, options: { ana: 7 }, stale: false };
const OPS = {
  type: 'ops',
  serverTime: '2026-11-21T20:00:01.000Z',
  door: {
    received: 7,
    accepted: 7,
    rejected: {},
    unknown: 0,
    acceptedPerSecond: 0,
    peakPerSecond: 7,
    p50Ms: null,
    p99Ms: null,
  },
  lag: { tallyMs: null, ledgerMs: null, partitions: [] },
  consistency: { state: 'consistent', checkedAt: null, detail: null },
  processes: [],
};

/** A feed for the token `secret`; `onOpen` is given each new connection and its number. */
function feed(onOpen: (socket: ServerWebSocket<undefined>, number: number) => void) {
  let opened = 0;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request, self) {
      if (request.headers.get('authorization') !== 'Bearer secret') {
        return Response.json({ code: 'unauthorized', detail: 'Wrong token.' }, { status: 401 });
      }
      if (new URL(request.url).pathname === '/v1/consistency') return Response.json({});
      return self.upgrade(request) ? undefined : new Response('no', { status: 400 });
    },
    websocket: {
      open(socket: ServerWebSocket<undefined>) {
        opened += 1;
        onOpen(socket, opened);
      },
      message() {},
    },
  });
  return {
    argv: ['--url', `http://127.0.0.1:${server.port}`, '--token', 'secret'],
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function sendAll(socket: ServerWebSocket<undefined>): void {
  for (const message of [HELLO, TICK, OPS]) socket.send(JSON.stringify(message));
}

describe('once', () => {
  test('prints one picture as text, when all of it has come', async () => {
    await using server = feed(sendAll);
    const io = recordingIo();
    expect(await runTop(['--once', ...server.argv], io)).toBe(0);
    expect(io.out).toContain('demo · open · Quem vence?');
    expect(io.out).toContain('7 votes   0/s   peak 7/s   power-safe');
    expect(io.out).toContain('100.00%');
    expect(io.out).not.toContain('\x1b');
  });

  test('of a poll that is not there says so', async () => {
    await using server = feed(sendAll);
    const io = recordingIo();
    expect(await runTop(['--once', '--poll', 'final', ...server.argv], io)).toBe(0);
    expect(io.out).toContain('There is no poll final.');
  });

  test('fails when the feed ends before it said anything', async () => {
    await using server = feed((socket) => socket.close());
    const io = recordingIo();
    expect(await runTop(['--once', ...server.argv], io)).toBe(1);
    expect(io.err).toContain('server_unreachable: The live feed at');
  });
});

describe('live', () => {
  async function watch(onOpen: Parameters<typeof feed>[0], until: (out: string) => boolean) {
    await using server = feed(onOpen);
    const stop = new AbortController();
    const io = recordingIo({ isTTY: true, signal: stop.signal });
    const running = runTop(server.argv, io);
    while (!until(io.out)) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    return { exitCode: await running, out: io.out };
  }

  test('draws in place on a screen of its own and gives the terminal back', async () => {
    const { exitCode, out } = await watch(sendAll, (text) => text.includes('7 votes'));
    expect(exitCode).toBe(0);
    expect(out.startsWith('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H')).toBe(true);
    expect(out.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l')).toBe(true);
    expect(out).toContain('\x1b[32m● consistent');
  });

  test('connects again when it is cut off', async () => {
    const { out } = await watch(
      (socket, number) => {
        if (number === 1) socket.close(1013);
        else sendAll(socket);
      },
      (text) => text.includes('7 votes'),
    );
    expect(out).toContain('○ lost');
  });
});

describe('the command', () => {
  test('without a terminal asks for --once', async () => {
    const io = recordingIo();
    expect(await runTop([], io)).toBe(2);
    expect(io.err).toContain('--once');
  });

  test('with a wrong token says what to do', async () => {
    await using server = feed(sendAll);
    const io = recordingIo();
    expect(await runTop(['--once', ...server.argv.slice(0, 2), '--token', 'wrong'], io)).toBe(1);
    expect(io.err).toContain('unauthorized: Wrong token.');
  });
});
