/**
 * Counts the ledger's rows, one partition after another, for a bounded share of the time: a small ledger
 * wholly in every round, a large one over as many rounds as that takes.
 */
import type { Clock } from '../../ports/clock.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';

/** Of wall time: how much counting the rows may cost the ledger's store. */
const RECOUNT_DUTY = 0.25;
/** Credit for idle time is kept up to this much, ms. */
const CREDIT_MAX_MS = 1_000;
/** How long a round waits for counting to end, ms; it goes on beside the following rounds. */
const PATIENCE_MS = 1_000;

export interface RowRotationDeps {
  readonly partitions: number;
  /** As Ledger.recount. */
  readonly recount: (partition: number) => Promise<PartitionCounts>;
  readonly clock: Clock;
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface RowTaker {
  /** Before a partition's rows are counted. */
  expectRows(): void;
  takeRows(rows: PartitionCounts): Promise<void>;
  missRows(error: unknown): void;
}

type Outcome = { readonly rows: PartitionCounts } | { readonly error: unknown };

interface Counting {
  readonly partition: number;
  readonly outcome: Promise<Outcome>;
}

export class RowRotation {
  readonly #deps: RowRotationDeps;
  #next = 0;
  #pending: Counting | null = null;
  /** What may still be spent, ms; below 0 until a long counting is paid for. Enough for a first look. */
  #credit = CREDIT_MAX_MS;
  #creditedAt: number;
  #startedAt: number;
  #rotationMs: number | null = null;

  constructor(deps: RowRotationDeps) {
    this.#deps = deps;
    this.#creditedAt = deps.clock.monotonic();
    this.#startedAt = this.#creditedAt;
  }

  /** How long the newest rotation over all partitions took, ms; null before the first has ended. */
  get rotationMs(): number | null {
    return this.#rotationMs;
  }

  /** One round's share: every partition once at most. `takers` are told by partition. Never throws. */
  async spend(takers: readonly RowTaker[]): Promise<void> {
    const { clock, sleep, partitions } = this.#deps;
    const now = clock.monotonic();
    const earned = (now - this.#creditedAt) * RECOUNT_DUTY;
    this.#credit = Math.min(CREDIT_MAX_MS, this.#credit + earned);
    this.#creditedAt = now;
    const patience = new AbortController();
    const outOfPatience = sleep(PATIENCE_MS, patience.signal).then(() => null);
    for (let turn = 0; turn < partitions; turn += 1) {
      const counting = this.#pending ?? this.#begin(takers);
      if (counting === null) break;
      const outcome = await Promise.race([counting.outcome, outOfPatience]);
      if (outcome === null) break;
      this.#pending = null;
      const taker = takers[counting.partition];
      if ('rows' in outcome) await taker?.takeRows(outcome.rows);
      else taker?.missRows(outcome.error);
      this.#endTurn();
    }
    patience.abort();
    await outOfPatience;
  }

  #begin(takers: readonly RowTaker[]): Counting | null {
    if (this.#credit < 0) return null;
    const { recount, clock } = this.#deps;
    const partition = this.#next;
    const startedAt = clock.monotonic();
    if (partition === 0) this.#startedAt = startedAt;
    takers[partition]?.expectRows();
    const outcome = recount(partition)
      .then(
        (rows): Outcome => ({ rows }),
        (error: unknown): Outcome => ({ error }),
      )
      .finally(() => {
        this.#credit -= clock.monotonic() - startedAt;
      });
    this.#pending = { partition, outcome };
    return this.#pending;
  }

  #endTurn(): void {
    const { partitions, clock } = this.#deps;
    this.#next = (this.#next + 1) % partitions;
    if (this.#next === 0) this.#rotationMs = clock.monotonic() - this.#startedAt;
  }
}
