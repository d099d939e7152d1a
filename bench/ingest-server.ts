/**
 * The ingest role alone: doors, log and catalogue of a real server, without tally, ledger, feeds and
 * pages. Argument: the data folder. GET of anything but the vote route tells its books.
 */
import { Worker } from 'node:worker_threads';
import { claimFolder, dataPaths, signingSecret } from '../src/compose/data-folder.ts';
import { ensureDemoPoll } from '../src/compose/demo-poll.ts';
import { newPollId, startIngest } from '../src/compose/ingest.ts';
import { pollEditor } from '../src/compose/use-cases.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { serveVotes } from './vote-server.ts';

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
await serveVotes({
  door: ingest.door,
  secret: signingSecret(paths),
  blocks: async () => ingest.ends.get(1),
  stopped: stop.promise,
});
