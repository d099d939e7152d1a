/** The reconciliation light: compares the stores again and again, and remembers what it saw last. */
import type { Clock } from '../../ports/clock.ts';
import type { Difference } from './compare-counts.ts';
import { type MovingStore, reconcile } from './reconcile.ts';

export interface Consistency {
  /** `checking` until the first comparison of every partition has ended. */
  readonly state: 'consistent' | 'different' | 'checking';
  /** When the newest comparison of all partitions ended, ms since the Unix epoch. */
  readonly checkedAt: number | null;
  /** The first differences in words; null where there are none. */
  readonly detail: string | null;
  readonly differences: number;
}

export interface ConsistencyWatchDeps {
  readonly tally: MovingStore;
  readonly ledger: MovingStore;
  readonly partitions: number;
  readonly clock: Clock;
}

/** Stores that pass each other are asked again at once, this often at most. */
const TRIES_MAX = 5;
const SHOWN_MAX = 3;

export class ConsistencyWatch {
  readonly #deps: ConsistencyWatchDeps;
  #newest: Consistency = { state: 'checking', checkedAt: null, detail: null, differences: 0 };

  constructor(deps: ConsistencyWatchDeps) {
    this.#deps = deps;
  }

  get newest(): Consistency {
    return this.#newest;
  }

  /** Compares every partition once. Where the stores could not be brought together, nothing changes. */
  async check(): Promise<Consistency> {
    const differences: Difference[] = [];
    for (let partition = 0; partition < this.#deps.partitions; partition += 1) {
      const found = await this.#compare(partition);
      if (found === null) return this.#newest;
      differences.push(...found);
    }
    this.#newest = {
      state: differences.length === 0 ? 'consistent' : 'different',
      checkedAt: this.#deps.clock.now(),
      detail: differences.length === 0 ? null : describe(differences),
      differences: differences.length,
    };
    return this.#newest;
  }

  async #compare(partition: number): Promise<readonly Difference[] | null> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { tally, ledger } = this.#deps;
      const outcome = await reconcile(partition, tally, ledger);
      if (outcome.kind === 'consistent') return [];
      if (outcome.kind === 'different') return outcome.differences;
    }
    return null;
  }
}

/** The first differences in words: which partition, poll and count, and what each store says. */
export function describe(differences: readonly Difference[]): string {
  const shown = differences.slice(0, SHOWN_MAX).map(describeOne);
  const more = differences.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ');
}

function describeOne({ partition, scope, what, expected, found }: Difference): string {
  return `partition ${partition}, poll ${scope}, ${what}: ${expected} expected, ${found} found`;
}
