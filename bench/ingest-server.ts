/**
 * The ingest role alone: doors, log and catalogue of a real server, without tally, ledger, feeds and
 * pages. Argument: the data folder. GET of anything but the vote route tells its books.
 */
import { Worker } from 'node:worker_threads';
import { claimFolder, dataPaths, signingSecret } from '../src/compose/data-folder.ts';
import { ensureDemoPoll } from '../src/compose/demo-poll.ts';
import { newPollId, startIngest } from '../src/compose/ingest.ts';
import { pollEditor } from '../src/compose/use-cases.ts';
import { createCors } from '../src/edge/http/cors.ts';
import { createResultsTokens } from '../src/edge/http/results-token.ts';
import { startHttpServer } from '../src/edge/http/server.ts';
import { VoteRoute } from '../src/edge/http/vote-route.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { DoorMetrics } from '../src/telemetry/door-metrics.ts';
import type { IngestBooks } from './ingest-books.ts';

const [folder = 'data'] = process.argv.slice(2);
const paths = dataPaths(folder);
using _lock = claimFolder(paths);
const stop = Promise.withResolvers<void>();
process.once('SIGTERM', () => stop.resolve());

await using ingest = await startIngest({
  paths,
  partitions: 1,
  clock: systemClock,
  spawn: (name, workerData) =>
    new Worker(new URL(`../src/threads/${name}.ts`, import.meta.url), { workerData }),
  listenerOf: () => ({ onTrouble: stop.reject, onHalted: stop.reject, onTold: () => {} }),
  onLogFailure: stop.reject,
  wrapCatalogue: (catalogue) => catalogue,
});
const log = (): string => ingest.settings.logId;
await ensureDemoPoll({
  ...pollEditor({ ...ingest, clock: systemClock, effectDelayMs: 0 }),
  newPollId,
  log,
});

const books = new DoorMetrics();
const server = startHttpServer<undefined>({
  host: '127.0.0.1',
  port: 0,
  portName: 'port',
  tls: null,
  sharePort: false,
  votes: new VoteRoute({
    door: ingest.door,
    clock: systemClock,
    books,
    resultsTokens: createResultsTokens(signingSecret(paths)),
    cors: createCors([]),
    corsEnabled: false,
  }),
  api: {
    async fetch() {
      const { received, accepted, rejected, unknown } = books;
      const refused = [...rejected.values()].reduce((sum, n) => sum + n, 0);
      const blocks = ingest.ends.get(1);
      return Response.json({ received, accepted, refused, unknown, blocks } satisfies IngestBooks);
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
  await stop.promise;
} finally {
  clearInterval(timer);
  await server.stop();
}
