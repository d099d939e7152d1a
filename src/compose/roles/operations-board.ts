/** The processes of the installation as the console shows them: the newest report of each, and their sums. */
import type { OpsFigures } from '../../edge/websocket/live-deps.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessReport, ProcessReports } from '../../ports/process-reports.ts';

/** A process that has told nothing for so long is shown no more: five reports were due. */
const SILENT_MS = 5_000;
const PROCESSES_MAX = 1_000;

type Lag = OpsFigures['lag'];

export class OperationsBoard {
  readonly #clock: Clock;
  readonly #reports = new Map<
    string,
    { readonly report: ProcessReport; readonly seenAt: number }
  >();
  #peakPerSecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  follow(reports: ProcessReports): Disposable {
    return reports.subscribe((report) => {
      if (this.#reports.size >= PROCESSES_MAX && !this.#reports.has(report.name)) return;
      this.#reports.set(report.name, { report, seenAt: this.#clock.monotonic() });
    });
  }

  /** The processes that are heard of, by name. */
  processes(): readonly ProcessReport[] {
    const now = this.#clock.monotonic();
    for (const [name, { seenAt }] of this.#reports) {
      if (now - seenAt > SILENT_MS) this.#reports.delete(name);
    }
    return [...this.#reports.values()]
      .map(({ report }) => report)
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** The sums over all processes; where the log and the stores stand, another source knows. */
  figures(partitions: Lag['partitions'], consistency: OpsFigures['consistency']): OpsFigures {
    const processes = this.processes();
    const doors = processes.flatMap(({ door }) => (door === null ? [] : [door]));
    const sum = (of: (door: (typeof doors)[number]) => number): number =>
      doors.reduce((total, door) => total + of(door), 0);
    const slowest = (of: (door: (typeof doors)[number]) => number): number | null =>
      doors.length === 0 ? null : Math.max(...doors.map(of));
    const rejected: Record<string, number> = {};
    for (const door of doors) {
      for (const [reason, count] of Object.entries(door.rejected)) {
        rejected[reason] = (rejected[reason] ?? 0) + count;
      }
    }
    const acceptedPerSecond = sum((door) => door.acceptedPerSecond);
    this.#peakPerSecond = Math.max(this.#peakPerSecond, acceptedPerSecond);
    const lagOf = (role: string): number | null => {
      const lags = processes.flatMap((one) => (one.role === role ? [one.lagMs ?? 0] : []));
      return lags.length === 0 ? null : Math.max(...lags);
    };
    return {
      door: {
        received: sum((door) => door.received),
        accepted: sum((door) => door.accepted),
        rejected,
        unknown: sum((door) => door.unknown),
        acceptedPerSecond,
        peakPerSecond: this.#peakPerSecond,
        p50Ms: slowest((door) => door.p50Ms),
        p99Ms: slowest((door) => door.p99Ms),
      },
      lag: { tallyMs: lagOf('tally'), ledgerMs: lagOf('ledger'), partitions },
      consistency,
      processes: processes.map(({ name, rssBytes, cpuPercent }) => ({
        name,
        rssBytes,
        cpuPercent,
      })),
    };
  }
}
