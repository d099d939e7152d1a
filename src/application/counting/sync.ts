/**
 * The referee: folds the log by itself and holds tally and ledger against it without end. It repairs the
 * tally from the truth, and says of every poll whether all accounts of it agree.
 */
import type { PartitionPositions } from '../../domain/counting/consistency-record.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import { PartitionCheck, type Repair } from './partition-check.ts';
import { RowRotation } from './row-rotation.ts';
import { positionsOf, type SyncReport, summarize } from './sync-report.ts';

export interface SyncDeps {
  readonly log: Pick<EventLog, 'read' | 'bounds'>;
  readonly tally: Pick<LiveTally, 'read' | 'replace'>;
  readonly ledger: Pick<Ledger, 'read' | 'recount'>;
  readonly settings: Pick<LogSettings, 'partitions' | 'dedupWindowMs'>;
  readonly clock: Clock;
  /** Any 32 random bits: see DedupWindow. */
  readonly seed: number;
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** JOURNAL_BLOCKS_MAX of LogTruth unless told. */
  readonly journalBlocksMax?: number;
  /** How much of the log one comparison folds at most, bytes; 4 MiB unless told. */
  readonly foldBytesMax?: number;
  /** Told after every round. */
  readonly onReport: (report: SyncReport) => void;
  /** Told of every repair of the tally. */
  readonly onRepair: (repair: Repair) => void;
  /** Told of a failure of the log or of a store when it begins; the report names it as long as it stands. */
  readonly onTrouble: (error: unknown) => void;
}

/** From the end of one round to the next, ms: what is wrong is seen within two rounds. */
const ROUND_PAUSE_MS = 2_000;

export class Sync {
  readonly #deps: SyncDeps;
  readonly #checks: readonly PartitionCheck[];
  readonly #rows: RowRotation;
  #running: Promise<SyncReport> | null = null;
  #checkedAt: number | null = null;
  #newest: SyncReport;

  constructor(deps: SyncDeps) {
    const { settings, ledger, clock, sleep } = deps;
    const { partitions, dedupWindowMs } = settings;
    this.#deps = deps;
    this.#checks = Array.from(
      { length: partitions },
      (_, partition) => new PartitionCheck({ ...deps, partition, dedupWindowMs }),
    );
    const recount: Ledger['recount'] = (partition) => ledger.recount(partition);
    this.#rows = new RowRotation({ partitions, recount, clock, sleep });
    this.#newest = this.#report();
  }

  /** The report of the newest round; `checking` before the first has ended. */
  get newest(): SyncReport {
    return this.#newest;
  }

  /**
   * Compares everything once. Never throws for what log or stores do: that is in the report. While a
   * round runs, a second call waits for the same one.
   */
  round(): Promise<SyncReport> {
    this.#running ??= this.#round().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Rounds until the signal aborts, without a pause while there is much of the log to fold. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { isCatchingUp } = await this.round();
      await this.#deps.sleep(isCatchingUp ? 0 : ROUND_PAUSE_MS, signal);
    }
  }

  /**
   * Whether tally and ledger were seen above the scope's CLOSE in every partition: its result can not
   * move any more.
   */
  hasPassedClose(scope: string): boolean {
    return this.#checks.every((check) => check.hasPassedClose(scope));
  }

  /** Where log and stores stood in the newest round, of the partitions where all of it could be read. */
  positions(): readonly PartitionPositions[] {
    return positionsOf(this.#newest);
  }

  async #round(): Promise<SyncReport> {
    await Promise.all(this.#checks.map((check) => check.check()));
    await this.#rows.spend(this.#checks);
    this.#newest = this.#report();
    if (this.#newest.partitions.every(({ waits }) => waits.length === 0)) {
      this.#checkedAt = this.#deps.clock.now();
      this.#newest = { ...this.#newest, checkedAt: this.#checkedAt };
    }
    this.#deps.onReport(this.#newest);
    return this.#newest;
  }

  #report(): SyncReport {
    const partitions = this.#checks.map((check) => check.report());
    return {
      ...summarize(partitions),
      checkedAt: this.#checkedAt,
      repairs: this.#checks.reduce((sum, check) => sum + check.repairs, 0),
      partitions,
      rowsRotationMs: this.#rows.rotationMs,
    };
  }
}
