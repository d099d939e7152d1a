/** Rating as it runs, on the memory adapters: terms and usage go in, charges come out, time is turned by hand. */
import { createHash } from 'node:crypto';
import { ManualClock } from '../../src/adapters/memory/clock.ts';
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../src/adapters/memory/metering-catalogue.ts';
import { MemoryRatingBook, MemoryRatingStore } from '../../src/adapters/memory/rating-book.ts';
import { CatalogueView } from '../../src/application/metering/catalogue-view.ts';
import { Rater, type RatingTurn } from '../../src/application/metering/rater.ts';
import {
  type Decimal,
  formatDecimal,
  parseDecimal,
  ZERO,
} from '../../src/domain/counting/decimal.ts';
import { amountOf } from '../../src/domain/metering/amount.ts';
import { decodeEntry, encodeEntry } from '../../src/domain/metering/catalogue-codec.ts';
import type { Charge } from '../../src/domain/metering/charge.ts';
import type { Contract, ListPrice, UsageThreshold } from '../../src/domain/metering/contract.ts';
import type { Price } from '../../src/domain/metering/price.ts';
import type { CatalogueEntries, EntryKind } from '../../src/ports/metering-catalogue.ts';
import type { RatingBook } from '../../src/ports/rating-book.ts';
import { usageRecord } from './rating-samples.ts';

export const END_OF_TIME = Date.UTC(9999, 0);
const NEVER = new AbortController().signal;

/** `2026-03-05`, or with a time of the day, in UTC. */
export function at(text: string): number {
  return Date.parse(text.includes('T') ? `${text}Z` : `${text}T00:00:00Z`);
}

