/** Proves that the page stays true: live when it can, asking when it must, and never in a herd. */
import { describe, expect, test } from 'bun:test';
import { type FeedSocketEvents, type FeedState, LiveFeed } from './live-feed.ts';
import type { PollState, Results } from './poll.ts';
import type { PollChange } from './poll-guards.ts';
import { ServerClock } from './server-clock.ts';

const SERVER_TIME = '2026-11-21T20:00:00.000Z';

const results: Results = {
  visible: false,
  reason: 'after_vote',
  state: 'open',
  asOf: SERVER_TIME,
  version: 4,
  stale: false,
};

const change = {
  state: 'paused',
  opensAt: null,
  closesAt: null,
  resultsVisibility: 'always',
} as const;

/** The page around a feed, with sockets and timers in the test's hand. */
function surroundings() {
  const world = {
    now: 0,
    token: null as string | null,
    sockets: [] as { path: string; sent: string[]; closed: boolean; events: FeedSocketEvents }[],
    timers: [] as { at: number; work: () => void }[],
    asked: [] as { path: string; token: string | null }[],
    answers: new Map<string, unknown>(),
    states: [] as FeedState[],
    results: [] as Results[],
    polls: [] as PollChange[],
    pollState: 'open' as PollState,
  };
  const clock = new ServerClock({ monotonic: () => world.now, wall: () => world.now });
  const feed = new LiveFeed({
    poll: 'p 1',
    clock,
    openSocket: (path, events) => {
      const socket = { path, sent: [] as string[], closed: false, events };
      world.sockets.push(socket);
      return {
        send: (text) => void socket.sent.push(text),
        close: () => {
          socket.closed = true;
        },
      };
    },
    getJson: async (path, token) => {
      world.asked.push({ path, token });
      return world.answers.get(path) ?? null;
    },
    resultsToken: () => world.token,
    random: () => 0.5,
    startTimer: (ms, work) => {
      const timer = { at: world.now + ms, work };
      world.timers.push(timer);
      return () => {
        world.timers = world.timers.filter((one) => one !== timer);
      };
    },
    pollState: () => world.pollState,
    onResults: (taken) => world.results.push(taken),
    onPoll: (taken) => {
      world.pollState = taken.state;
      world.polls.push(taken);
    },
    onState: (state) => world.states.push(state),
  });
  const run = async (ms: number) => {
    const end = world.now + ms;
    for (;;) {
      const next = world.timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      world.timers = world.timers.filter((one) => one !== next);
      world.now = next.at;
      next.work();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    world.now = end;
  };
  const socket = () => {
    const last = world.sockets.at(-1);
    if (last === undefined) throw new Error('no socket was opened');
    return last;
  };
  const say = (message: unknown) => socket().events.onText(JSON.stringify(message));
  return { world, clock, feed, run, socket, say };
}

describe('while the feed is there', () => {
  test('messages bring the results, the poll and the server time, and nothing is asked for', async () => {
    const { world, clock, feed, run, socket, say } = surroundings();
    feed.start();
    feed.start();
    expect(world.sockets).toHaveLength(1);
    expect(socket().path).toBe('/v1/polls/p%201/live');
    socket().events.onOpen();
    expect(socket().sent).toEqual([]);
    say({ type: 'hello', serverTime: SERVER_TIME, poll: { id: 'p', ...change }, results });
    expect(world.results).toEqual([results]);
    expect(world.polls).toEqual([change]);
    expect(world.states).toEqual(['live']);
    expect(clock.now()).toBe(Date.parse(SERVER_TIME));
    await run(60_000);
    expect(world.asked).toEqual([]);
  });

  test('the token is shown as soon as there is one, once a socket', async () => {
    const { world, feed, run, socket, say } = surroundings();
    const auth = JSON.stringify({ type: 'auth', token: 'tok' });
    feed.start();
    socket().events.onOpen();
    say({ type: 'hello', serverTime: SERVER_TIME });
    world.token = 'tok';
    feed.showToken();
    feed.showToken(); // the next vote's: the feed has closed its ear to more of the same
    expect(socket().sent).toEqual([auth]);
    socket().events.onClose();
    await run(2_000);
    socket().events.onOpen();
    expect(socket().sent).toEqual([auth]);
  });

  test('what is no message of ours changes nothing', () => {
    const { world, feed, socket, say } = surroundings();
    feed.start();
    socket().events.onText('<html>');
    say(null);
    say({ serverTime: 'x', poll: { state: 'new' }, results: { visible: true, state: 'open' } });
    say({ results: { ...results, version: 'nine' } });
    expect([world.results, world.polls]).toEqual([[], []]);
  });
});

describe('when the feed breaks', () => {
  test('it is opened again after growing pauses, up to a minute', async () => {
    const { world, feed, run, socket } = surroundings();
    feed.start();
    const pauses: number[] = [];
    for (let round = 0; round < 9; round++) {
      socket().events.onClose();
      const [before, opened] = [world.now, world.sockets.length];
      while (world.sockets.length === opened) await run(25);
      pauses.push(world.now - before);
    }
    expect(pauses).toEqual([1_250, 2_500, 5_000, 10_000, 20_000, 37_500, 37_500, 37_500, 37_500]);
  });

  test('the results are asked for instead, with the token, and the poll only when its state moved', async () => {
    const { world, feed, run, socket } = surroundings();
    world.token = 'tok';
    world.answers.set('/v1/polls/p%201/results', { ...results, state: 'paused' });
    world.answers.set('/v1/polls/p%201', change);
    feed.start();
    socket().events.onClose();
    expect(world.states).toEqual(['asking']);
    await run(3_600);
    expect(world.asked).toEqual([
      { path: '/v1/polls/p%201/results', token: 'tok' },
      { path: '/v1/polls/p%201', token: null },
    ]);
    expect(world.polls).toEqual([change]);
    await run(10_000);
    expect(world.asked.slice(2)).toEqual([{ path: '/v1/polls/p%201/results', token: 'tok' }]);
    expect(world.states.at(-1)).toBe('asking');
  });

  test('and nobody answers, it is lost, and asking slows down to once a minute', async () => {
    const { world, feed, run, socket } = surroundings();
    feed.start();
    for (const open of [0, 1]) {
      expect(world.sockets.length).toBe(open + 1);
      socket().events.onClose();
      await run(1_250);
    }
    world.sockets = [];
    await run(30 * 60_000);
    expect(world.states.at(-1)).toBe('lost');
    expect(world.asked.length).toBeLessThan(36);
  });

  test('a word from the new one ends the asking', async () => {
    const { world, feed, run, socket, say } = surroundings();
    feed.start();
    socket().events.onClose();
    await run(1_300);
    say({ type: 'hello', serverTime: SERVER_TIME, results });
    await run(60_000);
    expect(world.asked).toEqual([]);
    expect(world.states).toEqual(['asking', 'live']);
  });

  test('silently, it is given up after a while, and what the old one says late is not heard', async () => {
    const { world, feed, run, socket } = surroundings();
    feed.start();
    const old = socket();
    await run(120_000);
    expect(old.closed).toBe(true);
    expect(world.sockets.length).toBe(2);
    old.events.onText(JSON.stringify({ serverTime: SERVER_TIME, results }));
    old.events.onClose();
    expect(world.results).toEqual([]);
  });

  test('a vote makes the page ask at once', async () => {
    const { world, feed, run, socket } = surroundings();
    world.answers.set('/v1/polls/p%201/results', results);
    feed.start();
    socket().events.onClose();
    world.token = 'tok';
    feed.showToken();
    await run(0);
    expect(world.asked).toEqual([{ path: '/v1/polls/p%201/results', token: 'tok' }]);
    expect(world.results).toEqual([results]);
  });
});

test('stopped, it holds no socket and no timer, and starts anew', async () => {
  const { world, feed, run, socket } = surroundings();
  feed.start();
  feed.stop();
  expect(socket().closed).toBe(true);
  expect(world.timers).toEqual([]);
  feed.showToken();
  await run(600_000);
  expect(world.asked).toEqual([]);
  feed.start();
  expect(world.sockets).toHaveLength(2);
});
