/**
 * Holds the stores of one partition against the log, each at the offset that it stands at, and repairs
 * the tally.
 *
 * 1. Read the stores, then the log's bounds: a sound log ends at or above every store.
 * 2. Fold the log up to each store and compare (LogTruth). No worker needs to help.
 * 3. A tally that differs is read again; if that reading differs, too, one compare-and-set puts the
 *    truth at its offset in its place. The ledger is never repaired: what differs is reported.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog, LogBounds } from '../../ports/event-log.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { AccountFindings } from './account-findings.ts';
import { aboveEnd, compareCheckpoints, isOfOtherLog } from './compare-checkpoints.ts';
import { compareCounts, type Difference } from './compare-counts.ts';
import { LogTruth, type LogTruthDeps, type Reach } from './log-truth.ts';
import { type StoreFacts, StoreWatch } from './store-watch.ts';
import { type AlarmKind, alarmsOf } from './sync-alarms.ts';
import { type Account, type PartitionReport, stateOf } from './sync-report.ts';

/** A tally's content that was put right. */
export interface Repair {
  readonly partition: number;
  /** The offset at which the truth was put in place. */
  readonly nextOffset: number;
  /** What the tally had said. */
  readonly differences: readonly Difference[];
}

export interface PartitionCheckDeps extends LogTruthDeps {
  readonly log: Pick<EventLog, 'read' | 'bounds'>;
  readonly tally: Pick<LiveTally, 'read' | 'replace'>;
  readonly ledger: Pick<Ledger, 'read'>;
  readonly clock: Clock;
  /** FOLD_BYTES_MAX unless told. */
  readonly foldBytesMax?: number;
  readonly onRepair: (repair: Repair) => void;
  /** Told of a failure of the log or of a store when it begins. */
  readonly onTrouble: (error: unknown) => void;
}

type StoreName = StoreFacts['name'];

/** How much of the log one comparison folds at most: a starting sync must go on telling how far it is. */
const FOLD_BYTES_MAX = 4 << 20;
/** A tally that moves between its reading and its repair is read again, this often in a round. */
const REPAIR_TRIES_MAX = 5;
/** A log that ends below what was folded must be found so twice: a new leader may be a moment behind. */
const SHORT_ROUNDS = 2;

