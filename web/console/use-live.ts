/** Keeps the live state fed while a session is open, and knows when to try again. */
import { type Dispatch, useEffect, useRef } from 'preact/hooks';
import type { ApiClient } from './api-client.ts';
import { type FeedListener, type FeedSocket, LiveLink } from './live-link.ts';
import type { LiveEvent } from './live-state.ts';

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

function openFeed(listener: FeedListener): FeedSocket {
  const address = new URL('/v1/console/live', location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  socket.onmessage = (event) => listener.onData(event.data);
  socket.onclose = () => listener.onClose();
  return socket;
}
