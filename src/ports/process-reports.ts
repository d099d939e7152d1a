/**
 * What the processes of an installation tell of themselves once a second, for the operators' console.
 * Told at most once and kept by nobody: a report that is lost is followed by the next.
 */

/** What a door did since its start, and in its last second. */
export interface DoorReport {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unknown: number;
  readonly acceptedPerSecond: number;
  readonly peakPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ProcessReport {
  /** One of a kind among the living: role and a random part. */
  readonly name: string;
  readonly role: string;
  /** When it was told, by the process's clock, ms since the Unix epoch. */
  readonly at: number;
  readonly rssBytes: number;
  /** Of one core, over the last second. */
  readonly cpuPercent: number;
  /** What is not as it should be, though the process may be ready; null where all is well. */
  readonly trouble: string | null;
  /** A door's figures; null for who is none. */
  readonly door: DoorReport | null;
  /** The longest time from acceptance until this process was done with an event, last second, ms. */
  readonly lagMs: number | null;
}

export interface ProcessReports extends AsyncDisposable {
  /** Tells all listeners in all processes. Never throws: a report that can not be told is dropped. */
  publish(report: ProcessReport): void;
  /** Calls back with every report that arrives, until disposed. What is no report is left out. */
  subscribe(listener: (report: ProcessReport) => void): Disposable;
}