export function decimal(text: string): Decimal {
  const read = parseDecimal(text);
  if (read === null) throw new Error(`${text} is no decimal`);
  return read;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function priceOf(sku: string, unitPrice: string, more: Partial<Price> = {}): Price {
  return {
    sku,
    unit: 'GiB',
    currency: 'EUR',
    model: { model: 'per_unit', unitPrice: decimal(unitPrice) },
    conversion: null,
    freeUnits: ZERO,
    minimum: null,
    maximum: null,
    discountPercent: ZERO,
    ...more,
  };
}

export function listPrice(
  id: string,
  price: Price,
  validFrom = '2026-01-01',
  validTo: string | null = null,
): Omit<ListPrice, 'version'> {
  const end = validTo === null ? null : at(validTo);
  return { ...price, id, validFrom: at(validFrom), validTo: end, createdAt: 0 };
}

export function contract(
  id: string,
  more: Partial<Omit<Contract, 'version'>> = {},
): Omit<Contract, 'version'> {
  return {
    id,
    tenant: 'acme',
    currency: 'EUR',
    validFrom: at('2026-01-01'),
    validTo: null,
    timeZone: 'UTC',
    graceMs: 3 * 86_400_000,
    prices: [],
    createdAt: 0,
    ...more,
  };
}

export function threshold(
  id: string,
  sku: string,
  amount: string,
): Omit<UsageThreshold, 'version'> {
  return { id, tenant: 'acme', sku, unit: 'GiB', amount: decimal(amount), createdAt: 0 };
}

export class RatingRoom {
  readonly clock: ManualClock;
  readonly catalogue = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  readonly book: MemoryRatingBook;
  readonly view: CatalogueView;
  readonly rater: Rater;
  readonly troubles: { readonly tenant: string; readonly error: unknown }[] = [];
  #version = 0;

  constructor(now: string, store: MemoryRatingStore = new MemoryRatingStore('usage-log')) {
    this.clock = new ManualClock(at(now));
    this.book = new MemoryRatingBook(store);
    this.view = this.newView();
    this.rater = this.newRater(this.view);
  }

  newView(): CatalogueView {
    const { catalogue, clock } = this;
    return new CatalogueView({ catalogue, clock, decode: decodeEntry });
  }

  newRater(view: CatalogueView, book: RatingBook = this.book): Rater {
    const onTrouble = (tenant: string, error: unknown): void => {
      this.troubles.push({ tenant, error });
    };
    return new Rater({ book, view, clock: this.clock, digest, onTrouble });
  }

  /** Puts the entry's next version. */
  async put<Kind extends Exclude<EntryKind, 'product'>>(
    kind: Kind,
    entry: Omit<CatalogueEntries[Kind], 'version'> & { readonly id: string },
  ): Promise<void> {
    const { id } = entry;
    const before = (await this.catalogue.history(kind, id))[0]?.version ?? 0;
    // All of the entry but its version was given.
    const whole = { ...entry, version: before + 1 } as unknown as CatalogueEntries[Kind];
    await this.catalogue.put({
      ...{ kind, id, tenant: null, expectedVersion: before, expectedRevision: null },
      body: encodeEntry(kind, whole),
      act: { at: 0, actor: 'operator', act: 'put', kind, id, tenant: null, detail: null },
    });
  }

  /** What acme has used in the usage window that begins `when`, in place of what was said before. */
  async use(sku: string, when: string, amount: string, count = 1, tenant = 'acme'): Promise<void> {
    this.#version += 1;
    const sum = amountOf(decimal(amount));
    const place = { tenant, sku, unit: 'GiB', start: at(when) };
    await this.book.accept([usageRecord({ ...place, sum, count, version: this.#version })]);
  }

  /** Turns of rating until there is nothing left to do. */
  async rate(rater: Rater = this.rater, view: CatalogueView = this.view): Promise<RatingTurn> {
    await view.refresh();
    const total = { rated: 0, conflicts: 0, failed: 0, finished: 0 };
    for (let turns = 0; turns < 20; turns += 1) {
      const turn = await rater.turn(NEVER);
      total.rated += turn.rated;
      total.conflicts += turn.conflicts;
      total.failed += turn.failed;
      total.finished += turn.finished;
      if (turn.rated + turn.conflicts + turn.finished === 0) return total;
    }
    throw new Error('Rating never comes to rest');
  }

  /** Lets it be this day, and rates. */
  async until(day: string): Promise<void> {
    this.clock.advance(at(day) - this.clock.now());
    await this.rate();
  }

  async charges(tenant: string | null = 'acme'): Promise<readonly Charge[]> {
    return (await this.book.charges({ tenant, from: 0, to: END_OF_TIME }, null, 1_000)).charges;
  }

  /** Every charge in a line of words, in their order. */
  async told(): Promise<readonly string[]> {
    return (await this.charges()).map((charge) => {
      const { kind, period, series, quantity, rounded, currency, adjusts } = charge;
      const what = kind === 'usage' ? series.sku : `${series.sku} for ${dayOf(adjusts?.from ?? 0)}`;
      const sum = `${formatDecimal(quantity)} = ${formatDecimal(rounded)} ${currency}`;
      return `${period.contract} ${dayOf(period.from)}: ${what} ${sum}`;
    });
  }

  async unpriced(): Promise<readonly string[]> {
    const found = await this.book.unpriced({ tenant: 'acme', from: 0, to: END_OF_TIME }, 999);
    return found.map(
      ({ series, quantity, reason }) => `${series.sku} ${formatDecimal(quantity)} ${reason}`,
    );
  }

  async periods(): Promise<readonly string[]> {
    const found = await this.book.periods('acme', 0, END_OF_TIME);
    return found.map(
      ({ contract, from, to, state }) => `${contract} ${dayOf(from)}/${dayOf(to)} ${state}`,
    );
  }

  async events(): Promise<readonly string[]> {
    const found = await this.book.events('acme', 100);
    return found.map(
      ({ threshold, period, amount }) => `${threshold} ${dayOf(period.from)} ${amount}`,
    );
  }
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(5, 10);
}
