/** The composition root of `apura serve`: every role in one process, started in order, stopped in order. */
import { announcing } from './compose/announcing.ts';
import { startCounting } from './compose/counting.ts';
import { adminToken, claimFolder, dataPaths, signingSecret } from './compose/data-folder.ts';
import { ensureDemoPoll } from './compose/demo-poll.ts';
import { repeat } from './compose/event-loop.ts';
import { firstPartitions } from './compose/first-partitions.ts';
import { openFront } from './compose/front.ts';
import { newPollId, startIngest } from './compose/ingest.ts';
import { startEmbeddedMetering } from './compose/metering/embedded.ts';
import { createMeteringUseCases, keepRetryingLetters } from './compose/metering/use-cases.ts';
import { createOperations } from './compose/operations.ts';
import type { SpawnThread, ThreadListener, ThreadName } from './compose/thread.ts';
import { createSchedule, createUseCases, embeddedParts, pollEditor } from './compose/use-cases.ts';
import { type Config, checkEmbedded } from './config/config.ts';
import { ApuraError } from './domain/errors.ts';
import { createConsoleSessions } from './edge/http/console-sessions.ts';
import { createCors } from './edge/http/cors.ts';
import { createResultsTokens } from './edge/http/results-token.ts';
import { VoteRoute } from './edge/http/vote-route.ts';
import type { OperatorAct } from './ports/catalogue.ts';
import { systemClock } from './runtime/system-clock.ts';
import { DoorMetrics } from './telemetry/door-metrics.ts';
import type { Logger } from './telemetry/logger.ts';

export interface Serving {
  readonly url: string;
  /** Where operators go; the same as `url` unless they have a port of their own. */
  readonly adminUrl: string;
  /** Of gRPC. */
  readonly grpcUrl: string;
  readonly token: { readonly value: string; readonly isNew: boolean; readonly file: string | null };
  readonly logId: string;
  readonly durability: string;
  /** Resolves when the log's storage has failed: the process must end, and not in peace. */
  readonly failed: Promise<ApuraError>;
  /** Takes no more votes, lets those under way be answered, closes every file. */
  stop(): Promise<void>;
}

const SECOND_MS = 1_000;
const SCHEDULE_MS = 200;
const RECONCILE_MS = 2_000;

