/** What the roles of metering say on `/metrics`. */
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
