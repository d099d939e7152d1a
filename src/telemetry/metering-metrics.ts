/** What the roles of metering say on `/metrics`. */
import type { Gauge } from 'prom-client';
import type { Instruments } from './instruments.ts';

export interface ConsumerSources {
  /** What is consumed, as the label says it: `resource-consumption`, `resource-usage`, or a log's id. */
  readonly log: string;
  /** Of the partitions that this process owns now. */
  readonly behind: () => readonly {
    readonly partition: number;
    readonly end: number;
    readonly next: number | null;
  }[];
  readonly halted: () => number;
}

export interface PulseTotals {
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
}

/** A process that consumes logs block by block, and decides nothing. Call it once. */
export function addConsumerMetrics({ gauge }: Instruments, logs: readonly ConsumerSources[]): void {
  gauge(
    'apura_messages_behind',
    'Blocks of the log that were not consumed when it was looked last.',
    ['log', 'partition'],
    (g) => {
      for (const { log, behind } of logs) {
        for (const { partition, end, next } of behind()) {
          g.set({ log, partition }, Math.max(0, end - (next ?? 0)));
        }
      }
    },
  );
  gauge('apura_consumer_partitions', 'Owned partitions.', ['log', 'state'], (g) => {
    for (const { log, behind, halted } of logs) {
      g.set({ log, state: 'working' }, behind().length - halted());
      g.set({ log, state: 'halted' }, halted());
    }
  });
}

/** What aggregation came to, since the start of the process. */
export function addPulseMetrics({ counter }: Instruments, totals: () => PulseTotals): void {
  counter('apura_pulses_total', 'Pulses, by what they came to.', ['verdict'], (c) => {
    const { counted, duplicates, conflicts } = totals();
    c.inc({ verdict: 'counted' }, counted);
    c.inc({ verdict: 'duplicate' }, duplicates);
    c.inc({ verdict: 'conflict' }, conflicts);
  });
}

/** How far the stores are behind, whether or not anybody consumes: of this a scrape asks them. */
export interface StandingSources {
  /** Of `resource-consumption`. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly next: number;
  }[];
  /** Blocks of `resource-usage` that rating has not taken. */
  readonly usageBehind: number;
  readonly usagePending: number;
  readonly ratingDue: number;
  /** By queue. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** Stores that take longer are told of as unreadable: a scrape must end. */
const STANDING_MS_MAX = 2_000;

/**
 * A process that answers questions tells how metering stands also while no process aggregates or rates.
 * Stores that can't be asked have no samples but the one that says so. Call it once.
 */
export function addStandingMetrics(
  { gauge }: Instruments,
  ask: () => Promise<StandingSources>,
  standingMsMax: number = STANDING_MS_MAX,
): void {
  let asked: Promise<StandingSources | null> | null = null;
  /** The metrics of one scrape are collected together: they share one answer. */
  const standing = (): Promise<StandingSources | null> => {
    asked ??= inTime(ask, standingMsMax).finally(() => {
      asked = null;
    });
    return asked;
  };
  const tell = (
    name: string,
    help: string,
    labels: readonly string[],
    set: (metric: Gauge, found: StandingSources) => void,
  ): void => {
    gauge(name, help, labels, async (g) => {
      const found = await standing();
      if (found !== null) set(g, found);
    });
  };
  gauge(
    'apura_metering_readable',
    'Whether the stores of metering could be asked.',
    [],
    async (g) => g.set((await standing()) === null ? 0 : 1),
  );
  tell(
    'apura_metering_messages_behind',
    'Blocks of the log that are not in the store, whoever consumes them.',
    ['log', 'partition'],
    (g, { partitions, usageBehind }) => {
      for (const { partition, end, next } of partitions) {
        g.set({ log: 'resource-consumption', partition }, Math.max(0, end - next));
      }
      g.set({ log: 'resource-usage', partition: 'all' }, usageBehind);
    },
  );
  // With a label also where one gauge each would do: without one it would say 0 where nothing is known.
  tell(
    'apura_metering_waiting',
    'What waits behind the logs, as far as it is counted: usage windows to be sent, tenants to be rated.',
    ['what'],
    (g, { usagePending, ratingDue }) => {
      g.set({ what: 'usage_windows' }, usagePending);
      g.set({ what: 'tenants' }, ratingDue);
    },
  );
  tell(
    'apura_metering_dead_letters',
    'Dead letters that nobody has decided about.',
    ['queue'],
    (g, { deadLetters }) => {
      for (const [queue, pending] of Object.entries(deadLetters)) g.set({ queue }, pending);
    },
  );
}

async function inTime(
  ask: () => Promise<StandingSources>,
  msMax: number,
): Promise<StandingSources | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), msMax);
  try {
    return await Promise.race([ask(), late.promise]);
  } catch {
    // The process that consumes says why; who scrapes is told that there is no answer.
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The gRPC port as it stands now, and what it has cut off since it was opened. */
export interface GrpcSources {
  readonly connections: number;
  /** Calls under way, and those of them that are streams. */
  readonly calls: number;
  readonly streams: number;
  /** By reason. */
  readonly cutOff: ReadonlyMap<string, number>;
}

export function addGrpcMetrics({ gauge, counter }: Instruments, grpc: GrpcSources): void {
  gauge('apura_grpc_connections', 'Open connections of gRPC.', [], (g) => g.set(grpc.connections));
  gauge('apura_grpc_calls', 'Calls of gRPC under way.', [], (g) => g.set(grpc.calls));
  gauge('apura_grpc_streams', 'Streams of gRPC that are open.', [], (g) => g.set(grpc.streams));
  counter(
    'apura_grpc_cut_off_total',
    'Connections and calls that were cut off for what their client did, by reason.',
    ['reason'],
    (c) => {
      for (const [reason, times] of grpc.cutOff) c.inc({ reason }, times);
    },
  );
}