export class PartitionCheck {
  readonly #deps: PartitionCheckDeps;
  #truth: LogTruth;
  readonly #watches: Readonly<Record<StoreName, StoreWatch>> = {
    tally: new StoreWatch(),
    ledger: new StoreWatch(),
  };
  readonly #findings = new AccountFindings();
  #bounds: LogBounds | null = null;
  #logAwaySince: number | null = null;
  #shortRounds = 0;
  /** Where the ledger stood when the counting of its rows began. */
  #rowsPin = Number.POSITIVE_INFINITY;
  readonly #broken = new Map<AlarmKind, string>();
  #isCatchingUp = false;
  #repairs = 0;

  constructor(deps: PartitionCheckDeps) {
    this.#deps = deps;
    this.#truth = new LogTruth(deps);
  }

  get repairs(): number {
    return this.#repairs;
  }

  /** Whether tally and ledger have passed the scope's CLOSE in this partition. */
  hasPassedClose(scope: string): boolean {
    const close = this.#truth.closeOf(scope);
    return close !== null && this.#slowest() > close;
  }

  /** Compares tally and ledger windows once. Failures of log and stores end up in the report. */
  async check(): Promise<void> {
    this.#isCatchingUp = false;
    const [tally, ledger] = await Promise.all([this.#read('tally'), this.#read('ledger')]);
    const readable: readonly Account[] = [
      ...(tally === null ? [] : (['tally'] as const)),
      ...(ledger === null ? [] : (['ledger windows'] as const)),
    ];
    await this.#guard(readable, async () => {
      await this.#meetLog(tally, ledger);
      this.#truth.forgetBelow(Math.min(this.#slowest(), this.#rowsPin));
      if (ledger !== null) await this.#compare('ledger windows', ledger);
      if (tally !== null) await this.#compareTally(tally);
      this.#logAwaySince = null;
      this.#broken.delete('log_corrupt');
      this.#broken.delete('log_trimmed');
    });
  }

  /** The ledger's rows are about to be counted: keeps what will be needed to compare them. */
  expectRows(): void {
    this.#rowsPin = this.#watches.ledger.seen?.nextOffset ?? 0;
  }

  /** Compares what the ledger's rows came to. */
  async takeRows(rows: PartitionCounts): Promise<void> {
    this.#rowsPin = Number.POSITIVE_INFINITY;
    await this.#guard(['ledger rows'], async () => {
      await this.#compare('ledger rows', rows);
    });
  }

  /** The ledger's rows could not be counted. */
  missRows(error: unknown): void {
    this.#rowsPin = Number.POSITIVE_INFINITY;
    this.#findings.wait('ledger rows', `can not be counted: ${wordsOf(error)}`);
  }

  report(): PartitionReport {
    const { partition, clock } = this.#deps;
    const now = clock.monotonic();
    const { differences } = this.#findings;
    const waits = this.#findings.waits.map((wait) => `partition ${partition}, ${wait}`);
    const { tally, ledger } = this.#watches;
    const { expired } = this.#truth;
    return {
      partition,
      state: stateOf(differences, waits),
      start: this.#bounds?.start ?? null,
      end: this.#bounds?.end ?? null,
      tally: tally.seen?.nextOffset ?? null,
      ledger: ledger.seen?.nextOffset ?? null,
      folded: this.#truth.position,
      tallyLagMs: tally.lagMs(now),
      ledgerLagMs: ledger.lagMs(now),
      differences,
      waits,
      expired,
      alarms: alarmsOf({
        partition,
        bounds: this.#bounds,
        stores: [tally.facts('tally', now), ledger.facts('ledger', now)],
        logAwayMs: this.#logAwaySince === null ? null : now - this.#logAwaySince,
        differing: this.#findings.differing(now),
        expired,
        broken: [...this.#broken].map(([kind, words]) => ({ kind, words })),
      }),
      isCatchingUp: this.#isCatchingUp,
    };
  }

  #slowest(): number {
    const { tally, ledger } = this.#watches;
    return Math.min(tally.seen?.nextOffset ?? 0, ledger.seen?.nextOffset ?? 0);
  }

  async #read(name: StoreName): Promise<PartitionCounts | null> {
    const { partition, clock, onTrouble } = this.#deps;
    const watch = this.#watches[name];
    try {
      return await this.#deps[name].read(partition);
    } catch (error) {
      if (watch.awayMs(clock.monotonic()) === null) onTrouble(error);
      watch.miss(clock.monotonic());
      const account = name === 'tally' ? 'tally' : 'ledger windows';
      this.#findings.wait(account, `can not be read: ${wordsOf(error)}`);
      return null;
    }
  }

  /** Reads the log's bounds, and looks whether this still is the log that was folded. */
  async #meetLog(tally: PartitionCounts | null, ledger: PartitionCounts | null): Promise<void> {
    const { log, partition, clock } = this.#deps;
    const bounds = await log.bounds(partition);
    this.#bounds = bounds;
    const now = clock.monotonic();
    if (tally !== null) this.#watches.tally.see(tally.checkpoint, bounds.end, now);
    if (ledger !== null) this.#watches.ledger.see(ledger.checkpoint, bounds.end, now);
    const { position } = this.#truth;
    this.#shortRounds = bounds.end < position ? this.#shortRounds + 1 : 0;
    if (this.#shortRounds === 0) await this.#truth.verify();
    if (this.#shortRounds >= SHORT_ROUNDS) {
      const how = `it ends at ${bounds.end}, and was read up to ${position}`;
      throw new ApuraError('log_rewound', `Partition ${partition} of the log was rewound: ${how}.`);
    }
  }

  /** What the account differs in from the log at its own offset; null where that is not known. */
  async #compare(account: Account, held: PartitionCounts): Promise<readonly Difference[] | null> {
    const { partition, clock } = this.#deps;
    const at = held.checkpoint.nextOffset;
    const end = await this.#endFor(at);
    if (at > end) {
      const differences = [aboveEnd(partition, end, at)];
      this.#findings.found(account, differences, clock.monotonic());
      return differences;
    }
    const reach = await this.#truth.advanceTo(at, this.#deps.foldBytesMax ?? FOLD_BYTES_MAX);
    const expected = this.#truth.countsAt(at);
    if (expected === null) {
      this.#noteUnknown(account, at, reach);
      return null;
    }
    const differences = [
      ...compareCheckpoints(partition, expected.checkpoint, held.checkpoint),
      ...compareCounts(partition, expected, held),
    ];
    this.#findings.found(account, differences, clock.monotonic());
    return differences;
  }

  /** The log's end, asked for again where a store read since has passed it. */
  async #endFor(offset: number): Promise<number> {
    const { log, partition } = this.#deps;
    if (this.#bounds === null || offset > this.#bounds.end) {
      this.#bounds = await log.bounds(partition);
    }
    return this.#bounds.end;
  }

  #noteUnknown(account: Account, at: number, reach: Reach): void {
    const { base, position } = this.#truth;
    if (reach === 'reached') {
      this.#findings.restart(account, `at block ${at}: its counts are known from ${base} on`);
      return;
    }
    this.#isCatchingUp ||= reach === 'more';
    const why =
      reach === 'more'
        ? 'sync is on its way'
        : `another store is ${at - base} blocks behind, at ${this.#slowest()}`;
    this.#findings.wait(account, `at block ${at}: the log is folded up to ${position}; ${why}`);
  }

  async #compareTally(first: PartitionCounts): Promise<void> {
    let held = first;
    for (let tries = 0; tries <= REPAIR_TRIES_MAX; tries += 1) {
      const differences = await this.#compare('tally', held);
      if (differences === null || differences.length === 0) return;
      // The log itself may be what is wrong: whoever restored it decides.
      if (differences.some(isOfOtherLog)) return;
      if (tries > 0 && (await this.#repair(held.checkpoint.nextOffset, differences))) return;
      const again = await this.#read('tally');
      if (again === null) return;
      held = again;
    }
  }

  /** Puts the truth in the tally's place if it still stands there. True: nothing more to try now. */
  async #repair(nextOffset: number, differences: readonly Difference[]): Promise<boolean> {
    const { tally, partition, onRepair, onTrouble } = this.#deps;
    const truth = this.#truth.countsAt(nextOffset);
    if (truth === null) return true;
    try {
      if (!(await tally.replace(partition, nextOffset, truth))) return false;
    } catch (error) {
      onTrouble(error);
      return true;
    }
    this.#repairs += 1;
    onRepair({ partition, nextOffset, differences });
    return true;
  }

  /** Compares, and tells what the log does not give; a store's own failures are met elsewhere. */
  async #guard(accounts: readonly Account[], compare: () => Promise<void>): Promise<void> {
    try {
      await compare();
    } catch (error) {
      this.#noteLog(error);
      for (const account of accounts) {
        this.#findings.wait(account, `the log can not be read: ${wordsOf(error)}`);
      }
    }
  }

  #noteLog(error: unknown): void {
    const { clock, onTrouble } = this.#deps;
    const code = error instanceof ApuraError ? error.code : null;
    const isBroken = code === 'log_rewound' || code === 'log_corrupt' || code === 'log_trimmed';
    const isNew = isBroken ? !this.#broken.has(code) : this.#logAwaySince === null;
    if (isNew) onTrouble(error);
    if (isBroken) this.#broken.set(code, wordsOf(error));
    else this.#logAwaySince ??= clock.monotonic();
    // The fold is of a log that is gone: what the stores differ in from the new one, a new fold tells.
    if (code === 'log_rewound') this.#truth = new LogTruth(this.#deps);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