export async function serve(config: Config, spawn: SpawnThread, logger: Logger): Promise<Serving> {
  checkEmbedded(config);
  const clock = systemClock;
  const paths = dataPaths(config.dataFolder);
  const cleanup = new AsyncDisposableStack();
  try {
    cleanup.use(claimFolder(paths));
    const { promise: failed, resolve: fail } = Promise.withResolvers<ApuraError>();
    let stopping = false;
    const listenerOf = (name: ThreadName): ThreadListener => ({
      onTrouble: (err) => logger.warn({ err, thread: name }, 'trouble, going on'),
      onHalted: (err) => {
        logger.fatal({ err, thread: name }, 'a thread has halted');
        if (name === 'log' || name === 'query' || name === 'metering') fail(asFailure(err));
      },
      onTold: () => {},
    });
    const announcements: ((act: OperatorAct) => void)[] = [];
    const ingest = cleanup.use(
      await startIngest({
        paths,
        partitions: config.partitions,
        clock,
        spawn,
        listenerOf,
        onLogFailure: (error) => {
          logger.fatal({ err: error }, 'the log has failed');
          fail(error);
        },
        wrapCatalogue: (catalogue) =>
          announcing(catalogue, (act) => {
            for (const announce of announcements) announce(act);
          }),
      }),
    );
    const freshness: (() => void)[] = [];
    const counting = cleanup.use(
      await startCounting({
        paths,
        ingest,
        clock,
        spawn,
        listenerOf,
        onExpired: (count) => logger.error({ count }, 'events expired: logged too late to count'),
        onFreshness: () => {
          for (const tell of freshness) tell();
        },
      }),
    );
    const metering = cleanup.use(
      await startEmbeddedMetering({
        paths,
        partitions: firstPartitions(config),
        aggregateEveryMs: config.aggregateEveryMs,
        pulseRetentionDays: config.pulseRetentionDays,
        clock,
        spawn,
        listenerOf,
        onLogFailure: (error) => {
          logger.fatal({ err: error }, 'the log of pulses has failed');
          fail(error);
        },
        onTrouble: (err) => logger.warn({ err }, 'trouble, going on'),
      }),
    );
    const parts = embeddedParts(ingest, clock, () => counting.consistency.newest);
    const log = (): string => parts.newestLog;
    if (config.demo) await ensureDemoPoll({ ...pollEditor(parts), newPollId, log });

    const books = new DoorMetrics();
    const token =
      config.adminToken === null
        ? { ...adminToken(paths), file: paths.adminToken }
        : { token: config.adminToken, isNew: false, file: null };
    const sessions = createConsoleSessions(() => clock.monotonic());
    const resultsTokens = createResultsTokens(config.secret ?? signingSecret(paths));
    const votes = new VoteRoute({
      door: ingest.door,
      clock,
      books,
      resultsTokens,
      cors: createCors(config.corsOrigins),
      corsEnabled: config.corsOrigins.length > 0,
    });
    const operations = createOperations({
      ingest,
      counting,
      pulseTrouble: metering.trouble,
      door: books,
      stopping: () => stopping,
      monotonic: () => clock.monotonic(),
    });
    const meteringUseCases = createMeteringUseCases(metering.parts);
    const front = cleanup.use(
      await openFront({
        config,
        logger,
        reading: { directory: ingest.directory, board: counting.board, clock },
        useCases: createUseCases(parts),
        operations,
        votes,
        operatorToken: token.token,
        sessions,
        resultsTokens,
        log: { durability: ingest.log.description.durability, logId: ingest.settings.logId },
        metering: {
          door: metering.door,
          view: metering.view,
          useCases: meteringUseCases,
          trouble: metering.trouble,
          isReady: () => !stopping && metering.threads.every(({ halted }) => halted === null),
        },
      }),
    );
    operations.tellOfMetering(front.grpc, meteringUseCases.overview);
    const { live } = front;
    cleanup.use(counting.feed.subscribe((frame) => live.onFrame(frame)));
    freshness.push(() => {
      for (const { id } of ingest.directory.list(clock.now())) live.onFrame({ scope: id });
    });
    announcements.push((act) => live.onAct(act));
    cleanup.use(ingest.directory.subscribe((record) => live.onPoll(record.poll)));

    const onFailure = (what: string) => (err: unknown) => logger.warn({ err }, what);
    const schedule = createSchedule(parts, ingest.settings, async (poll) => {
      const stores = [counting.tally, counting.ledger];
      const passed = await Promise.all(stores.map((store) => store.hasPassedClose(poll.id)));
      return passed.every(Boolean);
    });
    cleanup.defer(keepRetryingLetters(metering.parts, onFailure('dead letters to be tried again')));
    cleanup.defer(repeat(SCHEDULE_MS, () => schedule.step(), onFailure('the schedule')));
    cleanup.defer(
      repeat(SECOND_MS, () => live.onOps(operations.endSecond()), onFailure('figures')),
    );
    cleanup.defer(
      repeat(
        RECONCILE_MS,
        async () => {
          const { state, detail } = await counting.consistency.check();
          if (state === 'different') logger.error({ detail }, 'tally and ledger differ');
        },
        onFailure('the reconciliation'),
      ),
    );
    const resources = cleanup.move();
    return {
      url: front.url,
      adminUrl: front.adminUrl,
      grpcUrl: front.grpcUrl,
      token: { value: token.token, isNew: token.isNew, file: token.file },
      logId: ingest.settings.logId,
      durability: ingest.log.description.durability,
      failed,
      async stop() {
        stopping = true;
        await resources.disposeAsync();
      },
    };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

function asFailure(error: Error): ApuraError {
  return error instanceof ApuraError
    ? error
    : new ApuraError('internal', error.message, { cause: error });
}
