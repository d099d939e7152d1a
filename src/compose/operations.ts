/** What operators and monitoring ask of a running process: readiness, consistency, figures of the second. */
import type { ConsistencyReport, Operations, Readiness } from '../edge/http/api-deps.ts';
import type { DoorMetrics, DoorSnapshot } from '../telemetry/door-metrics.ts';
import { createInstruments } from '../telemetry/instruments.ts';
import {
  addGrpcMetrics,
  addStandingMetrics,
  type GrpcSources,
  type StandingSources,
} from '../telemetry/metering-metrics.ts';
import { addCountingMetrics, addDoorMetrics } from '../telemetry/metrics.ts';
import { version } from '../version.ts';
import type { Counting, Lag } from './counting.ts';
import type { Ingest } from './ingest.ts';
import { PULSES_PART, partOf } from './roles/role-server.ts';
import type { Thread } from './thread.ts';

/** A process, as the console shows it. */
export interface ProcessFigures {
  readonly name: string;
  readonly rssBytes: number;
  /** Of one core, over the last second. */
  readonly cpuPercent: number;
}

/** The figures of one second. */
export interface SecondFigures {
  readonly door: DoorSnapshot;
  readonly lag: Lag;
  readonly consistency: Pick<ConsistencyReport, 'state' | 'checkedAt' | 'detail'>;
  readonly processes: readonly ProcessFigures[];
}

export interface OperationsDeps {
  readonly ingest: Ingest;
  readonly counting: Counting;
  /** Why no pulses are taken now; null while they are. */
  readonly pulseTrouble: () => string | null;
  readonly door: DoorMetrics;
  /** Whether the process is on its way out. */
  readonly stopping: () => boolean;
  /** Monotonic ms. */
  readonly monotonic: () => number;
}

export interface OperationsDesk extends Operations {
  /** Tells of the gRPC port, which opens after the desk, and of how metering stands. Once. */
  tellOfMetering(grpc: GrpcSources, standing: () => Promise<StandingSources>): void;
  /** Ends one second of rates and lags, and tells its figures. Called about once a second. */
  endSecond(): SecondFigures;
}

export function createOperations(deps: OperationsDeps): OperationsDesk {
  const { ingest, counting, door } = deps;
  const instruments = createInstruments(version);
  const metrics = instruments.registry;
  addDoorMetrics(instruments, { door, pending: () => ingest.writer.pending });
  addCountingMetrics(instruments, {
    lag: () => counting.lag(),
    expired: () => counting.expired(),
    differences: () => counting.consistency.newest.differences,
  });
  let secondAt = deps.monotonic();
  let cpu = process.cpuUsage();

  const partOfThread = (thread: Thread): Readiness['parts'][number] => ({
    name: thread.name,
    ready: thread.halted === null,
    detail: thread.halted?.message ?? null,
  });

  return {
    readiness() {
      const stopping = deps.stopping();
      const doors = [
        ...[ingest.logThread, ingest.queryThread].map(partOfThread),
        partOf(PULSES_PART, deps.pulseTrouble()),
      ];
      return {
        ready: !stopping && doors.every((part) => part.ready),
        durability: ingest.log.description.durability,
        logId: ingest.settings.logId,
        parts: [
          ...doors,
          ...counting.threads.map(partOfThread),
          ...(stopping ? [{ name: 'process', ready: false, detail: 'It is stopping.' }] : []),
        ],
      };
    },
    async consistency() {
      const { partitions } = counting.lag();
      const { state, checkedAt, detail } = counting.consistency.newest;
      const log = ingest.settings.logId;
      return {
        state,
        checkedAt,
        detail,
        alarms: [],
        drained: counting.isDrained(),
        logEnd: partitions.map(({ partition, end }) => ({ log, partition, end })),
        tally: partitions.map(({ partition, tally }) => ({ log, partition, next: tally })),
        ledger: partitions.map(({ partition, ledger }) => ({ log, partition, next: ledger })),
      };
    },
    async metrics() {
      return { contentType: metrics.contentType, text: await metrics.metrics() };
    },
    tellOfMetering(grpc, standing) {
      addGrpcMetrics(instruments, grpc);
      addStandingMetrics(instruments, standing);
    },
    endSecond() {
      const now = deps.monotonic();
      const seconds = Math.max(0.001, (now - secondAt) / 1000);
      secondAt = now;
      door.endSecond(seconds);
      counting.endSecond();
      const used = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      const cpuPercent = Math.round((used.user + used.system) / 1e4 / seconds);
      const { state, checkedAt, detail } = counting.consistency.newest;
      return {
        door: door.snapshot(),
        lag: counting.lag(),
        consistency: { state, checkedAt, detail },
        processes: [{ name: 'serve', rssBytes: process.memoryUsage.rss(), cpuPercent }],
      };
    },
  };
}
