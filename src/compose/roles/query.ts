/** `apura query`: pages, API, results and live feeds, for as many as read; and the votes of plain forms. */
import { MemoryLiveFeed } from '../../adapters/memory/live-feed.ts';
import { TallyReader } from '../../application/counting/tally-reader.ts';
import { LiveResultsBoard } from '../../application/voting/live-results-board.ts';
import type { CountsPosition } from '../../domain/voting/shown-results.ts';
import type { Operations, Readiness } from '../../edge/http/api-deps.ts';
import { createCors } from '../../edge/http/cors.ts';
import { createResultsTokens } from '../../edge/http/results-token.ts';
import { createSignedSessions } from '../../edge/http/signed-sessions.ts';
import { VoteRoute } from '../../edge/http/vote-route.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';
import { DoorMetrics } from '../../telemetry/door-metrics.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addGrpcMetrics, addStandingMetrics } from '../../telemetry/metering-metrics.ts';
import { addCountingMetrics, addDoorMetrics } from '../../telemetry/metrics.ts';
import { version } from '../../version.ts';
import { announcing } from '../announcing.ts';
import { ensureDemoPoll } from '../demo-poll.ts';
import { repeat, runUntilStopped } from '../event-loop.ts';
import { openFront } from '../front.ts';
import { newPollId } from '../ingest.ts';
import { openMeteringReader } from '../metering/reader-apart.ts';
import { createMeteringUseCases, keepRetryingLetters } from '../metering/use-cases.ts';
import { sleep } from '../sleep.ts';
import { createUseCases, pollEditor } from '../use-cases.ts';
import { ConsistencyBoard } from './consistency-board.ts';
import { openLogDoors } from './log-door.ts';
import { addLogMetrics, logsPart, watchLogs } from './log-watch.ts';
import { OperationsBoard } from './operations-board.ts';
import {
  logPlaces,
  openPatiently,
  type RoleContext,
  type RunningRole,
  reportProcess,
} from './process.ts';
import {
  doorParts,
  PULSES_PART,
  partOf,
  processOperations,
  readinessOf,
  troubleOf,
} from './role-server.ts';
import { StillTally } from './still-tally.ts';
import { doorOf } from './vote-doors.ts';
import { type VotingOfLog, votingParts } from './voting.ts';

const ROLE = 'query';
const SECOND_MS = 1_000;

