/** What doors and stores say on `/metrics`, in the Prometheus text format: read when it is asked for. */
import type { DoorMetrics } from './door-metrics.ts';
import type { Instruments } from './instruments.ts';

/** Where the log and the stores stand, a partition. */
export interface PartitionLag {
  readonly partition: number;
  readonly end: number;
  readonly tally: number;
  readonly ledger: number;
}

export interface DoorSources {
  readonly door: DoorMetrics;
  readonly pending: () => number;
}

export interface CountingSources {
  readonly lag: () => {
    readonly tallyMs: number;
    readonly ledgerMs: number;
    readonly partitions: readonly PartitionLag[];
  };
  /** Events that the log met too late to count. */
  readonly expired: () => number;
  /** Differences found by the newest reconciliation. */
  readonly differences: () => number;
}

export interface WorkerSources {
  readonly store: 'tally' | 'ledger';
  /** The longest time from acceptance to count in the last second, ms. */
  readonly lagMs: () => number;
  readonly expired: () => number;
  /** Partitions that this worker owns now, where each stands, and whether it has halted. */
  readonly partitions: () => readonly {
    readonly partition: number;
    readonly next: number;
    readonly halted: boolean;
  }[];
}

const PERCENTILES = { '0.5': 50, '0.9': 90, '0.99': 99, '0.999': 99.9 } as const;
/** Metrics that several roles tell: one name and one help, whoever is scraped. */
export const EXPIRED = [
  'apura_votes_expired_total',
  'Votes logged too late to count: an alarm.',
] as const;
export const DIFFERENCES = [
  'apura_reconciliation_difference',
  'Differences between log and stores.',
] as const;
export const LOG_BLOCKS = ['apura_log_blocks', 'Where log and stores stand.'] as const;
const LAG = ['apura_count_lag_seconds', 'From acceptance to count.'] as const;

export function addDoorMetrics(instruments: Instruments, { door, pending }: DoorSources): void {
  const { counter, gauge } = instruments;
  counter('apura_votes_received_total', 'Requests on the vote route.', [], (c) =>
    c.inc(door.received),
  );
  counter('apura_votes_accepted_total', 'Votes that the log has confirmed.', [], (c) =>
    c.inc(door.accepted),
  );
  counter('apura_votes_rejected_total', 'Votes refused, by reason.', ['reason'], (c) => {
    for (const [reason, count] of door.rejected) c.inc({ reason }, count);
  });
  counter('apura_votes_unknown_total', 'Votes whose outcome the log did not say.', [], (c) =>
    c.inc(door.unknown),
  );
  gauge('apura_vote_accept_seconds', 'Time to accept a vote.', ['quantile'], (g) => {
    for (const [quantile, percent] of Object.entries(PERCENTILES)) {
      g.set({ quantile }, door.latency.percentile(percent) / 1000);
    }
  });
  gauge('apura_votes_pending', 'Votes that wait for the log.', [], (g) => g.set(pending()));
}

export function addCountingMetrics(instruments: Instruments, sources: CountingSources): void {
  const { counter, gauge } = instruments;
  counter(...EXPIRED, [], (c) => c.inc(sources.expired()));
  gauge(...LAG, ['store'], (g) => {
    const lag = sources.lag();
    g.set({ store: 'tally' }, lag.tallyMs / 1000);
    g.set({ store: 'ledger' }, lag.ledgerMs / 1000);
  });
  gauge(...LOG_BLOCKS, ['partition', 'what'], (g) => {
    for (const { partition, end, tally, ledger } of sources.lag().partitions) {
      g.set({ partition, what: 'log_end' }, end);
      g.set({ partition, what: 'tally_next' }, tally);
      g.set({ partition, what: 'ledger_next' }, ledger);
    }
  });
  gauge(...DIFFERENCES, [], (g) => g.set(sources.differences()));
}

/** A worker that runs apart: each process tells of the partitions that it owns. */
export function addWorkerMetrics(instruments: Instruments, sources: WorkerSources): void {
  const { counter, gauge } = instruments;
  const { store } = sources;
  counter(...EXPIRED, [], (c) => c.inc(sources.expired()));
  gauge(...LAG, ['store'], (g) => g.set({ store }, sources.lagMs() / 1000));
  gauge('apura_worker_next_block', 'Where the store stands.', ['store', 'partition'], (g) => {
    for (const { partition, next } of sources.partitions()) g.set({ store, partition }, next);
  });
  gauge('apura_worker_partitions', 'Owned partitions.', ['store', 'state'], (g) => {
    const owned = sources.partitions();
    const halted = owned.filter((one) => one.halted).length;
    g.set({ store, state: 'working' }, owned.length - halted);
    g.set({ store, state: 'halted' }, halted);
  });
}
