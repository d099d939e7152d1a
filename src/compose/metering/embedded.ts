/** Metering inside `serve`: a log thread for pulses, a thread for everything behind it, the door here. */
import { CatalogueView } from '../../application/metering/catalogue-view.ts';
import { PulseDoor } from '../../application/metering/pulse-door.ts';
import type { PulseWriter } from '../../application/metering/pulse-writer.ts';
import type { ApuraError } from '../../domain/errors.ts';
import { decodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { SharedOffsets } from '../../runtime/shared-offsets.ts';
import type { LogThreadSettings } from '../../threads/log.ts';
import type { MeteringLogs, MeteringThreadSettings } from '../../threads/metering.ts';
import type { DataPaths } from '../data-folder.ts';
import { remoteLog } from '../remote-log.ts';
import { sleep } from '../sleep.ts';
import { type SpawnThread, Thread, type ThreadListener } from '../thread.ts';
import { logParts } from './log-parts.ts';
import { BOOK_METHODS, CATALOGUE_METHODS, LEDGER_METHODS, LETTER_METHODS } from './port-methods.ts';
import { openPulseWriter } from './pulse-writer.ts';
import { remotePort } from './remote-port.ts';
import type { MeteringParts } from './use-cases.ts';

export interface EmbeddedMeteringOptions {
  readonly paths: DataPaths;
  /** Partitions of new logs. */
  readonly partitions: number;
  readonly aggregateEveryMs: number;
  /** Null: single pulses are kept for ever. */
  readonly pulseRetentionDays: number | null;
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly listenerOf: (name: 'log' | 'metering') => ThreadListener;
  /** Told once when the log of pulses has failed: stop the process. */
  readonly onLogFailure: (error: ApuraError) => void;
  readonly onTrouble: (error: unknown) => void;
}

export interface EmbeddedMetering extends AsyncDisposable {
  readonly logs: MeteringLogs;
  readonly log: EventLog;
  readonly writer: PulseWriter;
  readonly door: PulseDoor;
  readonly view: CatalogueView;
  readonly threads: readonly Thread[];
  /** Why no pulses may be taken now; null while they may. */
  readonly trouble: () => string | null;
  /** What the use cases are bound to. */
  readonly parts: MeteringParts;
}

export async function startEmbeddedMetering(
  options: EmbeddedMeteringOptions,
): Promise<EmbeddedMetering> {
  const { paths, clock, spawn, listenerOf, partitions, onTrouble } = options;
  const { aggregateEveryMs, pulseRetentionDays } = options;
  await using threads = new AsyncDisposableStack();
  const settings: MeteringThreadSettings = {
    paths,
    partitions,
    aggregateEveryMs,
    pulseRetentionDays,
  };
  const thread = await Thread.start(spawn, 'metering', settings, listenerOf('metering'));
  threads.defer(() => thread.stop());
  const { calls } = thread;
  const logs = (await calls.call('logs', [])) as MeteringLogs;
  const ends = new SharedOffsets(logs.pulses.partitions + 1);
  const { logId } = logs.pulses;
  const logThread = await Thread.start(
    spawn,
    'log',
    {
      path: paths.pulseLog,
      logId,
      partitions: logs.pulses.partitions,
      ends: ends.buffer,
      largeBlocks: true,
    } satisfies LogThreadSettings,
    listenerOf('log'),
  );
  threads.defer(() => logThread.stop());
  const log = remoteLog(
    {
      logId,
      partitions: logs.pulses.partitions,
      durability: 'power-safe',
      atomicAppend: true,
      appendsUnderWayMax: 1,
    },
    logThread.calls,
    ends,
  );
  await calls.call('begin', [ends.buffer]);
  const writer = openPulseWriter({
    log,
    clock,
    settings: logs.pulses,
    onFailure: options.onLogFailure,
  });
  const catalogue = remotePort<MeteringCatalogue>(calls, 'catalogue', CATALOGUE_METHODS);
  const view = new CatalogueView({ catalogue, clock, decode: decodeEntry });
  await view.refresh();
  const stop = new AbortController();
  const following = view.follow(stop.signal, { sleep, onTrouble });
  const parts: MeteringParts = {
    clock,
    catalogue,
    view,
    ledger: remotePort<PulseLedger>(calls, 'ledger', LEDGER_METHODS),
    letters: remotePort<DeadLetters>(calls, 'letters', LETTER_METHODS),
    book: remotePort<RatingBook>(calls, 'book', BOOK_METHODS),
    pulses: logParts(log),
    usage: {
      logId: logs.usage.logId,
      partitions: logs.usage.partitions,
      end: async (partition) => {
        const bounds = (await calls.call('usageBounds', [partition])) as { readonly end: number };
        return bounds.end;
      },
      append: (partition, bytes) => calls.call('appendUsage', [partition, bytes]),
    },
    appendControl: (partition, payload) => writer.appendControl(partition, payload),
    trigger: () => void calls.call('trigger', []).catch(onTrouble),
  };
  const started = threads.move();
  return {
    logs,
    log,
    writer,
    door: new PulseDoor({ writer, clock, partitions: logs.pulses.partitions }),
    view,
    threads: [thread, logThread],
    trouble: () => logThread.halted?.message ?? null,
    parts,
    async [Symbol.asyncDispose]() {
      await writer.drain();
      stop.abort();
      await following;
      await started.disposeAsync();
    },
  };
}
