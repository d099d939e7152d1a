/** What the tally thread and the ledger thread share: a worker that follows every partition. */
import { randomInt } from 'node:crypto';
import { openSqliteLogReader } from '../adapters/sqlite/event-log.ts';
import {
  type Applied,
  PartitionFollower,
  type StepCollector,
  type StepStore,
} from '../application/counting/partition-follower.ts';
import { soleOwnership } from '../application/counting/sole-ownership.ts';
import { type Progress, StoreWorker } from '../application/counting/store-worker.ts';
import type { ApuraError } from '../domain/errors.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { PartitionCounts, StepBase } from '../ports/store-step.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';
import { sleep } from './sleep.ts';
import { tellTrouble } from './thread-entry.ts';

export interface StoreThreadSettings {
  readonly logPath: string;
  readonly storePath: string;
  readonly logId: string;
  readonly partitions: number;
  readonly dedupWindowMs: number;
  /** Where the log ends: slot 0 the control partition, then the event partitions. */
  readonly ends: SharedArrayBuffer;
  /** Where this store stands, a slot an event partition. */
  readonly positions: SharedArrayBuffer;
}

interface StoreThreadDeps<Step extends StepBase> {
  readonly settings: StoreThreadSettings;
  readonly store: StepStore<Step> &
    AsyncDisposable & { read(partition: number): Promise<PartitionCounts> };
  readonly collector: () => StepCollector<Step>;
  readonly stepBytesMax: number;
  readonly roundMs: number;
  readonly onApplied: (applied: Applied<Step>) => void;
  readonly onRound: () => void;
}

const UINT32 = 0x1_0000_0000;

function openLogOf(settings: StoreThreadSettings): EventLog {
  return openSqliteLogReader({
    path: settings.logPath,
    logId: settings.logId,
    partitions: settings.partitions,
    ends: new SharedOffsets(settings.ends),
  });
}

/** Starts following the log. `methods` are for the parent thread; `work` ends when `close` is called. */
export function followLog<Step extends StepBase>(deps: StoreThreadDeps<Step>) {
  const { settings, store } = deps;
  const log = openLogOf(settings);
  const positions = new SharedOffsets(settings.positions);
  const stop = new AbortController();
  const seed = randomInt(UINT32);
  let halted: ApuraError | null = null;
  const worker = new StoreWorker<Step>({
    log,
    ownership: soleOwnership(settings.partitions),
    follower: (partition) =>
      new PartitionFollower<Step>({
        log,
        store,
        partition,
        dedupWindowMs: settings.dedupWindowMs,
        seed,
        collector: deps.collector,
      }),
    read: (partition) => store.read(partition),
    stepBytesMax: deps.stepBytesMax,
    roundMs: deps.roundMs,
    sleep,
    onApplied: deps.onApplied,
    onRound: (progress: readonly Progress[]) => {
      for (const { partition, checkpoint } of progress) {
        positions.set(partition, checkpoint.nextOffset);
      }
      positions.announce();
      deps.onRound();
    },
    onTrouble: tellTrouble,
    // Nobody else could go on with the partition, and half a result must not pass for a whole one.
    onHalted: (_, error) => {
      halted ??= error;
      stop.abort();
    },
  });
  const running = worker.run(stop.signal).then(() => {
    if (halted !== null) throw halted;
  });
  return {
    work: running,
    methods: {
      read: (partition: number) => store.read(partition),
      countsAt: (partition: number, offset: number) => worker.countsAt(partition, offset),
      hasPassedClose: (scope: string) => worker.hasPassedClose(scope),
      windowSize: () => worker.windowSize,
      close: async () => {
        stop.abort();
        await running.catch(() => {});
        await log[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    },
  };
}
