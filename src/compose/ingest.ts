/** The ingest role: log, control partition and door of one process, with the catalogue beside them. */
import { randomInt } from 'node:crypto';
import type { BlockWriter } from '../application/counting/block-writer.ts';
import { ControlFollower } from '../application/voting/control-follower.ts';
import { PollDirectory } from '../application/voting/poll-directory.ts';
import { PublishPollChanges } from '../application/voting/publish-poll-changes.ts';
import { VoteDoor } from '../application/voting/vote-door.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import { ApuraError } from '../domain/errors.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Clock } from '../ports/clock.ts';
import { CONTROL_PARTITION, type EventLog } from '../ports/event-log.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';
import type { DataPaths } from './data-folder.ts';
import { openDoorWriter } from './door-writer.ts';
import { newLogSettings } from './new-log.ts';
import { remoteLog } from './remote-log.ts';
import { remoteCatalogue } from './remote-stores.ts';
import { sleep } from './sleep.ts';
import { type SpawnThread, Thread, type ThreadListener } from './thread.ts';

export interface IngestOptions {
  readonly paths: DataPaths;
  /** Partitions of a new log; null: one, or as many as the log at hand has. */
  readonly partitions: number | null;
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly listenerOf: (name: 'log' | 'query') => ThreadListener;
  /** Told once when the log has failed: stop the process. */
  readonly onLogFailure: (error: ApuraError) => void;
  /** Stands between the catalogue and everybody who changes something in it. */
  readonly wrapCatalogue: (catalogue: Catalogue) => Catalogue;
}

export interface Ingest extends AsyncDisposable {
  readonly settings: LogSettings;
  readonly log: EventLog;
  /** Where the log ends: slot 0 the control partition, then the event partitions. */
  readonly ends: SharedOffsets;
  readonly writer: BlockWriter;
  readonly door: VoteDoor;
  readonly directory: PollDirectory;
  readonly publisher: PublishPollChanges;
  readonly catalogue: Catalogue;
  readonly queryThread: Thread;
  readonly logThread: Thread;
}

/** With one door a change of a poll holds at once. */
export const EFFECT_DELAY_MS = 0;
/** A change that the log has confirmed is read back from the same process's log thread. */
const CONTROL_APPLIED_MS = 10_000;
const RANDOM_WORDS = 3 * 1024;

export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { paths, clock, spawn } = options;
  await using threads = new AsyncDisposableStack();
  const queryThread = await Thread.start(
    spawn,
    'query',
    { cataloguePath: paths.catalogue, ledgerPath: paths.ledger },
    options.listenerOf('query'),
  );
  threads.defer(() => queryThread.stop());
  const catalogue = options.wrapCatalogue(remoteCatalogue(queryThread.calls));
  const settings = await settingsOf(catalogue, options.partitions);
  const ends = new SharedOffsets(settings.partitions + 1);
  const logListener = options.listenerOf('log');
  const logThread = await Thread.start(
    spawn,
    'log',
    {
      path: paths.log,
      logId: settings.logId,
      partitions: settings.partitions,
      ends: ends.buffer,
    },
    logListener,
  );
  threads.defer(() => logThread.stop());
  const log = remoteLog(
    {
      logId: settings.logId,
      partitions: settings.partitions,
      durability: 'power-safe',
      atomicAppend: true,
      appendsUnderWayMax: 1,
    },
    logThread.calls,
    ends,
  );
  const writer = openDoorWriter({ log, clock, settings, onFailure: options.onLogFailure });
  const directory = new PollDirectory();
  const control = new ControlFollower({
    log,
    clock,
    directory,
    sleep,
    onTrouble: (error) => logListener.onTrouble(error as Error),
  });
  const stopControl = new AbortController();
  threads.defer(async () => {
    stopControl.abort();
    await control.ended;
  });
  await control.start(stopControl.signal);
  const publisher = new PublishPollChanges({
    catalogue,
    directory,
    clock,
    effectDelayMs: EFFECT_DELAY_MS,
    appendControl: (payload) => writer.appendControl(CONTROL_PARTITION, payload),
    applied: (offset) => control.until(offset, CONTROL_APPLIED_MS),
  });
  await publisher.run();
  const door = new VoteDoor({
    writer,
    clock,
    settings,
    randomWords: randomWordSource(),
    directory,
    // The one writer of the control partition is this process: what it has published it has read.
    ready: () => logThread.halted === null && control.failed === null,
  });
  const started = threads.move();
  return {
    settings,
    log,
    ends,
    writer,
    door,
    directory,
    publisher,
    catalogue,
    queryThread,
    logThread,
    async [Symbol.asyncDispose]() {
      await writer.drain();
      await started.disposeAsync();
    },
  };
}

/** @throws ApuraError `invalid_config`: the log at hand has another number of partitions. */
async function settingsOf(catalogue: Catalogue, partitions: number | null): Promise<LogSettings> {
  const settings = await catalogue.mintLogSettings(newLogSettings(partitions ?? 1));
  if (partitions !== null && partitions !== settings.partitions) {
    throw new ApuraError(
      'invalid_config',
      `APURA_PARTITIONS is ${partitions}, but the log at hand has ${settings.partitions}: their ` +
        'number is fixed for the life of a log.',
    );
  }
  return settings;
}

/** Random words for ids made at the door, drawn from the system a few thousand at a time. */
export function randomWordSource(): () => readonly [number, number, number] {
  const words = new Uint32Array(RANDOM_WORDS);
  let at = RANDOM_WORDS;
  return () => {
    if (at >= RANDOM_WORDS) {
      crypto.getRandomValues(words);
      at = 0;
    }
    at += 3;
    return [words[at - 3] ?? 0, words[at - 2] ?? 0, words[at - 1] ?? 0];
  };
}

/** A poll id that nobody can have guessed: ten letters and digits. */
export function newPollId(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from({ length: 10 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
