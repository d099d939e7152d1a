/** `apura rate`: usage into the rating book, from the broker or straight; charges out of it. */
import { createHash } from 'node:crypto';
import { CatalogueView } from '../../application/metering/catalogue-view.ts';
import { Rater } from '../../application/metering/rater.ts';
import { decodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import { createConsoleSessions } from '../../edge/http/console-sessions.ts';
import { createFailedLogins } from '../../edge/http/failed-logins.ts';
import { createOperators } from '../../edge/http/operators.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { createInstruments, type Instruments } from '../../telemetry/instruments.ts';
import { addConsumerMetrics, addGrpcMetrics } from '../../telemetry/metering-metrics.ts';
import { version } from '../../version.ts';
import type { LogPlace } from '../engines.ts';
import { firstPartitions } from '../first-partitions.ts';
import { rateIntakeJob } from '../metering/jobs.ts';
import { meteringPlaces } from '../metering/logs-apart.ts';
import { openPulseFront } from '../metering/pulse-front.ts';
import { keepRating } from '../metering/rating-loop.ts';
import { sleep } from '../sleep.ts';
import { openPatiently, type RoleContext, type RunningRole } from './process.ts';
import { partOf, readinessOf } from './role-server.ts';
import { showStatus } from './role-status.ts';
import { watchConsumer } from './watch-consumer.ts';

const ROLE = 'rate';

export async function startRateRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger, clock } = context;
  const { adminToken } = config;
  if (adminToken === null) throw new Error('The settings were not checked.');
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.meteringCatalogue()),
  );
  const { usage } = await meteringPlaces(catalogue, firstPartitions(config));
  const { logId } = usage.settings;
  const book = cleanup.use(
    await openPatiently(context, 'rating book', () => engines.ratingBook(logId)),
  );
  const view = new CatalogueView({ catalogue, clock, decode: decodeEntry });
  await openPatiently(context, 'catalogue', () => view.refresh());
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const instruments = createInstruments(version);
  const stop = new AbortController();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const onTrouble = (err: unknown): void => logger.warn({ err }, 'trouble, going on');
  const intake = await startIntake(context, usage, book, instruments, stop.signal, fail);
  cleanup.use(intake);
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const rater = new Rater({
    book,
    view,
    clock,
    digest,
    onTrouble: (tenant, err) => logger.error({ err, tenant }, 'a tenant can not be rated'),
  });
  const running = Promise.all([
    view.follow(stop.signal, { sleep, onTrouble }),
    keepRating({ rater, sleep, onTrouble, signal: stop.signal }),
  ]).catch(fail);
  const readiness = (): Readiness =>
    readinessOf({ durability: intake.durability, logId }, [partOf(ROLE, intake.trouble)]);
  const monotonic = (): number => clock.monotonic();
  // Nobody signs in here: of operators the gRPC port knows the token alone.
  const operators = createOperators({
    operatorToken: adminToken,
    sessions: createConsoleSessions(monotonic),
    failedLogins: createFailedLogins(monotonic),
  });
  const front = cleanup.use(
    await openPulseFront({
      config,
      clock,
      logger,
      operators,
      view,
      door: null,
      putUsage: async (records) => {
        await book.accept(records);
      },
      isReady: () => readiness().ready,
      trouble: () => null,
    }),
  );
  addGrpcMetrics(instruments, front.grpc);
  const url = showStatus(context, cleanup, {
    ...{ role: ROLE, reports, instruments, readiness },
    usage: front.usage,
  });
  cleanup.defer(async () => {
    stop.abort();
    await running;
  });
  const resources = cleanup.move();
  return {
    url,
    grpcUrl: front.url,
    durability: intake.durability,
    logIds: [logId],
    failed,
    stop: () => resources.disposeAsync(),
  };
}

interface Intake extends AsyncDisposable {
  readonly durability: Readiness['durability'];
  readonly trouble: string | null;
}

/** From the broker where that is the way; the other ways are open in any case. */
async function startIntake(
  context: RoleContext,
  usage: LogPlace,
  book: RatingBook,
  instruments: Instruments,
  signal: AbortSignal,
  fail: (error: Error) => void,
): Promise<Intake> {
  const { engines, config, logger, clock } = context;
  // What comes straight is acknowledged once the book, on Postgres, has it.
  if (config.usageTransport.kind !== 'broker') {
    return { durability: 'power-safe', trouble: null, async [Symbol.asyncDispose]() {} };
  }
  await using cleanup = new AsyncDisposableStack();
  const log = cleanup.use(await openPatiently(context, 'usage log', () => engines.log(usage)));
  const ownership = cleanup.use(
    await openPatiently(context, 'group', () => engines.ownership(usage, ROLE)),
  );
  const job = rateIntakeJob({
    log,
    ownership,
    clock,
    book,
    onCommitted: () => {},
    onTrouble: (err) => logger.warn({ err }, 'trouble, going on'),
    onHalted: (partition, err) => logger.fatal({ err, partition }, 'a partition has halted'),
  });
  const watch = cleanup.use(watchConsumer(context, log, ownership, job));
  addConsumerMetrics(instruments, [
    { log: 'resource-usage', behind: () => job.behind, halted: () => job.halted.size },
  ]);
  const running = job.run(signal).catch(fail);
  cleanup.defer(() => running.then(() => {}));
  const resources = cleanup.move();
  return {
    durability: log.description.durability,
    get trouble() {
      return watch.trouble;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
