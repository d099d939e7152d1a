/** Puts the program's own vote route before a door; a GET of anything else tells the door's books. */
import { createCors } from '../src/edge/http/cors.ts';
import { createResultsTokens } from '../src/edge/http/results-token.ts';
import { startHttpServer } from '../src/edge/http/server.ts';
import { VoteRoute } from '../src/edge/http/vote-route.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { DoorMetrics } from '../src/telemetry/door-metrics.ts';
import type { IngestBooks } from './ingest-books.ts';

export interface ServedDoor {
  readonly door: ConstructorParameters<typeof VoteRoute>[0]['door'];
  readonly secret: Parameters<typeof createResultsTokens>[0];
  /** Blocks of events in the log. */
  readonly blocks: () => Promise<number>;
  /** Resolves where the server is told to stop, rejects where it has to. */
  readonly stopped: Promise<void>;
}

/** Serves on a free port, says which, and ends with `stopped`. */
export async function serveVotes({ door, secret, blocks, stopped }: ServedDoor): Promise<void> {
  const books = new DoorMetrics();
  const server = startHttpServer<undefined>({
    host: '127.0.0.1',
    port: 0,
    portName: 'port',
    tls: null,
    sharePort: false,
    votes: new VoteRoute({
      door,
      clock: systemClock,
      books,
      resultsTokens: createResultsTokens(secret),
      cors: createCors([]),
      corsEnabled: false,
    }),
    api: {
      async fetch() {
        const { received, accepted, rejected, unknown } = books;
        const refused = [...rejected.values()].reduce((sum, n) => sum + n, 0);
        const told: IngestBooks = { received, accepted, refused, unknown, blocks: await blocks() };
        return Response.json(told);
      },
    },
    live: null,
    surface: 'public',
    clientAddress: { isTrusted: () => false, of: (peer) => peer },
  });
  // As in `serve`: the figures of a second are put away once a second.
  const timer = setInterval(() => books.endSecond(1), 1_000);
  console.log(`ready ${server.url}`);
  try {
    await stopped;
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}
