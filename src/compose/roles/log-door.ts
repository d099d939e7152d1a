/**
 * A log's door in a process that runs apart: the log, the polls as its control partition tells them, and
 * group commit; and the doors of all the installation's logs together.
 */
import type { BlockWriter } from '../../application/counting/block-writer.ts';
import { CONTROL_STALE_MS, ControlFollower } from '../../application/voting/control-follower.ts';
import { PollDirectories } from '../../application/voting/log-router.ts';
import { VoteDoor } from '../../application/voting/vote-door.ts';
import type { ApuraError } from '../../domain/errors.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { openDoorWriter } from '../door-writer.ts';
import type { Engines, LogPlace } from '../engines.ts';
import { randomWordSource } from '../ingest.ts';
import { sleep } from '../sleep.ts';
import { startClockCheck } from './clock-check.ts';
import { openPatiently, type RoleContext } from './process.ts';

export interface LogDoor extends AsyncDisposable {
  readonly place: LogPlace;
  readonly log: EventLog;
  readonly writer: BlockWriter;
  readonly follower: ControlFollower;
  readonly door: VoteDoor;
  /** Why it takes no votes just now; null while it does. */
  readonly trouble: string | null;
}

export interface LogDoorDeps {
  /** The polls of all logs; this door's log feeds its part. */
  readonly directories: PollDirectories;
  /** Why the machine's clock can't be gone by; null while it can. */
  readonly clockTrouble: () => string | null;
  /** Told once when the log's storage has failed: stop the process. */
  readonly onFailure: (error: ApuraError) => void;
}

/** What a door needs of its process. */
export type DoorContext = Pick<RoleContext, 'clock' | 'logger' | 'signal'> & {
  readonly engines: Pick<Engines, 'log'>;
};

/** Resolves once the control partition has been read to its end. */
export async function openLogDoor(
  context: DoorContext,
  place: LogPlace,
  deps: LogDoorDeps,
): Promise<LogDoor> {
  const { engines, clock, logger } = context;
  const { settings } = place;
  await using cleanup = new AsyncDisposableStack();
  const log = cleanup.use(await openPatiently(context, 'log', () => engines.log(place)));
  const follower = new ControlFollower({
    log,
    clock,
    directory: deps.directories.of(settings.logId),
    sleep,
    onTrouble: (err) => logger.warn({ err }, 'the control partition can not be read just now'),
  });
  const stop = new AbortController();
  cleanup.defer(async () => {
    stop.abort();
    await follower.ended;
  });
  await follower.start(stop.signal);
  const writer = openDoorWriter({ log, clock, settings, onFailure: deps.onFailure });
  cleanup.defer(() => writer.drain());
  const trouble = (): string | null => {
    if (!follower.isFresh(CONTROL_STALE_MS)) return 'The control partition was not read lately.';
    return deps.clockTrouble();
  };
  const door = new VoteDoor({
    writer,
    clock,
    settings,
    randomWords: randomWordSource(),
    directory: deps.directories,
    ready: () => trouble() === null,
  });
  const resources = cleanup.move();
  return {
    place,
    log,
    writer,
    follower,
    door,
    get trouble() {
      return trouble();
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export interface LogDoors extends AsyncDisposable {
  /** The polls of all logs. */
  readonly directories: PollDirectories;
  /** One a log, oldest first. */
  readonly doors: readonly LogDoor[];
  readonly newest: LogDoor;
  /** Why the machine's clock can't be gone by; null while it can. */
  readonly clockTrouble: () => string | null;
}

/**
 * Opens a door for every log, all of which go by one clock. Resolves once each control partition has been
 * read to its end.
 *
 * @param fail told once when a log's storage has failed: the process must end.
 */
export async function openLogDoors(
  context: RoleContext,
  places: readonly LogPlace[],
  catalogue: Pick<Catalogue, 'now'>,
  fail: (error: Error) => void,
): Promise<LogDoors> {
  await using cleanup = new AsyncDisposableStack();
  const clocks = cleanup.use(await startClockCheck(context, catalogue));
  const clockTrouble = (): string | null => clocks.trouble;
  const directories = pollDirectories(context, places);
  const deps: LogDoorDeps = {
    directories,
    clockTrouble,
    onFailure(error) {
      context.logger.fatal({ err: error }, 'the log has failed');
      fail(error);
    },
  };
  const doors: LogDoor[] = [];
  for (const place of places) {
    doors.push(cleanup.use(await openLogDoor(context, place, deps)));
  }
  const newest = doors.at(-1);
  if (newest === undefined) throw new Error('An installation has at least one log.');
  const resources = cleanup.move();
  return {
    directories,
    doors,
    newest,
    clockTrouble,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The polls of all logs of the installation, to be fed by a door of each. */
export function pollDirectories(
  { logger }: Pick<RoleContext, 'logger'>,
  places: readonly LogPlace[],
): PollDirectories {
  const logs = places.map(({ settings }) => settings.logId);
  return new PollDirectories(logs, (err) => logger.error({ err }, 'a poll record was refused'));
}
