/** A viewer that does not read is cut off; the others see everything meanwhile, as if it were not there. */
import { afterAll, describe, expect, test } from 'bun:test';
import { LiveResultsBoard } from '../../src/application/voting/live-results-board.ts';
import { PollDirectory } from '../../src/application/voting/poll-directory.ts';
import { createConsoleSessions } from '../../src/edge/http/console-sessions.ts';
import { createFailedLogins } from '../../src/edge/http/failed-logins.ts';
import { createOperators } from '../../src/edge/http/operators.ts';
import { createResultsBodies } from '../../src/edge/http/results-bodies.ts';
import { createResultsTokens } from '../../src/edge/http/results-token.ts';
import { createLive } from '../../src/edge/websocket/live.ts';
import { CLOSE_TRY_LATER, type LiveSocketData } from '../../src/edge/websocket/live-socket.ts';
import type { TallyFrame } from '../../src/ports/live-feed.ts';
import { samplePoll } from '../support/catalogue-samples.ts';
import { LiveViewer } from '../support/live-viewer.ts';
import { waitUntil } from '../support/wait-until.ts';

const POLL = 'crowded';
/** As many as a poll may have: the largest results that are sent. */
const OPTIONS = Array.from({ length: 100 }, (_, index) => `option-number-${index}`);
const VIEWERS = 5;
/** Far more than what the system's own buffers on both sides take. */
const FRAMES_MAX = 20_000;

/** Watches in a process of its own, which can be stopped, and prints what ended the socket. */
const STOPPABLE_VIEWER = `
  const socket = new WebSocket(process.argv[1]);
  let messages = 0;
  socket.onmessage = () => { messages += 1; if (messages === 1) console.log('watching'); };
  socket.onclose = ({ code }) => { console.log('closed ' + code); process.exit(); };
`;

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

/** The live feed of one poll with all its counts shown, on a clock so fast that no message waits for its turn. */
function startFeed() {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() * 10_000 };
  const directory = new PollDirectory();
  const options = OPTIONS.map((id) => ({ id, name: id, imageUrl: null }));
  const shown = { resultsVisibility: 'always', resultsDetail: 'count' } as const;
  const poll = samplePoll({ id: POLL, state: 'open', opensAt: 1_000, options, ...shown });
  directory.apply({ type: 'poll', effectiveAt: 0, poll });
  const board = new LiveResultsBoard();
  const reading = { directory, board, clock };
  const monotonic = (): number => clock.monotonic();
  const sessions = createConsoleSessions(monotonic);
  const failedLogins = createFailedLogins(monotonic);
  const live = createLive({
    reading,
    results: createResultsBodies(reading),
    operators: createOperators({ operatorToken: 'x'.repeat(16), sessions, failedLogins }),
    resultsTokens: createResultsTokens(new Uint8Array(32)),
    corsOrigins: [],
    log: { durability: 'volatile', logId: 'log-1' },
    recentActs: [],
  });
  const server = Bun.serve<LiveSocketData>({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, self) => live.upgrade(request, self),
    websocket: live.websocket,
  });
  cleanup.defer(async () => {
    live.close();
    await server.stop(true);
  });
  let version = 0;
  const count = (votes: number): void => {
    version += 1;
    const frame: TallyFrame = {
      scope: POLL,
      items: new Map(OPTIONS.map((id) => [id, votes])),
      flagged: new Map(),
      minutes: [],
      version,
      asOf: Date.now(),
      lagMs: 0,
      stale: false,
    };
    board.accept(frame);
    live.onFrame(frame);
  };
  return { count, url: `http://127.0.0.1:${server.port}`, sockets: () => server.pendingWebSockets };
}

describe('a viewer that stops reading', () => {
  test('is cut off, and the others get all messages to the last', async () => {
    const { count, url, sockets } = startFeed();
    const path = `/v1/polls/${POLL}/live`;
    const viewers = Array.from({ length: VIEWERS }, () => cleanup.use(new LiveViewer(url, path)));
    for (const viewer of viewers) await viewer.message('the hello', ({ type }) => type === 'hello');
    const slow = Bun.spawn(
      [process.execPath, '-e', STOPPABLE_VIEWER, url.replace('http', 'ws') + path],
      { stdout: 'pipe', stderr: 'inherit' },
    );
    cleanup.defer(() => slow.kill('SIGKILL'));
    const said = slow.stdout.getReader();
    const decoder = new TextDecoder();
    expect(decoder.decode((await said.read()).value)).toBe('watching\n');
    expect(sockets()).toBe(VIEWERS + 1);

    slow.kill('SIGSTOP');
    let frames = 0;
    await waitUntil('the slow viewer is cut off', async () => {
      // Ten milliseconds of work for the feed, then a look.
      for (let burst = 0; burst < 5; burst += 1) {
        frames += 1;
        count(frames);
        await Bun.sleep(2);
      }
      if (frames > FRAMES_MAX) throw new Error('The slow viewer was never cut off.');
      return sockets() === VIEWERS;
    });
    count(frames + 1);
    for (const viewer of viewers) {
      const total = (frames + 1) * OPTIONS.length;
      await viewer.message('the last count', ({ results }) => {
        return (results as { readonly total?: number } | undefined)?.total === total;
      });
      expect(viewer.closeCode).toBeNull();
    }
    slow.kill('SIGCONT');
    const { value } = await said.read();
    expect(decoder.decode(value)).toBe(`closed ${CLOSE_TRY_LATER}\n`);
  });
});
