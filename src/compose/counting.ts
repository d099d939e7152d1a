/** The counting roles of one process: the tally thread and the ledger thread, and what they tell. */
import { MemoryLiveFeed } from '../adapters/memory/live-feed.ts';
import { ConsistencyWatch } from '../application/counting/consistency-watch.ts';
import { LiveResultsBoard } from '../application/voting/live-results-board.ts';
import type { Clock } from '../ports/clock.ts';
import type { LiveFeed } from '../ports/live-feed.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';
import type { PartitionLag } from '../telemetry/metrics.ts';
import type { LedgerTold } from '../threads/ledger.ts';
import type { TallyTold } from '../threads/tally.ts';
import type { DataPaths } from './data-folder.ts';
import type { Ingest } from './ingest.ts';
import { type RemoteStore, remoteStore } from './remote-stores.ts';
import type { StoreThreadSettings } from './store-thread.ts';
import { type SpawnThread, Thread, type ThreadListener } from './thread.ts';

export interface CountingOptions {
  readonly paths: DataPaths;
  readonly ingest: Pick<Ingest, 'settings' | 'ends'>;
  readonly clock: Clock;
  readonly spawn: SpawnThread;
  readonly listenerOf: (name: 'tally' | 'ledger') => Omit<ThreadListener, 'onTold'>;
  /** Told of events that the log met too late to count: no client of ours sends any. */
  readonly onExpired: (count: number) => void;
  /** Told when results become stale, or fresh again, without a count that has changed. */
  readonly onFreshness: () => void;
}

/** A tally that is behind and has not moved for so long is stale: it has died, or its storage fails. */
const STILL_SECONDS = 5;

export interface Lag {
  /** The longest time from acceptance to count in the last second, ms. */
  readonly tallyMs: number;
  readonly ledgerMs: number;
  readonly partitions: readonly PartitionLag[];
}

export interface Counting extends AsyncDisposable {
  readonly board: LiveResultsBoard;
  /** The newest counts of every poll; the board has taken each frame in before others get it. */
  readonly feed: LiveFeed;
  readonly consistency: ConsistencyWatch;
  readonly tally: RemoteStore;
  readonly ledger: RemoteStore;
  readonly threads: readonly Thread[];
  lag(): Lag;
  /** Events that the log met too late to count, since the start. */
  expired(): number;
  /** Whether both stores have followed the log to its end. */
  isDrained(): boolean;
  /** Ends one second of lag, and looks whether the tally moves; called once a second. */
  endSecond(): void;
}

export async function startCounting(options: CountingOptions): Promise<Counting> {
  const { paths, ingest, clock, spawn } = options;
  const { settings, ends } = ingest;
  const board = new LiveResultsBoard();
  const feed = new MemoryLiveFeed();
  feed.subscribe((frame) => board.accept(frame));
  const positions = {
    tally: new SharedOffsets(settings.partitions),
    ledger: new SharedOffsets(settings.partitions),
  };
  const settingsFor = (name: 'tally' | 'ledger'): StoreThreadSettings => ({
    logPath: paths.log,
    storePath: paths[name],
    logId: settings.logId,
    partitions: settings.partitions,
    dedupWindowMs: settings.dedupWindowMs,
    ends: ends.buffer,
    positions: positions[name].buffer,
  });
  const recent = { tallyMs: 0, ledgerMs: 0 };
  const shown = { tallyMs: 0, ledgerMs: 0 };
  await using threads = new AsyncDisposableStack();
  let expired = 0;
  let isStill = false;
  const setStill = (now: boolean): void => {
    if (isStill === now) return;
    isStill = now;
    if (now) board.markStale();
    options.onFreshness();
  };
  const tallyListener = options.listenerOf('tally');
  const tallyThread = await Thread.start(spawn, 'tally', settingsFor('tally'), {
    ...tallyListener,
    onHalted: (error) => {
      setStill(true);
      tallyListener.onHalted(error);
    },
    onTold: (what) => {
      const told = what as TallyTold;
      recent.tallyMs = Math.max(recent.tallyMs, told.lagMs);
      expired += told.expired;
      if (told.expired > 0) options.onExpired(told.expired);
      board.advance(told);
      for (const frame of told.frames) feed.publish(frame);
      setStill(false);
    },
  });
  threads.defer(() => tallyThread.stop());
  const ledgerThread = await Thread.start(spawn, 'ledger', settingsFor('ledger'), {
    ...options.listenerOf('ledger'),
    onTold: (what) => {
      recent.ledgerMs = Math.max(recent.ledgerMs, (what as LedgerTold).lagMs);
    },
  });
  threads.defer(() => ledgerThread.stop());
  const tally = remoteStore(tallyThread.calls);
  const ledger = remoteStore(ledgerThread.calls);
  const partitionLags = (): PartitionLag[] =>
    Array.from({ length: settings.partitions }, (_, partition) => ({
      partition,
      end: ends.get(partition + 1),
      tally: positions.tally.get(partition),
      ledger: positions.ledger.get(partition),
    }));
  let tallyAt = 0;
  let stillSeconds = 0;
  const watchTally = (): void => {
    const lags = partitionLags();
    const at = lags.reduce((sum, lag) => sum + lag.tally, 0);
    const moves = at !== tallyAt || lags.every((lag) => lag.tally === lag.end);
    tallyAt = at;
    stillSeconds = moves ? 0 : stillSeconds + 1;
    if (stillSeconds === STILL_SECONDS) setStill(true);
  };
  const started = threads.move();
  return {
    board,
    feed,
    tally,
    ledger,
    threads: [tallyThread, ledgerThread],
    consistency: new ConsistencyWatch({
      tally,
      ledger,
      partitions: settings.partitions,
      clock,
    }),
    expired: () => expired,
    lag: () => ({ ...shown, partitions: partitionLags() }),
    isDrained: () =>
      partitionLags().every((lag) => lag.tally === lag.end && lag.ledger === lag.end),
    endSecond() {
      Object.assign(shown, recent);
      recent.tallyMs = 0;
      recent.ledgerMs = 0;
      watchTally();
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
