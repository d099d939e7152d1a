/**
 * Rating: reckons the charges of every tenant whose usage or prices have changed, opens billing periods and
 * makes them final. Several may run: whoever comes second meets a conflict, and looks again.
 */
import { ApuraError } from '../../domain/errors.ts';
import { billingPeriods } from '../../domain/metering/billing-period.ts';
import { periodKey } from '../../domain/metering/charge-order.ts';
import type { Contract, ListPrice, UsageThreshold } from '../../domain/metering/contract.ts';
import { FUTURE_MS_MAX } from '../../domain/metering/pulse.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PeriodRecord, RatingBook } from '../../ports/rating-book.ts';
import type { CatalogueView } from './catalogue-view.ts';
import { type ReckoningDeps, type ReckoningInput, reckon } from './reckoning.ts';

export interface RaterDeps extends ReckoningDeps {
  readonly book: RatingBook;
  readonly view: Pick<CatalogueView, 'all' | 'get' | 'revision' | 'refresh'>;
  readonly clock: Clock;
  /** Told of a tenant that can not be rated as things are; the others are, and it stays due. */
  readonly onTrouble: (tenant: string, error: unknown) => void;
}

/** What one turn of rating did. */
export interface RatingTurn {
  readonly rated: number;
  /** Somebody else was quicker, or changed something meanwhile: to be looked at again. */
  readonly conflicts: number;
  /** Tenants that can not be rated as things are. */
  readonly failed: number;
  readonly finished: number;
}

/** Tenants that one turn takes at most, and periods that it closes or finishes. */
export const TENANTS_AT_ONCE_MAX = 100;
/** Periods that are over and not final, of all tenants, that one look takes in: those that wait are among them. */
const PERIODS_LOOK_MAX = 10_000;
/** How long a period may be over before anybody looks, ms. */
const FINISH_EVERY_MS = 60_000;
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
  /** By contract: until when its period is known to be open. */
  readonly #openUntil = new Map<string, number>();
  #looksAgainAt = 0;

  constructor(deps: RaterDeps) {
    this.#deps = deps;
  }

  /**
   * Does what is to be done now, a bounded part of it; nothing while the view has never been read: without
   * contracts every charge would be gone.
   *
   * @throws as the book, and as the view's refresh where the catalogue is away.
   */
  async turn(signal: AbortSignal): Promise<RatingTurn> {
    const turn = { rated: 0, conflicts: 0, failed: 0, finished: 0 };
    if (this.#deps.view.revision < 0) return turn;
    await this.#followTerms();
    const due = await this.#deps.book.due(TENANTS_AT_ONCE_MAX);
    for (const each of due) {
      if (signal.aborted) return turn;
      const { tenant, from, to } = each;
      const input = { tenant, from, to, due: each, finish: new Set<string>() };
      turn[COUNTED_AS[await this.#reckon(input)]] += 1;
    }
    if (due.length < TENANTS_AT_ONCE_MAX) turn.finished = await this.#finish(signal);
    return turn;
  }

  async #reckon(input: Omit<ReckoningInput, 'now'>): Promise<'stored' | 'conflict' | 'failed'> {
    const { book, clock, onTrouble } = this.#deps;
    try {
      const { change } = await reckon(this.#deps, { ...input, now: clock.now() });
      return await book.putCharges(change);
    } catch (error) {
      // The store's failures are everybody's; any other is this tenant's alone, as its many series are.
      if (error instanceof ApuraError && error.code !== 'too_many_rows') throw error;
      onTrouble(input.tenant, error);
      return 'failed';
    }
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
    const before = this.#terms;
    for (const versions of changed(before?.contracts ?? NONE, terms.contracts)) {
      await this.#makeDue(versions);
    }
    // At the first turn every tenant that could pay a price is due by its contract.
    for (const versions of before === null ? [] : changed(before.prices, terms.prices)) {
      for (const { validFrom, validTo } of versions) await this.#makeAllDue(validFrom, validTo);
    }
    for (const versions of changed(before?.thresholds ?? NONE, terms.thresholds)) {
      await this.#makeThresholdDue(versions);
    }
    this.#terms = terms;
    this.#revision = revision;
    this.#openUntil.clear();
    await this.#openPeriods();
  }

  /** From the earliest instant that either version of a contract says anything of, to the latest. */
  async #makeDue(versions: readonly Contract[]): Promise<void> {
    const now = this.#deps.clock.now();
    const from = Math.min(...versions.map(({ validFrom }) => validFrom));
    const to = Math.max(...versions.map(({ validTo }) => validTo ?? END_OF_TIME));
    // What is all to come has neither usage nor an open period yet.
    if (from > now) return;
    for (const tenant of new Set(versions.map((contract) => contract.tenant))) {
      await this.#due(tenant, from, Math.min(to, now + FUTURE_MS_MAX));
    }
  }

  async #makeAllDue(validFrom: number, validTo: number | null): Promise<void> {
    const { book, clock } = this.#deps;
    const to = Math.min(validTo ?? END_OF_TIME, clock.now() + FUTURE_MS_MAX);
    if (validFrom >= to) return;
    for (const tenant of await book.tenants(validFrom, to)) await this.#due(tenant, validFrom, to);
  }

  async #makeThresholdDue(versions: readonly UsageThreshold[]): Promise<void> {
    const now = this.#deps.clock.now();
    for (const { tenant } of versions) await this.#due(tenant, now, now);
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
      if (now < (this.#openUntil.get(contract.id) ?? 0)) continue;
      const [period] = billingPeriods(contract, now, now + 1);
      if (period === undefined) continue;
      const known = await book.periods(contract.tenant, period.from, period.from + 1);
      if (known.some((record) => periodKey(record) === periodKey(period))) {
        this.#openUntil.set(contract.id, period.to);
      } else {
        await this.#due(contract.tenant, period.from, period.from);
      }
    }
  }

  /** Closes periods that are over, and makes those final whose grace time is over, too. */
  async #finish(signal: AbortSignal): Promise<number> {
    const { book, clock } = this.#deps;
    const now = clock.now();
    if (clock.monotonic() < this.#looksAgainAt) return 0;
    const over = await book.periodsToFinish(now, PERIODS_LOOK_MAX);
    const isFinal = (period: PeriodRecord): boolean => now >= period.to + this.#graceOf(period);
    const waiting = over.filter((period) => isFinal(period) || period.state !== 'closing');
    let finished = 0;
    let left = waiting.length;
    for (const period of waiting.slice(0, TENANTS_AT_ONCE_MAX)) {
      if (signal.aborted) return finished;
      const { tenant, from, to } = period;
      const finish = new Set(isFinal(period) ? [periodKey(period)] : []);
      const stored = await this.#reckon({ tenant, from, to, due: null, finish });
      if (stored !== 'conflict') left -= 1;
      if (stored === 'stored') finished += finish.size;
    }
    if (left === 0) this.#looksAgainAt = clock.monotonic() + FINISH_EVERY_MS;
    return finished;
  }

  #graceOf({ contract }: PeriodRecord): number {
    return this.#deps.view.get('contract', contract)?.graceMs ?? 0;
  }
}

const COUNTED_AS = { stored: 'rated', conflict: 'conflicts', failed: 'failed' } as const;
const NONE: ReadonlyMap<string, never> = new Map<string, never>();

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
): readonly (readonly T[])[] {
  const ids = new Set([...before.keys(), ...now.keys()]);
  return [...ids]
    .map((id) => [before.get(id), now.get(id)])
    .filter(([old, young]) => old?.version !== young?.version)
    .map((versions) => versions.filter((entry) => entry !== undefined));
}
