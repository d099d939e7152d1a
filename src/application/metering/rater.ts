/**
 * Rating: reckons the charges of every tenant whose usage or prices have changed, opens billing periods and
 * makes them final. Several may run: whoever comes second meets a conflict, and looks again.
 */
import { billingPeriods } from '../../domain/metering/billing-period.ts';
import { periodKey } from '../../domain/metering/charge-order.ts';
import type { Contract, ListPrice, UsageThreshold } from '../../domain/metering/contract.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DueRating, PeriodRecord, RatingBook } from '../../ports/rating-book.ts';
import type { CatalogueView } from './catalogue-view.ts';
import { type ReckoningDeps, reckon } from './reckoning.ts';

export interface RaterDeps extends ReckoningDeps {
  readonly book: RatingBook;
  readonly view: Pick<CatalogueView, 'all' | 'get' | 'revision'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What one turn of rating did. */
export interface RatingTurn {
  readonly rated: number;
  /** Somebody else was quicker, or changed something meanwhile: to be looked at again. */
  readonly conflicts: number;
  readonly finished: number;
}

/** Tenants, and periods to finish, that one turn takes at most. */
export const TENANTS_AT_ONCE_MAX = 100;
const END_OF_TIME = Date.UTC(10_000, 0);

type Terms = {
  readonly contracts: ReadonlyMap<string, Contract>;
  readonly prices: ReadonlyMap<string, ListPrice>;
  readonly thresholds: ReadonlyMap<string, UsageThreshold>;
};

export class Rater {
  readonly #deps: RaterDeps;
  /** The terms that the tenants' due marks are up to; null before the first turn. */
  #terms: Terms | null = null;
  #revision = -1;

  constructor(deps: RaterDeps) {
    this.#deps = deps;
  }

  /** Does what is to be done now, a bounded part of it. */
  async turn(signal: AbortSignal): Promise<RatingTurn> {
    await this.#followTerms();
    const turn = { rated: 0, conflicts: 0, finished: 0 };
    const due = await this.#deps.book.due(TENANTS_AT_ONCE_MAX);
    for (const each of due) {
      if (signal.aborted) return turn;
      const stored = await this.#rate(each);
      if (stored) turn.rated += 1;
      else turn.conflicts += 1;
    }
    if (due.length < TENANTS_AT_ONCE_MAX && !signal.aborted) turn.finished = await this.#finish();
    return turn;
  }

  async #rate(due: DueRating): Promise<boolean> {
    const { tenant, from, to } = due;
    const now = this.#deps.clock.now();
    const nothing = new Set<string>();
    const { change } = await reckon(this.#deps, { tenant, from, to, now, due, finish: nothing });
    return (await this.#deps.book.putCharges(change)) === 'stored';
  }

  /**
   * Makes every tenant due whose terms have changed since the last turn. At the first turn nobody knows
   * what has changed while no rater ran: every tenant with a contract is.
   */
  async #followTerms(): Promise<void> {
    const { view } = this.#deps;
    if (view.revision === this.#revision && this.#terms !== null) return this.#openPeriods();
    const { revision } = view;
    const terms = termsOf(view);
    const before = this.#terms ?? { ...NO_TERMS };
    for (const [contract, other] of changed(before.contracts, terms.contracts)) {
      await this.#makeDue([contract, other]);
    }
    for (const [price, other] of changed(before.prices, terms.prices)) {
      for (const each of [price, other]) {
        if (each !== undefined) await this.#makeAllDue(each.validFrom, each.validTo);
      }
    }
    for (const [threshold, other] of changed(before.thresholds, terms.thresholds)) {
      await this.#makeThresholdDue(other ?? threshold);
    }
    this.#terms = terms;
    this.#revision = revision;
    await this.#openPeriods();
  }

  /** From the earliest instant that either version of a contract says anything of, to the latest. */
  async #makeDue(versions: readonly (Contract | undefined)[]): Promise<void> {
    const known = versions.filter((contract) => contract !== undefined);
    const [first] = known;
    if (first === undefined) return;
    const now = this.#deps.clock.now();
    const from = Math.min(...known.map(({ validFrom }) => validFrom));
    const to = Math.max(...known.map(({ validTo }) => validTo ?? now));
    await this.#due(first.tenant, from, Math.min(to, now));
  }

  async #makeAllDue(validFrom: number, validTo: number | null): Promise<void> {
    const { book, clock } = this.#deps;
    const to = Math.min(validTo ?? END_OF_TIME, clock.now() + USAGE_WINDOW_MS);
    if (validFrom >= to) return;
    for (const tenant of await book.tenants(validFrom, to)) await this.#due(tenant, validFrom, to);
  }

  async #makeThresholdDue(threshold: UsageThreshold | undefined): Promise<void> {
    if (threshold === undefined) return;
    const now = this.#deps.clock.now();
    await this.#due(threshold.tenant, now, now);
  }

  /** Whole usage windows, one at least. */
  async #due(tenant: string, from: number, to: number): Promise<void> {
    const start = usageWindowOf(from);
    const end = Math.max(start, usageWindowOf(to)) + USAGE_WINDOW_MS;
    await this.#deps.book.makeDue(tenant, start, end);
  }

  /** A period has its lines (minimums) and its place in statements from its beginning, also without usage. */
  async #openPeriods(): Promise<void> {
    const { book, clock } = this.#deps;
    const now = clock.now();
    for (const contract of this.#terms?.contracts.values() ?? []) {
      const [period] = billingPeriods(contract, now, now + 1);
      if (period === undefined) continue;
      const known = await book.periods(contract.tenant, period.from, period.from + 1);
      if (known.some((record) => periodKey(record) === periodKey(period))) continue;
      await this.#due(contract.tenant, period.from, period.from);
    }
  }

  /** Closes periods that are over, and makes those final whose grace time is over, too. */
  async #finish(): Promise<number> {
    const { book, clock } = this.#deps;
    const now = clock.now();
    let finished = 0;
    const over = await book.periodsToFinish(now, TENANTS_AT_ONCE_MAX);
    for (const period of over) {
      const isFinal = now >= period.to + this.#graceOf(period);
      if (!isFinal && period.state === 'closing') continue;
      const { tenant, from, to } = period;
      const finish = new Set(isFinal ? [periodKey(period)] : []);
      const { change } = await reckon(this.#deps, { tenant, from, to, now, due: null, finish });
      const stored = await book.putCharges(change);
      if (isFinal && stored === 'stored') finished += 1;
    }
    return finished;
  }

  #graceOf({ contract }: PeriodRecord): number {
    return this.#deps.view.get('contract', contract)?.graceMs ?? 0;
  }
}

const NO_TERMS: Terms = { contracts: new Map(), prices: new Map(), thresholds: new Map() };

function termsOf(view: Pick<CatalogueView, 'all'>): Terms {
  const byId = <T extends { readonly id: string }>(entries: readonly T[]): Map<string, T> =>
    new Map(entries.map((entry) => [entry.id, entry]));
  return {
    contracts: byId(view.all('contract')),
    prices: byId(view.all('price')),
    thresholds: byId(view.all('threshold')),
  };
}

/** Entries that are new, gone, or of another version: as they were, and as they are. */
function changed<T extends { readonly version: number }>(
  before: ReadonlyMap<string, T>,
  now: ReadonlyMap<string, T>,
): readonly (readonly [T | undefined, T | undefined])[] {
  const ids = new Set([...before.keys(), ...now.keys()]);
  return [...ids].flatMap((id) => {
    const [old, young] = [before.get(id), now.get(id)];
    return old?.version === young?.version ? [] : [[old, young] as const];
  });
}
