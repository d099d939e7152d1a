/** The voter page's script: wires the queue, the server's clock, the live feed and the views together. */
import { Announcer } from './announcer.ts';
import { BallotView } from './ballot-view.ts';
import { type FeedSocketEvents, LiveFeed } from './live-feed.ts';
import { messagesIn } from './messages-in.ts';
import { Outbox } from './outbox.ts';
import { type KeyValueStore, OutboxStore } from './outbox-store.ts';
import { describeOutcome } from './outcome-text.ts';
import { OutcomeView } from './outcome-view.ts';
import { findElement } from './page-elements.ts';
import { PAGE_DATA_ID, type PageData } from './page-model.ts';
import { instantOf, isOver, type Poll, type PollOption } from './poll.ts';
import type { Phase } from './poll-status.ts';
import { ResultsView } from './results-view.ts';
import { ServerClock } from './server-clock.ts';
import { StatusView } from './status-view.ts';
import { createTabLock } from './tab-lock.ts';
import { UUID_V7_RANDOM_BYTES, uuidV7 } from './uuid-v7.ts';
import { openVoteDoor } from './vote-door.ts';

const MEASURE_EVERY_MS = 5_000;
/** A hidden page keeps its feed for a while: most come right back. */
const FEED_KEPT_HIDDEN_MS = 30_000;

const data: PageData = JSON.parse(findElement(PAGE_DATA_ID, HTMLScriptElement).text);
const messages = messagesIn(data.lang);
let poll: Poll = data.poll;
/** When a poll without a closing time, or before it, was found to have ended. */
let endedAt: number | null = null;
let view: 'ballot' | 'outcome' = 'ballot';
let phase: Phase | null = null;
let measuredAt = Number.NEGATIVE_INFINITY;

const storage = findStorage();
const tokenKey = `apura.results-token.${poll.id}`;
let resultsToken: string | null = storage?.getItem(tokenKey) ?? null;

const clock = new ServerClock({ monotonic: () => performance.now(), wall: () => Date.now() });
observePageLoad();
const door = openVoteDoor(poll.id, (url, init) => fetch(url, init), clock);
const announcer = new Announcer();
const statusView = new StatusView(announcer, messages);
const resultsView = new ResultsView(data.results, messages, announcer);
const ballotView = new BallotView(poll.options, messages, vote);
const outcomeView = new OutcomeView(messages, announcer, {
  onAgain: voteAgain,
  ask: async (receipt) => {
    const answer = await door.ask(receipt);
    outbox.askAgain();
    return answer;
  },
  random: Math.random,
  startTimer,
});

const outbox = new Outbox({
  store: new OutboxStore(poll.id, storage),
  door,
  clock,
  closesAt: () => endedAt ?? instantOf(poll.closesAt),
  isOnline: () => navigator.onLine,
  makeKey: (time) => uuidV7(time, randomBytes(UUID_V7_RANDOM_BYTES)),
  random: Math.random,
  startTimer,
  exclusively: createTabLock(`apura.outbox.${poll.id}`),
  onChange: show,
  onResultsToken: keepResultsToken,
});

const feed = new LiveFeed({
  poll: poll.id,
  clock,
  openSocket,
  getJson,
  resultsToken: () => resultsToken,
  random: Math.random,
  startTimer,
  pollState: () => poll.state,
  onResults: (results) => {
    resultsView.take(results);
    show();
  },
  onPoll: (change) => {
    poll = { ...poll, ...change };
    endedAt = isOver(poll.state) ? (endedAt ?? clock.now()) : null;
    void outbox.resume();
    show();
  },
  onState: (state) => {
    resultsView.connection(state);
    show();
  },
});

begin();

function begin(): void {
  document.documentElement.classList.add('js');
  if (outbox.view().deliveries.length > 0) openOutcome();
  addEventListener('online', () => void outbox.wake());
  addEventListener('storage', () => {
    resultsToken = storage?.getItem(tokenKey) ?? resultsToken;
    void outbox.resume();
    show();
  });
  let cancelStop = () => {};
  document.addEventListener('visibilitychange', () => {
    cancelStop();
    if (document.hidden) {
      cancelStop = startTimer(FEED_KEPT_HIDDEN_MS, () => feed.stop());
    } else {
      feed.start();
      void outbox.wake();
      show();
    }
  });
  tick();
  feed.start();
  void outbox.start();
}

/** Shows every second as it turns, by the server's clock. */
function tick(): void {
  if (!clock.trusted()) measureClock();
  show();
  startTimer(1_000 - (clock.now() % 1_000), tick);
}

function show(): void {
  const now = clock.now();
  // While the time is in doubt, it does not end or begin anything.
  if (phase === null || clock.trusted()) phase = statusView.show(poll, now);
  const votes = outbox.view();
  const outcome = view === 'outcome' ? describeOutcome(votes, messages) : null;
  if (outcome === null) view = 'ballot';
  const canVoteAgain = phase === 'voting' && poll.votePolicy === 'unlimited';
  if (outcome === null) outcomeView.close();
  else outcomeView.show(outcome, canVoteAgain);
  ballotView.show(outcome === null, phase);
  ballotView.showEarlier(votes);
  resultsView.show(poll, resultsToken !== null || outcome !== null);
}

function vote(option: PollOption): boolean {
  const localId = Array.from(randomBytes(8), (byte) => byte.toString(16)).join('');
  if (!outbox.add({ localId, option: option.id, optionName: option.name })) return false;
  openOutcome();
  outcomeView.focus();
  return true;
}

function voteAgain(): void {
  outbox.dismissSettled();
  view = 'ballot';
  show();
  ballotView.focus();
}

function openOutcome(): void {
  const last = outbox.view().deliveries.at(-1);
  if (last === undefined) return;
  view = 'outcome';
  outcomeView.open(ballotView.pictureOf(last.option));
  show();
}

function keepResultsToken(token: string): void {
  resultsToken = token;
  try {
    storage?.setItem(tokenKey, token);
  } catch {
    // No room: the token then serves this page only.
  }
  feed.showToken();
}

/** The HTML told the server's time; a page out of a cache told an old one. */
function observePageLoad(): void {
  const [load] = performance.getEntriesByType('navigation');
  if (!(load instanceof PerformanceNavigationTiming)) return;
  clock.observe(data.serverTime, load.responseStart, null);
  if (load.transferSize === 0) clock.distrust();
}

function measureClock(): void {
  if (performance.now() - measuredAt < MEASURE_EVERY_MS) return;
  measuredAt = performance.now();
  void door.measureClock().then(show);
}

function openSocket(path: string, events: FeedSocketEvents) {
  const socket = new WebSocket(
    `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`,
  );
  socket.onopen = events.onOpen;
  socket.onclose = events.onClose;
  socket.onmessage = (event) => {
    if (typeof event.data === 'string') events.onText(event.data);
  };
  return { send: (text: string) => socket.send(text), close: () => socket.close() };
}

async function getJson(path: string, token: string | null): Promise<unknown> {
  try {
    const headers: HeadersInit = token === null ? {} : { 'apura-results-token': token };
    const response = await fetch(path, { headers });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

function startTimer(delayMs: number, work: () => void): () => void {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** Reading `localStorage` throws where the browser allows none, as in some private windows and frames. */
function findStorage(): KeyValueStore | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
