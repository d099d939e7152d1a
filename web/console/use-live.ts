/** Keeps the live state fed: the socket while a session is open, and what a hello leaves out. */
import { type Dispatch, useEffect, useRef } from 'preact/hooks';
import type { ApiClient } from './api-client.ts';
import { type FeedListener, type FeedSocket, LiveLink } from './live-link.ts';
import type { LiveEvent, LiveState } from './live-state.ts';
import { isEditable, isLive } from './poll-act.ts';

/** Totals of older polls than these are fetched when someone opens them. */
const TOTALS_MAX = 40;

/** Returns the function that retries at once. */
export function useLive(
  isSignedIn: boolean,
  api: ApiClient,
  dispatch: Dispatch<LiveEvent>,
  onSignedOut: () => void,
): () => void {
  const link = useRef<LiveLink | null>(null);
  const retry = () => link.current?.connect();

  useEffect(() => {
    if (!isSignedIn) return;
    const made = new LiveLink(
      {
        connect: openFeed,
        now: Date.now,
        random: Math.random,
        after: (delayMs, callback) => {
          const timer = setTimeout(callback, delayMs);
          return () => clearTimeout(timer);
        },
      },
      {
        onMessage: (message, at) => dispatch({ type: 'message', message, at }),
        onConnecting: () => dispatch({ type: 'connecting' }),
        onLost: (at, retryAt) => {
          dispatch({ type: 'lost', at, retryAt });
          // A refused handshake shows no status to a page, so the session is asked apart.
          void api.session().then((outcome) => {
            if (outcome.ok && !outcome.value) onSignedOut();
          });
        },
      },
    );
    link.current = made;
    made.connect();
    const retryWhenSeen = () => {
      if (document.visibilityState === 'visible') made.connect();
    };
    addEventListener('online', retry);
    document.addEventListener('visibilitychange', retryWhenSeen);
    return () => {
      removeEventListener('online', retry);
      document.removeEventListener('visibilitychange', retryWhenSeen);
      made[Symbol.dispose]();
      link.current = null;
    };
  }, [isSignedIn]);

  return retry;
}

/** Fetches the counts that no tick will bring: those of polls in which nothing moves. */
export function useTotals(live: LiveState, api: ApiClient, dispatch: Dispatch<LiveEvent>): void {
  useEffect(() => {
    if (live.hellos === 0) return;
    let isCurrent = true;
    const wanted = [...live.polls.values()]
      .map((entry) => entry.poll)
      .filter((poll) => !isEditable(poll.state))
      .sort((a, b) => Number(isLive(b.state)) - Number(isLive(a.state)))
      .slice(0, TOTALS_MAX);
    void (async () => {
      for (const poll of wanted) {
        if (!isCurrent) return;
        const outcome = await api.results(poll.id);
        if (outcome.ok && isCurrent) dispatch({ type: 'results', results: outcome.value });
      }
    })();
    return () => {
      isCurrent = false;
    };
  }, [live.hellos]);
}

function openFeed(listener: FeedListener): FeedSocket {
  const address = new URL('/v1/console/live', location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  socket.onmessage = (event) => listener.onData(event.data);
  socket.onclose = () => listener.onClose();
  return socket;
}
