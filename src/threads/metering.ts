/** The metering thread: pulses into the ledger, usage to rating, charges; and what is asked of their stores. */
import { createHash } from 'node:crypto';
import { openSqliteLog, openSqliteLogReader } from '../adapters/sqlite/event-log.ts';
import { SqliteMeteringCatalogue } from '../adapters/sqlite/metering-catalogue.ts';
import { openSqlitePulseLedger } from '../adapters/sqlite/pulse-ledger.ts';
import { SqliteRatingBook } from '../adapters/sqlite/rating-book.ts';
import { soleOwnership } from '../application/counting/sole-ownership.ts';
import { CatalogueView } from '../application/metering/catalogue-view.ts';
import { JoinedDeadLetters } from '../application/metering/joined-dead-letters.ts';
import { logUsageTransport } from '../application/metering/log-usage-transport.ts';
import { Rater } from '../application/metering/rater.ts';
import { aggregateJob, newWriterId, rateIntakeJob } from '../compose/metering/jobs.ts';
import {
  BOOK_METHODS,
  CATALOGUE_METHODS,
  LEDGER_METHODS,
  LETTER_METHODS,
} from '../compose/metering/port-methods.ts';
import { keepRating } from '../compose/metering/rating-loop.ts';
import { answeredPort } from '../compose/metering/remote-port.ts';
import { newLogSettings } from '../compose/new-log.ts';
import { startRetention } from '../compose/retention.ts';
import { sleep } from '../compose/sleep.ts';
import { runThread, tellTrouble } from '../compose/thread-entry.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { ApuraError } from '../domain/errors.ts';
import { decodeEntry } from '../domain/metering/catalogue-codec.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { PulseLedger } from '../ports/pulse-ledger.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';
import { systemClock } from '../runtime/system-clock.ts';

export interface MeteringThreadSettings {
  readonly paths: {
    readonly pulseLog: string;
    readonly usageLog: string;
    readonly pulseLedger: string;
    readonly rating: string;
    readonly meteringCatalogue: string;
  };
  /** Partitions of new logs. */
  readonly partitions: number;
  readonly aggregateEveryMs: number;
  /** Null: single pulses are kept for ever. */
  readonly pulseRetentionDays: number | null;
}

/** What `logs` answers: the settings of both logs. */
export interface MeteringLogs {
  readonly pulses: LogSettings;
  readonly usage: LogSettings;
}

await runThread<MeteringThreadSettings>(async (settings) => {
  const { paths, partitions, aggregateEveryMs, pulseRetentionDays } = settings;
  const clock = systemClock;
  const cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(new SqliteMeteringCatalogue({ path: paths.meteringCatalogue }));
  const mint = (log: 'resource-consumption' | 'resource-usage'): Promise<LogSettings> =>
    catalogue.mintLogSettings(log, newLogSettings(partitions, log));
  const logs: MeteringLogs = {
    pulses: await mint('resource-consumption'),
    usage: await mint('resource-usage'),
  };
  const usageLog = cleanup.use(
    openSqliteLog({
      path: paths.usageLog,
      logId: logs.usage.logId,
      partitions: logs.usage.partitions,
    }),
  );
  const book = cleanup.use(new SqliteRatingBook({ path: paths.rating, logId: logs.usage.logId }));
  const view = new CatalogueView({ catalogue, clock, decode: decodeEntry });
  await view.refresh();
  const rater = new Rater({
    book,
    view,
    clock,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    onTrouble: (_, error) => tellTrouble(error),
  });
  const stop = new AbortController();
  const { promise: halted, reject: halt } = Promise.withResolvers<never>();
  const onHalted = (_: number, error: ApuraError): void => halt(error);

  const ledger = cleanup.use(
    openSqlitePulseLedger({ path: paths.pulseLedger, logId: logs.pulses.logId }),
  );
  const letters = new JoinedDeadLetters(ledger.deadLetters, book.deadLetters);
  const onTrouble = tellTrouble;
  const intake = rateIntakeJob({
    log: usageLog,
    ownership: soleOwnership(logs.usage.partitions),
    clock,
    book,
    onCommitted: () => {},
    onTrouble,
    onHalted,
  });
  const running = [
    intake.run(stop.signal),
    view.follow(stop.signal, { sleep, onTrouble }),
    keepRating({ rater, sleep, onTrouble, signal: stop.signal }),
  ];
  const stopRetention = startRetention({
    days: pulseRetentionDays,
    clock,
    forget: [(before) => ledger.forget(0, before)],
    onForgotten: () => {},
    onTrouble,
  });
  let aggregate: ReturnType<typeof aggregateJob> | null = null;
  /** The log of pulses is there: the parent's log thread has made it. */
  const begin = (ends: SharedArrayBuffer): void => {
    const log = cleanup.use(
      openSqliteLogReader({
        path: paths.pulseLog,
        logId: logs.pulses.logId,
        partitions: logs.pulses.partitions,
        ends: new SharedOffsets(ends),
      }),
    );
    aggregate = aggregateJob({
      log,
      ownership: soleOwnership(logs.pulses.partitions),
      clock,
      ledger,
      transport: logUsageTransport({ log: usageLog, clock, writerId: newWriterId() }),
      everyMs: aggregateEveryMs,
      onCommitted: () => {},
      onTrouble,
      onHalted,
    });
    running.push(aggregate.run(stop.signal));
  };
  return {
    work: halted,
    methods: {
      ...answeredPort('catalogue', catalogue, CATALOGUE_METHODS),
      ...answeredPort('book', book, BOOK_METHODS),
      ...answeredPort<PulseLedger>('ledger', ledger, LEDGER_METHODS),
      ...answeredPort<DeadLetters>('letters', letters, LETTER_METHODS),
      logs: () => logs,
      begin,
      trigger: () => aggregate?.trigger(),
      usageBounds: (partition: number) => usageLog.bounds(partition),
      appendUsage: (partition: number, bytes: Uint8Array) =>
        usageLog.append([{ partition, bytes }]),
      close: async () => {
        stop.abort();
        await Promise.all([...running, stopRetention()]);
        await cleanup.disposeAsync();
      },
    },
  };
});