export async function startQueryRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger, clock } = context;
  const { adminToken, secret } = config;
  if (adminToken === null || secret === null) throw new Error('The settings were not checked.');
  await using cleanup = new AsyncDisposableStack();
  const announcements: ((act: OperatorAct) => void)[] = [];
  const opened = await openPatiently(context, 'catalogue', () => engines.catalogue());
  const catalogue = announcing(cleanup.use(opened), (act) => {
    for (const announce of announcements) announce(act);
  });
  const places = await logPlaces(context, catalogue);
  const watch = watchLogs(context, ROLE, catalogue, places, cleanup);
  const logIds = places.map(({ settings }) => settings.logId);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { directories, doors, newest, clockTrouble } = cleanup.use(
    await openLogDoors(context, places, catalogue, fail),
  );
  const logs: VotingOfLog[] = [];
  for (const door of doors) {
    const ledger = cleanup.use(
      await openPatiently(context, 'ledger', () => engines.ledger(door.place)),
    );
    logs.push({ door, ledger });
  }
  const metering = cleanup.use(await openMeteringReader(context, { clockTrouble, fail }));
  cleanup.defer(
    keepRetryingLetters(metering.parts, (err) =>
      logger.warn({ err }, 'dead letters can not be tried again just now'),
    ),
  );
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));

  const board = new LiveResultsBoard();
  const feed = new MemoryLiveFeed();
  feed.subscribe((frame) => board.accept(frame));
  const positions = new Map<string, CountsPosition>();
  const stills = new Map<string, StillTally>();
  /** What is known of the counts of all logs: also stale while a tally stands and nobody moves it. */
  const shown = (): CountsPosition => {
    const all = together(positions);
    return { ...all, stale: all.stale || [...stills.values()].some(({ isStill }) => isStill) };
  };
  const freshness: (() => void)[] = [];
  let lagMs = 0;
  let isShownStale = true;
  for (const { place, log } of doors) {
    const { logId, partitions } = place.settings;
    const changes = cleanup.use(
      await openPatiently(context, 'tally', () => engines.tallyChanges(place)),
    );
    const ends = await openPatiently(context, 'log', () =>
      Promise.all(Array.from({ length: partitions }, (_, partition) => log.bounds(partition))),
    );
    const reader = new TallyReader({
      changes,
      partitions,
      clock,
      sleep,
      atLeast: ends.map(({ end }) => end),
      onFrames: (frames, position) => {
        const wasStale = isShownStale;
        positions.set(logId, position);
        const now = shown();
        isShownStale = now.stale;
        board.advance(now);
        for (const frame of frames) {
          lagMs = Math.max(lagMs, frame.lagMs);
          feed.publish(frame);
        }
        if (positions.size < logs.length || isShownStale === wasStale) return;
        for (const tell of freshness) tell();
      },
      onTrouble: (err) => logger.warn({ err, logId }, 'the tally can not be read just now'),
    });
    const still = new StillTally({ log, partitions, clock });
    stills.set(logId, still);
    cleanup.defer(
      repeat(
        SECOND_MS,
        () => still.look(positions.get(logId)?.version ?? 0),
        (err) => logger.warn({ err, logId }, 'the log does not say where it ends'),
      ),
    );
    cleanup.defer(runUntilStopped((signal) => reader.run(signal), fail));
  }

  const consistency = new ConsistencyBoard(
    catalogue,
    clock,
    logs.map(({ door: { place, log } }) => ({ ...place.settings, log })),
  );
  const refresh = (): Promise<void> => consistency.refresh();
  await openPatiently(context, 'catalogue', refresh);
  cleanup.defer(
    repeat(SECOND_MS, refresh, (err) => logger.warn({ err }, 'sync can not be asked just now')),
  );
  const parts = votingParts(context, {
    catalogue,
    directories,
    logs,
    consistency: () => consistency.newest,
  });
  if (config.demo) {
    const log = (): string => parts.newestLog;
    await openPatiently(context, 'demo poll', () =>
      ensureDemoPoll({ ...pollEditor(parts), newPollId, log }),
    );
  }

  const books = new DoorMetrics();
  const resultsTokens = createResultsTokens(secret);
  const { durability, logId } = newest.log.description;
  const votes = new VoteRoute({
    door: doorOf(doors, directories),
    clock,
    books,
    resultsTokens,
    cors: createCors(config.corsOrigins),
    corsEnabled: config.corsOrigins.length > 0,
  });
  const operationsBoard = new OperationsBoard(clock);
  cleanup.use(operationsBoard.follow(reports));
  let shownLagMs = 0;
  const instruments = createInstruments(version);
  addDoorMetrics(instruments, {
    door: books,
    pending: () => doors.reduce((sum, { writer }) => sum + writer.pending, 0),
  });
  addCountingMetrics(instruments, {
    lag: () => ({ tallyMs: shownLagMs, ledgerMs: 0, partitions: consistency.partitions }),
    expired: () => 0,
    differences: () => consistency.differences,
  });
  addLogMetrics(instruments, watch);
  let stopping = false;
  const readiness = (): Readiness => {
    const hasCounts = positions.size === logs.length;
    const tally = partOf('tally', hasCounts ? null : 'The counts have not been read yet.');
    const pulses = partOf(PULSES_PART, metering.trouble());
    const parts = [tally, ...doorParts(doors, stopping), pulses, ...logsPart(watch)];
    return readinessOf({ durability, logId }, parts);
  };
  const operations: Operations = {
    ...processOperations(instruments, readiness),
    consistency: () => consistency.report(),
  };
  const meteringUseCases = createMeteringUseCases(metering.parts);
  const front = cleanup.use(
    await openFront({
      config,
      logger,
      reading: { directory: directories, board, clock },
      useCases: createUseCases(parts),
      operations,
      votes,
      operatorToken: adminToken,
      sessions: createSignedSessions({
        secret,
        operatorToken: adminToken,
        now: () => clock.now(),
      }),
      resultsTokens,
      log: { durability, logId },
      metering: {
        ...metering,
        useCases: meteringUseCases,
        isReady: () => readiness().ready,
      },
    }),
  );
  addGrpcMetrics(instruments, front.grpc);
  addStandingMetrics(instruments, meteringUseCases.overview);
  const { live } = front;
  cleanup.use(feed.subscribe((frame) => live.onFrame(frame)));
  freshness.push(() => {
    for (const { id } of directories.list(clock.now())) live.onFrame({ scope: id });
  });
  announcements.push((act) => live.onAct(act));
  cleanup.use(directories.subscribe((record) => live.onPoll(record.poll)));
  cleanup.defer(
    reportProcess(context, ROLE, reports, (seconds) => {
      books.endSecond(seconds);
      shownLagMs = lagMs;
      lagMs = 0;
      live.onOps(operationsBoard.figures(consistency.partitions, consistency.newest));
      return { trouble: troubleOf(readiness()), door: books.snapshot(), lagMs: shownLagMs };
    }),
  );
  const resources = cleanup.move();
  return {
    url: front.url,
    grpcUrl: front.grpcUrl,
    durability,
    logIds,
    failed,
    async stop() {
      stopping = true;
      await resources.disposeAsync();
    },
  };
}

/** The counts of all logs as one position: as new as the oldest, stale where any is. */
function together(positions: ReadonlyMap<string, CountsPosition>): CountsPosition {
  const all = [...positions.values()];
  return {
    asOf: all.length === 0 ? 0 : Math.min(...all.map(({ asOf }) => asOf)),
    version: all.reduce((sum, { version }) => sum + version, 0),
    stale: all.length === 0 || all.some(({ stale }) => stale),
  };
}
