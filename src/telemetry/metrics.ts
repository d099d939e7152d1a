/** What `/metrics` says, in the Prometheus text format: read from the counters when it is asked for. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { DoorMetrics } from './door-metrics.ts';

/** Where the log and the stores stand, a partition. */
export interface PartitionLag {
  readonly partition: number;
  readonly end: number;
  readonly tally: number;
  readonly ledger: number;
}

export interface MetricsSources {
  readonly door: DoorMetrics;
  readonly pending: () => number;
  readonly lag: () => {
    readonly tallyMs: number;
    readonly ledgerMs: number;
    readonly partitions: readonly PartitionLag[];
  };
  /** Events that the log met too late to count. */
  readonly expired: () => number;
  /** Differences found by the newest reconciliation. */
  readonly differences: () => number;
  readonly version: string;
}

const PERCENTILES = { '0.5': 50, '0.9': 90, '0.99': 99, '0.999': 99.9 } as const;

/** A registry whose values are read at collection: the hot path never touches it. */
export function createMetrics(sources: MetricsSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'apura_process_' });
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (gauge: Gauge) => void,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  };
  const counter = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (counter: Counter) => void,
  ): void => {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  };
  const { door } = sources;
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
  counter('apura_votes_expired_total', 'Votes logged too late to count: an alarm.', [], (c) =>
    c.inc(sources.expired()),
  );
  gauge('apura_vote_accept_seconds', 'Time to accept a vote.', ['quantile'], (g) => {
    for (const [quantile, percent] of Object.entries(PERCENTILES)) {
      g.set({ quantile }, door.latency.percentile(percent) / 1000);
    }
  });
  gauge('apura_votes_pending', 'Votes that wait for the log.', [], (g) => g.set(sources.pending()));
  gauge('apura_count_lag_seconds', 'From acceptance to count.', ['store'], (g) => {
    const lag = sources.lag();
    g.set({ store: 'tally' }, lag.tallyMs / 1000);
    g.set({ store: 'ledger' }, lag.ledgerMs / 1000);
  });
  gauge('apura_log_blocks', 'Where log and stores stand.', ['partition', 'what'], (g) => {
    for (const { partition, end, tally, ledger } of sources.lag().partitions) {
      g.set({ partition, what: 'log_end' }, end);
      g.set({ partition, what: 'tally_next' }, tally);
      g.set({ partition, what: 'ledger_next' }, ledger);
    }
  });
  gauge('apura_reconciliation_difference', 'Differences between stores.', [], (g) =>
    g.set(sources.differences()),
  );
  gauge('apura_build_info', 'The running version.', ['version'], (g) =>
    g.set({ version: sources.version }, 1),
  );
  return registry;
}
