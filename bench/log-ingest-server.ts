/**
 * The door of `apura ingest` on a log server, without the reports that it makes to a console. Argument:
 * the address of the log. GET of anything but the vote route tells its books.
 */
import { randomBytes } from 'node:crypto';
import { MemoryCatalogue, MemoryCatalogueStore } from '../src/adapters/memory/catalogue.ts';
import { PublishPollChanges } from '../src/application/voting/publish-poll-changes.ts';
import { ensureDemoPoll } from '../src/compose/demo-poll.ts';
import { newPollId } from '../src/compose/ingest.ts';
import { type DoorContext, openLogDoor, pollDirectories } from '../src/compose/roles/log-door.ts';
import { pollEditor } from '../src/compose/use-cases.ts';
import { CONTROL_PARTITION } from '../src/ports/event-log.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { logSettings, openLogOnServer } from './log-on-server.ts';
import { serveVotes } from './vote-server.ts';

const CONTROL_APPLIED_MS = 10_000;
/** One door: a change of a poll holds at once. */
const EFFECT_DELAY_MS = 0;

const [url = ''] = process.argv.slice(2);
const stop = Promise.withResolvers<void>();
const stopping = new AbortController();
process.once('SIGTERM', () => {
  stopping.abort();
  stop.resolve();
});

const settings = logSettings(url);
const place = { settings, generation: 0 };
const context: DoorContext = {
  engines: { log: () => openLogOnServer(url) },
  clock: systemClock,
  logger: createLogger('warn', 'bench'),
  signal: stopping.signal,
};
const directories = pollDirectories(context, [place]);
await using opened = await openLogDoor(context, place, {
  directories,
  clockTrouble: () => null,
  onFailure: stop.reject,
});
const { log, writer, follower, door } = opened;
const catalogue = new MemoryCatalogue(new MemoryCatalogueStore());
await catalogue.mintLogSettings(settings);
const publisher = new PublishPollChanges({
  catalogue,
  directory: directories,
  clock: systemClock,
  effectDelayMs: EFFECT_DELAY_MS,
  appendControl: (payload) => writer.appendControl(CONTROL_PARTITION, payload),
  applied: (offset) => follower.until(offset, CONTROL_APPLIED_MS),
});
await ensureDemoPoll({
  ...pollEditor({ catalogue, clock: systemClock, publisher, effectDelayMs: EFFECT_DELAY_MS }),
  newPollId,
  log: () => settings.logId,
});

async function blocks(): Promise<number> {
  const partitions = Array.from({ length: settings.partitions }, (_, at) => log.bounds(at));
  return (await Promise.all(partitions)).reduce((sum, { end }) => sum + end, 0);
}

await serveVotes({ door, secret: randomBytes(32), blocks, stopped: stop.promise });
